"""Wasserstein-1 distance of two histograms, in standard deviations of the baseline.

``W1 = integral |F - G| dx``: the mean distance that a row must be moved to turn one distribution into
the other [1]_; for a plain shift it is the shift. Rows are known by bin, so where they lie within one is
assumed, as :mod:`nightproof.metrics.bin_places` says, and ``hidden``
bounds what that can cost.

See :mod:`nightproof.metrics.edge_process` for the interval and the p-value. While a shift is not
clear of chance its direction is not known either, and the upper end is the wider of two: that of the
observed direction, and that of the one in which the distance varies most, all rows moved one way.

References
----------
.. [1] A. Ramdas, N. Garcia Trillos and M. Cuturi, "On Wasserstein two-sample testing and related
   families of nonparametric tests", Entropy 19 (2017), doi:10.3390/e19020047.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nightproof.metrics.bin_places import BinPlaces, Range
from nightproof.metrics.edge_process import EdgeLaw, noise, p_value, quantile
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.shift import Counts, Floats, Shift, too_few

UNSURE = 2.0
"""Times the 97.5 % point without a shift up to which the direction of a shift is uncertain too."""


def wasserstein(
    current: Counts,
    baseline: Counts,
    *,
    edges: Sequence[float],
    current_range: Range,
    baseline_range: Range,
    sd: float,
) -> Shift | Unknown:
    """Mean distance between two distributions, in units of ``sd``.

    Parameters
    ----------
    current, baseline
        Counts by bin; bin ``i`` holds ``edges[i-1] < x <= edges[i]``.
    edges
        Inner edges, rising, one fewer than bins.
    current_range, baseline_range
        Least and greatest finite value of each side.
    sd
        The baseline's standard deviation, positive.

    Returns
    -------
    Shift or Unknown
        In standard deviations, from 0; ``hidden`` is how far the distance of the raw values can be
        off, either way. Unknown for fewer than 30 rows on either side.

    Raises
    ------
    ValueError
        If the bins do not fit each other or the edges, a count is negative, or ``sd`` is not positive.
    """
    unknown = too_few(current, baseline)
    if unknown:
        return unknown
    if len(edges) != len(current) - 1 or not sd > 0.0:
        raise ValueError(f"{len(current)} bins need as many edges less one, not {len(edges)}, and a positive sd.")
    n = int(current.sum())
    if len(edges) == 0:
        return Shift(Estimate(0.0, 0.0, 0.0, n), 1.0, 0.0)
    places = BinPlaces.of(current, baseline, edges, current_range=current_range, baseline_range=baseline_range)
    gaps = np.cumsum(current / n - baseline / baseline.sum())[:-1]
    without = noise(current, baseline, pooled=True)
    value, low, high, chance = _interval(gaps, places, current, baseline, without)
    value, low, high = ((end + places.proved) / sd for end in (value, low, high))
    return Shift(Estimate(value, low, high, n), chance, (places.reach + places.proved) / sd)


def _interval(
    gaps: Floats, places: BinPlaces, current: Counts, baseline: Counts, without: Floats
) -> tuple[float, float, float, float]:
    norm = places.distance
    draws = norm(without)
    observed, least = float(norm(gaps[:, None])[0]), float(draws.mean())
    if least <= 0.0:  # every row is in one place
        return observed, observed, observed, float(observed <= 0.0)
    # The deviations are positively correlated, so of all signed integrals the plain one varies most.
    chance = p_value(observed, draws, float(np.sqrt(np.mean(places.integral(without) ** 2))))
    shifted = observed > quantile(draws, 0.975)
    process = noise(current, baseline, pooled=False) if shifted else without
    # Where there is no gap at all no direction is seen, and any one draw of the process is as good.
    seen = gaps[:, None] if observed > 0.0 else without[:, :1]
    law = EdgeLaw(norm, seen / norm(seen)[0], process)
    low = law.bound(observed, 0.975) if shifted else 0.0
    value = law.corrected(observed) if observed > least else 0.0
    most = max(observed, least)
    high = law.bound(most, 0.025)
    if observed < UNSURE * quantile(draws, 0.975):
        drift = (without @ places.integral(without))[:, None]
        high = max(high, EdgeLaw(norm, drift / norm(drift)[0], process).bound(most, 0.025))
    return min(max(value, low), high), low, high, chance
