"""A ratio of two sums over rows, such as revenue per decision: the team's own metrics.

With ``x`` and ``y`` the two numbers of a row, ``R = sum x / sum y``. To first order the error of ``R`` is the mean
of ``(x - R y) / mean(y)`` over rows, which is the delta method [1]_, [2]_. The interval is Fieller's [3]_: all ``R``
for which ``sum x - R sum y`` is no farther from 0 than Student's t allows. It is the delta method's where the
denominator is well known, is that of a mean where ``y`` is 1, is rightly lopsided where the denominator is not well
known, and has no end where its own interval holds 0: then nothing can be told.

Rows are weighed by taking ``w x`` and ``w y`` for ``x`` and ``y``; degrees of freedom come from Kish's effective
number of rows [4]_.

Where few rows carry most of a sum (revenue), a night may hold none of them, and looks too poor and, as its rows then
vary little, too sure as well. So rows are never taken to vary less than those of the baseline, where it is given:
"nothing has changed" is judged by the variance that it would have if it were true, as in a score test [5]_. The
skewness itself is not known: see ``docs/methodology.md`` for what the interval covers.

All sums are whole numbers, and what is taken from what is done in whole numbers too: a variance of 0 is 0, and
never negative, however large the numbers and few the differences.

References
----------
.. [1] G. W. Oehlert, "A note on the delta method", The American Statistician 46 (1992),
   doi:10.1080/00031305.1992.10475842.
.. [2] A. Deng, U. Knoblich and J. Lu, "Applying the delta method in metric analytics: a practical guide with novel
   ideas", KDD 2018, doi:10.1145/3219819.3219919.
.. [3] E. C. Fieller, "Some problems in interval estimation", Journal of the Royal Statistical Society B 16 (1954),
   doi:10.1111/j.2517-6161.1954.tb00159.x.
.. [4] L. Kish, "Survey Sampling", Wiley 1965, section 8.2.
.. [5] C. R. Rao, "Large sample tests of statistical hypotheses concerning several parameters with applications to
   problems of estimation", Mathematical Proceedings of the Cambridge Philosophical Society 44 (1948),
   doi:10.1017/S0305004100023987.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles.sums import RatioSums

LEAST_USUAL = 30
"""Rows of a baseline from which on it tells how much rows usually vary."""
NEAR_ZERO = "the sum that it is divided by may be 0"
TOO_LARGE = "its sums are too large for a ratio"


@dataclass(frozen=True)
class _Spread:
    """Squared errors relative to the denominator's sum: of ``x - R y``, of ``y``, and of what ``y`` leaves of ``x``."""

    residual: float
    denominator: float
    rest: float
    slope: float
    """Of ``x`` on ``y``."""


def ratio_of_sums(sums: RatioSums, *, usual: RatioSums | None = None) -> Estimate | Unknown:
    """The ratio with its 95 % interval.

    Parameters
    ----------
    sums
        Of the rows that count.
    usual
        Of the baseline's rows, in the same steps: rows are taken to vary as much as they do at least.

    Returns
    -------
    Estimate | Unknown
        Unknown for fewer than two (effective) rows, and where the denominators' sum is 0 or may be.
    """
    n = _effective_rows(sums)
    if n < 2.0 - 1e-9:
        return Unknown("fewer than two rows have a number", round(n))
    if sums.y == 0:
        return Unknown("the sum that it is divided by is 0", round(n))
    try:
        return _estimate(sums, n, least=_row_variance(usual) / sums.n)
    except OverflowError:
        return Unknown(TOO_LARGE, round(n))


def _row_variance(usual: RatioSums | None) -> float:
    """Variance of ``x - R y`` between a baseline's rows, over the squared mean of ``y``; 0 where too few tell."""
    if usual is None or usual.n < LEAST_USUAL or usual.y == 0:
        return 0.0
    return _spread(usual).residual * usual.n


def _estimate(sums: RatioSums, n: float, *, least: float) -> Estimate | Unknown:
    ratio, spread = sums.x / sums.y, _spread(sums)
    t = float(stdtrit(n - 1.0, 0.975))
    factor = t * t * n / (n - 1.0)
    g = factor * spread.denominator
    if g >= 1.0:
        return Unknown(NEAR_ZERO, round(n))
    middle = (ratio - g * spread.slope) / (1.0 - g)
    half = math.sqrt(max(factor * (max(spread.residual, least) - g * spread.rest), 0.0)) / (1.0 - g)
    value, ends = ratio * sums.unit, ((middle - half) * sums.unit, (middle + half) * sums.unit)
    if not all(map(math.isfinite, (value, *ends))):
        return Unknown(TOO_LARGE, round(n))
    return Estimate(value, min(value, *ends), max(value, *ends), round(n))


def _effective_rows(sums: RatioSums) -> float:
    if sums.weight is None or sums.weight_squared is None:
        return float(sums.n)
    return sums.weight**2 / sums.weight_squared if sums.weight_squared else 0.0


def _spread(sums: RatioSums) -> _Spread:
    """From moments around the means, each ``n`` times as large so that it is a whole number."""
    x, y, n = sums.x, sums.y, sums.n
    xx, xy, yy = n * sums.xx - x * x, n * sums.xy - x * y, n * sums.yy - y * y
    whole = n * y * y
    return _Spread(
        residual=(xx * y * y - 2 * x * y * xy + x * x * yy) / (whole * y * y),
        denominator=yy / whole,
        rest=(xx * yy - xy * xy) / (whole * yy) if yy else 0.0,
        slope=xy / yy if yy else 0.0,
    )
