"""A month of a model: its nights, and each series as columns beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from nightproof.board.night_line import NightLine
from nightproof.board.series import NOTHING, Numbers, Told, Worse
from nightproof.checks.finding import Check
from nightproof.readings import SeriesKey
from nightproof.record import Record

ABSENT = Told(None, None, None, 0, None, None, NOTHING)


class Series(Record):
    """One series over a month's nights: each list has one entry a night, in the order of the nights."""

    check: Check
    metric: str
    column: str | None = None
    segment: dict[str, str] = {}
    worse: Worse | None = None
    """On which side harm is; null where it is evidence alone."""
    value: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    """Ends of the 95 % interval."""
    n: tuple[int, ...]
    baseline: tuple[float | None, ...]
    limit: tuple[float | None, ...]
    """Beyond it, harm is more than is tolerated."""
    status: str
    """One character a night: `o` ok, `w` watch, `r` regression, `i` too little data, `-` not told."""

    @property
    def key(self) -> SeriesKey:
        """What names the series, as in :mod:`nightproof.readings`."""
        return self.check, self.metric, self.column, tuple(self.segment.items())

    def at(self, place: int) -> Told:
        """What it was on a night, by the night's place."""
        return Told(
            self.value[place],
            self.low[place],
            self.high[place],
            self.n[place],
            self.baseline[place],
            self.limit[place],
            self.status[place],
        )


class Month(Record):
    """All nights of a month that have been evaluated, rising, and their series."""

    model: str
    month: str
    """Such as `2026-11`."""
    nights: tuple[NightLine, ...]
    series: tuple[Series, ...]

    def to_bytes(self) -> bytes:
        """UTF-8 JSON without spaces, fields in their order: it is read by programs alone, and written every night."""
        return self.model_dump_json().encode()

    @cached_property
    def by_key(self) -> dict[SeriesKey, Series]:
        """The series by what names them."""
        return {series.key: series for series in self.series}

    def with_nights(self, new: Mapping[str, tuple[NightLine, Numbers]]) -> Month:
        """The month with some nights added, or told anew."""
        lines = {line.night: line for line in self.nights}
        numbers = {line.night: self._numbers(place) for place, line in enumerate(self.nights)}
        for night, (line, told) in new.items():
            lines[night], numbers[night] = line, told
        rising = sorted(lines)
        return Month(
            model=self.model,
            month=self.month,
            nights=tuple(lines[night] for night in rising),
            series=tuple(_columns([numbers[night] for night in rising])),
        )

    def _numbers(self, place: int) -> Numbers:
        found = {series.key: (series.worse, series.at(place)) for series in self.series}
        return {key: (worse, told) for key, (worse, told) in found.items() if told.status != NOTHING}


def _columns(nights: Sequence[Numbers]) -> Iterable[Series]:
    worse: dict[SeriesKey, Worse | None] = {}
    for numbers in nights:
        worse |= {key: side for key, (side, _) in numbers.items()}
    for key in sorted(worse, key=str):
        told = [numbers[key][1] if key in numbers else ABSENT for numbers in nights]
        check, metric, column, segment = key
        value, low, high, n, baseline, limit, status = zip(*told, strict=True)
        yield Series(
            check=check,
            metric=metric,
            column=column,
            segment=dict(segment),
            worse=worse[key],
            value=value,
            low=low,
            high=high,
            n=n,
            baseline=baseline,
            limit=limit,
            status="".join(status),
        )
