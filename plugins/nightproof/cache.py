"""A content-addressed cache of data objects on this machine.

Files are named by the SHA-256 of their content, appear whole by an atomic rename, and never
change, so any number of processes may share the folder. A small index remembers which pinned
version of which object had which content, so that nothing is fetched twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from nightproof.errors import ObjectChanged
from nightproof.storage import Store, StoredObject

CHUNK_BYTES = 1 << 20


def default_folder() -> Path:
    """``NIGHTPROOF_CACHE``, or the user's cache folder."""
    given = os.environ.get("NIGHTPROOF_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nightproof"


class Cache:
    """A folder of content-addressed files.

    Parameters
    ----------
    folder
        Made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the content of that hash lies, if it is here."""
        return self._folder / "sha256" / sha256[:2] / sha256

    def bring(self, store: Store, found: StoredObject, *, expected_sha256: str | None = None) -> str:
        """Make sure that an object's content is here.

        Parameters
        ----------
        store, found
            The object, as ``Store.head`` or ``Store.list`` showed it.
        expected_sha256
            What its content must hash to, where that is known.

        Returns
        -------
        str
            SHA-256 of its content.

        Raises
        ------
        ObjectChanged
            If the content is not the one expected.
        """
        note = self._note(store, found)
        known = expected_sha256 or (note.read_text() if note.exists() else None)
        if known is None or not self.path(known).exists():
            known = self._fetch(store, found, expected_sha256)
            self._write(note, known)
        return known

    def _note(self, store: Store, found: StoredObject) -> Path:
        name = json.dumps([store.url(found.key), found.version_id, found.etag, found.size])
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self._folder / "seen" / digest[:2] / digest

    def _fetch(self, store: Store, found: StoredObject, expected: str | None) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="fetching-", dir=self._folder)
        os.close(handle)
        temporary = Path(name)
        try:
            store.fetch(found, temporary)
            sha256 = file_sha256(temporary)
            if expected is not None and sha256 != expected:
                raise ObjectChanged(
                    f"{store.url(found.key)} has other content than was pinned "
                    f"(SHA-256 {sha256[:12]}, pinned {expected[:12]})."
                )
            final = self.path(sha256)
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)
        return sha256

    def _write(self, note: Path, text: str) -> None:
        note.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=note.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(note)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
