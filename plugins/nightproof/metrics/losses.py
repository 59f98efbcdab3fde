"""Means of per-row losses from exact sums, of equal or of weighed rows.

A weighed mean is the ratio ``sum w l / sum w``, and its variance the delta method's, ``sum w**2 (l -
mean)**2 / (sum w)**2``. Degrees of freedom come from Kish's effective number of rows [1]_.

Losses are skewed, and the interval of Student's t of their mean then misses on one side. Two remedies,
by what is known:

* the skewness: Hall's monotone transformation of the t statistic [2]_. The skewness of a sample of a
  skewed loss is too small on average, so it is enlarged by ``1 + 3 / sqrt(n)``, a factor found by
  simulation over seventeen losses at 50 and 200 rows. Where t covers 87 to 95 %, this covers 93.5 to 97.2 %,
  but where hardly any night has a row of the tail (50 rows, 2 % positives: 70 %);
* the range: of losses in [0, 1], Wilson's interval with the effective number of rows
  ``mean (1 - mean) / variance`` [3]_, which is Wilson's own where losses are 0 or 1.

References
----------
.. [1] L. Kish, "Survey Sampling", Wiley 1965, section 8.2.
.. [2] P. Hall, "On the removal of skewness by transformation", Journal of the Royal Statistical
   Society B 54 (1992), doi:10.1111/j.2517-6161.1992.tb01876.x.
.. [3] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number
   of positive counts estimated from survey data", Survey Methodology 24 (1998), who so adjust the
   number of rows; with the score interval in place of Clopper and Pearson's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles.sums import Loss

NO_LABELS = "fewer than two rows have a label"


@dataclass(frozen=True)
class Mean:
    """A mean and how well it is known.

    Parameters
    ----------
    value
        The mean.
    error
        Its standard error.
    n
        Effective number of rows, more than 1.
    """

    value: float
    error: float
    n: float

    @property
    def quantile(self) -> float:
        """Student's two-sided 95 % quantile."""
        return float(stdtrit(self.n - 1.0, 0.975))


def mean_of(loss: Loss) -> Mean | Unknown:
    """Mean and standard error of a loss; unknown for fewer than two effective rows."""
    if loss.weight is None or loss.weight_squared is None or loss.cross is None:
        weight, squared, cross = float(loss.n), float(loss.n), loss.total
    else:
        weight, squared, cross = loss.weight, loss.weight_squared, loss.cross
    n = weight**2 / squared if squared > 0.0 else 0.0
    if n < 2.0 - 1e-9:
        return Unknown(NO_LABELS, round(n))
    mean = loss.total / weight
    residual = max(0.0, loss.total_squared - 2.0 * mean * cross + mean**2 * squared)
    return Mean(mean, math.sqrt(residual * n / (n - 1.0)) / weight, n)


def mean_loss(loss: Loss, *, skewness: float = 0.0, least: float = 0.0) -> Estimate | Unknown:
    """Mean of a per-row loss.

    Parameters
    ----------
    loss
        Its sums.
    skewness
        Of the loss between rows; 0 gives the interval of Student's t.
    least
        What a loss is at least; the interval is held there.

    Returns
    -------
    Estimate | Unknown
        Unknown for fewer than two labelled rows.
    """
    mean = mean_of(loss)
    if isinstance(mean, Unknown):
        return mean
    low, high = skewed_ends(mean, skewness)
    value = max(mean.value, least)
    return Estimate(value, min(value, max(least, low)), max(value, high), round(mean.n))


def skewed_ends(mean: Mean, skewness: float) -> tuple[float, float]:
    """Ends of Hall's 95 % interval of a mean."""
    root = math.sqrt(mean.n)
    # Of n rows the skewness is at most sqrt(n): a larger one is an error of rounding.
    bent = min(max(skewness, -root), root) * (1.0 + 3.0 / root)
    if abs(bent) < 1e-6:
        half = mean.quantile * mean.error
        return mean.value - half, mean.value + half
    high, low = (
        3.0 * root / bent * (math.cbrt(1.0 + bent * (t / root - bent / (6.0 * mean.n))) - 1.0)
        for t in (-mean.quantile, mean.quantile)
    )
    return mean.value - mean.error * low, mean.value - mean.error * high


def bounded_mean(loss: Loss, *, most: float = 1.0) -> Estimate | Unknown:
    """Mean of a per-row loss, or gain, in [0, most]; unknown for fewer than two labelled rows."""
    mean = mean_of(loss)
    if isinstance(mean, Unknown):
        return mean
    share = min(max(mean.value / most, 0.0), 1.0)
    found = score_interval(Mean(share, mean.error / most, mean.n))
    return Estimate(found.value * most, found.low * most, found.high * most, found.n)


def score_interval(mean: Mean) -> Estimate:
    """Interval of a mean in [0, 1]: Wilson's, of as many 0s and 1s as would be known as well."""
    share, t = mean.value, mean.quantile
    # No loss in [0, 1] varies more than 0s and 1s do.
    n = max(mean.n, share * (1.0 - share) / mean.error**2) if mean.error > 0.0 else mean.n
    centre = (share + t * t / (2.0 * n)) / (1.0 + t * t / n)
    half = t * math.sqrt(share * (1.0 - share) / n + t * t / (4.0 * n * n)) / (1.0 + t * t / n)
    return Estimate(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), round(mean.n))
