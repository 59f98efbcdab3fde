"""Reading many objects of a record at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from nightproof.errors import ObjectMissing
from nightproof.storage import KeepsVersions, ReadsInBulk, Store

READERS = 16
"""Objects read at a time."""
BATCH = 256
"""Objects asked for ahead: a record of any length is read in bounded memory."""
T = TypeVar("T")


class Reader:
    """A model's objects by their names below its folder.

    Parameters
    ----------
    store
        Where they lie.
    folder
        Key prefix, ending in a slash.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder
        self._held: dict[str, bytes | None] = {}
        self.hashed = 0
        self.hashed_bytes = 0

    @cached_property
    def _read(self) -> Callable[[str], bytes]:
        return self._store.bulk() if isinstance(self._store, ReadsInBulk) else self._store.read

    def read(self, name: str) -> bytes | None:
        """An object's bytes as they are stored; ``None`` if there is no such object."""
        if name in self._held:
            return self._held.pop(name)
        try:
            return self._read(self._folder + name)
        except ObjectMissing:
            return None

    def ahead(self, names: Iterable[str]) -> None:
        """Read objects that are going to be asked for, once each; they are held until then."""
        asked = list(names)
        with ThreadPoolExecutor(READERS) as readers:
            self._held.update(zip(asked, readers.map(self.read, asked), strict=True))

    def each(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Many objects, in the order asked for."""
        asked = list(names)
        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(asked), BATCH):
                batch = asked[start : start + BATCH]
                for name, raw in zip(batch, readers.map(self.read, batch), strict=True):
                    self._count(len(raw or b""))
                    yield name, raw

    def hashes(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """SHA-256 of many objects, whose bytes are not kept."""
        asked = list(names)
        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(asked), BATCH):
                batch = asked[start : start + BATCH]
                for name, (sha256, size) in zip(batch, readers.map(self._hash, batch), strict=True):
                    self._count(size)
                    yield name, sha256

    def hidden_by(self, name: str) -> str | None:
        """Version id of the delete marker that hides an object, where the store keeps versions."""
        return self._store.hidden_by(self._folder + name) if isinstance(self._store, KeepsVersions) else None

    def _hash(self, name: str) -> tuple[str | None, int]:
        raw = self.read(name)
        return (None, 0) if raw is None else (hashlib.sha256(raw).hexdigest(), len(raw))

    def _count(self, size: int) -> None:
        self.hashed += 1
        self.hashed_bytes += size
