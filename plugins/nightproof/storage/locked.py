"""A store that locks what is published of a model, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from nightproof.storage.store import KeepsVersions, ReadsInBulk, Retention, Store, StoredObject

UNLOCKED = ("scratch/", "alerts/", "holdout/")
"""Folders of a model that are no part of its record."""


class LockedStore:
    """Another store, in which every object of one model's record is created with S3 Object Lock.

    Parameters
    ----------
    store
        Where the objects go.
    folder
        The model's key prefix, ending in a slash.
    mode
        As S3 has it.
    retain
        How long after its making an object can be neither deleted nor replaced.
    """

    def __init__(
        self, store: Store, folder: str, *, mode: Literal["governance", "compliance"], retain: timedelta
    ) -> None:
        self._store = store
        self._folder = folder
        self._mode = mode
        self._retain = retain

    @property
    def keeps_encoding(self) -> bool:
        """As the store behind it."""
        return self._store.keeps_encoding

    @keeps_encoding.setter
    def keeps_encoding(self, value: bool) -> None:
        self._store.keeps_encoding = value

    def url(self, key: str) -> str:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._store.url(key)

    def folders(self, prefix: str) -> tuple[str, ...]:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._store.folders(prefix)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._store.list(prefix)

    def head(self, key: str) -> StoredObject:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._store.head(key)

    def read(self, key: str) -> bytes:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._store.read(key)

    def bulk(self) -> Callable[[str], bytes]:
        """See :class:`~nightproof.storage.store.ReadsInBulk`."""
        return self._store.bulk() if isinstance(self._store, ReadsInBulk) else self._store.read

    def fetch(self, found: StoredObject, path: Path) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        self._store.fetch(found, path)

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """See :class:`~nightproof.storage.store.Store`; locked, where it is part of the record."""
        if retention is None and self._is_record(key):
            retention = Retention(self._mode, datetime.now(UTC) + self._retain)
        self._store.create(key, content, content_type=content_type, encoding=encoding, retention=retention)

    def delete(self, key: str) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        self._store.delete(key)

    def hidden_by(self, key: str) -> str | None:
        """See :class:`~nightproof.storage.store.KeepsVersions`."""
        return self._store.hidden_by(key) if isinstance(self._store, KeepsVersions) else None

    def _is_record(self, key: str) -> bool:
        return key.startswith(self._folder) and not key.removeprefix(self._folder).startswith(UNLOCKED)
