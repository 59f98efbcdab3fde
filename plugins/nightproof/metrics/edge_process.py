"""What Kolmogorov-Smirnov and Wasserstein share: the law of a distance between binned distribution functions.

At the bins' edges the difference of two empirical distribution functions is the true difference
plus a Gaussian process, the sum of two Brownian bridges seen at the edges [1]_. A distance is a norm
of that difference, and its law is simulated: 1,024 draws of the process, always the same ones, so
equal counts give equal results. They are antithetic and whitened, so mean and covariance are exact,
and the limit theory of these distances is followed on both of its sides: Gaussian under a shift,
the norm of a bridge without one [2]_, where a plain bootstrap fails.

The interval inverts a test along a family: a direction (the observed difference of the two
functions), scaled from 0 (no shift) upwards. A distance lies in the interval if the observed value is
between the 2.5 and 97.5 % points of the law that it implies; the corrected value is the distance
whose law has the observed one as its mean, 0 if chance alone gives that much.

Beyond its 95 % point the law without a shift is extrapolated. The norm is convex, so by Ehrhard's
inequality [3]_ the normal score of its distribution function is concave, and nowhere flatter than 1
over the greatest standard deviation of the functionals that the norm is the largest of: the line of
that slope gives a p-value that is never too small.

References
----------
.. [1] A. W. van der Vaart, "Asymptotic statistics" (1998), chapter 19, doi:10.1017/CBO9780511802256.
.. [2] M. Sommerfeld and A. Munk, "Inference for empirical Wasserstein distances on finite spaces",
   Journal of the Royal Statistical Society B 80 (2018), doi:10.1111/rssb.12236.
.. [3] A. Ehrhard, "Symetrisation dans l'espace de Gauss", Mathematica Scandinavica 53 (1983),
   doi:10.7146/math.scand.a-12035; C. Borell, "The Ehrhard inequality", Comptes Rendus Mathematique
   337 (2003), doi:10.1016/j.crma.2003.09.031.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from nightproof.metrics.shift import Counts, Floats

DRAWS = 1024
TAIL = 0.05
"""Below this, the p-value is extrapolated instead of counted."""
SMOOTHING = 0.25
"""Rows added to each used bin for the process's variance: an empty bin need not be empty in truth."""

Norm = Callable[[Floats], Floats]
"""From differences at the inner edges (edges x cases) to the distances (cases)."""


@dataclass(frozen=True)
class EdgeLaw:
    """The observed distance's law, by the true distance.

    Parameters
    ----------
    norm
        The distance.
    direction
        Differences at the edges, one column, whose distance is 1.
    noise
        Draws of the process, edges x draws.
    """

    norm: Norm
    direction: Floats
    noise: Floats

    def bound(self, observed: float, level: float) -> float:
        """The distance under which the observed one is the law's ``level`` point; 0 if none is."""
        return self._solve(observed, lambda draws: quantile(draws, level))

    def corrected(self, observed: float) -> float:
        """The distance whose law has the observed one as its mean; 0 if chance alone gives that much."""
        return self._solve(observed, lambda draws: float(draws.mean()))

    def _solve(self, observed: float, summary: Callable[[Floats], float]) -> float:
        """Secants from the right: the law's points are convex in the distance, so they close in from there."""
        close = 1e-4 * observed

        def excess(distance: float) -> float:
            return summary(self.norm(distance * self.direction + self.noise)) - observed

        if excess(0.0) >= 0.0:
            return 0.0
        right, above = observed, excess(observed)
        while above < -close:
            right += max(-1.5 * above, close)
            above = excess(right)
        left = max(0.0, right - above)
        for _ in range(20):
            below = excess(left)
            if abs(below) <= close or below == above:
                break
            step = left - below * (right - left) / (above - below)
            right, above, left = left, below, max(0.0, step)
        return left


def p_value(observed: float, without: Floats, greatest_sd: float) -> float:
    """Share of the draws without a shift that are as large, extrapolated where those are few.

    Parameters
    ----------
    observed
        The plain distance.
    without
        Draws of it without a shift.
    greatest_sd
        The greatest standard deviation of the linear functionals that the norm is the largest of.
    """
    at = quantile(without, 1 - TAIL)
    if observed <= at or greatest_sd <= 0.0:
        return float(np.mean(without >= observed))
    return float(ndtr(ndtri(TAIL) - (observed - at) / greatest_sd))


def quantile(draws: Floats, level: float) -> float:
    """A quantile of the draws, as the mean of the two order statistics beside it."""
    at = round(level * DRAWS)
    beside = np.partition(draws, (at - 1, at))
    return float(beside[at - 1] + beside[at]) / 2


def noise(current: Counts, baseline: Counts, *, pooled: bool) -> Floats:
    """Draws of the process at the inner edges, edges x draws.

    Parameters
    ----------
    current, baseline
        Counts by bin, each side with rows.
    pooled
        Whether both sides come from one distribution.
    """
    used = np.flatnonzero(current + baseline)
    below = used[:, None] <= np.arange(len(current) - 1)
    drawn = np.zeros((below.shape[1], DRAWS))
    for counts, normal in zip((current, baseline), _draws(len(used)), strict=True):
        seen = (current + baseline if pooled else counts)[used]
        shares = (seen + SMOOTHING) / (seen.sum() + SMOOTHING * len(used))
        weights = np.sqrt(shares / counts.sum())[:, None] * (below - shares @ below)
        drawn += weights.T @ normal
    return drawn


@cache
def _draws(bins: int) -> tuple[Floats, Floats]:
    half = np.random.default_rng(20_140).standard_normal((2 * bins, DRAWS // 2))
    if 2 * bins < DRAWS // 4:  # in more dimensions than that, whitening would shrink the draws' spread
        half = np.linalg.solve(np.linalg.cholesky(half @ half.T / (DRAWS // 2)), half)
    draws = np.hstack([half, -half])
    return draws[:bins], draws[bins:]
