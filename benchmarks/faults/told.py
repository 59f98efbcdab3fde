"""What Nightproof told of a night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightproof.checks.finding import Finding, Findings
from nightproof.results import ModelResults
from nightproof.validation import Validation
from nightproof.verdict import PAGES, Incident, Verdict


@dataclass(frozen=True)
class Told:
    """A night's verdict, and what it stands on."""

    night: str
    verdict: Verdict
    validation: Validation
    findings: tuple[Finding, ...]

    @property
    def pages(self) -> tuple[Incident, ...]:
        """Incidents that somebody was told of because something is wrong."""
        return tuple(incident for incident in self.verdict.incidents if incident.event in PAGES)

    @property
    def is_uneasy(self) -> bool:
        """Whether something is open, or was told, or the night was quarantined."""
        ended = any(incident.event == "recovered" for incident in self.verdict.incidents)
        return ended or self.verdict.status == "quarantined" or any(i.is_open for i in self.verdict.incidents)

    @property
    def broken(self) -> tuple[str, ...]:
        """Columns whose critical expectations failed."""
        return tuple(e.column for e in self.validation.failed("critical") if e.column)

    @property
    def moved(self) -> tuple[str, ...]:
        """Columns that the drift family would have somebody look at, the strongest first."""
        seen = [f.column for f in self.findings if f.check == "drift" and f.status in ("watch", "regression")]
        return tuple(dict.fromkeys(column for column in seen if column))


def read_all(results: ModelResults) -> Iterator[Told]:
    """The latest evaluation of every night, nights rising."""
    for night, entry in results.log.latest().items():
        yield read(results, night, entry.evaluation_id)


def read(results: ModelResults, night: str, evaluation_id: str) -> Told:
    """One evaluation's record."""
    dossier = results.dossier(night, evaluation_id)
    names = ("verdict.json", "validation.json", "findings.json")
    verdict, validation, findings = ((dossier.read(name), dossier.url(name)) for name in names)
    return Told(
        night=night,
        verdict=Verdict.from_bytes(verdict[0], name=verdict[1]),
        validation=Validation.from_bytes(validation[0], name=validation[1]),
        findings=Findings.from_bytes(findings[0], name=findings[1]).all,
    )
