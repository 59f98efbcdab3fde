"""A content-addressed cache of data objects on this machine, shared by any number of processes.

Files are named by the SHA-256 of their content, appear whole by an atomic rename, and never change. A
small index remembers which pinned version of which object had which content, so that nothing is
fetched twice. The folder is kept within a bound (:mod:`nightproof.eviction`); what is in use is never
removed (:mod:`nightproof.lease`). What a disk has damaged is noticed, and fetched again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nightproof.errors import CacheError, ConfigError, Fault, ObjectChanged, StoreError, StoreUnavailable
from nightproof.eviction import came, cost_bytes, evict, is_over
from nightproof.lease import Lease, temporary
from nightproof.storage import Store, StoredObject

CHUNK_BYTES = 1 << 20
DEFAULT_GB = 20.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FULL = {errno.ENOSPC, errno.EDQUOT}


def default_folder() -> Path:
    """``NIGHTPROOF_CACHE``, or the user's cache folder."""
    given = os.environ.get("NIGHTPROOF_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nightproof"


def default_bound_bytes() -> int | None:
    """``NIGHTPROOF_CACHE_GB`` in bytes, 20 GB by default; ``None``, for no bound, where it is 0.

    Raises
    ------
    ConfigError
        If it is no such number.
    """
    text = os.environ.get("NIGHTPROOF_CACHE_GB", "").strip()
    try:
        given_gb = float(text) if text else DEFAULT_GB
    except ValueError:
        given_gb = math.nan
    if not 0.0 <= given_gb < math.inf:
        problem = "give a number of gigabytes, such as 20, or 0 for no bound"
        raise ConfigError("the environment", [Fault(None, "NIGHTPROOF_CACHE_GB", repr(text), problem)])
    return int(given_gb * 1e9) or None


class Cache:
    """A folder of content-addressed files; safe between threads and processes.

    Parameters
    ----------
    folder
        Made when first needed; on a disk of this machine, for network folders may not keep locks.
    bound_bytes
        What it may hold beside what is in use; by default :func:`default_bound_bytes`.
    """

    def __init__(self, folder: Path, *, bound_bytes: int | None = None) -> None:
        self._folder = folder
        self._bound_bytes = default_bound_bytes() if bound_bytes is None else bound_bytes
        # Hashed once by this process, by content and the file that holds it: a disk's damage is found before first use.
        self._whole: set[tuple[str, int]] = set()

    def path(self, sha256: str) -> Path:
        """Where the content of that hash lies, if it is here."""
        return self._folder / "sha256" / sha256[:2] / sha256

    def lease(self) -> Lease:
        """A lease; what it is given stays here until it is released or forgotten."""
        with self._explained():
            return Lease(self._folder)

    def bring(
        self,
        store: Store,
        found: StoredObject,
        *,
        expected_sha256: str | None = None,
        lease: Lease | None = None,
        again: bool = False,
    ) -> str:
        """Make sure that an object's content is here.

        Parameters
        ----------
        store, found
            The object, as ``Store.head`` or ``Store.list`` showed it.
        expected_sha256
            What its content must hash to, where that is known.
        lease
            Keeps it here. Without one, it may be gone as soon as this returns.
        again
            Whether to fetch it even if it is here.

        Returns
        -------
        str
            SHA-256 of its content.

        Raises
        ------
        ObjectChanged
            If the content is not the one expected.
        CacheError
            If this machine cannot hold it.
        """
        if lease is None:
            with self.lease() as own:
                brought = self.bring(store, found, expected_sha256=expected_sha256, lease=own, again=again)
            self.trim()
            return brought
        with self._explained():
            try:
                return self._bring(store, found, expected_sha256, lease=lease, again=again)
            except (OSError, StoreError) as error:
                if not _is_full(error):
                    raise
            # The disk is full: what nobody uses makes room, whatever the bound.
            evict(self._folder, 0)
            return self._bring(store, found, expected_sha256, lease=lease, again=again)

    def read(self, store: Store, found: StoredObject) -> bytes:
        """An object's content, kept here for the next time."""
        with self.lease() as lease:
            raw = self.path(self.bring(store, found, lease=lease)).read_bytes()
        self.trim()
        return raw

    def holds(self, sha256: str, size: int) -> bool:
        """Whether the content is here and undamaged; tells nothing of the next moment without a lease on it."""
        return self._is_whole(sha256, size)

    def trim(self) -> None:
        """Remove what was used least recently, if there is more than the bound allows."""
        with self._explained():
            if self._bound_bytes is not None and is_over(self._folder, self._bound_bytes):
                evict(self._folder, self._bound_bytes)

    def _note(self, store: Store, found: StoredObject) -> Path:
        name = json.dumps([store.url(found.key), found.version_id, found.etag, found.size])
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self._folder / "seen" / digest[:2] / digest

    def _is_whole(self, sha256: str, size: int) -> bool:
        path = self.path(sha256)
        try:
            status = path.stat()
            if status.st_size != size:
                return False
            if (sha256, status.st_ino) not in self._whole:
                if file_sha256(path) != sha256:
                    return False
                self._whole.add((sha256, status.st_ino))
        except FileNotFoundError:
            return False
        return True

    def _bring(self, store: Store, found: StoredObject, expected: str | None, *, lease: Lease, again: bool) -> str:
        note = self._note(store, found)
        known = expected or _noted(note)
        if known is not None:
            lease.add(known)
            if not again and self._is_whole(known, found.size):
                _touch(self.path(known), note)
                return known
        known = self._fetch(store, found, expected, lease)
        self._write(note, known)
        return known

    def _fetch(self, store: Store, found: StoredObject, expected: str | None, lease: Lease) -> str:
        with temporary(self._folder) as path:
            store.fetch(found, path)
            status, sha256 = path.stat(), file_sha256(path)
            if expected is not None and sha256 != expected:
                raise ObjectChanged(
                    f"{store.url(found.key)} has other content than was pinned "
                    f"(SHA-256 {sha256[:12]}, pinned {expected[:12]})."
                )
            if status.st_size != found.size:
                raise StoreUnavailable(
                    f"{store.url(found.key)} came with {status.st_size:,} of {found.size:,} bytes: try again."
                )
            lease.add(sha256)
            self._rename(path, self.path(sha256))
        self._whole.add((sha256, status.st_ino))
        came(self._folder, cost_bytes(status.st_size) + cost_bytes(len(sha256)))
        return sha256

    def _write(self, note: Path, text: str) -> None:
        with temporary(self._folder) as path:
            path.write_text(text)
            self._rename(path, note)

    def _rename(self, path: Path, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        path.replace(to)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of this machine's disk as errors that say so; object storage's own pass."""
        try:
            yield
        except (OSError, StoreError) as error:
            if _is_full(error):
                raise CacheError(
                    f"The disk of the cache {self._folder} is full, and what fills it is in use or not the cache's: "
                    "make room, or set NIGHTPROOF_CACHE to a folder on a larger disk."
                ) from error
            if isinstance(error, StoreError):
                raise
            raise CacheError(
                f"The cache {self._folder} cannot be used: {error.strerror or error}. Set NIGHTPROOF_CACHE to a "
                "folder that this user may write."
            ) from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _noted(note: Path) -> str | None:
    try:
        text = note.read_text("ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    # A machine that lost its power can leave a note without its content.
    return text if _SHA256.fullmatch(text) else None


def _touch(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # evicted meanwhile, or another user's
            os.utime(path)


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False
