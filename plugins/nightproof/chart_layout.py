"""Where things go on a chart and how its numbers are written: arithmetic only, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from nightproof.trend import Trend
from nightproof.words import number

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HARM_ROOM = 0.16
"""Least share of the height that lies beyond the limit, so that the words there have room."""
_PLAIN_SIZES = (-6, 9)
"""Powers of ten between which values are drawn as they are."""
_LEAST_PLAIN, _MOST_PLAIN = 5e-4, 1e7
"""Sizes of values that are written without a power of ten."""
_LEAST_DAYS = 6
_TICKS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """The values' axis: the range that is shown, in units of a power of ten that keeps the arithmetic safe.

    Parameters
    ----------
    low, high
        Ends of the axis in those units; ``low < high``.
    power
        The power of ten: 0 but for huge and tiny values.
    """

    low: float
    high: float
    power: int = 0

    def place(self, value: float) -> float:
        """Where a value is on the axis."""
        return _scaled(value, self.power)

    def share(self, value: float) -> float:
        """How far up the axis a value is: 0 at its foot, 1 at its top."""
        return (self.place(value) - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Three to six round places on the axis, and what is written there."""
        step = _round_step((self.high - self.low) / 4)
        first, last = ceil(self.low / step), floor(self.high / step)
        places = [count * step for count in range(first, last + 1)]
        digits = max(0, -floor(log10(step) + 1e-9)) + (1 if round(step * 10 ** -floor(log10(step)), 3) == 2.5 else 0)
        return [(place, self._written(place, digits)) for place in places]

    def _written(self, place: float, digits: int) -> str:
        if self.power:
            return f"{place + 0.0:.{digits}f}e{self.power}".replace("-", "−")
        return f"{place + 0.0:,.{digits}f}".replace("-", "−")


def scale_of(trend: Trend) -> Scale:
    """The axis of a trend: it shows every value, the baseline, the limit and tonight's whole interval.

    Wide intervals of other nights are cut rather than let them flatten the line.
    """
    points = [value for point in trend.points if (value := point.told) is not None]
    marks = points + [mark for mark in (trend.baseline, trend.limit) if mark is not None]
    tonight = trend.tonight.interval if trend.tonight else None
    values = [*marks, *(tonight or ())]
    power = _power(values)
    low, high = (
        min((_scaled(v, power) for v in values), default=0.0),
        max((_scaled(v, power) for v in values), default=1.0),
    )
    room = (high - low) or max(abs(high) * 0.1, 1e-3)
    ends = [_scaled(end, power) for point in trend.points for end in point.interval or ()]
    low = max(min([low, *ends]), low - 0.4 * room)
    high = min(max([high, *ends]), high + 0.4 * room)
    return _with_room(low, high, power, trend)


def _with_room(low: float, high: float, power: int, trend: Trend) -> Scale:
    span = (high - low) or max(abs(high) * 0.1, 1e-3)
    low, high = low - 0.09 * span, high + 0.09 * span
    if trend.limit is not None:
        limit = _scaled(trend.limit, power)
        if trend.worse == "lower":
            low = min(low, (limit - HARM_ROOM * high) / (1 - HARM_ROOM))
        else:
            high = max(high, (limit - HARM_ROOM * low) / (1 - HARM_ROOM))
    return Scale(low, high, power)


def _power(values: Sequence[float]) -> int:
    largest = max((abs(value) for value in values), default=0.0)
    power = floor(log10(largest)) if largest > 0 else 0
    return 0 if _PLAIN_SIZES[0] <= power < _PLAIN_SIZES[1] else power


def _scaled(value: float, power: int) -> float:
    # Through decimals: 10 ** 320 is no float, and 1e-310 over it would be none either.
    return float(Decimal(repr(value)).scaleb(-power)) if power else value


def _round_step(step: float) -> float:
    power = 10.0 ** floor(log10(step))
    return next(times * power for times in _TICKS if times * power >= step * 0.999)


def spread(wanted: Sequence[float], heights: Sequence[float], *, low: float, high: float) -> list[float]:
    """Centres of labels that do not overlap, each as near to where it is wanted as the others let it be.

    Parameters
    ----------
    wanted
        Where each label's centre should be.
    heights
        How high each label is, in the same order.
    low, high
        Between which all of them must be; what does not fit overflows at ``low``.
    """
    order = sorted(range(len(wanted)), key=lambda place: -wanted[place])
    centres = list(wanted)
    top = high
    for place in order:
        centres[place] = min(centres[place], top - heights[place] / 2)
        top = centres[place] - heights[place] / 2
    foot = low
    for place in reversed(order):
        centres[place] = max(centres[place], foot + heights[place] / 2)
        foot = centres[place] + heights[place] / 2
    return centres


def said(value: float, trend: Trend) -> str:
    """A value as it is written on the chart."""
    if trend.percent and abs(value) < 1e4:
        return f"{100 * value:.1f} %".replace("-", "−")
    text = number(value) if value == 0 or _LEAST_PLAIN <= abs(value) < _MOST_PLAIN else _powered(value)
    return f"{text} {trend.unit}".rstrip()


def _powered(value: float) -> str:
    """Three digits and a power of ten, such as ``1.2e−9``."""
    digits, _, power = f"{value:.3g}".partition("e")
    return f"{digits}e{int(power)}".replace("-", "−") if power else digits.replace("-", "−")


def rows(n: int) -> str:
    """A number of rows, short."""
    return f"n = {n / 1e6:,.1f} M" if n >= 10_000_000 else f"n = {n:,}"


def day(night: date, *, year: bool = False) -> str:
    """A night's date in words, whatever the machine's language."""
    return f"{night.day} {_MONTHS[night.month - 1]}" + (f" {night.year}" if year else "")


def days_shown(trend: Trend) -> int:
    """How many days the time axis reaches back from tonight."""
    assert trend.tonight is not None
    return max((trend.tonight.date - trend.points[0].date).days, _LEAST_DAYS)


def day_ticks(days: int) -> list[int]:
    """Days before tonight that are written below the axis: tonight first, then evenly back."""
    step = 7 if days >= 21 else max(1, ceil(days / 4))
    return list(range(0, days + 1, step))
