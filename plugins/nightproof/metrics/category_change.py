"""New and vanished categories: what tonight has that the baseline has not, and the other way round.

A new category is a fact: one row proves it. A missing one may be chance: a category with share ``q``
is absent from ``n`` rows with probability ``(1 - q)^n``. The baseline knows ``q`` from its own rows only,
so the p-value is Fisher's exact one: given that ``y`` of all ``n + m`` rows are of the category, that all
``y`` are the baseline's [1]_. Many categories are looked at together, so the p-values are Holm's [2]_.

References
----------
.. [1] R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98
   (1935), doi:10.2307/2342435.
.. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6 (1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from nightproof.metrics.shift import Counts, Floats

SURE = 0.05
"""Adjusted p-value below which a category has vanished."""


@dataclass(frozen=True)
class Vanished:
    """A baseline category without a row tonight.

    Parameters
    ----------
    index
        Its place in the histogram.
    share
        Its share of the baseline's rows.
    p_value
        Of its absence by chance, adjusted for all categories of the column.
    """

    index: int
    share: float
    p_value: float


@dataclass(frozen=True)
class CategoryChange:
    """What came and what went.

    Parameters
    ----------
    new
        Places of categories with rows tonight and none in the baseline.
    vanished
        Baseline categories whose absence chance does not explain, largest share first.
    p_value
        The least adjusted p-value of an absent category; 1 where none is absent.
    """

    new: tuple[int, ...]
    vanished: tuple[Vanished, ...]
    p_value: float


def category_change(current: Counts, baseline: Counts, *, level: float = SURE) -> CategoryChange:
    """Compare which categories have rows.

    Parameters
    ----------
    current, baseline
        Counts by category, of equal length. With no rows on a side nothing has come or gone.
    level
        The chance, for the column as a whole, of calling a category vanished that is not.

    Raises
    ------
    ValueError
        If the two have not the same categories.
    """
    if current.shape != baseline.shape:
        raise ValueError(f"Two histograms need the same categories, not {current.shape} and {baseline.shape}.")
    n, m = int(current.sum()), int(baseline.sum())
    if n == 0 or m == 0:
        return CategoryChange((), (), 1.0)
    absent = np.flatnonzero((current == 0) & (baseline > 0))
    chances = holm(_absence(baseline[absent], n, m), families=int((baseline > 0).sum()))
    order = np.argsort(-baseline[absent], kind="stable")
    gone = [Vanished(int(absent[i]), float(baseline[absent[i]] / m), float(chances[i])) for i in order]
    new = tuple(int(i) for i in np.flatnonzero((current > 0) & (baseline == 0)))
    return CategoryChange(new, tuple(g for g in gone if g.p_value < level), float(chances.min(initial=1.0)))


def holm(p_values: Floats, *, families: int | None = None) -> Floats:
    """Adjusted p-values by Holm's step-down rule.

    Parameters
    ----------
    p_values
        Raw ones, in any order.
    families
        How many tests there were, if more than are given; the others count as having p-values of 1.
    """
    count = len(p_values) if families is None else families
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(np.minimum(p_values[order] * (count - np.arange(len(p_values))), 1.0))
    return adjusted


def _absence(held: Counts, n: int, m: int) -> Floats:
    """Probability that none of ``n`` rows is of a category, given its rows among all ``n + m``."""
    rows = np.asarray(held, dtype=np.float64)
    ways = gammaln(m + 1) - gammaln(m - rows + 1)
    all_ways = gammaln(n + m + 1) - gammaln(n + m - rows + 1)
    return np.asarray(np.exp(np.minimum(ways - all_ways, 0.0)))
