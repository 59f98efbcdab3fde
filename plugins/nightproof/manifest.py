"""A manifest: the signature under a night's results. Without it, the night does not exist."""

from __future__ import annotations

from typing import Any

from nightproof.record import Record
from nightproof.verdict import VerdictStatus


class StoredFile(Record):
    """One file of an evaluation."""

    sha256: str
    size: int


class Manifest(Record):
    """What an evaluation consists of, made of what, by which code."""

    model: str
    night: str
    evaluation_id: str
    status: VerdictStatus
    evaluated_at: str
    """UTC instant of publishing, ISO 8601."""
    baseline_id: str | None
    files: dict[str, StoredFile]
    config: dict[str, Any]
    """The model's config as it was, defaults filled in."""
    environment: dict[str, str]
    """Versions of all that can change a number."""
    steps_left_out: tuple[str, ...]


class LogEntry(Record):
    """One link of a model's chain of evaluations."""

    number: int
    night: str
    evaluation_id: str
    status: VerdictStatus
    baseline_id: str | None
    manifest_sha256: str
    parent_sha256: str | None
    """SHA-256 of the previous entry's bytes; null for the first."""
