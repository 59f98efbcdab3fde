"""Publish: the manifest last, then the log. Until then, the night does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from nightproof.dossier import Dossier
from nightproof.evaluation import Evaluation, environment
from nightproof.log import Log
from nightproof.manifest import LogEntry, Manifest, StoredFile

Sign = Callable[[LogEntry, bytes], None]
"""Signs an entry, given its bytes, unless it is signed."""
FILES = [
    "snapshot.json",
    "suite.json",
    "validation.json",
    "data_docs.html.gz",
    "profile.parquet",
    "history.json",
    "findings.json",
    "readings.json",
    "verdict.json",
    "report.json",
    "report.html.gz",
]
"""What a dossier may hold beside its manifest."""


def publish(
    evaluation: Evaluation,
    *,
    baseline_files: Mapping[str, StoredFile],
    dossier: Dossier,
    log: Log,
    sign: Sign | None = None,
) -> LogEntry:
    """Seal a dossier and add it to the chain; safe to repeat, by several at once.

    Parameters
    ----------
    evaluation
        As its steps left it.
    baseline_files
        Of the baseline that it was compared with; none on a quarantined night.
    sign
        Signs the entry, once it is there.

    Returns
    -------
    LogEntry
        The evaluation's one entry.
    """
    verdict, snapshot, profile = evaluation.verdict, evaluation.snapshot, evaluation.profile
    rows, labelled = profile.size() if profile else (None, None)
    manifest = Manifest(
        model=evaluation.config.model,
        night=verdict.night,
        evaluation_id=evaluation.id,
        status=verdict.status,
        evaluated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        baseline_id=evaluation.baseline.id if evaluation.baseline else None,
        files=dossier.stored(FILES),
        config=evaluation.config.model_dump(mode="json", by_alias=True),
        environment=environment(),
        steps_left_out=verdict.steps_left_out,
        known_at=snapshot.listed_at,
        labels=snapshot.labels,
        rows=rows,
        labelled=labelled,
        data_pinned_by="version" if all(found.version_id for found in snapshot.objects) else "content",
        baseline_files=dict(baseline_files),
    )
    return seal(dossier.write("manifest.json", manifest.to_bytes()), dossier=dossier, log=log, sign=sign)


def seal(raw: bytes, *, dossier: Dossier, log: Log, sign: Sign | None = None) -> LogEntry:
    """Make sure that a manifest's evaluation is in the chain, and signed where the chain is."""
    entry = log.append(Manifest.from_bytes(raw, name=dossier.url("manifest.json")), raw)
    if sign is not None:
        # Whoever died before this left an entry without a signature: running the night again adds it.
        sign(entry, log.raw(entry))
    return entry
