"""What Nightproof asks of object storage, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable


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
    modified
        UTC instant at which it was written, as a listing says; no part of what makes two of them equal.
    """

    key: str
    size: int
    etag: str
    version_id: str | None = None
    modified: datetime | None = field(default=None, compare=False)


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

    def folders(self, prefix: str) -> tuple[str, ...]:
        """Names of the folders right below a prefix (empty, or ending in a slash), in order, without their slash."""
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


@runtime_checkable
class KeepsVersions(Protocol):
    """What a store that keeps versions can say beside."""

    def hidden_by(self, key: str) -> str | None:
        """Version id of the delete marker that hides an object; ``None`` if none does."""
        ...


@runtime_checkable
class ReadsInBulk(Protocol):
    """A store of which thousands of small objects can be read for less."""

    def bulk(self) -> Callable[[str], bytes]:
        """A function that reads as ``Store.read`` does, for a job of minutes; safe between threads."""
        ...


@runtime_checkable
class HoldsTables(Protocol):
    """A store in which a Delta table can lie."""

    def object_store_options(self) -> dict[str, str]:
        """What a Delta library needs to reach it, secrets included: never log it, never store it."""
        ...
