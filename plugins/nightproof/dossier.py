"""A dossier: one evaluation's folder in the results, written once, piece by piece."""

from __future__ import annotations

import gzip
import hashlib

from nightproof.errors import ObjectExists, ObjectMissing
from nightproof.manifest import StoredFile
from nightproof.storage import Store

CONTENT_TYPES = {
    "json": "application/json",
    "html.gz": "text/html; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


PACKED = frozenset(("findings.json", "readings.json", "report.json"))
"""Large files that are stored packed where the store tells whoever fetches them so (``Content-Encoding: gzip``)."""
_GZIP = b"\x1f\x8b"


class Dossier:
    """A folder of immutable files; whoever writes a name first decides its content.

    Parameters
    ----------
    store
        The results' store.
    folder
        Key prefix, ending in a slash.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self.folder = folder
        # What this process wrote or read, as it is stored: the files never change, so it never goes stale.
        self._recent: dict[str, bytes] = {}
        self._listed: set[str] | None = None

    def url(self, name: str) -> str:
        """Where a file lies."""
        return self._store.url(self.folder + name)

    def write(self, name: str, content: bytes) -> bytes:
        """Write a file unless it is there.

        Returns
        -------
        bytes
            What the dossier now holds under that name: ``content``, or what was there first.
        """
        extension = name.split(".", 1)[1]
        packed = name in PACKED and self._store.keeps_encoding
        stored = compress(content) if packed else content
        try:
            self._store.create(
                self.folder + name,
                stored,
                content_type=CONTENT_TYPES[extension],
                encoding="gzip" if packed or extension.endswith("gz") else "",
            )
        except ObjectExists:
            return self.read(name)
        self._recent[name] = stored
        return content

    def read(self, name: str) -> bytes:
        """A file's content, unpacked; raises ``ObjectMissing``."""
        stored = self._stored(name)
        return gzip.decompress(stored) if name in PACKED and stored.startswith(_GZIP) else stored

    def _stored(self, name: str) -> bytes:
        if name not in self._recent:
            self._recent[name] = self._store.read(self.folder + name)
        return self._recent[name]

    def find(self, name: str) -> bytes | None:
        """A file's content, or ``None`` where there was none when this was opened.

        Another writer's file that came since is met in :meth:`write`, which keeps the first.
        """
        if self._listed is None:
            self._listed = {stored.key.removeprefix(self.folder) for stored in self._store.list(self.folder)}
        if name not in self._recent and name not in self._listed:
            return None
        try:
            return self.read(name)
        except ObjectMissing:
            return None

    def stored(self, names: list[str]) -> dict[str, StoredFile]:
        """Hashes and size, as they are stored, of those files that are there."""
        return {name: stored_file(self._stored(name)) for name in names if self.find(name) is not None}


def stored_file(stored: bytes) -> StoredFile:
    """Hashes and size of a file's stored bytes."""
    md5 = hashlib.md5(stored, usedforsecurity=False).hexdigest()
    return StoredFile(sha256=hashlib.sha256(stored).hexdigest(), size=len(stored), md5=md5)


def compress(html: bytes) -> bytes:
    """Gzip without a time stamp: equal pages give equal bytes."""
    return gzip.compress(html, compresslevel=6, mtime=0)
