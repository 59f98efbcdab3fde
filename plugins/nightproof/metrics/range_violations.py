"""Rows outside the baseline's range: how many, and how sure that it is more than before.

The share below the baseline's least value and above its greatest is a binomial share with a Wilson
interval. The baseline has no rows outside its own range, but that is no evidence: the range was drawn
around them. Left out one at a time, two of its ``m`` rows, the extremes, fall outside the range of the
rest, and ``2 / (m + 1)`` is what a new row of the same distribution does [3]_. So the baseline's share
is 2 of ``m``, and the change is taken against its interval, by MOVER. The p-value is exact whatever the
distribution: without a change all orders of the ``n + m`` rows are equally likely, and the new rows
outside are those before the first and after the last of the baseline's.

References
----------
.. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
   JASA 22 (1927), doi:10.1080/01621459.1927.10502953.
.. [2] G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
   general approach", Statistics in Medicine 27 (2008), doi:10.1002/sim.3095.
.. [3] S. S. Wilks, "Determination of sample sizes for setting tolerance limits", Annals of Mathematical
   Statistics 12 (1941), doi:10.1214/aoms/1177731788.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import gammaln

from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.rates import wilson

OWN = 2
"""Of the baseline's rows, those outside the range of all the others: its least and its greatest."""


@dataclass(frozen=True)
class RangeViolations:
    """Shares of rows outside the baseline's range.

    Parameters
    ----------
    share
        Below or above it.
    below, above
        Each on its own.
    rise
        Of ``share`` over the baseline's own; a little below 0 where no row is outside.
    p_value
        Of so many rows outside without a change; too large, if anything, where values are tied.
    """

    share: Estimate
    below: Estimate
    above: Estimate
    rise: Change
    p_value: float


def range_violations(below: int, above: int, n: int, *, baseline_rows: int) -> RangeViolations | Unknown:
    """Shares of tonight's rows outside the baseline's range.

    Parameters
    ----------
    below, above
        Rows below the baseline's least finite value and above its greatest.
    n
        Rows with a value, those outside included.
    baseline_rows
        The baseline's rows with a value.

    Returns
    -------
    RangeViolations or Unknown
        Unknown where a side has no rows.
    """
    known = wilson(min(OWN, baseline_rows), baseline_rows, nothing="no row of the baseline has a value")
    share, low, high = (wilson(hits, n, nothing="no row has a value") for hits in (below + above, below, above))
    if isinstance(known, Unknown):
        return Unknown(known.why, n)
    if isinstance(share, Unknown) or isinstance(low, Unknown) or isinstance(high, Unknown):
        return Unknown("no row has a value", n)
    return RangeViolations(
        share, low, high, rise=difference(share, known), p_value=_chance(below + above, n, baseline_rows)
    )


def _chance(outside: int, n: int, m: int) -> float:
    """Probability that ``outside`` or more of ``n`` rows lie outside the range of ``m`` like them."""
    if outside == 0 or m < OWN:
        return 1.0
    every = _log_choose(n + m, m)
    rest = n - outside
    chance = (outside + 1) * math.exp(_log_choose(rest + m - 1, m - 1) - every)
    if rest > 0:
        chance += math.exp(_log_choose(rest + m - 1, m) - every)
    return min(chance, 1.0)


def _log_choose(of: int, some: int) -> float:
    return float(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))
