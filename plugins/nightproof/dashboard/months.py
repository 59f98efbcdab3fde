"""Months in memory: packed to a fifth of what their records take, shared by all who look, and bounded in bytes.

A month's object never changes and is named by what it covers, so that what is kept of it is never wrong.
"""

from __future__ import annotations

import math
import sys
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nightproof.board import Month, NightLine, Series
from nightproof.board.series import NOTHING, Told, Worse
from nightproof.readings import SeriesKey

MOST_BYTES = 48 * 2**20
"""Of all months that are kept: three years of models with 600 series, eight of models with 200."""
NUMBERS = ("value", "low", "high", "n", "baseline", "limit")
"""The columns of a series that are numbers."""
_LINE, _INCIDENT, _STRIP, _COLUMN = 3_000, 3_500, 900, 90
"""Bytes that each takes beside its numbers, as measured."""

Numbers: TypeAlias = "array[float] | float"
"""A column: one number a night, not a number where there is none; or one number that holds on every night."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A series over the nights of one month, packed."""

    key: SeriesKey
    worse: Worse | None
    status: str
    """As in :class:`~nightproof.board.month.Series`."""
    numbers: tuple[Numbers, ...]
    """In the order of `NUMBERS`."""

    @classmethod
    def of(cls, series: Series) -> Strip:
        """Pack a series."""
        check, metric, column, segment = series.key
        key = (
            check,
            sys.intern(metric),
            None if column is None else sys.intern(column),
            tuple((sys.intern(name), sys.intern(value)) for name, value in segment),
        )
        numbers = tuple(_packed(getattr(series, name)) for name in NUMBERS)
        return cls(key, series.worse, sys.intern(series.status), numbers)

    def told(self, places: Sequence[int]) -> Sequence[int]:
        """Those of some nights on which the series was told, by the night's place."""
        return [place for place in places if self.status[place] != NOTHING] if NOTHING in self.status else places

    def column(self, name: str, places: Sequence[int]) -> list[float | None]:
        """Numbers of some nights, each a float; ``None`` where there is none."""
        numbers = self.numbers[NUMBERS.index(name)]
        if isinstance(numbers, float):
            return [None if math.isnan(numbers) else numbers] * len(places)
        # A number that is not equal to itself is none.
        return [found if (found := numbers[place]) == found else None for place in places]

    def at(self, places: Sequence[int]) -> Iterator[Told]:
        """What the series was on some nights, by the night's place."""
        value, low, high, n, baseline, limit = (self.column(name, places) for name in NUMBERS)
        counts = (int(found or 0) for found in n)
        status = (self.status[place] for place in places)
        return map(Told, value, low, high, counts, baseline, limit, status)

    @property
    def size(self) -> int:
        """About so many bytes of memory."""
        return _STRIP + sum(_COLUMN + len(found) * 8 for found in self.numbers if not isinstance(found, float))


@dataclass(frozen=True, slots=True)
class PackedMonth:
    """A month's nights and series."""

    nights: tuple[NightLine, ...]
    strips: Mapping[SeriesKey, Strip]

    @classmethod
    def of(cls, month: Month) -> PackedMonth:
        """Pack a month."""
        strips = (Strip.of(series) for series in month.series)
        return cls(month.nights, {strip.key: strip for strip in strips})

    def places(self, first: str, last: str) -> range:
        """Places of the nights from a night to a night."""
        within = [place for place, line in enumerate(self.nights) if first <= line.night <= last]
        return range(within[0], within[-1] + 1) if within else range(0)

    @property
    def size(self) -> int:
        """About so many bytes of memory."""
        return sum(_LINE + _INCIDENT * len(line.incidents) for line in self.nights) + sum(
            strip.size for strip in self.strips.values()
        )


class Months:
    """The months that were looked at last; safe between threads.

    Parameters
    ----------
    most_bytes
        What they may take together; the last one stays, however large.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[object, tuple[PackedMonth, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def find(self, name: object) -> PackedMonth | None:
        """A month by what names it for ever; ``None`` where it is not kept."""
        with self._lock:
            if name not in self._kept:
                return None
            self._kept.move_to_end(name)
            return self._kept[name][0]

    def get(self, name: object, read: Callable[[], Month]) -> PackedMonth:
        """A month, read where it is not kept."""
        if (kept := self.find(name)) is not None:
            return kept
        month = PackedMonth.of(read())
        size = month.size
        with self._lock:
            # Two threads may have read it at once: they read the same.
            self.bytes += size - self._kept.pop(name, (month, 0))[1]
            self._kept[name] = (month, size)
            while self.bytes > self._most and len(self._kept) > 1:
                self.bytes -= self._kept.popitem(last=False)[1][1]
        return month


def _packed(column: Sequence[float | None]) -> Numbers:
    first = column[0] if column else None
    if column.count(first) == len(column):
        return math.nan if first is None else float(first)
    return array("d", [math.nan if found is None else found for found in column])
