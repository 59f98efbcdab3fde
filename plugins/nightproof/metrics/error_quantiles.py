"""Quantiles of the absolute error from counts by size.

The interval is that of order statistics [1]_, which holds whatever the errors' distribution: ranks that
a binomial count of errors below the quantile stays between with 95 %. Between two ranks the level is
interpolated as by Nyblom [2]_, so that it covers close to 95 % and not the next larger step.

Sizes are counted in cells at most 0.4 % wide; rows within one are taken to lie evenly, which the
``bound`` answers for: it is the width of the cell, and the interval reaches to the cells' outer ends.

References
----------
.. [1] H. A. David and H. N. Nagaraja, "Order Statistics", 3rd edition, Wiley 2003, section 7.1.
.. [2] J. Nyblom, "Note on interpolated order statistics", Statistics and Probability Letters 14 (1992),
   doi:10.1016/0167-7152(92)90076-H.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrik

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles import Profile
from nightproof.profiles.error_grid import upper_of
from nightproof.profiles.spec import Regression

Floats = npt.NDArray[np.float64]
_TAIL = 0.025


def error_quantile(profile: Profile, quantile: float) -> Estimate | Unknown:
    """The size that a share ``quantile`` of the absolute errors do not exceed, in the label's unit.

    Returns
    -------
    Estimate | Unknown
        Unknown for so few rows that not even the largest (or least) error bounds it with 97.5 %: 6 for the
        median, 36 for the 90 % quantile.
    """
    task = profile.spec.task
    assert isinstance(task, Regression)
    cells, rows = profile.errors
    n = float(rows.sum())
    count = math.floor(n + 1e-9)
    if count == 0 or max(quantile, 1.0 - quantile) ** count > _TAIL:
        return Unknown(f"too few errors to bound their {100 * quantile:g} % quantile", count)
    lower, upper = _ends(cells)
    below = np.cumsum(rows)
    value, width = _value(quantile * n, below, lower, upper)
    first, last = _ranks(count, quantile)
    low, high = _outer(first, below, lower), _outer(last, below, upper)
    scale = task.error_scale
    value, low, high = value * scale, min(low, value) * scale, max(high, value) * scale
    return Estimate(value, low, high, count, width * scale)


def _ends(cells: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    lower = np.where(cells > 0, upper_of(np.maximum(cells - 1, 0)), 0.0)
    # Errors are held within 1,024 units: the last cell has no width.
    upper = upper_of(cells)
    return lower, np.where(np.isfinite(upper), upper, lower)


def _value(rank: float, below: Floats, lower: Floats, upper: Floats) -> tuple[float, float]:
    """The size at a rank, between the middle of its row and the next one's, and how wide its cells are."""
    places = [int(np.searchsorted(below, place, side="left")) for place in (rank - 1e-6, rank + 1e-6)]
    near = [min(place, len(below) - 1) for place in places]
    value = sum(float(lower[place] + upper[place]) / 2.0 for place in near) / 2.0
    return value, max(float(upper[place] - lower[place]) for place in near)


def _outer(rank: float, below: Floats, ends: Floats) -> float:
    """Outer end at a rank that may lie between two rows."""
    whole = math.floor(rank)
    near, far = (
        float(ends[min(int(np.searchsorted(below, place - 1e-9, side="left")), len(ends) - 1)])
        for place in (whole, whole + 1)
    )
    return near + (rank - whole) * (far - near)


def _ranks(n: int, quantile: float) -> tuple[float, float]:
    """Ranks of the ends, the level interpolated between whole ones."""
    return _rank(n, quantile), n + 1.0 - _rank(n, 1.0 - quantile)


def _rank(n: int, quantile: float) -> float:
    """The rank that fewer than ``quantile`` of the errors lie below with 2.5 %."""
    # P(X_(r) > q) = P(fewer than r of n lie below it), rising with r.
    whole = max(0, math.floor(float(bdtrik(_TAIL, n, quantile))) + 2)
    while whole > 0 and float(bdtr(whole - 1, n, quantile)) > _TAIL:
        whole -= 1
    if whole == 0:
        return 1.0
    inner, outer = (float(bdtr(k - 1, n, quantile)) for k in (whole + 1, whole))
    share = (inner - _TAIL) / (inner - outer)
    weight = share / (share + (whole / (n - whole)) * ((1 - quantile) / quantile) * (1 - share)) if n > whole else share
    return whole + 1.0 - weight
