"""Kolmogorov-Smirnov statistic over the bins' edges: the largest gap between distribution functions.

From 0 to 1. Values are known by bin only, so the gap is looked for at the edges. Within a bin the
gap can exceed that at its edges by no more than the smaller of the two shares that the bin holds:
binning hides at most the largest baseline bin's share, 5 % where the bins are the baseline's
twentieths, and what it hides makes the statistic smaller, never larger.

See :mod:`nightproof.metrics.edge_process` for interval and p-value; the latter knows of the bins, and
is not conservative as the test for continuous values is on ties. Which edge holds the largest gap is
uncertain too: for the lower end, edges within half a standard error of the largest gap count as
equal to it (the moment selection of [1]_, with a smaller margin, found by simulation), and the upper
end is at least that of the largest gap's own interval [2]_, or of any gap's where none is sure.

References
----------
.. [1] D. W. K. Andrews and G. Soares, "Inference for parameters defined by moment inequalities using
   generalized moment selection", Econometrica 78 (2010), doi:10.3982/ECTA7502.
.. [2] R. G. Newcombe, "Interval estimation for the difference between independent proportions",
   Statistics in Medicine 17 (1998), method 10.
"""

from __future__ import annotations

import numpy as np

from nightproof.metrics.edge_process import EdgeLaw, noise, p_value, quantile
from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.metrics.shift import Counts, Floats, Shift, too_few

EQUAL = 0.5
"""Standard errors below the largest gap within which another may be the largest in truth."""


def kolmogorov_smirnov(current: Counts, baseline: Counts) -> Shift | Unknown:
    """Largest gap between two distribution functions at the edges of common bins.

    Parameters
    ----------
    current, baseline
        Counts by bin, bins in rising order. Bins that are empty on both sides change nothing.

    Returns
    -------
    Shift or Unknown
        In [0, 1]; ``hidden`` is the largest baseline bin's share, by which the statistic of the raw
        values can exceed this one. Unknown for fewer than 30 rows on either side.

    Raises
    ------
    ValueError
        If the two have not the same bins or a count is negative.
    """
    unknown = too_few(current, baseline)
    if unknown:
        return unknown
    used = (current + baseline) > 0
    x, y = current[used], baseline[used]
    hidden, n = float(y.max() / y.sum()), int(x.sum())
    if len(x) == 1:
        return Shift(Estimate(0.0, 0.0, 0.0, n), 1.0, hidden)
    gaps = np.cumsum(x / n - y / y.sum())[:-1]
    without = noise(x, y, pooled=True)
    draws = _largest(without)
    chance = p_value(float(np.abs(gaps).max()), draws, float(_sd(without).max()))
    value, low, high = (min(end, 1.0) for end in _interval(gaps, draws, x, y, without))
    return Shift(Estimate(value, low, high, n), chance, hidden)


def _interval(gaps: Floats, draws: Floats, x: Counts, y: Counts, without: Floats) -> tuple[float, float, float]:
    observed, least = float(np.abs(gaps).max()), float(draws.mean())
    shifted = observed > quantile(draws, 0.975)
    process = noise(x, y, pooled=False) if shifted else without
    sd, at = _sd(process), int(np.abs(gaps).argmax())
    # Where there is no gap at all no direction is seen, and any one draw of the process is as good.
    peaked = gaps if observed > 0.0 else without[:, 0]
    flat = np.clip(gaps, EQUAL * sd[at] - observed, observed - EQUAL * sd[at]) if shifted else peaked
    law = EdgeLaw(_largest, _unit(flat), process)
    low = law.bound(observed, 0.975) if shifted else 0.0
    value = law.corrected(observed) if observed > least else 0.0
    high = EdgeLaw(_largest, _unit(peaked), process).bound(max(observed, least), 0.025)
    arms = _upper(np.cumsum(x)[:-1], int(x.sum()), np.cumsum(y)[:-1], int(y.sum()))
    high = max(high, float(arms[at] if shifted else arms.max()))
    return min(max(value, low), high), low, high


def _upper(below_x: Counts, n: int, below_y: Counts, m: int) -> Floats:
    """Upper 97.5 % limit of each edge's own gap, by Newcombe's method from two Wilson intervals."""
    f, g = _wilson(below_x, n), _wilson(below_y, m)
    gap = f[0] - g[0]
    rise = gap + np.hypot(f[2] - f[0], g[0] - g[1])
    fall = -gap + np.hypot(f[0] - f[1], g[2] - g[0])
    return np.asarray(np.maximum(rise, fall))


def _wilson(hits: Counts, n: int) -> tuple[Floats, Floats, Floats]:
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return share, centre - half, centre + half


def _largest(differences: Floats) -> Floats:
    return np.asarray(np.abs(differences).max(axis=0))


def _unit(gaps: Floats) -> Floats:
    return np.asarray(gaps / np.abs(gaps).max())[:, None]


def _sd(process: Floats) -> Floats:
    return np.asarray(np.sqrt(np.mean(process**2, axis=1)))
