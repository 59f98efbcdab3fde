"""The log: a model's append-only chain of evaluations, one numbered object a link.

An entry claims its number by a conditional create, so two writers at once leave one chain without
a gap; each entry holds the hash of the one before it.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from nightproof.errors import ObjectExists, ObjectMissing, RecordError
from nightproof.manifest import LogEntry, Manifest
from nightproof.storage import Store

READERS = 8
"""Entries read at a time: a cold reader of a long chain waits on the network, not on the CPU."""


@dataclass(frozen=True)
class Head:
    """An entry of the chain by number and hash: who keeps one elsewhere can tell whether history was rewritten.

    Examples
    --------
    >>> str(Head.parse("3:" + 64 * "a"))[:8]
    '3:aaaaaa'
    """

    number: int
    sha256: str
    """Of the entry's bytes; its first 12 to 64 digits where a person wrote it down."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NUMBER:SHA256``; raises ``ValueError``."""
        number, _, sha256 = text.strip().partition(":")
        sha256 = sha256.lower()
        if not (number.isascii() and number.isdigit() and 12 <= len(sha256) <= 64) or set(sha256) - set(_HEX):
            raise ValueError(f"{text!r} is no head: write NUMBER:SHA256, with at least 12 digits of the hash")
        return cls(int(number), sha256)

    def __str__(self) -> str:
        return f"{self.number}:{self.sha256}"


_HEX = "0123456789abcdef"


class Log:
    """One model's chain.

    Parameters
    ----------
    store
        The results' store.
    folder
        Key prefix, ending in a slash.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder
        # Entries never change: what was read once need not be read again.
        self._raw: list[bytes] = []
        self._entries: list[LogEntry] = []

    def entries(self) -> list[LogEntry]:
        """The whole chain, oldest first.

        Raises
        ------
        RecordError
            If a number is missing or a link does not fit the one before it.
        """
        if self._raw:
            self._read_on()
            return list(self._entries)
        keys = [found.key for found in self._store.list(self._folder)]
        for number, key in enumerate(keys):
            if key != self._key(number):
                raise RecordError(f"{self._store.url(self._folder)} has no entry {number}: the chain is broken.")
        with ThreadPoolExecutor(READERS) as readers:
            for raw in readers.map(self._store.read, keys):
                self._accept(raw)
        return list(self._entries)

    def head(self) -> Head | None:
        """The last entry; ``None`` of an empty chain."""
        return self.link(found[-1]) if (found := self.entries()) else None

    def link(self, entry: LogEntry) -> Head:
        """An entry of this chain by number and hash."""
        return Head(entry.number, hashlib.sha256(self.raw(entry)).hexdigest())

    def raw(self, entry: LogEntry) -> bytes:
        """The bytes of an entry of this chain, as they are stored."""
        return self._raw[entry.number]

    def _read_on(self) -> None:
        """Read what came since: its numbers are known, so that a long chain need not be listed again."""
        while True:
            try:
                self._accept(self._store.read(self._key(len(self._raw))))
            except ObjectMissing:
                return

    def find(self, evaluation_id: str) -> LogEntry | None:
        """The entry of an evaluation, or ``None``."""
        return next((e for e in self.entries() if e.evaluation_id == evaluation_id), None)

    def latest(self, *, before: str | None = None) -> dict[str, LogEntry]:
        """For each night (earlier than ``before``) its latest evaluation, nights rising."""
        found: dict[str, LogEntry] = {}
        for entry in self.entries():
            if before is None or entry.night < before:
                found[entry.night] = entry
        return dict(sorted(found.items()))

    def append(self, manifest: Manifest, manifest_bytes: bytes) -> LogEntry:
        """Add an evaluation to the chain, unless it is there.

        Returns
        -------
        LogEntry
            Its one entry, by whichever writer.
        """
        while (present := self.find(manifest.evaluation_id)) is None:
            entry = LogEntry(
                number=len(self._raw),
                night=manifest.night,
                evaluation_id=manifest.evaluation_id,
                status=manifest.status,
                baseline_id=manifest.baseline_id,
                manifest_sha256=hashlib.sha256(manifest_bytes).hexdigest(),
                parent_sha256=self._parent(),
                labels=manifest.labels,
                supersedes=self._last_of(manifest.night),
            )
            content = entry.to_bytes()
            try:
                self._store.create(self._key(entry.number), content, content_type="application/json")
            except ObjectExists:
                continue  # another writer took the number: read on, then try the next one
            self._accept(content)
            return entry
        return present

    def _last_of(self, night: str) -> str | None:
        return next((e.evaluation_id for e in reversed(self._entries) if e.night == night), None)

    def _key(self, number: int) -> str:
        return f"{self._folder}{number:09d}.json"

    def _parent(self) -> str | None:
        return hashlib.sha256(self._raw[-1]).hexdigest() if self._raw else None

    def _accept(self, raw: bytes) -> None:
        number = len(self._raw)
        entry = LogEntry.from_bytes(raw, name=self._store.url(self._key(number)))
        if entry.number != number or entry.parent_sha256 != self._parent():
            raise RecordError(
                f"{self._store.url(self._key(number))} does not follow the entry before it: the chain is broken."
            )
        self._raw.append(raw)
        self._entries.append(entry)
