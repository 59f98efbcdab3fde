"""A trend: one metric night by night, with all that a reader needs to see whether tonight is worse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isfinite
from typing import Literal

Worse = Literal["lower", "higher"]


@dataclass(frozen=True)
class Point:
    """A metric on one night.

    Parameters
    ----------
    night
        As an ISO date.
    value
        ``None`` where it could not be told; so is any value that is not finite.
    low, high
        Ends of its 95 % interval; ``None`` where there is none.
    n
        Rows that it stands on.
    """

    night: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0

    @property
    def date(self) -> date:
        """The night as a date."""
        return date.fromisoformat(self.night)

    @property
    def told(self) -> float | None:
        """The value, if there is one that can be drawn."""
        return _finite(self.value)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval, if both its ends can be drawn."""
        ends = (self.low, self.high)
        if self.told is None or any(end is None or not isfinite(end) for end in ends):
            return None
        low, high = sorted(end for end in ends if end is not None)
        return low, high


@dataclass(frozen=True)
class Trend:
    """One metric night by night, and what it is held against.

    Parameters
    ----------
    title
        What is shown, such as ``ROC AUC of flight_delay``.
    points
        One a night, the oldest first; the last is tonight's. Nights may be left out.
    worse
        On which side of ``limit`` harm is.
    percent
        Whether the values are shares, to be shown as percentages.
    unit
        Written behind values, such as ``min``; empty for none.
    baseline
        The value that nights are compared with.
    reference
        What that value comes from: ``baseline``, ``trailing 28 nights``, ``version 13``.
    limit
        The value beyond which harm is more than is tolerated.
    opened
        The night on which the incident opened.
    versions
        Nights from which on another version of the model answered, with its name.
    quarantined
        Nights whose data failed validation, so that nothing was evaluated on them.
    """

    title: str
    points: tuple[Point, ...]
    worse: Worse
    percent: bool = False
    unit: str = ""
    baseline: float | None = None
    reference: str = "baseline"
    limit: float | None = None
    opened: str | None = None
    versions: tuple[tuple[str, str], ...] = ()
    quarantined: tuple[str, ...] = ()

    @property
    def tonight(self) -> Point | None:
        """The last point; ``None`` where there are none."""
        return self.points[-1] if self.points else None

    def is_harm(self, value: float | None) -> bool:
        """Whether a value lies beyond the limit."""
        if value is None or self.limit is None:
            return False
        return value < self.limit if self.worse == "lower" else value > self.limit

    def latest(self, nights: int) -> Trend:
        """What can be drawn of the last ``nights`` nights, up to tonight's: marks that are not finite are none."""
        if self.tonight is None:
            return self
        first = self.tonight.date - timedelta(days=nights - 1)
        kept = tuple(point for point in self.points if point.date >= first)
        return replace(self, points=kept, baseline=_finite(self.baseline), limit=_finite(self.limit))

    @property
    def missing(self) -> tuple[str, ...]:
        """Nights from the first point's to tonight's that have no value and were not quarantined."""
        if self.tonight is None:
            return ()
        told = {point.date for point in self.points if point.told is not None}
        told |= {date.fromisoformat(night) for night in self.quarantined}
        first, last = self.points[0].date, self.tonight.date
        days = (first + timedelta(days=day) for day in range((last - first).days + 1))
        return tuple(day.isoformat() for day in days if day not in told)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
