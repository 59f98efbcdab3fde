"""A snapshot: which exact bytes a night was evaluated on."""

from __future__ import annotations

from typing import Literal

from nightproof.record import Record

Role = Literal["predictions", "labels", "reference"]


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

    def of(self, role: Role) -> tuple[PinnedObject, ...]:
        """The objects of one role, in order."""
        return tuple(found for found in self.objects if found.role == role)
