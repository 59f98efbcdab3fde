"""Folders right below a prefix are the same from every store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from nightproof.storage import DirectoryStore, LockedStore, MemoryStore


@pytest.mark.parametrize("kind", ["directory", "memory", "locked"])
def test_folders_right_below_a_prefix(kind, tmp_path):
    store = DirectoryStore(tmp_path) if kind == "directory" else MemoryStore()
    for key in ("a/b/c", "a/d/e", "a/f", "ab/c", "g/h"):
        store.create(key, b"1", content_type="text/plain")
    if kind == "locked":
        store = LockedStore(store, "a/", mode="governance", retain=timedelta(days=1))
    assert store.folders("") == ("a", "ab", "g")
    assert store.folders("a/") == ("b", "d")
    assert store.folders("none/") == ()
