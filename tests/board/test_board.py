"""The board is a fold over the log: it says what the evaluations said, however and by whomever it was filled."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from nightproof.board import Board, FleetRow
from nightproof.board.board import board_of
from nightproof.board.fill import fill, fill_all
from nightproof.board.row import SHOWN
from nightproof.checks.finding import Findings
from nightproof.checks.held import held_by
from nightproof.config import ModelConfig
from nightproof.errors import StoreUnavailable
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.readings import key
from nightproof.results_root import ResultsRoot
from nightproof.storage import Store

NIGHTS = ("2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02")


def publish(bench: Any, *nights: str, config: ModelConfig | None = None, **knobs: Any) -> None:
    """Evaluate nights that no board hears of."""
    config = config or bench.config()
    for night in nights:
        bench.night(night, count=300, **knobs)
        left_out = ("report", "validate")
        evaluate(config, Night.parse(night), bench.resources(), left_out=left_out, project=False)


def board(bench: Any) -> Board:
    return board_of(bench.config(), bench.open_store)


def newest(bench: Any, model: str = "quiet") -> FleetRow:
    found = board(bench)
    return found.row(model, found.listed()[model])


def content(bench: Any) -> dict[str, bytes]:
    """What a reader of the newest rows would read."""
    found = board(bench)
    told = {}
    for model, entries in found.listed().items():
        row = found.row(model, entries)
        told[model] = row.to_bytes()
        told |= {f"{model}/{name}": found.month(row, name).to_bytes() for name in row.months}
    return told


def objects(bench: Any) -> list[str]:
    found = board(bench)
    return [stored.key for stored in found.store.list(f"{found.prefix}board/")]


def filled_once(bench: Any) -> dict[str, bytes]:
    """The same board, made anew in one go."""
    found = board(bench)
    for name in objects(bench):
        found.store.delete(name)
    fill(bench.model_results(), found)
    return content(bench)


@pytest.fixture(scope="module")
def filled(benches: Any) -> Any:
    """Four nights of two months, the last of them bad, filled night by night."""
    bench = benches()
    for night in NIGHTS:
        publish(bench, night, noise=0.9 if night == NIGHTS[-1] else 0.0)
        fill(bench.model_results(), board(bench))
    return bench


def test_every_number_is_that_of_its_finding(filled: Any) -> None:
    config, results, row, found = filled.config(), filled.model_results(), newest(filled), board(filled)
    for name in row.months:
        month = found.month(row, name)
        for place, line in enumerate(month.nights):
            dossier = results.dossier(line.night, line.evaluation_id)
            findings = Findings.from_bytes(dossier.read("findings.json"), name="findings.json").all
            alone = {key(f): f for f in reversed(findings) if f.window == 1 and f.reference == "baseline"}
            told = {series.key: series.at(place) for series in month.series if series.status[place] != "-"}
            assert {("performance", "roc_auc", None, ()), ("drift", "psi", "x", ())} <= told.keys() <= alone.keys()
            for name_of, number in told.items():
                finding = alone[name_of]
                wanted = (finding.value, *(finding.interval or (None, None)), finding.baseline)
                for kept, given in zip((number.value, number.low, number.high, number.baseline), wanted, strict=True):
                    assert kept == (given if given is None else pytest.approx(given, rel=1e-6))
                assert number.n == finding.n
                held = held_by(finding, config) if finding.value is not None else None
                assert (number.limit is None) == (held is None or (held.from_baseline and finding.baseline is None))


def test_a_limit_is_where_harm_begins_to_be_too_much(filled: Any) -> None:
    row = newest(filled)
    assert row.primary is not None and row.primary.metric == "roc_auc"
    tolerance = filled.config().tolerances["roc_auc"].value
    assert row.primary.limit == pytest.approx(row.primary.baseline - tolerance, abs=1e-6)
    assert row.primary.worse == "lower"
    assert row.performance.limit is not None and row.performance.status in "wr"


def test_a_line_says_what_the_verdict_said(filled: Any) -> None:
    results, row = filled.model_results(), newest(filled)
    lines = {line.night: line for name in row.months for line in board(filled).month(row, name).nights}
    assert list(lines) == list(NIGHTS)
    for entry in results.log.entries():
        line, verdict = lines[entry.night], results.verdict(entry)
        assert (line.status, line.headline, line.incidents) == (entry.status, verdict.headline, verdict.incidents)
    assert row.statuses == tuple((night, line.status) for night, line in lines.items())
    assert row.open_incidents == tuple(i for i in results.verdict(results.log.entries()[-1]).incidents if i.is_open)


def test_filling_night_by_night_and_in_one_go_is_the_same(filled: Any) -> None:
    before = content(filled)
    assert filled_once(filled) == before


def test_filling_again_changes_nothing(bench: Any) -> None:
    publish(bench, *NIGHTS[:2])
    fill(bench.model_results(), board(bench))
    before = objects(bench)
    assert fill(bench.model_results(), board(bench)) == newest(bench)
    assert objects(bench) == before


def test_only_what_the_last_two_rows_name_is_kept(bench: Any) -> None:
    for night in NIGHTS:
        publish(bench, night)
        fill(bench.model_results(), board(bench))
    found = board(bench)
    rows = [found.row("quiet", entries) for entries in found.covered("quiet")]
    assert [row.entries for row in rows] == [3, 4]
    named = {(name, covered) for row in rows for name, covered in row.months.items()}
    assert len(objects(bench)) == len(rows) + len(named)
    for row in rows:  # a reader of either finds all of it
        assert sum(len(found.month(row, name).nights) for name in row.months) == row.nights


def test_a_night_that_is_evaluated_again_is_told_anew(bench: Any) -> None:
    publish(bench, "2024-03-01", "2024-03-02")
    fill(bench.model_results(), board(bench))
    publish(bench, "2024-03-01", seed=7)
    fill(bench.model_results(), board(bench))
    row = newest(bench)
    lines = board(bench).month(row, "2024-03").nights
    assert [(line.night, line.number, line.evaluations) for line in lines] == [
        ("2024-03-01", 2, 2),
        ("2024-03-02", 1, 1),
    ]
    assert (row.night, row.nights, row.entries) == ("2024-03-02", 2, 3)
    assert filled_once(bench) == content(bench)


def test_a_night_without_findings_keeps_its_line(bench: Any) -> None:
    publish(bench, *NIGHTS[2:])
    results = bench.model_results()
    entry = results.log.entries()[-1]
    for name in ("findings.json", "readings.json"):
        results.store.delete(f"{results.folder}{entry.night}/{entry.evaluation_id}/{name}")
    fill(bench.model_results(), board(bench))
    month = board(bench).month(newest(bench), "2024-03")
    assert [line.status for line in month.nights][-1] == entry.status
    assert all(series.status[-1] == "-" for series in month.series)


class Fragile:
    """A store that fails at its so-manieth change, before it or after it."""

    def __init__(self, store: Store, changes: int, *, after: bool) -> None:
        self.store, self.left, self.after = store, changes, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def create(self, key: str, content: bytes, **said: Any) -> None:
        self._change(lambda: self.store.create(key, content, **said))

    def delete(self, key: str) -> None:
        self._change(lambda: self.store.delete(key))

    def _change(self, change: Any) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise StoreUnavailable("gone")
        change()
        if self.left == 0:
            raise StoreUnavailable("gone")


CRASHES = [(change, after) for change in range(1, 7) for after in (False, True)]


@pytest.mark.parametrize(("change", "after"), CRASHES)
def test_a_crash_anywhere_is_made_good_by_the_next_fill(benches: Any, change: int, after: bool) -> None:
    bench = benches()
    publish(bench, *NIGHTS[:2])
    fill(bench.model_results(), board(bench))
    publish(bench, NIGHTS[2])
    healthy = board(bench)
    fragile: Any = Fragile(healthy.store, change, after=after)
    try:
        fill(bench.model_results(), Board(fragile, healthy.prefix))
    except StoreUnavailable:
        row = newest(bench)  # whoever looks now sees one state of the model, whole
        assert sum(len(healthy.month(row, name).nights) for name in row.months) == row.nights
    publish(bench, NIGHTS[3])
    fill(bench.model_results(), healthy)
    found = content(bench)
    assert newest(bench).nights == 4
    assert filled_once(bench) == found


def test_a_slower_writer_takes_nothing_from_a_faster_one(bench: Any) -> None:
    publish(bench, *NIGHTS[:2])
    fill(bench.model_results(), board(bench))
    slow = bench.model_results()
    publish(bench, NIGHTS[2])
    slow.log.entries()
    publish(bench, NIGHTS[3])
    known = slow.log.entries()[:3]
    slow.log.entries = lambda: list(known)  # it had read the log before the last night came
    fill(bench.model_results(), board(bench))
    fill(slow, board(bench))
    assert newest(bench).entries == 4
    assert filled_once(bench) == content(bench)


def test_a_half_written_object_is_made_anew(bench: Any) -> None:
    publish(bench, *NIGHTS[:2])
    fill(bench.model_results(), board(bench))
    found = board(bench)
    broken = next(key for key in objects(bench) if "/rows/" in key)
    found.store.delete(broken)
    found.store.create(broken, gzip.compress(b'{"model": 1}'), content_type="application/json")
    publish(bench, NIGHTS[2])
    fill(bench.model_results(), found)
    assert newest(bench).nights == 3


def test_a_board_that_cannot_be_written_holds_up_no_night(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    bench.night("2024-03-01", count=300)

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.open_store("s3://ml-results"), name)

        def create(self, key: str, content: bytes, **said: Any) -> None:
            if "/board/" in key:
                raise StoreUnavailable("The bucket is full.")
            bench.open_store("s3://ml-results").create(key, content, **said)

    def opened(root: str) -> Any:
        return Full() if root == "s3://ml-results" else bench.open_store(root)

    bench.evaluate("2024-03-01", resources=bench.resources(opened))
    assert len(bench.model_results().log.entries()) == 1
    assert "not yet on the board: The bucket is full." in caplog.text


def test_publishing_fills_the_board(bench: Any) -> None:
    bench.night("2024-03-01", count=300)
    bench.evaluate("2024-03-01")
    assert newest(bench).night == "2024-03-01"


def test_a_row_shows_no_more_than_its_last_nights(filled: Any) -> None:
    row = newest(filled)
    assert len(row.statuses) <= SHOWN
    assert len(row.to_bytes()) < 40_000


def test_all_models_of_a_root_are_filled_and_a_broken_one_keeps_no_other_from_it(bench: Any) -> None:
    for model in ("a", "b", "c"):
        publish(bench, NIGHTS[2], config=bench.config(model=model))
    root = ResultsRoot.at(bench.results, bench.open_store)
    entry = root.results("b").log.entries()[0]
    dossier = root.results("b").dossier(entry.night, entry.evaluation_id)
    root.results("b").store.delete(dossier.folder + "verdict.json")
    found = board(bench)
    with pytest.raises(Exception, match="verdict"):
        fill_all(ResultsRoot.at(bench.results, bench.open_store), found)
    assert set(found.listed()) == {"a", "c"}
