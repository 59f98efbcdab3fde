"""Leases: which entries of a shared cache are in use, for as long as whoever uses them lives.

A lease is a small file that names entries, and that its holder keeps locked (``flock``). The kernel
drops the lock when the holder ends, however it ends, so a lease is live exactly while somebody needs
it, and one that can be locked by another is left over and names nothing.

Whoever begins to use something takes the cache's own lock shared, for a moment; whoever removes
things takes it alone. So nothing can come into use between the look and the removal.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self


@contextmanager
def guarded(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold a cache's lock, shared or alone; waits for whoever holds it the other way."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


class Lease:
    """Entries of a cache that nobody may remove until this is released, or its process ends.

    One open file, whatever the number of entries; safe between threads. It is released when it is
    collected, so whatever needs the entries need only keep it.

    Parameters
    ----------
    folder
        The cache's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle, path = _locked_file(folder, "leases")
        self._finalizer = weakref.finalize(self, _release, path, self._handle, os.getpid())

    def add(self, *names: str) -> None:
        """Name entries; from now on they stay, if they are there."""
        with guarded(self._folder):
            os.write(self._handle, "".join(f"{name}\n" for name in names).encode())

    def release(self) -> None:
        """Let others remove them; safe to repeat."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def leased(folder: Path) -> set[str]:
    """Entries in use by anybody; clears left-over leases away. The caller holds the cache's lock alone."""
    found: set[str] = set()
    for path in _files(folder / "leases"):
        found |= set(_read_or_clear(path).decode().split())
    return found


@contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """A file in the cache's folder to be filled and renamed; gone at the end, or cleared away by others later."""
    handle, path = _locked_file(folder, "fetching")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def clear_temporaries(folder: Path) -> None:
    """Remove what ended processes left half-written. The caller holds the cache's lock alone."""
    for path in _files(folder / "fetching"):
        _read_or_clear(path)


def _locked_file(folder: Path, kind: str) -> tuple[int, Path]:
    with guarded(folder):  # or somebody might take it for left over before it is locked
        (folder / kind).mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=folder / kind)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle, Path(name)


def _release(path: Path, handle: int, process: int) -> None:
    if os.getpid() == process:  # a forked child has a copy, and must not end its parent's
        path.unlink(missing_ok=True)
    os.close(handle)


def _files(folder: Path) -> list[Path]:
    try:
        return [Path(found) for found in os.scandir(folder) if found.is_file()]
    except FileNotFoundError:
        return []


def _read_or_clear(path: Path) -> bytes:
    """What a live holder wrote; a file that nobody holds is removed, and says nothing."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # By the open file: its holder may release it, and so unlink it, at any moment.
            with os.fdopen(os.dup(handle), "rb") as held:
                return held.read()
        else:
            path.unlink(missing_ok=True)
        finally:
            os.close(handle)
    return b""
