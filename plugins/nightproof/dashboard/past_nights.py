"""Past nights: a model's months put end to end, night lines and series alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightproof.board import Board, FleetRow, Month, NightLine, Series
from nightproof.board.series import Told, Worse
from nightproof.readings import SeriesKey


@dataclass(frozen=True)
class SeriesPoint:
    """One series on one night."""

    night: str
    told: Told


@dataclass(frozen=True)
class PastSeries:
    """One series over some nights.

    Parameters
    ----------
    key
        What names it.
    worse
        On which side harm is; ``None`` where it is evidence alone.
    points
        Nights rising; a night on which it was not told is left out.
    """

    key: SeriesKey
    worse: Worse | None
    points: tuple[SeriesPoint, ...]


class PastNights:
    """A model's nights as of one row of it.

    Parameters
    ----------
    row
        The row.
    board
        Where its months are.
    before
        The nights of an earlier row of the model: months that did not change are taken from it.
    """

    def __init__(self, row: FleetRow, board: Board, before: PastNights | None = None) -> None:
        self.row = row
        self._board = board
        self._months: dict[str, Month] = {}
        if before is not None:
            same = {name for name, covered in row.months.items() if before.row.months.get(name) == covered}
            self._months = {name: month for name, month in before._months.items() if name in same}

    def lines(self, first: str = "", last: str = "9999") -> list[NightLine]:
        """Night lines from a night to a night, rising."""
        return [line for month in self._between(first, last) for line in month.nights if first <= line.night <= last]

    def line(self, night: str) -> NightLine | None:
        """The line of a night; ``None`` where it was not evaluated."""
        return next(iter(self.lines(night, night)), None)

    def series(self, first: str = "", last: str = "9999", *, check: str | None = None) -> list[PastSeries]:
        """Every series that was told between two nights, of one check or of all."""
        found: dict[SeriesKey, list[SeriesPoint]] = {}
        worse: dict[SeriesKey, Worse | None] = {}
        for month in self._between(first, last):
            shown = [(i, line.night) for i, line in enumerate(month.nights) if first <= line.night <= last]
            for series in month.series:
                if check in (None, series.check):
                    points = [SeriesPoint(night, series.at(i)) for i, night in shown if series.status[i] != "-"]
                    if points:
                        found.setdefault(series.key, []).extend(points)
                        worse[series.key] = series.worse
        return [PastSeries(key, worse[key], tuple(points)) for key, points in found.items()]

    def one(self, key: SeriesKey, first: str = "", last: str = "9999") -> PastSeries:
        """One series between two nights; without points where it was never told."""
        points: list[SeriesPoint] = []
        worse: Worse | None = None
        for month in self._between(first, last):
            series: Series | None = month.by_key.get(key)
            if series is not None:
                worse = series.worse
                points += _points(series, month.nights, first, last)
        return PastSeries(key, worse, tuple(points))

    def _between(self, first: str, last: str) -> Iterator[Month]:
        for name in sorted(self.row.months):
            if first[:7] <= name <= last[:7]:
                if name not in self._months:
                    self._months[name] = self._board.month(self.row, name)
                yield self._months[name]


def _points(series: Series, nights: Sequence[NightLine], first: str, last: str) -> Iterator[SeriesPoint]:
    for place, line in enumerate(nights):
        if first <= line.night <= last and series.status[place] != "-":
            yield SeriesPoint(line.night, series.at(place))
