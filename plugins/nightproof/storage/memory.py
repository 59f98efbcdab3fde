"""A store in memory: the fake that tests of anybody's code may use."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from nightproof.errors import ObjectChanged, ObjectExists, ObjectMissing
from nightproof.storage.store import Retention, StoredObject


class MemoryStore:
    """Objects in a dict; safe between threads."""

    keeps_encoding = False

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self._objects: dict[str, bytes] = {}
        self._written: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def url(self, key: str) -> str:
        """``memory://name/key``."""
        return f"memory://{self._name}/{key}"

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See :class:`~nightproof.storage.store.Store`."""
        for key in sorted(self._objects):
            if key.startswith(prefix):
                yield self.head(key)

    def folders(self, prefix: str) -> tuple[str, ...]:
        """See :class:`~nightproof.storage.store.Store`."""
        below = (key.removeprefix(prefix) for key in self._objects if key.startswith(prefix))
        return tuple(sorted({rest.split("/", 1)[0] for rest in below if "/" in rest}))

    def head(self, key: str) -> StoredObject:
        """See :class:`~nightproof.storage.store.Store`."""
        content = self.read(key)
        tag = _tag(content)
        return StoredObject(key, len(content), tag, modified=self._written.get(key))

    def read(self, key: str) -> bytes:
        """See :class:`~nightproof.storage.store.Store`."""
        try:
            return self._objects[key]
        except KeyError as error:
            raise ObjectMissing(f"There is no object {self.url(key)}.") from error

    def fetch(self, found: StoredObject, path: Path) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        content = self.read(found.key)
        if _tag(content) != found.etag:
            raise ObjectChanged(f"{self.url(found.key)} has changed since it was listed.")
        path.write_bytes(content)

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """See :class:`~nightproof.storage.store.Store`; nothing here outlives the process, locked or not."""
        with self._lock:
            if key in self._objects:
                raise ObjectExists(f"{self.url(key)} is there already.")
            self._objects[key], self._written[key] = content, datetime.now(UTC)

    def delete(self, key: str) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._lock:
            self._objects.pop(key, None)

    def put(self, key: str, content: bytes) -> None:
        """Write an object, replacing one of that key, as the systems that log predictions do."""
        with self._lock:
            self._objects[key], self._written[key] = content, datetime.now(UTC)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
