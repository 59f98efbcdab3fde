"""Population stability index of two histograms, corrected for small samples.

``PSI = sum((p - q) ln(p / q))`` is the symmetrised Kullback-Leibler divergence. Where both samples
come from one distribution, ``PSI * n m / (n + m)`` is chi-square with ``bins - 1`` degrees of
freedom, so its mean there is ``(bins - 1)(1/n + 1/m)`` and not 0; elsewhere it is near a noncentral
chi-square [1]_. The value here is the estimate of the noncentrality, and the interval inverts the
noncentral distribution.

References
----------
.. [1] B. Yurdakul, "Statistical properties of population stability index", Western Michigan
   University (2018), chapter 3; the noncentral form as for all power divergences: T. Read and
   N. Cressie, "Goodness-of-fit statistics for discrete multivariate data" (1988), chapter 4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chndtr, chndtrinc

from nightproof.metrics.estimate import Estimate, Unknown

PSEUDO_COUNT = 0.5
"""Added to every bin, as in Jeffreys' prior, so that an empty bin does not make it infinite."""
LEAST_ROWS = 30


def psi(current: npt.NDArray[np.int64], baseline: npt.NDArray[np.int64]) -> tuple[Estimate, float] | Unknown:
    """Shift between two histograms over the same bins.

    Parameters
    ----------
    current, baseline
        Counts by bin, of equal length.

    Returns
    -------
    tuple of Estimate and float, or Unknown
        The corrected index (0 for no shift that the data can show) with its 95 % interval, and
        the p-value of no shift at all. Unknown for fewer than 30 rows on either side.
    """
    n, m = int(current.sum()), int(baseline.sum())
    if min(n, m) < LEAST_ROWS:
        side = "" if n < LEAST_ROWS else " in the baseline"
        return Unknown(f"fewer than {LEAST_ROWS} rows have a value{side}", n)
    used = (current + baseline) > 0
    freedom = int(used.sum()) - 1
    if freedom == 0:
        return Estimate(0.0, 0.0, 0.0, n), 1.0
    p = (current[used] + PSEUDO_COUNT) / (n + PSEUDO_COUNT * used.sum())
    q = (baseline[used] + PSEUDO_COUNT) / (m + PSEUDO_COUNT * used.sum())
    scale = n * m / (n + m)
    statistic = float(np.dot(p - q, np.log(p / q))) * scale
    low, high = _noncentrality(statistic, freedom)
    # Samples more alike than chance makes them, as few rows over many bins are once smoothed, prove no
    # more than those that differ by just what chance explains.
    high = max(high, _noncentrality(float(freedom), freedom)[1])
    value = min(max(0.0, statistic - freedom, low), high)
    return Estimate(value / scale, low / scale, high / scale, n), float(chdtrc(freedom, statistic))


def _noncentrality(statistic: float, freedom: int) -> tuple[float, float]:
    if statistic > 1e4:  # far out the noncentral chi-square is normal, and its inverse unstable
        half = 1.959963984540054 * 2 * np.sqrt(statistic)
        return max(0.0, statistic - freedom - half), statistic - freedom + half
    ends = [
        float(chndtrinc(statistic, freedom, tail)) if chndtr(statistic, freedom, 0.0) > tail else 0.0
        for tail in (0.975, 0.025)
    ]
    return ends[0], ends[1]
