"""Past nights: a model's months put end to end, night lines and series alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple, overload

from nightproof.board import Board, FleetRow, NightLine
from nightproof.board.series import Told, Worse
from nightproof.dashboard.months import Months, PackedMonth, Strip
from nightproof.errors import ObjectMissing
from nightproof.readings import SeriesKey

READERS = 4
"""Months read at a time: one takes some 10 MB until it is packed."""


class SeriesPoint(NamedTuple):
    """One series on one night."""

    night: str
    told: Told


class _Piece(NamedTuple):
    """A part of a series that lies in one month."""

    month: PackedMonth
    strip: Strip
    places: Sequence[int]

    def points(self, places: Sequence[int]) -> Iterator[SeriesPoint]:
        nights = (self.month.nights[place].night for place in places)
        return map(SeriesPoint, nights, self.strip.at(places))


class Points(Sequence[SeriesPoint]):
    """Points of a series, nights rising, each made when it is asked for: a year of all series has a hundred thousand.

    Parameters
    ----------
    pieces
        Months rising.
    """

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(len(piece.places) for piece in self._pieces)

    def __iter__(self) -> Iterator[SeriesPoint]:
        return iter(self._all)

    @overload
    def __getitem__(self, index: int) -> SeriesPoint: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SeriesPoint, ...]: ...
    def __getitem__(self, index: int | slice) -> SeriesPoint | tuple[SeriesPoint, ...]:
        if index == -1 and self._pieces:
            return next(self._pieces[-1].points(self._pieces[-1].places[-1:]))
        return self._all[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return repr(self._all)

    @property
    def nights(self) -> tuple[str, ...]:
        """The nights."""
        return tuple(piece.month.nights[place].night for piece in self._pieces for place in piece.places)

    @property
    def status(self) -> str:
        """Their status codes, one character a night."""
        return "".join(piece.strip.status[place] for piece in self._pieces for place in piece.places)

    def column(self, name: str) -> tuple[float | None, ...]:
        """See :meth:`PastSeries.column`."""
        return tuple(chain.from_iterable(piece.strip.column(name, piece.places) for piece in self._pieces))

    @cached_property
    def _all(self) -> tuple[SeriesPoint, ...]:
        return tuple(chain.from_iterable(piece.points(piece.places) for piece in self._pieces))


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
    points: Sequence[SeriesPoint]

    def column(self, name: str) -> tuple[float | None, ...]:
        """One of the numbers of :class:`~nightproof.board.series.Told` on every night, such as `value`.

        It costs a tenth of going through the points.
        """
        if isinstance(self.points, Points):
            return self.points.column(name)
        return tuple(getattr(point.told, name) for point in self.points)

    @property
    def nights(self) -> tuple[str, ...]:
        """The nights."""
        return self.points.nights if isinstance(self.points, Points) else tuple(p.night for p in self.points)

    @property
    def status(self) -> str:
        """Their status codes, one character a night."""
        return self.points.status if isinstance(self.points, Points) else "".join(p.told.status for p in self.points)


class PastNights:
    """A model's nights as of one row of it; cheap to make, so that each page has its own.

    Parameters
    ----------
    row
        The row.
    board
        Where its months are.
    months
        What is kept of months, of this model and of others.
    newer
        Reads the model's row again: a writer may have deleted the months that an old row names.
    """

    def __init__(
        self,
        row: FleetRow,
        board: Board,
        *,
        months: Months | None = None,
        newer: Callable[[], FleetRow] | None = None,
    ) -> None:
        self.row = row
        self._board = board
        self._months = Months() if months is None else months
        self._newer = newer

    def lines(self, first: str = "", last: str = "9999") -> list[NightLine]:
        """Night lines from a night to a night, rising."""
        return [month.nights[place] for month in self._between(first, last) for place in month.places(first, last)]

    def line(self, night: str) -> NightLine | None:
        """The line of a night; ``None`` where it was not evaluated."""
        return next(iter(self.lines(night, night)), None)

    def series(self, first: str = "", last: str = "9999", *, check: str | None = None) -> list[PastSeries]:
        """Every series that was told between two nights, of one check or of all."""
        found: dict[SeriesKey, list[_Piece]] = {}
        for month in self._between(first, last):
            shown = month.places(first, last)
            for strip in month.strips.values():
                if check in (None, strip.key[0]) and (told := strip.told(shown)):
                    found.setdefault(strip.key, []).append(_Piece(month, strip, told))
        return [PastSeries(key, pieces[-1].strip.worse, Points(pieces)) for key, pieces in found.items()]

    def one(self, key: SeriesKey, first: str = "", last: str = "9999") -> PastSeries:
        """One series between two nights; without points where it was never told."""
        strips = [(month, month.strips[key]) for month in self._between(first, last) if key in month.strips]
        pieces = [_Piece(month, strip, strip.told(month.places(first, last))) for month, strip in strips]
        told = [piece for piece in pieces if piece.places]
        return PastSeries(key, strips[-1][1].worse if strips else None, Points(told))

    def _between(self, first: str, last: str) -> list[PackedMonth]:
        try:
            return self._read(first, last)
        except ObjectMissing:
            if self._newer is None or (row := self._newer()).entries == self.row.entries:
                raise
            self.row = row
            return self._read(first, last)

    def _read(self, first: str, last: str) -> list[PackedMonth]:
        row, root = self.row, self._board.store.url(self._board.prefix)
        names = [name for name in sorted(row.months) if first[:7] <= name <= last[:7]]

        def one(name: str) -> PackedMonth:
            covered = (root, row.model, name, row.months[name])
            return self._months.get(covered, lambda: self._board.month(row, name))

        found = {name: self._months.find((root, row.model, name, row.months[name])) for name in names}
        unknown = [name for name, month in found.items() if month is None]
        if len(unknown) > 1:
            with ThreadPoolExecutor(READERS, thread_name_prefix="nightproof-months") as readers:
                found |= dict(zip(unknown, readers.map(one, unknown), strict=True))
        return [found[name] or one(name) for name in names]
