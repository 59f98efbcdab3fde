"""Units: whether a column looks like the baseline's in another unit, or at another hour.

The baseline's histogram is carried through each of a few well-known conversions, and the one is told after
which the night's histogram fits: with the population stability index (PSI) as the distance, three quarters of
the shift must be gone and what is left must be small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Unknown
from nightproof.metrics.psi import psi
from nightproof.profiles.spec import NumericFeature
from nightproof.words import counted

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Convert = Callable[[Floats], Floats]
STEPS = 40
"""A bin's rows are taken to lie evenly, on so many points."""
LEFT, LEAST, MOST = 0.3, 0.05, 0.5
"""Of a shift of at least ``LEAST`` a conversion must leave a share below ``LEFT``, and less than ``MOST``."""
FARTHEST = 4.0
"""Nor may it leave the mean so many times too large or too small."""
RARE = 2.5
"""How much better, in units of what nights vary, the mean must fit a rare conversion than a common one."""
COMMON = (60.0, 1 / 60.0, 1000.0, 1 / 1000.0, 1.609344, 1 / 1.609344, -1.0)
HOURS = 24.0

FACTORS: dict[float, str] = {
    60.0: "seconds in place of minutes, or minutes in place of hours",
    1 / 60.0: "hours in place of minutes, or minutes in place of seconds",
    1000.0: "metres in place of kilometres, or milliseconds in place of seconds",
    1 / 1000.0: "kilometres in place of metres, or seconds in place of milliseconds",
    1.609344: "kilometres in place of miles",
    1 / 1.609344: "miles in place of kilometres",
    100.0: "per cent in place of shares, or cents in place of dollars",
    1 / 100.0: "shares in place of per cent, or dollars in place of cents",
    3600.0: "seconds in place of hours",
    1 / 3600.0: "hours in place of seconds",
    24.0: "hours in place of days",
    1 / 24.0: "days in place of hours",
    3.28084: "feet in place of metres",
    1 / 3.28084: "metres in place of feet",
    2.20462: "pounds in place of kilograms",
    1 / 2.20462: "kilograms in place of pounds",
    -1.0: "its sign is turned",
}
"""Conversions by their factor, and in words."""


@dataclass(frozen=True)
class Conversion:
    """A conversion that makes the baseline's histogram the night's.

    Parameters
    ----------
    text
        What it does, as a clause after the column's name.
    left
        PSI that is left after it, as a share of the PSI before, in [0, 1).
    """

    text: str
    left: float


def conversion(
    current: Counts, baseline: Counts, feature: NumericFeature, *, mean: float | None = None
) -> Conversion | None:
    """The conversion that fits best, if one fits.

    Parameters
    ----------
    current, baseline
        Counts by bin, missing left out.
    feature
        The bins' edges and the baseline's range, mean and standard deviation.
    mean
        The night's, which tells large factors apart: beyond the outermost edges all histograms are alike.
    """
    before = _distance(current, baseline)
    if before is None or before < LEAST or len(feature.edges) < 2:
        return None
    points, weight = _points(feature), np.repeat(baseline / STEPS, STEPS)
    rows, fits = int(current.sum()), []
    for text, convert, rarity in _conversions(feature):
        bins = np.searchsorted(feature.edges, convert(points), side="left")
        expected = np.rint(np.bincount(bins, weights=weight, minlength=len(baseline))).astype(np.int64)
        after, off = _distance(current, expected), _off(mean, convert, feature, rows)
        if after is not None and off is not None and after < min(LEFT * before, MOST):
            fits.append((off + rarity + 10.0 * after / before, Conversion(text, after / before)))
    return min(fits, key=lambda fit: fit[0])[1] if fits else None


def _off(mean: float | None, convert: Convert, feature: NumericFeature, rows: int) -> float | None:
    """How far the night's mean is from the converted one, in units of what nights vary; ``None`` where too far.

    On a log scale; a night's own weather is taken as a tenth, and as three times the mean's standard error.
    """
    expected = float(convert(np.array([feature.mean]))[0])
    # Of numbers on both sides of 0 the mean has no scale.
    if mean is None or isinstance(convert, _Clock) or abs(feature.mean) < 0.2 * feature.sd:
        return 0.0
    if mean * expected <= 0.0:
        return None
    apart = abs(math.log(mean / expected))
    spread = 0.1 + 3.0 * feature.sd / abs(feature.mean) / math.sqrt(max(rows, 1))
    return apart / spread if apart < math.log(FARTHEST) else None


def _distance(current: Counts, baseline: Counts) -> float | None:
    found = psi(current, baseline)
    return None if isinstance(found, Unknown) else max(found.estimate.value, 0.0)


def _points(feature: NumericFeature) -> Floats:
    """Places of the baseline's rows: evenly within each bin, up to its upper edge; whole numbers where edges are."""
    upper = np.append(feature.edges, feature.high)
    lower = np.append(min(feature.low, upper[0]), feature.edges)
    whole = bool((upper == np.rint(upper)).all() and lower[0] == np.rint(lower[0]))
    lower[0] -= 1.0 if whole and lower[0] < upper[0] else 0.0
    points = lower[:, None] + (upper - lower)[:, None] * np.arange(1, STEPS + 1) / STEPS
    # Room for rounding: what is a whole number but for the last bits is one.
    return np.asarray(np.ceil(points - 1e-9) if whole else points, dtype=np.float64).ravel()


def _conversions(feature: NumericFeature) -> Iterator[tuple[str, Convert, float]]:
    """What it does in words, the conversion, and how rare it is."""
    for factor, words in FACTORS.items():
        yield _times(factor, words), _Linear(factor), 0.0 if factor in COMMON else RARE
    yield "reads like degrees Fahrenheit in place of Celsius", _Linear(1.8, 32.0), RARE
    yield "reads like degrees Celsius in place of Fahrenheit", _Linear(1 / 1.8, -32.0 / 1.8), RARE
    if feature.low >= 0.0 and feature.high < HOURS and feature.high - feature.low >= HOURS / 2:
        for hours in range(1, 12):
            much = counted(hours, "hour")
            yield f"is {much} later than before, like in another time zone", _Clock(hours), 0.0
            yield f"is {much} earlier than before, like in another time zone", _Clock(-hours), 0.0


@dataclass(frozen=True)
class _Linear:
    factor: float
    more: float = 0.0

    def __call__(self, values: Floats) -> Floats:
        return values * self.factor + self.more


@dataclass(frozen=True)
class _Clock:
    hours: float

    def __call__(self, values: Floats) -> Floats:
        return np.asarray(np.mod(values + self.hours, HOURS), dtype=np.float64)


def _times(factor: float, words: str) -> str:
    if factor < 0:
        return "is what it was with its sign turned"
    size, way = (factor, "large") if factor > 1 else (1 / factor, "small")
    return f"is {size:.4g} times as {way} as before, like {words}"
