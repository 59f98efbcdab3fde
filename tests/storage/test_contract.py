"""The laws of a store, the same for memory, a folder and a bucket."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Protocol

import pytest
from nightproof.errors import ObjectChanged, ObjectExists, ObjectMissing
from nightproof.storage import DirectoryStore, MemoryStore, Store, open_store, split_url

WRITERS = 8


class Place(Protocol):
    """A store, and how the world outside changes what is in it."""

    store: Store

    def put(self, key: str, content: bytes) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.put = self.store.put


class InFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = DirectoryStore(root)

    def put(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        # As a careful writer does; an overwrite in place would be another size or time.
        fresh = path.with_name(".fresh")
        fresh.write_bytes(content)
        fresh.replace(path)


class InBucket:
    def __init__(self, request: pytest.FixtureRequest) -> None:
        s3, self.bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
        self.client = s3.client()
        self.store = open_store(f"s3://{self.bucket}")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)


@pytest.fixture(params=["memory", "folder", pytest.param("bucket", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made: dict[str, Callable[[], Place]] = {
        "memory": InMemory,
        "folder": lambda: InFolder(tmp_path / "store"),
        "bucket": lambda: InBucket(request),
    }
    return made[request.param]()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


def create(store: Store, key: str, content: bytes = b"content") -> None:
    store.create(key, content, content_type="application/json")


def keys(store: Store, prefix: str) -> list[str]:
    return [found.key for found in store.list(prefix)]


def test_what_is_created_is_read_headed_and_fetched_as_it_was(store: Store, tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192 + b"the end"
    create(store, "a/b.bin", content)
    found = store.head("a/b.bin")
    assert (found.key, found.size) == ("a/b.bin", len(content))
    assert store.read("a/b.bin") == content
    store.fetch(found, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == content


def test_an_empty_object_is_an_object(store: Store, tmp_path: Path) -> None:
    create(store, "empty", b"")
    assert (store.read("empty"), store.head("empty").size) == (b"", 0)
    store.fetch(store.head("empty"), tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b""


def test_what_is_there_is_never_replaced(store: Store) -> None:
    create(store, "key", b"first")
    with pytest.raises(ObjectExists, match=r"key.* there already"):
        create(store, "key", b"second")
    assert store.read("key") == b"first"


def test_a_race_has_one_winner_and_its_content_stays(store: Store) -> None:
    barrier = Barrier(WRITERS, timeout=60)

    def race(writer: int) -> int | None:
        barrier.wait()
        try:
            create(store, "race/key", str(writer).encode() * 1000)
        except ObjectExists:
            return None
        return writer

    with ThreadPoolExecutor(WRITERS) as pool:
        won = [writer for writer in pool.map(race, range(WRITERS)) if writer is not None]
    assert len(won) == 1
    assert store.read("race/key") == str(won[0]).encode() * 1000
    assert keys(store, "race/") == ["race/key"]


def test_a_listing_is_in_the_order_of_keys_and_holds_the_prefix_only(store: Store) -> None:
    named = ["a/b/1", "a/b/2", "a-b/1", "a.b", "a/b", "ab", "b/1", "a/é", "a/b-c/1"]
    named.remove("a/b")  # in a folder, a name is a file or a folder
    for key in named:
        create(store, key)
    assert keys(store, "") == sorted(named)
    assert keys(store, "a/") == ["a/b-c/1", "a/b/1", "a/b/2", "a/é"]
    assert keys(store, "a/b") == ["a/b-c/1", "a/b/1", "a/b/2"]
    assert keys(store, "a/b/2") == ["a/b/2"]
    assert keys(store, "a") == sorted(key for key in named if key.startswith("a"))
    assert keys(store, "nothing/") == keys(store, "zzz") == []


def test_a_listing_says_what_head_says(store: Store) -> None:
    for key in ("a/1", "a/2"):
        create(store, key, key.encode() * 3)
    for found in store.list("a/"):
        exact = store.head(found.key)
        assert (found.key, found.size, found.etag) == (exact.key, exact.size, exact.etag)


def test_a_long_listing_is_whole(place: Place) -> None:
    for number in range(1050):
        place.put(f"many/{number:04d}", b"1")
    assert keys(place.store, "many/") == [f"many/{number:04d}" for number in range(1050)]


@pytest.mark.parametrize("key", ["missing", "missing/too", "there/below"])
def test_what_is_missing_is_named(store: Store, key: str) -> None:
    create(store, "there")
    for ask in (store.head, store.read):
        with pytest.raises(ObjectMissing, match=key):
            ask(key)


def test_an_object_that_went_cannot_be_fetched(place: Place, tmp_path: Path) -> None:
    create(place.store, "here")
    gone = replace(place.store.head("here"), key="gone", version_id=None)
    with pytest.raises(ObjectMissing):
        place.store.fetch(gone, tmp_path / "fetched")


def test_an_object_that_changed_since_it_was_listed_is_not_taken_for_it(place: Place, tmp_path: Path) -> None:
    place.put("key", b"before")
    (listed,) = place.store.list("key")
    place.put("key", b"after!")
    with pytest.raises(ObjectChanged, match="has changed since it was listed"):
        place.store.fetch(listed, tmp_path / "fetched")


def test_the_tag_changes_with_the_content(place: Place) -> None:
    place.put("key", b"before")
    before = place.store.head("key")
    place.put("key", b"after!")
    assert place.store.head("key").etag != before.etag


@pytest.mark.parametrize("key", ["a/b.json", "dt=2013-12-14/part 0.parquet", "100%/50%25.parquet", "ü/ö", "a+b&c=d;e"])
def test_a_url_leads_back_to_its_key(store: Store, key: str) -> None:
    create(store, key, b"found")
    url = store.url(key)
    _, prefix = split_url(url)
    assert prefix.endswith(key)
    assert keys(store, key) == [key]
    assert store.read(key) == b"found"


def test_an_encoding_changes_no_byte(store: Store) -> None:
    store.create("page.html.gz", b"\x1f\x8bpacked", content_type="text/html; charset=utf-8", encoding="gzip")
    assert store.read("page.html.gz") == b"\x1f\x8bpacked"
