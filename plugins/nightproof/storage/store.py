"""What Nightproof asks of object storage, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Retention:
    """Until when an object can be neither deleted nor replaced.

    Parameters
    ----------
    mode
        As S3 Object Lock has it: whether some users may lift it.
    until
        UTC instant.
    """

    mode: Literal["governance", "compliance"]
    until: datetime


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it.

    Parameters
    ----------
    key
        From the store's root, ``/``-separated.
    size
        Bytes.
    etag
        Changes when the content does.
    version_id
        ``None`` where the store keeps no versions, or the listing does not say.
    """

    key: str
    size: int
    etag: str
    version_id: str | None = None


class Store(Protocol):
    """Immutable objects under string keys.

    Attributes
    ----------
    keeps_encoding
        Whether it remembers that an object is packed, and tells who fetches it: S3 does, a folder does not.

    Every method raises a :class:`nightproof.errors.StoreError` that says which bucket or folder
    is meant and what to do; transient faults are retried first.
    """

    keeps_encoding: bool

    def url(self, key: str) -> str:
        """Where an object lies, for people."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """All objects whose key begins with a prefix, in the order of their keys."""
        ...

    def head(self, key: str) -> StoredObject:
        """The object as it is now, with its version; raises ``ObjectMissing``."""
        ...

    def read(self, key: str) -> bytes:
        """The whole content; raises ``ObjectMissing``."""
        ...

    def fetch(self, found: StoredObject, path: Path) -> None:
        """Bring exactly that object to a file.

        Raises ``ObjectChanged`` if its content is no longer the one listed, ``ObjectMissing`` if
        it is gone.
        """
        ...

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """Write an object that must not be there yet; raises ``ObjectExists``, once for every loser.

        ``encoding`` is the content encoding that a browser must undo, such as ``gzip``. Raises
        ``StoreError`` where the store cannot hold an object for as long as ``retention`` says.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        ...
