"""A folder on this machine, for laptops and tests."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from nightproof.errors import AccessRefused, ObjectChanged, ObjectExists, ObjectMissing, StoreError
from nightproof.storage.store import Retention, StoredObject

_TEMPORARY = ".nightproof-"


class DirectoryStore:
    """Objects as files below a folder; a file appears whole or not at all."""

    keeps_encoding = False

    def __init__(self, root: Path) -> None:
        self._root = root

    def url(self, key: str) -> str:
        """``file:///folder/key``, in which a percent sign is written ``%25``."""
        return f"file://{self._root}/{key}".replace("////", "///").replace("%", "%25")

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See :class:`~nightproof.storage.store.Store`."""
        folder = self._path(prefix) if prefix.endswith("/") or not prefix else self._path(prefix).parent
        with self._explained(prefix):
            files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_TEMPORARY)]
        # Paths are ordered part by part, keys character by character: 'a-b' comes before 'a/b'.
        for key in sorted(path.relative_to(self._root).as_posix() for path in files):
            if key.startswith(prefix):
                yield self.head(key)

    def folders(self, prefix: str) -> tuple[str, ...]:
        """See :class:`~nightproof.storage.store.Store`."""
        folder = self._path(prefix)
        with self._explained(prefix):
            found = (path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ()
            return tuple(sorted(found))

    def object_store_options(self) -> dict[str, str]:
        """A folder needs none; see :class:`~nightproof.storage.store.HoldsTables`."""
        return {}

    def head(self, key: str) -> StoredObject:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            status = self._path(key).stat()
        tag = hashlib.sha256(f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}".encode()).hexdigest()
        return StoredObject(key, status.st_size, tag[:32], modified=datetime.fromtimestamp(status.st_mtime, UTC))

    def read(self, key: str) -> bytes:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            return self._path(key).read_bytes()

    def fetch(self, found: StoredObject, path: Path) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(found.key):
            shutil.copyfile(self._path(found.key), path)
        if self.head(found.key) != found:
            raise ObjectChanged(f"{self.url(found.key)} has changed since it was listed.")

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """See :class:`~nightproof.storage.store.Store`; a file keeps no content type."""
        if retention is not None:
            raise StoreError(f"{self.url(key)} cannot be locked: only S3 has Object Lock. Remove record.lock.")
        path = self._path(key)
        with self._explained(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.parent / f"{_TEMPORARY}{uuid4().hex}"
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                # A link fails where the name is taken; a rename would replace it.
                os.link(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in key.split("/") or not path.is_relative_to(self._root):
            raise StoreError(f"{key!r} leads out of {self._root}.")
        return path

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        where = self.url(key)
        try:
            yield
        except FileExistsError as error:
            raise ObjectExists(f"{where} is there already.") from error
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissing(f"There is no object {where}.") from error
        except PermissionError as error:
            raise AccessRefused(f"This user may not read or write {where}.") from error
        except OSError as error:
            raise StoreError(f"{where}: {error.strerror}.") from error
