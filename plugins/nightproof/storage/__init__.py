"""Object storage: one Protocol, and S3, a folder or memory behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from nightproof.errors import StoreError
from nightproof.storage.directory import DirectoryStore
from nightproof.storage.locked import LockedStore
from nightproof.storage.memory import MemoryStore
from nightproof.storage.store import HoldsTables, KeepsVersions, ReadsInBulk, Retention, Store, StoredObject

__all__ = [
    "DirectoryStore",
    "HoldsTables",
    "KeepsVersions",
    "LockedStore",
    "MemoryStore",
    "OpenStore",
    "ReadsInBulk",
    "Retention",
    "Store",
    "StoredObject",
    "open_store",
    "split_url",
]

OpenStore = Callable[[str], Store]
"""Finds the store of a root such as ``s3://bucket`` or ``file:///``; the seam for credentials."""


def split_url(url: str) -> tuple[str, str]:
    """A location as the root of its store and a key prefix.

    Examples
    --------
    >>> split_url("s3://ml-logs/flight_delay/")
    ('s3://ml-logs', 'flight_delay/')
    >>> split_url("file:///data/logs/")
    ('file:///', 'data/logs/')
    """
    if url.startswith("file:///"):
        return "file:///", unquote(url[len("file:///") :])
    scheme, _, rest = url.partition("://")
    place, _, prefix = rest.partition("/")
    return f"{scheme}://{place}", prefix


def open_store(root: str) -> Store:
    """The store of a root, with credentials from the usual AWS variables.

    Raises
    ------
    StoreError
        If the scheme is neither ``s3`` nor ``file``.
    """
    if root.startswith("s3://"):
        # boto3 takes a second to import, and a laptop's folder needs none of it.
        from nightproof.storage.s3 import S3Store

        return S3Store(root.removeprefix("s3://"))
    if root == "file:///":
        return DirectoryStore(Path("/"))
    raise StoreError(f"{root} is no store: a location begins with s3:// or file:///.")
