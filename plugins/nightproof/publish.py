"""Publish: the manifest last, then the log. Until then, the night does not exist."""

from __future__ import annotations

from datetime import UTC, datetime

from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.evaluation import environment
from nightproof.log import Log
from nightproof.manifest import LogEntry, Manifest
from nightproof.verdict import Verdict

FILES = [
    "snapshot.json",
    "validation.json",
    "data_docs.html.gz",
    "profile.parquet",
    "findings.json",
    "readings.json",
    "verdict.json",
    "report.json",
    "report.html.gz",
]
"""What a dossier may hold beside its manifest."""


def publish(
    verdict: Verdict,
    *,
    config: ModelConfig,
    evaluation_id: str,
    baseline_id: str | None,
    dossier: Dossier,
    log: Log,
) -> LogEntry:
    """Seal a dossier and add it to the chain; safe to repeat, by several at once.

    Returns
    -------
    LogEntry
        The evaluation's one entry.
    """
    manifest = Manifest(
        model=config.model,
        night=verdict.night,
        evaluation_id=evaluation_id,
        status=verdict.status,
        evaluated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        baseline_id=baseline_id,
        files=dossier.stored(FILES),
        config=config.model_dump(mode="json", by_alias=True),
        environment=environment(),
        steps_left_out=verdict.steps_left_out,
    )
    return seal(dossier.write("manifest.json", manifest.to_bytes()), dossier=dossier, log=log)


def seal(raw: bytes, *, dossier: Dossier, log: Log) -> LogEntry:
    """Make sure that a manifest's evaluation is in the chain."""
    return log.append(Manifest.from_bytes(raw, name=dossier.url("manifest.json")), raw)
