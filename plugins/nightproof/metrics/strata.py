"""Drift beside the mix of strata: what weekday or hour explain of a shift, and what they do not.

A Saturday differs from the whole baseline because Saturdays do. So the baseline is weighted anew to
tonight's mix of strata (direct standardisation [1]_): with ``a_s`` the share of tonight's rows in
stratum ``s`` and ``q_s`` the baseline's distribution there, ``sum(a_s q_s)`` is the histogram to expect.
Tonight's against it is the shift that the strata do not explain; the whole baseline's against it is
the part that they do.

The expected histogram is less certain than the baseline's: its variance is that of
``sum(a_s^2 q_s / m_s)``, so it counts as ``1 / sum(a_s^2 / m_s)`` rows, the effective size of weighted
rows [2]_. That is what the distances get, so their intervals and p-values stand on it. The weights are
tonight's own mix, and taken as given: the question is tonight's rows in their strata. Rows drawn
stratum by stratum vary less than the distances assume, so p-values err on the side of no shift.

A stratum of which the baseline has fewer than 30 rows is not known; the whole baseline stands in for
it, and its rows then count once, in the one weight that they have together.

References
----------
.. [1] J. L. Fleiss, B. Levin and M. C. Paik, "Statistical methods for rates and proportions" (2003),
   chapter 19, doi:10.1002/0471445428.
.. [2] L. Kish, "Survey sampling" (1965), section 11.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nightproof.metrics.estimate import Unknown
from nightproof.metrics.shift import LEAST_ROWS, Counts, Floats, Shift


@dataclass(frozen=True)
class Adjusted:
    """Tonight's histogram and the one that its mix of strata leads to expect.

    Parameters
    ----------
    night, baseline
        The whole histograms, strata together.
    expected
        The baseline's shares under tonight's mix, as counts of its effective rows, rounded.
    shares
        The same, exact and adding up to 1.
    effective_rows
        Rows of a plain sample that would know the expected shares as well.
    fallback
        Share of tonight's rows in strata that the whole baseline stands in for.
    """

    night: Counts
    baseline: Counts
    expected: Counts
    shares: Floats
    effective_rows: float
    fallback: float


@dataclass(frozen=True)
class Explained:
    """A shift in three parts, each in the units of the distance.

    Parameters
    ----------
    plain
        Tonight against the whole baseline.
    remainder
        Tonight against what its mix of strata leads to expect: what is to be judged.
    by_strata
        ``plain - remainder`` by value: how much smaller the shift is once the mix is allowed for; below
        0 where the strata hid some of it.
    """

    plain: Shift
    remainder: Shift
    by_strata: float


def adjusted(night_strata: Counts, baseline_strata: Counts) -> Adjusted | Unknown:
    """Weight the baseline to tonight's mix of strata.

    Parameters
    ----------
    night_strata, baseline_strata
        Counts, strata x bins, the same strata and bins in both. Strata may be empty on either side.

    Returns
    -------
    Adjusted or Unknown
        Unknown for fewer than 30 rows on either side.

    Raises
    ------
    ValueError
        If the shapes differ or are not two-dimensional.
    """
    if night_strata.shape != baseline_strata.shape or night_strata.ndim != 2:
        raise ValueError(f"Need the same strata x bins, not {night_strata.shape} and {baseline_strata.shape}.")
    night, baseline = night_strata.sum(0), baseline_strata.sum(0)
    n, m = int(night.sum()), int(baseline.sum())
    if min(n, m) < LEAST_ROWS:
        side = "" if n < LEAST_ROWS else " in the baseline"
        return Unknown(f"fewer than {LEAST_ROWS} rows have a value{side}", n)
    mix, rows = night_strata.sum(1) / n, baseline_strata.sum(1)
    fallback = float(mix[rows < LEAST_ROWS].sum())
    # Weight of one baseline row: its stratum's, and its part of what the whole stands in for.
    own = np.divide(mix, rows, out=np.zeros(len(rows)), where=rows >= LEAST_ROWS)
    weights = own + fallback / m
    shares = weights @ baseline_strata
    effective = float(1 / (weights**2 @ rows))
    expected = np.rint(shares * effective).astype(np.int64)
    return Adjusted(night, baseline, expected, shares, effective, fallback)


def explained(found: Adjusted, distance: Callable[[Counts, Counts], Shift | Unknown]) -> Explained | Unknown:
    """Split a shift into what the mix of strata explains and what remains.

    Parameters
    ----------
    found
        What :func:`adjusted` gave.
    distance
        Any of the drift distances.
    """
    plain, remainder = distance(found.night, found.baseline), distance(found.night, found.expected)
    if isinstance(plain, Unknown):
        return plain
    if isinstance(remainder, Unknown):
        return Unknown("the baseline knows too little of tonight's mix of strata", remainder.n)
    return Explained(plain, remainder, plain.estimate.value - remainder.estimate.value)
