"""How much nights differ by themselves: the variance between nights, and how alike neighbours are.

The variance of the nights' true values, beyond what their rows explain, is the general method of
moments estimate of a random-effects model [1]_ with the nights' rows as weights. Clustered rows show
in it too: their sampling errors are too small by a factor, and what is missing lies between the nights.
Neighbouring nights are taken for a first-order autoregression, whose coefficient is the autocovariance
at a lag of one night over that variance.

Few nights tell little of either, so both are held towards what is expected before any night was seen:
a standard deviation of one tolerance and rows that are somewhat clustered, worth eight nights, and
a coefficient of one half, worth as much as chance alone would show. The variance's degrees of freedom
go into Student's t, so that a short history gives wide answers and never silence.

References
----------
.. [1] R. DerSimonian and R. Kacker, "Random-effects model for meta-analysis of clinical trials: an
   update", Contemporary Clinical Trials 28 (2007), doi:10.1016/j.cct.2006.04.004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nightproof.sequential.nights import TINY, Floats, Nights

MEMORY = 90
"""Nights of history that tell how much nights differ."""
PRIOR_NIGHTS = 8.0
"""Nights that the expectation before any history is worth."""
CLUSTERED = 0.5
"""Share of the rows' sampling variance that is expected beside it, since rows of a night are seldom independent."""
PRIOR_ALIKE = 0.5
"""How alike neighbouring nights are expected to be."""
MOST_ALIKE = 0.95


@dataclass(frozen=True)
class Noise:
    """How much nights differ; every field has one entry a series.

    Parameters
    ----------
    variance
        Of the nights' true values around their mean.
    alike
        Correlation of neighbouring nights, in [0, 0.95].
    freedom
        Degrees of freedom that the variance is known with, at least 8.
    """

    variance: Floats
    alike: Floats
    freedom: Floats

    def of_mean(self, nights: Floats) -> Floats:
        """Variance of the mean of so many nights in a row; 0 nights count as one."""
        return self.variance * _correlated(self.alike, np.maximum(nights, 1.0))


def _correlated(alike: Floats, nights: Floats) -> Floats:
    """Variance of the mean of ``nights`` neighbours of variance 1, a first-order autoregression."""
    left = (1.0 - alike**nights) / (nights * (1.0 - alike))
    return (1.0 + 2.0 * alike / (1.0 - alike) * (1.0 - left)) / nights


def noise(nights: Nights, end: int, *, expected: Floats) -> Noise:
    """What the nights before ``end`` tell of how much nights differ.

    Parameters
    ----------
    nights
        The history.
    end
        The first night that is not to be used, numbered from 0.
    expected
        Standard deviation that is expected before any night was seen: the tolerance.
    """
    first = max(0, end - MEMORY)

    def over(name: str) -> Floats:
        found: Floats = nights.over(name, first, end)
        return found

    used, w = over("used"), np.maximum(over("w"), TINY)
    many, freedom = used >= 2, np.maximum(over("used") - 1.0, 0.0)
    apart = np.maximum(over("w_value_value") - over("w_value") ** 2 / w, 0.0)
    by_rows = over("w_variance") - over("ww_variance") / w
    weight = np.maximum(w - over("ww") / w, TINY)
    between = np.where(many, np.maximum(apart - by_rows, 0.0) / weight, 0.0)
    rows = np.where(many, np.maximum(by_rows, 0.0) / weight, 0.0)
    # Of all nights, also those that are looked at: how large a night is says nothing of its harm.
    usual_rows = nights.over("nn_variance", 0, nights.count) / np.maximum(nights.over("nn", 0, nights.count), TINY)
    prior = expected**2 + CLUSTERED * usual_rows
    variance = (PRIOR_NIGHTS * prior + freedom * between) / (PRIOR_NIGHTS + freedom)
    alike = _alike(over("pair_product"), over("pair_sum"), over("pairs"), over("used_value") / np.maximum(used, 1.0))
    # What chance alone would show of it, so that little history is held to the expectation.
    chance = 2.0 * (rows + variance) / np.sqrt(np.maximum(used, 1.0)) + 1e-300
    alike = np.clip((alike + PRIOR_ALIKE * chance) / (between + chance), 0.0, MOST_ALIKE)
    # Nights that are alike lie closer to their own mean than to the true one.
    seen = np.maximum(1.0 - _correlated(alike, np.maximum(used, 1.0)), 0.3)
    told = freedom * (1.0 - alike**2) / (1.0 + alike**2)
    return Noise(variance / seen, alike, PRIOR_NIGHTS + told)


def _alike(product: Floats, total: Floats, pairs: Floats, mean: Floats) -> Floats:
    """Autocovariance at a lag of one night; 0 where fewer than two pairs are known."""
    some = np.maximum(pairs, 1.0)
    return np.where(pairs >= 2, (product - mean * total) / some + mean**2, 0.0)
