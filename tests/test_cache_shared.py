"""The cache between processes: bounded, leased, whole whatever ends whom, and damage is noticed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.cache import Cache, default_bound_bytes, file_sha256
from nightproof.errors import CacheError, ConfigError, StoreUnavailable
from nightproof.eviction import cost_bytes
from nightproof.lease import Lease
from nightproof.storage import MemoryStore, StoredObject

KB = 1000


class Counting(MemoryStore):
    fetches = 0

    def fetch(self, found: StoredObject, path: Path) -> None:
        self.fetches += 1
        super().fetch(found, path)


def store_of(*sizes_kb: int) -> Counting:
    """Objects ``0``, ``1`` and so on of such sizes, each of other content."""
    store = Counting()
    for number, size_kb in enumerate(sizes_kb):
        store.put(str(number), bytes([number]) * (size_kb * KB))
    return store


def entries(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in (folder / "sha256").rglob("*") if path.is_file()}


def size_bytes(folder: Path) -> int:
    kept = [path for top in ("sha256", "seen") for path in (folder / top).rglob("*") if path.is_file()]
    return sum(cost_bytes(path.stat().st_size) for path in kept)


# --- The bound --------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    sizes_kb=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    wanted=st.lists(st.integers(0, 11), min_size=1, max_size=30),
    bound_kb=st.integers(20, 300),
)
def test_whatever_is_asked_for_the_cache_stays_within_its_bound_and_right(
    tmp_path_factory: pytest.TempPathFactory, sizes_kb: list[int], wanted: list[int], bound_kb: int
) -> None:
    folder, store = tmp_path_factory.mktemp("cache"), store_of(*sizes_kb)
    cache = Cache(folder, bound_bytes=bound_kb * KB)
    for number in wanted:
        key = str(number % len(sizes_kb))
        assert cache.read(store, store.head(key)) == store.read(key)
        assert size_bytes(folder) <= bound_kb * KB
        assert all(file_sha256(path) == name for name, path in entries(folder).items())


def test_what_was_used_least_recently_goes_first(tmp_path: Path) -> None:
    store = store_of(100, 100, 100, 100)
    cache = Cache(tmp_path, bound_bytes=400 * KB)
    brought = []
    for number in range(3):
        brought.append(cache.bring(store, store.head(str(number))))
        os.utime(cache.path(brought[-1]), (number, number))
    cache.bring(store, store.head("0"))
    brought.append(cache.bring(store, store.head("3")))
    assert set(entries(tmp_path)) == {brought[0], brought[2], brought[3]}


def test_what_is_leased_stays_even_beyond_the_bound(tmp_path: Path) -> None:
    store = store_of(*[50] * 6)
    cache, other = Cache(tmp_path, bound_bytes=100 * KB), Cache(tmp_path, bound_bytes=100 * KB)
    with cache.lease() as lease:
        held = {cache.bring(store, store.head(str(number)), lease=lease) for number in range(4)}
        for number in (4, 5):
            other.bring(store, store.head(str(number)))
        other.trim()
        assert held <= set(entries(tmp_path))
    other.bring(store, store.head("4"))
    other.trim()
    assert size_bytes(tmp_path) <= 100 * KB


def test_a_lease_ends_when_it_is_forgotten(tmp_path: Path) -> None:
    store = store_of(50, 50)
    cache = Cache(tmp_path, bound_bytes=90 * KB)
    lease: Lease | None = cache.lease()
    held = cache.bring(store, store.head("0"), lease=lease)
    lease = None
    cache.bring(store, store.head("1"))
    assert held not in entries(tmp_path)
    assert list((tmp_path / "leases").iterdir()) == []


@pytest.mark.parametrize(("said", "bound"), [("", 20 * 10**9), ("0", None), ("0.5", 5 * 10**8), (" 3 ", 3 * 10**9)])
def test_the_bound_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, said: str, bound: int | None) -> None:
    monkeypatch.setenv("NIGHTPROOF_CACHE_GB", said)
    assert default_bound_bytes() == bound


@pytest.mark.parametrize("said", ["much", "-1", "nan", "inf", "20GB"])
def test_a_bound_that_is_none_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, said: str, tmp_path: Path) -> None:
    monkeypatch.setenv("NIGHTPROOF_CACHE_GB", said)
    with pytest.raises(ConfigError, match=r"NIGHTPROOF_CACHE_GB: give a number of gigabytes.*found"):
        Cache(tmp_path)


# --- Damage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [b"", b"half", b"other bytes of one size "])
def test_a_damaged_entry_is_fetched_again(tmp_path: Path, damage: bytes) -> None:
    store = Counting()
    store.put("key", b"x" * 24)
    brought = Cache(tmp_path).bring(store, store.head("key"))
    path = entries(tmp_path)[brought]
    path.write_bytes(damage[:24])
    assert Cache(tmp_path).read(store, store.head("key")) == b"x" * 24
    assert store.fetches == 2 and file_sha256(path) == brought


@pytest.mark.parametrize("note", [b"", b"abc", b"\xff" * 64, b"g" * 64])
def test_a_damaged_note_is_made_anew(tmp_path: Path, note: bytes) -> None:
    store = store_of(1)
    brought = Cache(tmp_path).bring(store, store.head("0"))
    (path,) = [found for found in (tmp_path / "seen").rglob("*") if found.is_file()]
    path.write_bytes(note)
    assert Cache(tmp_path).bring(store, store.head("0")) == brought
    assert path.read_text() == brought


def test_an_object_that_comes_short_is_never_kept(tmp_path: Path) -> None:
    class Short(MemoryStore):
        def fetch(self, found: StoredObject, path: Path) -> None:
            path.write_bytes(self.read(found.key)[:-1])

    store = Short()
    store.put("key", b"whole")
    with pytest.raises(StoreUnavailable, match="came with 4 of 5 bytes"):
        Cache(tmp_path).bring(store, store.head("key"))
    assert entries(tmp_path) == {}


class FullDisk(MemoryStore):
    """Fetches fail for want of room, so many times."""

    full = 1

    def fetch(self, found: StoredObject, path: Path) -> None:
        if self.full:
            self.full -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        super().fetch(found, path)


def test_on_a_full_disk_what_nobody_uses_makes_room(tmp_path: Path) -> None:
    store, full = store_of(1, 1), FullDisk()
    full.put("key", b"rows")
    cache = Cache(tmp_path)
    with cache.lease() as lease:
        held = cache.bring(store, store.head("0"), lease=lease)
        cache.bring(store, store.head("1"))
        brought = cache.bring(full, full.head("key"))
        assert set(entries(tmp_path)) == {held, brought}


def test_a_disk_that_stays_full_is_a_clear_error(tmp_path: Path) -> None:
    full = FullDisk()
    full.full = 2
    full.put("key", b"rows")
    with pytest.raises(CacheError, match=r"disk of the cache .* is full.*NIGHTPROOF_CACHE"):
        Cache(tmp_path).bring(full, full.head("key"))


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = store_of(1)
    with pytest.raises(CacheError, match=r"cannot be used: .*NIGHTPROOF_CACHE"):
        Cache(tmp_path / "file").bring(store, store.head("0"))


# --- Processes --------------------------------------------------------------------------------------------

HAMMER = """
import random, sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.storage import DirectoryStore

store, cache, seed = DirectoryStore(Path(sys.argv[1])), Cache(Path(sys.argv[2]), bound_bytes=600_000), sys.argv[3]
draw, found = random.Random(int(seed)), list(store.list(""))
for _ in range(40):
    with cache.lease() as lease:
        some = draw.sample(found, 4)
        paths = {each.key: cache.path(cache.bring(store, each, lease=lease)) for each in some}
        cache.trim()
        # Read late, as an engine does: what is leased is still there, whole, whoever else made room.
        for key, path in paths.items():
            assert path.read_bytes() == store.read(key), key
print("fine")
"""


def test_processes_that_share_a_cache_too_small_for_all_always_read_what_they_leased(
    tmp_path: Path, at_once: Callable[..., list[str]]
) -> None:
    (tmp_path / "store").mkdir()
    for number in range(20):
        (tmp_path / "store" / f"{number:02d}").write_bytes(os.urandom(40_000 + number))
    arguments = [[str(tmp_path / "store"), str(tmp_path / "cache"), str(seed)] for seed in range(4)]
    assert at_once(HAMMER, *arguments) == ["fine\n"] * 4
    assert all(file_sha256(path) == name for name, path in entries(tmp_path / "cache").items())
    Cache(tmp_path / "cache", bound_bytes=600_000).trim()
    assert size_bytes(tmp_path / "cache") <= 600_000
    for left in ("leases", "fetching"):
        assert list((tmp_path / "cache" / left).iterdir()) == []


HOLD = """
import sys, time
from pathlib import Path
from nightproof.cache import Cache
from nightproof.storage import DirectoryStore

class Slow(DirectoryStore):
    def fetch(self, found, path):
        if found.key != "stuck":
            return super().fetch(found, path)
        path.write_bytes(b"half of it")
        print("stuck", flush=True)
        time.sleep(600)

store, cache = Slow(Path(sys.argv[1])), Cache(Path(sys.argv[2]))
lease = cache.lease()
print(cache.bring(store, store.head("held"), lease=lease), flush=True)
cache.bring(store, store.head("stuck"), lease=lease)
"""


def test_a_killed_process_holds_nothing_and_its_half_fetched_files_are_cleared_away(tmp_path: Path) -> None:
    folder, logs = tmp_path / "cache", tmp_path / "store"
    logs.mkdir()
    for name in ("held", "stuck"):
        (logs / name).write_bytes(name.encode() * 1000)
    command = [sys.executable, "-c", HOLD, str(logs), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = process.stdout.readline().strip()
        assert process.stdout.readline() == "stuck\n"
        tiny = Cache(folder, bound_bytes=1)
        tiny.trim()
        # While it lives, its entry and its half-fetched file stay.
        assert held in entries(folder) and len(list((folder / "fetching").iterdir())) == 1
        process.send_signal(signal.SIGKILL)
    tiny.trim()
    assert entries(folder) == {}
    assert [list((folder / left).iterdir()) for left in ("leases", "fetching")] == [[], []]


def test_a_forked_child_that_ends_does_not_end_its_parents_lease(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.storage import MemoryStore

store, cache = MemoryStore(), Cache(Path(sys.argv[1]), bound_bytes=1)
store.put("key", b"rows" * 1000)
lease = cache.lease()
held = cache.bring(store, store.head("key"), lease=lease)
if (child := os.fork()) == 0:
    sys.exit(0)
os.waitpid(child, 0)
cache.trim()
print(cache.path(held).exists())
"""
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"


def test_threads_share_one_lease(tmp_path: Path) -> None:
    store = store_of(*[5] * 30)
    cache = Cache(tmp_path, bound_bytes=1)
    with cache.lease() as lease:
        wanted: list[Any] = [store.head(str(number)) for number in range(30)]
        threads = [threading.Thread(target=cache.bring, args=(store, each), kwargs={"lease": lease}) for each in wanted]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cache.trim()
        assert len(entries(tmp_path)) == 30
