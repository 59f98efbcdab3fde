"""One night's line on the board: what its latest evaluation came to, without its numbers."""

from __future__ import annotations

from nightproof.manifest import LogEntry, Manifest
from nightproof.record import Record
from nightproof.snapshot import LabelState
from nightproof.validation import Validation
from nightproof.verdict import Incident, Verdict, VerdictStatus


class NightLine(Record):
    """The latest evaluation of one night."""

    night: str
    evaluation_id: str
    number: int
    """Of its entry in the log."""
    status: VerdictStatus
    headline: str
    labels: LabelState
    known_at: str
    """UTC instant at which its data was listed; empty in records of the first versions."""
    evaluated_at: str
    """UTC instant of publishing."""
    rows: int | None
    labelled: int | None
    version: str | None
    """The model's version that made most of its predictions."""
    validation: str
    """Outcome of the validation: `passed`, `quarantined`, `skipped` and so on."""
    failed: int
    """Expectations that failed."""
    regressions: int
    watches: int
    insufficient: int
    blind_nights: int
    incidents: tuple[Incident, ...]
    evaluations: int
    """How often the night has been evaluated."""
    has_report: bool
    has_data_docs: bool

    @classmethod
    def of(
        cls,
        entry: LogEntry,
        *,
        manifest: Manifest,
        verdict: Verdict,
        validation: Validation,
        version: str | None,
        evaluations: int,
    ) -> NightLine:
        """The line of one evaluation."""
        return cls(
            night=entry.night,
            evaluation_id=entry.evaluation_id,
            number=entry.number,
            status=entry.status,
            headline=verdict.headline,
            labels=entry.labels,
            known_at=manifest.known_at,
            evaluated_at=manifest.evaluated_at,
            rows=manifest.rows,
            labelled=manifest.labelled,
            version=version,
            validation=validation.outcome,
            failed=len(validation.failed()),
            regressions=verdict.regressions,
            watches=verdict.watches,
            insufficient=verdict.insufficient,
            blind_nights=verdict.blind_nights,
            incidents=verdict.incidents,
            evaluations=evaluations,
            has_report="report.html.gz" in manifest.files,
            has_data_docs="data_docs.html.gz" in manifest.files,
        )
