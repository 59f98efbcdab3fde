"""Past nights' laws: months put end to end are the months, whatever is kept of them, and memory is bounded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from nightproof.board import Board, FleetRow, Month, NightLine, Series
from nightproof.board.row import row_of
from nightproof.board.series import Told
from nightproof.dashboard.months import Months, PackedMonth
from nightproof.dashboard.past_nights import PastNights, PastSeries, Points, SeriesPoint
from nightproof.errors import ObjectMissing
from nightproof.storage import MemoryStore

MONTHS = ("2023-12", "2024-01", "2024-02")


def line(night: str) -> NightLine:
    return NightLine(
        night=night, evaluation_id="0" * 16, number=0, status="ok", headline="Fine.", labels="final",
        known_at="", evaluated_at=f"{night}T04:00:00+00:00", rows=10, labelled=10, version=None, validation="passed",
        failed=0, regressions=0, watches=0, insufficient=0, blind_nights=0, incidents=(), evaluations=1,
        has_report=False, has_data_docs=False,
    )  # fmt: skip


def made_series(draw: random.Random, metric: str, nights: int) -> Series:
    def some() -> tuple[float | None, ...]:
        return tuple(None if draw.random() < 0.2 else draw.uniform(-1e6, 1e-6) for _ in range(nights))

    status = "".join(draw.choice("owri-") for _ in range(nights))
    return Series(
        check="drift", metric="psi", column=metric, worse="higher", value=some(), low=some(), high=(None,) * nights,
        n=tuple(draw.randrange(10**9) for _ in range(nights)), baseline=(0.25,) * nights, limit=some(), status=status,
    )  # fmt: skip


@pytest.fixture
def months() -> list[Month]:
    draw = random.Random(5)
    made = []
    for name in MONTHS:
        nights = [f"{name}-{day:02d}" for day in sorted(draw.sample(range(1, 29), 9))]
        # Features come and go from month to month.
        columns = draw.sample(["a", "b", "c", "d"], 3)
        series = tuple(made_series(draw, column, 9) for column in columns)
        made.append(Month(model="m", month=name, nights=tuple(map(line, nights)), series=series))
    return made


@pytest.fixture
def board(months: list[Month]) -> Board:
    board = Board(MemoryStore(), "")
    for month in months:
        board.write_month(month, 27)
    return board


def row(months: Sequence[Month], entries: int = 27) -> FleetRow:
    nights = [each.night for month in months for each in month.nights]
    return row_of("m", None, months, entries=entries, months={m.month: entries for m in months}, nights=nights)


@pytest.fixture
def past(months: list[Month], board: Board) -> PastNights:
    return PastNights(row(months), board)


SPANS = [
    ("", "9999"),
    ("2024-01-01", "2024-01-31"),
    ("2023-12-15", "2024-02-10"),
    ("2024-01-10", "2024-01-10"),
    ("2030", "2031"),
]


def expected(months: Sequence[Month], first: str, last: str) -> dict[Any, list[SeriesPoint]]:
    """Point by point, from the records themselves."""
    found: dict[Any, list[SeriesPoint]] = {}
    for month in months:
        for series in month.series:
            for place, each in enumerate(month.nights):
                if first <= each.night <= last and series.status[place] != "-":
                    found.setdefault(series.key, []).append(SeriesPoint(each.night, series.at(place)))
    return found


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_the_series_between_two_nights_are_those_of_the_months(
    past: PastNights, months: list[Month], first: str, last: str
) -> None:
    assert {series.key: list(series.points) for series in past.series(first, last)} == expected(months, first, last)


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_one_series_is_the_same_as_among_all(past: PastNights, months: list[Month], first: str, last: str) -> None:
    told = expected(months, first, last)
    for key in expected(months, "", "9999"):
        assert list(past.one(key, first, last).points) == told.get(key, [])
    assert past.one(("drift", "psi", "nowhere", ()), first, last).points == ()


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_columns_say_what_points_say(past: PastNights, first: str, last: str) -> None:
    for series in past.series(first, last):
        for name in Told._fields[:-1]:
            assert series.column(name) == tuple(getattr(point.told, name) for point in series.points)
        assert series.nights == tuple(point.night for point in series.points)
        assert series.status == "".join(point.told.status for point in series.points)
        plain = PastSeries(series.key, series.worse, tuple(series.points))
        assert plain.column("value") == series.column("value")
        assert (plain.nights, plain.status) == (series.nights, series.status)


def test_points_are_a_sequence(past: PastNights) -> None:
    points = max(past.series(), key=lambda series: len(series.points)).points
    assert isinstance(points, Points)
    whole = tuple(points)
    assert len(points) == len(whole) > 3
    assert (points[0], points[-1], points[-2], points[1:3]) == (whole[0], whole[-1], whole[-2], whole[1:3])
    assert (points == whole, hash(points) == hash(whole), list(reversed(points))) == (True, True, list(whole[::-1]))
    assert all(isinstance(point.told.n, int) for point in points)
    with pytest.raises(IndexError):
        points[len(points)]
    with pytest.raises(IndexError):
        past.one(("drift", "psi", "nowhere", ())).points[-1]


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_lines_are_those_of_the_months(past: PastNights, months: list[Month], first: str, last: str) -> None:
    every = [each for month in months for each in month.nights]
    assert past.lines(first, last) == [each for each in every if first <= each.night <= last]
    assert past.line(every[3].night) == every[3]
    assert past.line("1999-01-01") is None


def test_a_model_whose_month_told_nothing_has_lines_and_no_series(board: Board) -> None:
    empty = Month(model="m", month="2024-03", nights=(line("2024-03-01"),), series=())
    board.write_month(empty, 27)
    past = PastNights(row([empty]), board)
    assert [each.night for each in past.lines()] == ["2024-03-01"]
    assert past.series() == []


# --- What is kept -------------------------------------------------------------------------------------------


class Counting(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def read(self, key: str) -> bytes:
        self.reads.append(key)
        return super().read(key)


@pytest.fixture
def counting(months: list[Month]) -> Board:
    board = Board(Counting(), "")
    for month in months:
        board.write_month(month, 27)
    return board


def reads(board: Board) -> list[str]:
    assert isinstance(board.store, Counting)
    found, board.store.reads = board.store.reads, []
    return sorted(key.rsplit("/", 1)[-1][:7] for key in found)


def test_a_month_is_read_once_for_all_who_look(months: list[Month], counting: Board) -> None:
    kept = Months()
    PastNights(row(months), counting, months=kept).lines()
    assert reads(counting) == list(MONTHS)
    PastNights(row(months), counting, months=kept).series()
    assert reads(counting) == []


def test_only_the_months_that_are_asked_for_are_read(months: list[Month], counting: Board) -> None:
    past = PastNights(row(months), counting)
    past.lines("2024-01-05", "2024-01-06")
    assert reads(counting) == ["2024-01"]


def test_a_month_that_grew_is_read_again_and_the_others_are_not(months: list[Month], counting: Board) -> None:
    kept = Months()
    PastNights(row(months), counting, months=kept).lines()
    reads(counting)
    grown = months[-1].with_nights({"2024-02-29": (line("2024-02-29"), {})})
    counting.write_month(grown, 28)
    newer = row([*months[:-1], grown], 28).model_copy(update={"months": {**row(months).months, "2024-02": 28}})
    past = PastNights(newer, counting, months=kept)
    assert past.line("2024-02-29") is not None
    assert len(past.lines()) == 28
    assert reads(counting) == ["2024-02"]


def test_models_of_one_name_on_two_roots_are_kept_apart(months: list[Month]) -> None:
    kept, found = Months(), []
    for name in ("one", "other"):
        board = Board(MemoryStore(name), "")
        month = months[0].model_copy(update={"nights": months[0].nights[: 3 if name == "one" else 5], "series": ()})
        board.write_month(month, 27)
        found.append(len(PastNights(row([month]), board, months=kept).lines()))
    assert found == [3, 5]


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(months: list[Month]) -> None:
    size = PackedMonth.of(months[0]).size
    kept = Months(most_bytes=3 * size + size // 2)
    for number in range(50):
        kept.get(number, lambda: months[0])
        kept.get(0, lambda: months[0])  # looked at all the time
        assert kept.bytes <= 3 * size + size // 2
    assert kept.find(0) is not None
    assert [number for number in range(50) if kept.find(number)] == [0, 48, 49]


def test_a_month_that_is_larger_than_all_may_be_is_shown_all_the_same(months: list[Month]) -> None:
    kept = Months(most_bytes=1)
    for number in range(3):
        assert len(kept.get(number, lambda: months[0]).nights) == 9
    assert kept.find(2) is not None
    assert kept.find(1) is None


def test_a_packed_month_takes_less_than_half_and_says_about_how_much(months: list[Month]) -> None:
    import gc
    import tracemalloc

    draw = random.Random(7)
    raw = Month(
        model="m", month="2024-01", nights=tuple(line(f"2024-01-{day:02d}") for day in range(1, 31)),
        series=tuple(made_series(draw, f"f{number}", 30) for number in range(200)),
    ).to_bytes()  # fmt: skip

    def taken(make: Any) -> int:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        kept = make()
        gc.collect()
        assert kept is not None
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        record = taken(lambda: Month.from_bytes(raw, name="m"))
        packed = taken(lambda: PackedMonth.of(Month.from_bytes(raw, name="m")))
    finally:
        tracemalloc.stop()
    said = PackedMonth.of(Month.from_bytes(raw, name="m")).size
    assert packed < record / 2
    assert 0.7 * packed < said < 1.6 * packed


def test_threads_share_what_is_kept(months: list[Month], board: Board) -> None:
    kept = Months(most_bytes=2 * PackedMonth.of(months[0]).size)
    whole = [each.night for month in months for each in month.nights]

    def look(_: int) -> list[str]:
        return [each.night for each in PastNights(row(months), board, months=kept).lines()]

    with ThreadPoolExecutor(12) as lookers:
        assert all(found == whole for found in lookers.map(look, range(120)))
    assert kept.bytes <= 2 * PackedMonth.of(months[0]).size


# --- A writer who was quicker -------------------------------------------------------------------------------


def test_months_that_an_old_row_names_and_a_writer_deleted_are_read_by_the_new_row(
    months: list[Month], board: Board
) -> None:
    old = row(months)
    newer = row(months, 30)
    for month in months:
        board.write_month(month, 30)
        board.store.delete(f"board/v1/months/m/{month.month}.000000027.json.gz")
    past = PastNights(old, board, newer=lambda: newer)
    assert len(past.lines()) == 27
    assert past.row is newer


def test_months_that_are_gone_are_looked_for_once(months: list[Month], board: Board) -> None:
    asked = []

    def newer() -> FleetRow:
        asked.append(1)
        return row(months, 30)

    for stored in list(board.store.list("")):
        board.store.delete(stored.key)
    with pytest.raises(ObjectMissing):
        PastNights(row(months), board, newer=newer).lines()
    assert len(asked) == 1
    with pytest.raises(ObjectMissing):
        PastNights(row(months), board, newer=lambda: row(months)).lines()
