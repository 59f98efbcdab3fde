"""The log: one chain without a gap, whoever writes, and a broken one is never read on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from nightproof.errors import RecordError
from nightproof.log import Log
from nightproof.manifest import LogEntry, Manifest
from nightproof.storage import MemoryStore


def manifest(number: int, *, night: str | None = None) -> Manifest:
    return Manifest(
        model="quiet",
        night=night or f"2024-03-{number % 28 + 1:02d}",
        evaluation_id=f"{number:016x}",
        status="ok",
        evaluated_at="2024-04-01T00:00:00+00:00",
        baseline_id=None,
        files={},
        config={},
        environment={},
        steps_left_out=(),
    )


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def chain(store: MemoryStore) -> Log:
    """The chain as a fresh process sees it."""
    return Log(store, "quiet/log/")


def append(log: Log, number: int, *, night: str | None = None) -> LogEntry:
    one = manifest(number, night=night)
    return log.append(one, one.to_bytes())


def is_chain(store: MemoryStore) -> bool:
    """By the bytes alone, without the code under test."""
    parent = None
    for number, found in enumerate(store.list("quiet/log/")):
        raw = store.read(found.key)
        entry = json.loads(raw)
        if found.key != f"quiet/log/{number:09d}.json" or entry["number"] != number:
            return False
        if entry["parent_sha256"] != parent:
            return False
        parent = hashlib.sha256(raw).hexdigest()
    return True


def test_an_empty_chain_has_no_entries(store: MemoryStore) -> None:
    assert (chain(store).entries(), chain(store).latest(), chain(store).find("0" * 16)) == ([], {}, None)


def test_entries_are_numbered_from_nought_and_hold_the_hash_of_the_one_before(store: MemoryStore) -> None:
    log = chain(store)
    written = [append(log, number) for number in range(12)]
    assert [entry.number for entry in written] == list(range(12))
    assert chain(store).entries() == log.entries() == written
    assert is_chain(store)


def test_an_entry_signs_its_manifest(store: MemoryStore) -> None:
    one = manifest(3)
    entry = chain(store).append(one, one.to_bytes())
    assert entry.manifest_sha256 == hashlib.sha256(one.to_bytes()).hexdigest()
    assert (entry.night, entry.evaluation_id, entry.status) == (one.night, one.evaluation_id, one.status)


def test_the_same_evaluation_is_one_entry_however_often_it_is_appended(store: MemoryStore) -> None:
    log = chain(store)
    first = append(log, 1)
    append(log, 2)
    assert append(log, 1) == append(chain(store), 1) == first
    assert len(chain(store).entries()) == 2


def test_a_log_that_is_open_sees_what_others_append(store: MemoryStore) -> None:
    here, there = chain(store), chain(store)
    append(here, 1)
    append(there, 2)
    append(here, 3)
    assert [entry.evaluation_id for entry in there.entries()] == [f"{n:016x}" for n in (1, 2, 3)]


@pytest.mark.parametrize("same", [False, True], ids=["different evaluations", "the same evaluations"])
def test_writers_at_once_leave_one_chain(store: MemoryStore, same: bool) -> None:
    writers, each = 6, 8
    barrier = Barrier(writers, timeout=60)

    def write(writer: int) -> list[LogEntry]:
        log = chain(store)
        barrier.wait()
        return [append(log, number if same else 100 * writer + number) for number in range(each)]

    with ThreadPoolExecutor(writers) as pool:
        written = list(pool.map(write, range(writers)))
    assert is_chain(store)
    entries = chain(store).entries()
    assert len(entries) == (each if same else each * writers)
    assert {entry.evaluation_id for entry in entries} == {e.evaluation_id for part in written for e in part}
    assert all(entry in entries for part in written for entry in part)


def test_the_latest_of_a_night_is_the_one_appended_last_and_nights_rise(store: MemoryStore) -> None:
    log = chain(store)
    for number, night in enumerate(["2024-03-02", "2024-03-01", "2024-03-02", "2024-03-03"]):
        append(log, number, night=night)
    latest = chain(store).latest()
    assert list(latest) == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert [entry.number for entry in latest.values()] == [1, 2, 3]
    assert list(chain(store).latest(before="2024-03-02")) == ["2024-03-01"]


def edited(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def edit(raw: bytes) -> bytes:
        said = json.loads(raw)
        change(said)
        return json.dumps(said).encode()

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        edited(lambda said: said.update(status="regression")),
        edited(lambda said: said.update(number=7)),
        edited(lambda said: said.update(parent_sha256="0" * 64)),
        edited(lambda said: said.update(parent_sha256=None)),
        edited(lambda said: said.pop("night")),
        lambda raw: raw + b" ",
        lambda raw: b"",
    ],
    ids=["status", "number", "parent", "no parent", "missing key", "a space", "empty"],
)
def test_an_entry_that_was_touched_breaks_the_chain(store: MemoryStore, edit: Callable[[bytes], bytes]) -> None:
    log = chain(store)
    for number in range(4):
        append(log, number)
    key = "quiet/log/000000002.json"
    store.put(key, edit(store.read(key)))
    with pytest.raises(RecordError, match=r"000000002|000000003"):
        chain(store).entries()
    with pytest.raises(RecordError):
        append(chain(store), 9)


@pytest.mark.parametrize("gone", [0, 2])
def test_a_missing_number_breaks_the_chain(gone: int) -> None:
    whole, holed = MemoryStore(), MemoryStore()
    for number in range(4):
        append(chain(whole), number)
    for found in whole.list(""):
        if not found.key.endswith(f"{gone}.json"):
            holed.put(found.key, whole.read(found.key))
    with pytest.raises(RecordError, match=f"no entry {gone}: the chain is broken"):
        chain(holed).entries()
