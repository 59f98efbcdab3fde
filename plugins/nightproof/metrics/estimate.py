"""An estimate: a value, the interval around it, and how two of them are compared.

Differences and ratios come from the two intervals alone, by the method of variance estimates
recovery (MOVER), so they inherit the intervals' good behaviour at small n and near 0 and 1; for
two Wilson intervals MOVER is Newcombe's method 10.

References
----------
.. [1] G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
   general approach", Statistics in Medicine 27 (2008), doi:10.1002/sim.3095.
.. [2] R. G. Newcombe, "Interval estimation for the difference between independent proportions",
   Statistics in Medicine 17 (1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
Z80 = 0.8416212335729143
"""One-sided 80 % quantile: the power that ``detectable`` asks for."""


@dataclass(frozen=True)
class Estimate:
    """A metric's value on some rows, with its 95 % interval.

    Parameters
    ----------
    value
        The point estimate.
    low, high
        The interval's ends, ``low <= value <= high``.
    n
        Rows that it stands on: the denominator of a rate, the labelled rows of a score metric. Of
        weighed rows, their effective number, rounded.
    bound
        How far counting by bins may have moved the value; the interval has room for it.
    """

    value: float
    low: float
    high: float
    n: int
    bound: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high


@dataclass(frozen=True)
class Unknown:
    """A metric that these rows cannot tell.

    Parameters
    ----------
    why
        What is missing, as part of a sentence: "no row has a positive label".
    n
        Rows that were looked at.
    """

    why: str
    n: int


@dataclass(frozen=True)
class Change:
    """A difference or ratio of two estimates with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high

    def excess_p_value(self, limit: float) -> float:
        """One-sided p-value of "the true value is at most ``limit``".

        The spread comes from the interval's lower arm, so the p-value agrees with the interval:
        it is below 0.025 just where the interval lies wholly above the limit.
        """
        spread = (self.value - self.low) / Z95
        if spread <= 0.0:
            return 0.0 if self.value > limit else 1.0
        return float(ndtr(-(self.value - limit) / spread))

    def detectable(self) -> float:
        """Smallest rise that data of this spread would have shown with 80 % power at 95 %."""
        return (self.value - self.low) / Z95 * (Z95 + Z80)

    def reversed(self) -> Change:
        """The same change counted the other way."""
        return Change(-self.value, -self.high, -self.low)


def difference(current: Estimate, baseline: Estimate) -> Change:
    """``current - baseline`` of two independent estimates, by MOVER."""
    value = current.value - baseline.value
    below = math.hypot(current.value - current.low, baseline.high - baseline.value)
    above = math.hypot(current.high - current.value, baseline.value - baseline.low)
    return Change(value, value - below, value + above)


def ratio(numerator: Estimate, denominator: Estimate) -> Change:
    """``numerator / denominator`` of two independent, non-negative estimates, by MOVER on logs.

    The denominator's value must be positive. A numerator of 0 gives a ratio of 0 whose upper end
    is found from the upper end of the numerator.
    """
    top, bottom = _log(numerator), _log(denominator)
    if numerator.value == 0.0:
        arm = math.log(denominator.value / max(denominator.low, 1e-12))
        return Change(0.0, 0.0, numerator.high / denominator.value * math.exp(arm))
    change = difference(top, bottom)
    return Change(math.exp(change.value), math.exp(change.low), math.exp(change.high))


def _log(estimate: Estimate) -> Estimate:
    tiny = 1e-12
    low, value, high = (math.log(max(x, tiny)) for x in (estimate.low, estimate.value, estimate.high))
    return Estimate(value, low, high, estimate.n)
