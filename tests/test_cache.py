"""The cache: content by its hash, shared, whole or not there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from nightproof.cache import Cache, default_folder, file_sha256
from nightproof.errors import ObjectChanged, StoreUnavailable
from nightproof.storage import MemoryStore, StoredObject


class CountingStore(MemoryStore):
    fetches = 0

    def fetch(self, found: StoredObject, path: Path) -> None:
        self.fetches += 1
        super().fetch(found, path)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files(folder: Path) -> list[Path]:
    """Content, notes, and what was left half-written; not the lock and the ledger."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", "ledger")]


def test_what_is_brought_lies_under_the_hash_of_its_content(store: CountingStore, cache: Cache) -> None:
    content = b"rows" * 1_000_000
    store.put("key", content)
    brought = cache.bring(store, store.head("key"))
    assert brought == sha256(content) == file_sha256(cache.path(brought))
    assert cache.path(brought).read_bytes() == content


def test_nothing_is_fetched_twice_by_anybody(store: CountingStore, cache: Cache, tmp_path: Path) -> None:
    store.put("key", b"rows")
    first = cache.bring(store, store.head("key"))
    assert Cache(tmp_path / "cache").bring(store, store.head("key")) == first
    assert cache.bring(store, store.head("key"), expected_sha256=first) == first
    assert store.fetches == 1


def test_the_same_content_is_kept_once(store: CountingStore, cache: Cache, tmp_path: Path) -> None:
    for key in ("a", "b"):
        store.put(key, b"rows")
    assert cache.bring(store, store.head("a")) == cache.bring(store, store.head("b"))
    assert len(files(tmp_path / "cache" / "sha256")) == 1


def test_new_content_under_the_same_key_is_brought_anew(store: CountingStore, cache: Cache) -> None:
    store.put("key", b"before")
    before = cache.bring(store, store.head("key"))
    store.put("key", b"after!")
    after = cache.bring(store, store.head("key"))
    assert cache.path(before).read_bytes() == b"before"
    assert cache.path(after).read_bytes() == b"after!"


def test_what_was_cleared_away_is_fetched_again(store: CountingStore, cache: Cache) -> None:
    store.put("key", b"rows")
    brought = cache.bring(store, store.head("key"))
    cache.path(brought).unlink()
    assert cache.bring(store, store.head("key")) == brought
    assert cache.path(brought).read_bytes() == b"rows"


def test_content_that_is_not_the_pinned_one_is_never_kept(store: CountingStore, cache: Cache, tmp_path: Path) -> None:
    store.put("key", b"other rows")
    pinned = sha256(b"rows")
    with pytest.raises(ObjectChanged, match=rf"memory://memory/key has other content.*pinned {pinned[:12]}"):
        cache.bring(store, store.head("key"), expected_sha256=pinned)
    assert files(tmp_path / "cache") == []


def test_a_fetch_that_breaks_off_leaves_nothing_behind(store: CountingStore, cache: Cache, tmp_path: Path) -> None:
    class Broken(MemoryStore):
        def fetch(self, found: StoredObject, path: Path) -> None:
            path.write_bytes(b"half")
            raise StoreUnavailable("gone")

    broken = Broken()
    broken.put("key", b"whole")
    with pytest.raises(StoreUnavailable):
        cache.bring(broken, broken.head("key"))
    assert files(tmp_path / "cache") == []


def test_threads_that_want_the_same_object_all_get_it(store: CountingStore, cache: Cache, tmp_path: Path) -> None:
    store.put("key", b"rows" * 100_000)
    barrier = Barrier(8, timeout=60)

    def bring(_: int) -> str:
        barrier.wait()
        return cache.bring(store, store.head("key"))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(bring, range(8))) == {sha256(b"rows" * 100_000)}
    kept = files(tmp_path / "cache")
    assert sorted(path.parents[1].name for path in kept) == ["seen", "sha256"]


BRING = """
import sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.storage import DirectoryStore

store, cache = DirectoryStore(Path(sys.argv[1])), Cache(Path(sys.argv[2]))
print(*(cache.bring(store, found) for found in store.list("")))
"""


def test_processes_that_want_the_same_objects_all_get_them(tmp_path: Path, at_once: Callable[..., list[str]]) -> None:
    (tmp_path / "store").mkdir()
    for number in range(20):
        (tmp_path / "store" / f"{number:02d}").write_bytes(bytes([number]) * 50_000)
    wanted = [sha256(bytes([number]) * 50_000) for number in range(20)]
    folders = [str(tmp_path / "store"), str(tmp_path / "cache")]
    assert [printed.split() for printed in at_once(BRING, folders, folders)] == [wanted, wanted]
    assert [file_sha256(Cache(tmp_path / "cache").path(digest)) for digest in wanted] == wanted


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"NIGHTPROOF_CACHE": "/there", "XDG_CACHE_HOME": "/elsewhere"}, "/there"),
        ({"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/nightproof"),
        ({"HOME": "/home/me"}, "/home/me/.cache/nightproof"),
    ],
)
def test_the_cache_lies_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("NIGHTPROOF_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert default_folder() == Path(folder)
