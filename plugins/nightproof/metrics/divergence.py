"""What the divergences share: from a plug-in value to a corrected one with interval and p-value.

A divergence here is a sum over bins of ``terms(p, q)``, 0 where the shares are equal: PSI, the
squares of the Jensen-Shannon and Hellinger distances and of Cramer's V. Without a shift all of them
are, to a factor, near chi-square, so their mean is not 0 but grows with the bins and falls with the
rows; under a shift they are near a shifted noncentral chi-square [1]_.

The interval inverts a test along a family of distributions through the data: from the pooled
histogram (no shift) towards, and beyond, the two observed ones. At two members of the family, no
shift and the one whose divergence is the corrected value, mean and variance of the statistic are
computed exactly (:mod:`nightproof.metrics.multinomial_sum`), so rare categories neither bias the
value nor narrow the interval; in between both run linearly with the divergence, as they do for the
noncentral chi-square that has these moments. A true divergence lies in the interval if the observed
one is between that law's 2.5 and 97.5 % points.

Where no shift at all is plausible the direction of the family is chance, so the upper end is the
wider of the two found in the observed direction and in the opposite one.

References
----------
.. [1] T. Read and N. Cressie, "Goodness-of-fit statistics for discrete multivariate data" (1988),
   chapter 4, doi:10.1007/978-1-4612-4578-0.
.. [2] B. Yurdakul, "Statistical properties of population stability index", Western Michigan
   University (2018), chapter 3: the null law of PSI.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chndtr, ndtr

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.multinomial_sum import moments
from nightproof.metrics.shift import Counts, Floats, Shift, too_few

Terms = Callable[[Floats, Floats], Floats]
"""From the shares of the current and the baseline rows by bin to the bins' terms."""

PSEUDO_COUNT = 0.5
"""Added to every bin that either side uses, as in Jeffreys' prior, so that an empty bin makes no
divergence infinite and a single row in a rare bin is not taken for a shift."""
FAMILY_COUNT = 0.25
"""The same for the family's shares: an empty bin need not be empty in truth."""


def divergence(
    current: Counts, baseline: Counts, terms: Terms, *, pseudo_count: float = PSEUDO_COUNT
) -> Shift | Unknown:
    """Shift between two histograms over the same bins.

    Parameters
    ----------
    current, baseline
        Counts by bin, of equal length. Bins that are empty on both sides do not count.
    terms
        The divergence; must be 0 for equal shares, smooth, and finite for positive ones.
    pseudo_count
        Added to each count before the shares are taken.

    Returns
    -------
    Shift or Unknown
        Unknown for fewer than 30 rows on either side.

    Raises
    ------
    ValueError
        If the two have not the same bins or a count is negative.
    """
    unknown = too_few(current, baseline)
    if unknown:
        return unknown
    used = (current + baseline) > 0
    x, y = current[used].astype(np.float64), baseline[used].astype(np.float64)
    n = int(current.sum())
    if len(x) == 1:
        return Shift(Estimate(0.0, 0.0, 0.0, n), 1.0)
    family = _Family(x, y, terms, pseudo_count)
    observed = float(family.statistic(x, y).sum())
    null = family.null()
    law = family.law(observed, null)
    low = law.bound(observed, 0.975)
    # Samples more alike than chance makes them prove no more than those that differ by just that.
    most = max(observed, null.mean)
    high = law.bound(most, 0.025)
    if low == 0.0:
        high = max(high, family.law(observed, null, sign=-1.0).bound(most, 0.025))
    value = min(max(law.corrected(observed), low), high)
    return Shift(Estimate(value, low, high, n), null.p_value(observed))


def rooted(shift: Shift | Unknown) -> Shift | Unknown:
    """The shift of a distance in [0, 1] from that of its square."""
    if isinstance(shift, Unknown):
        return shift
    value, low, high = (math.sqrt(min(x, 1.0)) for x in (shift.estimate.value, shift.estimate.low, shift.estimate.high))
    return replace(shift, estimate=Estimate(value, low, high, shift.estimate.n))


@dataclass(frozen=True)
class _Null:
    """The statistic's law without a shift: a chi-square of these moments."""

    mean: float
    variance: float

    @property
    def scale(self) -> float:
        return self.variance / (2 * self.mean)

    @property
    def freedom(self) -> float:
        return 2 * self.mean**2 / self.variance

    def p_value(self, observed: float) -> float:
        return float(chdtrc(self.freedom, observed / self.scale))


@dataclass(frozen=True)
class _Law:
    """The statistic's law along the family, by the true divergence.

    Parameters
    ----------
    null
        Where it begins.
    bias
        By how much more than the divergence itself the mean rises, per unit of divergence.
    spread
        By how much the variance rises per unit of divergence.
    reach
        The divergence up to which the bias was seen to rise.
    """

    null: _Null
    bias: float
    spread: float
    reach: float

    def mean(self, divergence: float) -> float:
        return self.null.mean + divergence + self.bias * min(divergence, self.reach)

    def below(self, observed: float, divergence: float) -> float:
        """Probability of a statistic of at most ``observed``."""
        scale, freedom = self.null.scale, self.null.freedom
        off_centre = self.spread * divergence / (4 * scale**2)
        x = (observed - self.mean(divergence)) / scale + freedom + off_centre
        return _noncentral(max(x, 0.0), freedom, off_centre)

    def bound(self, observed: float, level: float) -> float:
        """The divergence under which a statistic of at most ``observed`` has probability ``level``."""
        if self.below(observed, 0.0) <= level:
            return 0.0
        far = 2 * max(observed, self.null.mean)
        while self.below(observed, far) > level:
            far *= 2
        return float(brentq(lambda theta: self.below(observed, theta) - level, 0.0, far, xtol=1e-12, rtol=1e-5))

    def corrected(self, observed: float) -> float:
        """The divergence whose mean statistic is the observed one, 0 at least."""
        excess = observed - self.null.mean
        near = excess / (1 + self.bias)
        return max(0.0, near if near <= self.reach else excess - self.bias * self.reach)


@dataclass(frozen=True)
class _Family:
    """The distributions that the inversion runs through, from the pooled one outwards."""

    x: Floats
    y: Floats
    terms: Terms
    pseudo_count: float

    def statistic(self, x: Floats, y: Floats) -> Floats:
        """The observed terms, pseudo-counts included."""
        n, m, extra = self.x.sum(), self.y.sum(), self.pseudo_count * len(self.x)
        return self.terms((x + self.pseudo_count) / (n + extra), (y + self.pseudo_count) / (m + extra))

    def null(self) -> _Null:
        n, m = self.x.sum(), self.y.sum()
        pooled = (self.x + self.y) / (n + m)
        mean, variance = moments(self.statistic, n * pooled, m * pooled)
        return _Null(float(mean), float(variance))

    def law(self, observed: float, null: _Null, *, sign: float = 1.0) -> _Law:
        """The law in the observed direction, or with ``sign = -1`` in the opposite one."""
        plain = _Law(null, 0.0, 4 * null.scale, math.inf)
        if observed < 0.05 * null.mean:  # no direction to speak of
            return plain
        p, q = self._member(sign * math.sqrt(max(observed - null.mean, 0.5 * null.mean) / observed))
        divergence = float(self.terms(p, q).sum())
        if divergence < 1e-3 * null.mean:
            return plain
        mean, variance = moments(self.statistic, self.x.sum() * p, self.y.sum() * q)
        bias = max((float(mean) - null.mean) / divergence - 1, -0.9)
        spread = max((float(variance) - null.variance) / divergence, 1e-3 * plain.spread)
        return _Law(null, bias, spread, 2 * divergence)

    def _member(self, far: float) -> tuple[Floats, Floats]:
        pooled = (self.x + self.y) / (self.x.sum() + self.y.sum())
        shares = []
        for counts in (self.x, self.y):
            share = (counts + FAMILY_COUNT) / (counts.sum() + FAMILY_COUNT * len(counts))
            moved = np.maximum(pooled + far * (share - pooled), 1e-3 * pooled)
            shares.append(moved / moved.sum())
        return shares[0], shares[1]


def _noncentral(x: float, freedom: float, off_centre: float) -> float:
    """Distribution function of the noncentral chi-square.

    Far out by its cube-root normal approximation: M. Sankaran, "Approximations to the non-central
    chi-square distribution", Biometrika 50 (1963), doi:10.1093/biomet/50.1-2.199.
    """
    first, second, third = (freedom + i * off_centre for i in (1, 2, 3))
    if first < 2000:
        return float(chndtr(x, freedom, off_centre))
    h = 1 - 2 * first * third / (3 * second**2)
    p = second / first**2
    m = (h - 1) * (1 - 3 * h)
    centre = 1 + h * p * (h - 1 - (2 - h) * m * p / 2)
    return float(ndtr(((x / first) ** h - centre) / (h * math.sqrt(2 * p) * (1 + m * p / 2))))
