"""A manifest: the signature under a night's results. Without it, the night does not exist."""

from __future__ import annotations

from typing import Any, Literal

from nightproof.record import Record
from nightproof.snapshot import LabelState
from nightproof.verdict import VerdictStatus


class StoredFile(Record):
    """One file of an evaluation."""

    sha256: str
    """SHA-256 of its bytes as they are stored, in hexadecimal."""
    size: int
    """Stored bytes."""
    md5: str | None = None
    """MD5 of the same bytes: what S3 lists as the ETag of an object written in one part. A fast look, not a proof."""


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
    known_at: str = ""
    """UTC instant at which the night's data was listed: what came later is not in this evaluation."""
    labels: LabelState = "final"
    """Whether labels could still come, or be corrected, at that instant."""
    rows: int | None = None
    labelled: int | None = None
    """Rows, and those of them with a label; null on a quarantined night."""
    data_pinned_by: Literal["version", "content"] = "version"
    """`version`: the store keeps versions, and each object can be fetched again as it was; `content`: at least one
    object has none, so that it can be fetched again only while nobody replaces it, and a replacement is noticed."""
    baseline_files: dict[str, StoredFile] = {}
    """The baseline's files, as for `files`."""


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
    labels: LabelState = "final"
    """As in the manifest."""
    supersedes: str | None = None
    """Evaluation of the same night that was the latest before this one; null for a night's first."""


class Known(Record):
    """How much of the chain was there when an evaluation first asked for the nights before it: `history.json`.

    All its steps, and whoever repeats them, stand on these entries and on none that came later.
    """

    entries: int
    """Entries of the log."""
    head_sha256: str | None
    """SHA-256 of the last of them; null where there was none."""


class PrunedFile(Record):
    """One file that a stated rule of retention deleted."""

    night: str
    evaluation_id: str
    name: str
    sha256: str
    """As in the evaluation's manifest."""


class PruneNote(Record):
    """What was deleted by retention, and by which rule: `pruned/000000000.json` and so on.

    A chain of its own beside the log: a missing file is accounted for only by a note that names it.
    """

    number: int
    parent_sha256: str | None
    """SHA-256 of the previous note's bytes; null for the first."""
    head_number: int
    head_sha256: str
    """The last entry of the log when the note was made, and the SHA-256 of its bytes."""
    at: str
    """UTC instant, ISO 8601."""
    rule: str
    """The rule, in words: which kinds of files, and how old they had to be."""
    files: tuple[PrunedFile, ...]


PRUNABLE = frozenset(
    ("report.json", "report.html.gz", "data_docs.html.gz", "findings.json", "readings.json", "profile.parquet")
)
"""Files that retention may delete; snapshot, validation, verdict and manifest are always kept."""
