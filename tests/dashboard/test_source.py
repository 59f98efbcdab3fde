"""The source's laws: what is shown is fresh, what fails hides nothing else, and threads share it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from nightproof.board import Board, FleetRow
from nightproof.board.board import board_at
from nightproof.board.fill import fill
from nightproof.dashboard import refreshed
from nightproof.dashboard.refreshed import FRESH_S, STALE_S, Refreshed
from nightproof.dashboard.source import Source
from nightproof.errors import NightproofError, ObjectMissing, StoreUnavailable
from nightproof.results import ModelResults
from nightproof.storage import MemoryStore, Store

HERE, THERE = "s3://here/nightproof/", "s3://there/nightproof/"
NAMES = ("alpha", "beta", "gamma")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Flaky:
    """A store that does not answer while it is down, and counts what is asked of it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.down = False
        self.gate = threading.Event()
        self.gate.set()
        self.reads: list[str] = []
        self.lists = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def list(self, prefix: str) -> Any:
        self.lists += 1
        self.gate.wait(10)
        if self.down:
            raise StoreUnavailable("No answer from object storage.")
        return self.store.list(prefix)

    def read(self, key: str) -> bytes:
        self.reads.append(key)
        if self.down:
            raise StoreUnavailable("No answer from object storage.")
        return self.store.read(key)


class House:
    """Two results roots and a folder of configs, over rows that one real model left."""

    def __init__(self, folder: Path, row: FleetRow) -> None:
        self.folder = folder
        self.template = row
        self.clock = Clock()
        self.stores = {"s3://here": Flaky(MemoryStore("here")), "s3://there": Flaky(MemoryStore("there"))}
        folder.mkdir(parents=True)

    def source(self, **given: Any) -> Source:
        return Source(self.open, models=self.folder, clock=self.clock, **given)

    def open(self, root: str) -> Store:
        store: Any = self.stores[root]
        return store

    def board(self, url: str = HERE) -> Board:
        return board_at(url, lambda root: self.stores[root].store)

    def put(self, model: str, *, entries: int = 1, url: str = HERE, **changes: Any) -> None:
        self.board(url).write_row(self.template.model_copy(update={"model": model, "entries": entries, **changes}))

    def config(self, model: str, *, url: str = HERE, **changes: Any) -> Path:
        said = {
            "model": model,
            "task": "binary",
            "data": {"predictions": "s3://logs/p/dt=%Y-%m-%d/", "reference": "s3://logs/r/"},
            "results": url,
            "columns": {"score": "p", "label": "y", "features": {"numeric": ["x"]}},
        } | changes
        path = self.folder / f"{model}.yaml"
        path.write_text(yaml.safe_dump(said), "utf-8")
        return path


@pytest.fixture(scope="module")
def template(benches: Callable[[], Any]) -> FleetRow:
    bench = benches()
    bench.night("2024-03-01", count=300)
    bench.evaluate("2024-03-01")
    row = fill(bench.model_results(), board_at(bench.results, bench.open_store))
    assert row is not None
    return row


@pytest.fixture
def house(tmp_path: Path, template: FleetRow) -> Iterator[House]:
    made = House(tmp_path / "include" / "models", template)
    for name in NAMES:
        made.config(name)
        made.put(name)
    yield made
    for store in made.stores.values():
        store.gate.set()
    ended()


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("nightproof-"):
            thread.join(10)


def after_background(source: Source) -> Any:
    """The fleet once what a look set off has ended."""
    source.fleet()
    ended()
    return source.fleet()


# --- Freshness ----------------------------------------------------------------------------------------------


def test_no_thread_before_the_first_look_and_none_after(house: House) -> None:
    source = house.source()
    assert not [t for t in threading.enumerate() if t.name.startswith("nightproof-")]
    source.fleet()
    ended()
    assert not [t for t in threading.enumerate() if t.name.startswith("nightproof-")]


def test_within_its_freshness_nothing_is_asked_again(house: House) -> None:
    source = house.source()
    first = source.fleet()
    asked = house.stores["s3://here"].lists
    house.clock.now += FRESH_S - 0.1
    assert source.fleet() is first
    ended()
    assert house.stores["s3://here"].lists == asked


def test_what_is_no_longer_fresh_is_shown_at_once_and_read_meanwhile(house: House) -> None:
    source = house.source()
    source.fleet()
    house.put("alpha", entries=2)
    house.clock.now += FRESH_S + 0.1
    house.stores["s3://here"].gate.clear()
    assert source.fleet().rows["alpha"].entries == 1
    house.stores["s3://here"].gate.set()
    ended()
    assert source.fleet().rows["alpha"].entries == 2


def test_what_is_stale_is_read_before_it_is_shown(house: House) -> None:
    source = house.source()
    source.fleet()
    house.put("alpha", entries=2)
    house.clock.now += STALE_S + 0.1
    assert source.fleet().rows["alpha"].entries == 2


def test_only_rows_that_changed_are_read(house: House) -> None:
    source = house.source()
    before = source.fleet()
    house.put("beta", entries=2)
    house.stores["s3://here"].reads.clear()
    house.clock.now += STALE_S + 0.1
    after = source.fleet()
    assert [key.rsplit("/", 1)[-1] for key in house.stores["s3://here"].reads] == ["beta.000000002.json.gz"]
    assert after.rows["alpha"] is before.rows["alpha"]


def test_a_row_that_was_deleted_is_gone(house: House) -> None:
    source = house.source()
    source.fleet()
    store = house.stores["s3://here"].store
    for stored in list(store.list("")):
        if "gamma" in stored.key:
            store.delete(stored.key)
    house.clock.now += STALE_S + 0.1
    assert "gamma" not in source.fleet().rows
    assert "gamma" in source.fleet().places
    with pytest.raises(ObjectMissing, match="on the board yet"):
        source.row("gamma")


def test_many_look_and_one_reads(house: House) -> None:
    source, gate = house.source(), house.stores["s3://here"].gate
    gate.clear()
    with ThreadPoolExecutor(8) as lookers:
        looks = [lookers.submit(source.fleet) for _ in range(8)]
        while house.stores["s3://here"].lists == 0:
            pass
        gate.set()
        found = [look.result(10) for look in looks]
    assert house.stores["s3://here"].lists == 1
    assert all(set(fleet.rows) == set(NAMES) for fleet in found)


def test_a_reading_that_hangs_is_not_waited_for_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshed, "PATIENCE_S", 0.05)
    source, here = house.source(), house.stores["s3://here"]
    source.fleet()
    here.gate.clear()
    house.clock.now += STALE_S + 0.1
    assert set(source.fleet().rows) == set(NAMES)
    house.clock.now += 60
    asked = here.lists
    assert set(source.fleet().rows) == set(NAMES)
    assert here.lists == asked


def test_what_a_reading_raises_reaches_whoever_waits_and_the_next_look_tries_again() -> None:
    tries: list[int] = []

    def read(known: int) -> int:
        tries.append(known)
        if len(tries) == 1:
            raise ValueError("not yet")
        return known + 1

    kept = Refreshed(read, 0, first_s=10.0)
    with pytest.raises(ValueError, match="not yet"):
        kept.get()
    assert kept.get() == 1
    assert kept.renewed() == 2


# --- Roots that fail ----------------------------------------------------------------------------------------


def test_a_root_that_is_down_keeps_its_rows_and_says_so(house: House) -> None:
    source = house.source()
    was = source.fleet()
    assert not was.faults
    house.stores["s3://here"].down = True
    house.clock.now += STALE_S + 0.1
    now = source.fleet()
    assert now.rows == was.rows
    assert "No answer" in now.faults[HERE]
    assert f"{was.at:%H:%M} UTC" in now.faults[HERE]
    assert now.at == was.at
    house.stores["s3://here"].down = False
    house.clock.now += STALE_S + 0.1
    assert not source.fleet().faults


def test_a_root_that_is_down_does_not_hide_another(house: House) -> None:
    house.config("delta", url=THERE)
    house.put("delta", url=THERE)
    house.stores["s3://here"].down = True
    fleet = house.source().fleet()
    assert set(fleet.rows) == {"delta"}
    assert set(fleet.places) == {*NAMES, "delta"}
    assert set(fleet.faults) == {HERE}


def test_a_root_that_answers_late_is_shown_without_its_rows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightproof.dashboard.source.FIRST_S", 0.3)
    house.config("delta", url=THERE)
    house.put("delta", url=THERE)
    house.stores["s3://there"].gate.clear()
    source = house.source()
    fleet = source.fleet()
    assert set(fleet.rows) == set(NAMES)
    assert "not answered yet" in fleet.faults[THERE]
    house.stores["s3://there"].gate.set()
    ended()
    assert "delta" in source.fleet().rows


def test_keys_given_anew_are_taken_by_the_next_reading(house: House) -> None:
    opened: list[str] = []

    def open_store(root: str) -> Store:
        opened.append(root)
        return house.open(root)

    source = Source(open_store, models=house.folder, clock=house.clock)
    source.fleet()
    house.clock.now += STALE_S + 0.1
    source.fleet()
    assert opened == ["s3://here"]
    house.stores["s3://here"].down = True
    house.clock.now += STALE_S + 0.1
    source.fleet()
    house.stores["s3://here"].down = False
    house.clock.now += STALE_S + 0.1
    assert not source.fleet().faults
    assert len(opened) > 1


# --- Rows that cannot be read -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no gzip", b"", None])
def test_one_row_that_is_none_hides_no_other(house: House, content: bytes | None) -> None:
    source = house.source()
    source.fleet()
    key = "nightproof/board/v1/rows/beta.000000002.json.gz"
    if content is None:  # half of one
        content = house.stores["s3://here"].store.read(key.replace("2.json", "1.json"))[:50]
    house.stores["s3://here"].store.put(key, content)
    house.clock.now += STALE_S + 0.1
    fleet = source.fleet()
    assert "beta.000000002" in fleet.places["beta"].unread
    assert fleet.rows["beta"].entries == 1, "the last that could be read stays"
    assert not fleet.faults
    assert not fleet.places["alpha"].unread
    fresh = house.source()
    assert set(fresh.fleet().rows) == {"alpha", "gamma"}
    with pytest.raises(ObjectMissing, match=r"beta\.000000002"):
        fresh.row("beta")


def test_a_row_of_another_model_is_not_shown_as_this_ones(house: House) -> None:
    store = house.stores["s3://here"].store
    store.put(
        "nightproof/board/v1/rows/beta.000000001.json.gz",
        store.read("nightproof/board/v1/rows/alpha.000000001.json.gz"),
    )
    fleet = house.source().fleet()
    assert "beta" not in fleet.rows
    assert "another model" in fleet.places["beta"].unread


def test_a_row_that_went_between_listing_and_reading_is_read_as_it_is_now(house: House) -> None:
    here = house.stores["s3://here"]
    listed = list(here.store.list(""))
    house.put("alpha", entries=2)
    here.store.delete("nightproof/board/v1/rows/alpha.000000001.json.gz")
    old = iter([listed])
    plain = here.store.list

    class Late(Flaky):
        def list(self, prefix: str) -> Any:
            return iter(next(old, None) or plain(prefix))

    house.stores["s3://here"] = Late(here.store)
    assert house.source().fleet().rows["alpha"].entries == 2


def test_many_rows_are_read_and_the_broken_ones_told(house: House) -> None:
    for number in range(40):
        house.put(f"m{number:02d}")
    house.stores["s3://here"].store.put("nightproof/board/v1/rows/m07.000000001.json.gz", b"broken")
    fleet = house.source(results=(HERE,)).fleet()
    assert len(fleet.rows) == 42
    assert [name for name, place in fleet.places.items() if place.unread] == ["m07"]


# --- Configs ------------------------------------------------------------------------------------------------


def test_a_config_is_read_when_its_file_changes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    source = house.source()
    before = source.fleet().places
    path = house.config("alpha", owner="somebody")
    os.utime(path, ns=(1, 1))  # another time, whichever way
    house.clock.now += STALE_S + 0.1
    after = source.fleet().places
    assert after["alpha"].config is not None
    assert after["alpha"].config.owner == "somebody"
    assert after["beta"] is before["beta"]


def test_what_the_fleets_file_says_counts_at_once(house: House) -> None:
    source = house.source()
    source.fleet()
    mute = {"check": "drift", "until": "2024-12-31", "reason": "known"}
    (house.folder.parent / "fleet.yaml").write_text(yaml.safe_dump({"alerts": {"mute": [mute]}}), "utf-8")
    house.clock.now += STALE_S + 0.1
    config = source.config("alpha")
    assert config is not None
    assert len(config.alerts.mute) == 1


def test_a_model_moves_with_its_config(house: House) -> None:
    source = house.source()
    source.fleet()
    house.config("alpha", url=THERE)
    house.put("alpha", url=THERE, entries=7)
    house.clock.now += STALE_S + 0.1
    assert source.place("alpha").results_url == THERE
    assert source.row("alpha").entries == 7


def test_a_config_that_breaks_keeps_its_nights(house: House) -> None:
    source = house.source()
    source.fleet()
    (house.folder / "alpha.yaml").write_text("model: [", "utf-8")
    house.clock.now += STALE_S + 0.1
    place = source.place("alpha")
    assert "alpha.yaml" in place.fault
    assert place.config is None
    assert place.results_url == HERE
    assert source.row("alpha").model == "alpha"
    # A process that never saw it whole finds its nights on the board.
    assert house.source().place("alpha").results_url == HERE


def test_a_broken_config_without_nights_is_listed_with_its_faults(house: House) -> None:
    (house.folder / "omega.yaml").write_text("model: omega\ntask: nothing\n", "utf-8")
    source = house.source()
    assert "task" in source.place("omega").fault
    with pytest.raises(ObjectMissing, match="cannot be told"):
        source.results("omega")


def test_a_second_file_of_the_name_hides_no_good_one(house: House) -> None:
    (house.folder / "alpha.yml").write_text("model: alpha\n", "utf-8")
    assert not house.source().place("alpha").fault


def test_a_model_whose_config_is_gone_stays_and_says_so(house: House) -> None:
    source = house.source()
    assert not source.place("alpha").gone
    (house.folder / "alpha.yaml").unlink()
    house.clock.now += STALE_S + 0.1
    assert source.place("alpha").gone
    assert source.place("alpha").results_url == HERE
    assert source.row("alpha").model == "alpha"
    assert source.config("alpha") is None


def test_a_model_of_a_root_that_was_given_is_not_gone(house: House) -> None:
    house.put("elsewhere", url=THERE)
    place = house.source(results=(THERE,)).place("elsewhere")
    assert (place.results_url, place.gone) == (THERE, False)


def test_of_two_roots_the_configs_own_counts_and_else_the_latest_night(house: House) -> None:
    house.put("alpha", url=THERE, entries=9, evaluated_at="2030-01-01T00:00:00+00:00")
    house.put("zeta", entries=3)
    house.put("zeta", url=THERE, entries=9, evaluated_at="2030-01-01T00:00:00+00:00")
    source = house.source(results=(THERE,))
    assert source.row("alpha").entries == 1
    assert source.row("zeta").entries == 9


def test_a_name_that_is_no_model_is_refused_alike(house: House) -> None:
    source = house.source()
    for name in ("nobody", "../alpha", "", "board"):
        for ask in (source.place, source.row, source.nights, source.results, source.config):
            with pytest.raises(ObjectMissing):
                ask(name)


def test_an_empty_folder_is_an_empty_fleet(tmp_path: Path) -> None:
    def nothing(root: str) -> Store:
        raise NightproofError(root)

    fleet = Source(nothing, models=tmp_path / "none").fleet()
    assert (dict(fleet.places), dict(fleet.rows), dict(fleet.faults)) == ({}, {}, {})


# --- Results ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluated(benches: Callable[[], Any]) -> Any:
    bench = benches()
    for day in range(1, 7):
        bench.night(f"2024-03-{day:02d}", count=200)
        bench.evaluate(f"2024-03-{day:02d}")
    fill(bench.model_results(), board_at(bench.results, bench.open_store))
    return bench


def test_threads_read_one_log_without_breaking_it(evaluated: Any) -> None:
    source = Source(evaluated.open_store, models=evaluated.models)
    source.fleet()

    def look(_: int) -> list[str]:
        results = source.results("quiet")
        latest = results.log.latest()
        return [results.verdict(entry).headline for entry in latest.values()]

    with ThreadPoolExecutor(16) as lookers:
        found = list(lookers.map(look, range(64)))
    assert len(found[0]) == 6
    assert all(each == found[0] for each in found)


def test_each_caller_has_results_of_its_own(evaluated: Any) -> None:
    source = Source(evaluated.open_store, models=evaluated.models)
    one, other = source.results("quiet"), source.results("quiet")
    assert one is not other
    assert one.log is other.log
    assert isinstance(one, ModelResults)


def test_a_new_entry_is_seen_in_a_log_that_was_read(benches: Callable[[], Any]) -> None:
    bench = benches()
    bench.night("2024-03-01", count=200)
    bench.evaluate("2024-03-01")
    source = Source(bench.open_store, models=bench.models)
    assert list(source.results("quiet").log.latest()) == ["2024-03-01"]
    bench.night("2024-03-02", count=200)
    bench.evaluate("2024-03-02")
    assert list(source.results("quiet").log.latest()) == ["2024-03-01", "2024-03-02"]


def test_a_log_is_not_kept_for_ever(evaluated: Any) -> None:
    clock = Clock()
    source = Source(evaluated.open_store, models=evaluated.models, clock=clock)
    log = source.results("quiet").log
    clock.now += 3600
    assert source.results("quiet").log is not log


def test_threads_and_a_writer_see_whole_rows(house: House) -> None:
    source = house.source()
    source.fleet()

    def look(turn: int) -> bool:
        house.clock.now += STALE_S + 0.1
        fleet = source.fleet()
        return all(row.model == name for name, row in fleet.rows.items()) and set(fleet.rows) == set(NAMES)

    with ThreadPoolExecutor(8) as lookers:
        looks = [lookers.submit(look, turn) for turn in range(40)]
        for entries in range(2, 20):
            house.put("alpha", entries=entries)
            house.board().tidy("alpha", {})
        assert all(look.result(20) for look in looks)
    house.clock.now += STALE_S + 0.1
    assert source.row("alpha").entries == 19
