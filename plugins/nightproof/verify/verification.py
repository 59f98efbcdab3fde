"""What verifying came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from nightproof.log import Head

Kind = Literal["changed", "missing", "reordered", "added", "replayed", "cut", "unsigned", "forged"]


@dataclass(frozen=True)
class Breach:
    """One thing in a record that is not as it was published.

    Parameters
    ----------
    kind
        In a word.
    where
        The object, below the model's folder.
    number
        The log entry that it belongs to; ``None`` where it belongs to none.
    expected, found
        What the record says there should be, and what there is.
    meaning
        What most likely happened, and what to do, in a sentence or two.
    """

    kind: Kind
    where: str
    number: int | None
    expected: str
    found: str
    meaning: str

    def __str__(self) -> str:
        place = "" if self.number is None else f" (entry {self.number})"
        return f"{self.kind}: {self.where}{place}: expected {self.expected}, found {self.found}. {self.meaning}"


@dataclass(frozen=True)
class Counts:
    """How much was looked at, and how.

    Parameters
    ----------
    listed
        Objects below the model's folder.
    hashed
        Objects that were read, and their bytes hashed.
    hashed_bytes
        Bytes of those.
    by_listing
        Files that were compared by the size and MD5 in the store's own listing only.
    signatures
        Signatures that one of the public keys holds good.
    pruned
        Files that are gone by stated retention.
    """

    listed: int = 0
    hashed: int = 0
    hashed_bytes: int = 0
    by_listing: int = 0
    signatures: int = 0
    pruned: int = 0


@dataclass(frozen=True)
class Verification:
    """A record, verified.

    Parameters
    ----------
    model, location
        Whose, and where it lies.
    deep
        Whether the bytes of every file were read.
    entries
        Links of the chain.
    head
        The last of them, to be pinned elsewhere; ``None`` of an empty chain, or where it cannot be read.
    pinned
        The head that the chain had to contain; ``None`` if none was given.
    breaches
        Along the chain, the first first.
    warnings
        What may be well and should be looked at.
    notes
        What is no part of the record.
    """

    model: str
    location: str
    deep: bool
    entries: int
    head: Head | None
    pinned: Head | None
    breaches: tuple[Breach, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    counts: Counts

    @property
    def is_whole(self) -> bool:
        """Whether nothing is changed, missing, re-ordered or added."""
        return not self.breaches

    @property
    def first(self) -> Breach | None:
        """The first breach along the chain."""
        return self.breaches[0] if self.breaches else None

    def to_json(self, most: int = 100) -> dict[str, Any]:
        """For machines; at most so many breaches are listed, all are counted."""
        return {
            "model": self.model,
            "location": self.location,
            "whole": self.is_whole,
            "deep": self.deep,
            "entries": self.entries,
            "head": str(self.head) if self.head else None,
            "pinned": str(self.pinned) if self.pinned else None,
            "breaches": len(self.breaches),
            "first": asdict(self.first) if self.first else None,
            "listed_breaches": [asdict(found) for found in self.breaches[:most]],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            **asdict(self.counts),
        }
