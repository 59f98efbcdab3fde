"""A snapshot: which exact bytes a night was evaluated on."""

from __future__ import annotations

from typing import Literal

from nightproof.record import Record

Role = Literal["predictions", "labels", "reference"]
LabelState = Literal["provisional", "final"]
"""Whether labels could still come, or be corrected, when a night was listed."""


class PinnedObject(Record):
    """One object of the night's data, pinned so that it can be proved and fetched again."""

    role: Role
    url: str
    """Where it lies: `s3://bucket/key` or `file:///path`."""
    version_id: str | None
    """The store's version, or null where the store keeps none."""
    etag: str
    """The store's own tag of the content."""
    size: int
    """Bytes."""
    sha256: str
    """SHA-256 of the content, in hexadecimal."""


class Snapshot(Record):
    """Every object that a night's evaluation reads."""

    model: str
    night: str
    """UTC day, YYYY-MM-DD."""
    objects: tuple[PinnedObject, ...]
    """Ordered by role, then URL."""
    labels: LabelState = "final"
    """Whether the night was final when it was listed: `data.label_maturity` after its end."""
    listed_at: str = ""
    """UTC instant of the listing, ISO 8601: nothing that came later was known."""

    @property
    def content(self) -> tuple[tuple[Role, str, str], ...]:
        """What the objects hold, wherever and whenever they were found: two snapshots of the same data agree."""
        return tuple((found.role, found.url, found.sha256) for found in self.objects)

    def of(self, role: Role) -> tuple[PinnedObject, ...]:
        """The objects of one role, in order."""
        return tuple(found for found in self.objects if found.role == role)
