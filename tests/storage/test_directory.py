"""A folder as a store: what only files can do wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nightproof.errors import AccessRefused, ObjectMissing, StoreError
from nightproof.storage import DirectoryStore, StoredObject, open_store, split_url

OUTSIDE = ["../secret", "a/../../secret", "..", "a/..", "/etc/hostname"]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root").mkdir()
    return DirectoryStore(tmp_path / "root")


@pytest.mark.parametrize("key", OUTSIDE)
def test_no_key_leads_out_of_the_folder(store: DirectoryStore, tmp_path: Path, key: str) -> None:
    outside = StoredObject(key, 6, "tag")
    for ask in (
        lambda: store.read(key),
        lambda: store.head(key),
        lambda: store.fetch(outside, tmp_path / "fetched"),
        lambda: store.create(key, b"mine", content_type="text/plain"),
        lambda: list(store.list(key + "/")),
    ):
        with pytest.raises(StoreError, match="leads out of"):
            ask()
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_crash_while_writing_leaves_nothing_that_is_listed(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "link", power_cut)
    with pytest.raises(StoreError, match="Input/output error"):
        store.create("a/key", b"content", content_type="text/plain")
    assert list(store.list("")) == []
    assert [path for path in (tmp_path / "root").rglob("*") if path.is_file()] == []
    (tmp_path / "root/a/.nightproof-left").write_bytes(b"half")
    assert list(store.list("a/")) == []


def test_a_folder_is_no_object(store: DirectoryStore) -> None:
    store.create("a/key", b"content", content_type="text/plain")
    with pytest.raises(ObjectMissing):
        store.read("a")


def test_a_folder_that_is_not_there_lists_nothing(tmp_path: Path) -> None:
    assert list(DirectoryStore(tmp_path / "nowhere").list("a/")) == []


def test_a_file_that_may_not_be_read_says_so(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create("key", b"content", content_type="text/plain")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # Raised by hand: who runs tests as root may read everything.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(AccessRefused, match="may not read"):
        store.read("key")


@pytest.mark.parametrize(
    ("url", "root", "prefix"),
    [
        ("s3://ml-logs/flight_delay/", "s3://ml-logs", "flight_delay/"),
        ("s3://ml-logs", "s3://ml-logs", ""),
        ("s3://ml-logs/", "s3://ml-logs", ""),
        ("file:///data/logs/", "file:///", "data/logs/"),
        ("file:///my%20data/", "file:///", "my data/"),
    ],
)
def test_a_location_is_a_store_and_a_prefix(url: str, root: str, prefix: str) -> None:
    assert split_url(url) == (root, prefix)


def test_urls_of_files_lead_back_through_the_root(tmp_path: Path) -> None:
    path = tmp_path / "100% sure" / "%41.parquet"
    path.parent.mkdir()
    path.write_bytes(b"found")
    whole = open_store("file:///")
    (found,) = whole.list(str(path.parent)[1:] + "/")
    root, key = split_url(whole.url(found.key))
    assert open_store(root).read(key) == b"found"


@pytest.mark.parametrize("root", ["http://logs", "s4://logs", "memory://logs", "logs"])
def test_other_schemes_are_no_stores(root: str) -> None:
    with pytest.raises(StoreError, match="begins with s3:// or file:///"):
        open_store(root)
