"""An overlay: a store that reads what lies beneath it and writes to memory alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from nightproof.errors import ObjectMissing
from nightproof.storage import MemoryStore, Retention, Store, StoredObject


class Overlay:
    """A store over another.

    Parameters
    ----------
    beneath
        Never written to.
    hidden
        Key prefixes whose objects beneath are not seen: what is to be made anew.
    """

    keeps_encoding = False

    def __init__(self, beneath: Store, *, hidden: Sequence[str]) -> None:
        self._beneath = beneath
        self._hidden = tuple(hidden)
        self._above = MemoryStore("overlay")
        self.stood_on: dict[str, str] = {}
        """SHA-256, as stored, of each object beneath that was read, by its key."""

    def url(self, key: str) -> str:
        """Where an object lies beneath."""
        return self._beneath.url(key)

    def made(self, prefix: str) -> dict[str, bytes]:
        """What was written, by its key below a prefix."""
        return {each.key.removeprefix(prefix): self._above.read(each.key) for each in self._above.list(prefix)}

    def folders(self, prefix: str) -> tuple[str, ...]:
        """See :class:`~nightproof.storage.store.Store`."""
        beneath = {name for name in self._beneath.folders(prefix) if f"{prefix}{name}/" not in self._hidden}
        return tuple(sorted(beneath | set(self._above.folders(prefix))))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See :class:`~nightproof.storage.store.Store`."""
        found = {each.key: each for each in self._beneath.list(prefix) if not each.key.startswith(self._hidden)}
        found |= {each.key: each for each in self._above.list(prefix)}
        yield from (found[key] for key in sorted(found))

    def head(self, key: str) -> StoredObject:
        """See :class:`~nightproof.storage.store.Store`."""
        return self._holder(key).head(key)

    def read(self, key: str) -> bytes:
        """See :class:`~nightproof.storage.store.Store`."""
        holder = self._holder(key)
        raw = holder.read(key)
        if holder is self._beneath:
            self.stood_on[key] = hashlib.sha256(raw).hexdigest()
        return raw

    def fetch(self, found: StoredObject, path: Path) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        self._holder(found.key).fetch(found, path)

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """See :class:`~nightproof.storage.store.Store`; goes to memory."""
        self._above.create(key, content, content_type=content_type)

    def delete(self, key: str) -> None:
        """See :class:`~nightproof.storage.store.Store`; what lies beneath stays."""
        self._above.delete(key)

    def _holder(self, key: str) -> Store:
        if any(each.key == key for each in self._above.list(key)):
            return self._above
        if key.startswith(self._hidden):
            raise ObjectMissing(f"There is no object {self.url(key)}.")
        return self._beneath
