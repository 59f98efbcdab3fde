"""Mean error of a regression by group: does the model promise some groups too much, others too little?

References
----------
.. [1] B. L. Welch, "The generalization of 'Student's' problem when several different population
   variances are involved", Biometrika 34 (1947), doi:10.1093/biomet/34.1-2.28.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from nightproof.metrics.estimate import Change, Estimate, Unknown


@dataclass(frozen=True)
class Errors:
    """Sums over the labelled rows of one group.

    Parameters
    ----------
    n
        Labelled rows.
    total, total_squared
        Sum, and sum of squares, of prediction less truth, in the label's unit.
    """

    n: int
    total: float
    total_squared: float


def mean_error(errors: Errors) -> Estimate | Unknown:
    """Mean of prediction less truth, in the label's unit, with Student's 95 % interval.

    Returns
    -------
    Estimate | Unknown
        Unknown for fewer than two labelled rows, or sums that are no numbers.
    """
    found = _mean(errors)
    if isinstance(found, Unknown):
        return found
    mean, squared = found
    half = float(stdtrit(errors.n - 1, 0.975)) * math.sqrt(squared)
    return Estimate(mean, mean - half, mean + half, errors.n)


def mean_error_gap(own: Errors, reference: Errors) -> Change | Unknown:
    """How much more a group is promised than the reference group: difference of the mean errors.

    The 95 % interval is Welch's [1]_: the two groups' errors need not spread alike.

    Returns
    -------
    Change | Unknown
        Unknown where the mean error of either is.
    """
    mine, other = _mean(own), _mean(reference)
    if isinstance(mine, Unknown):
        return mine
    if isinstance(other, Unknown):
        return Unknown(f"in the reference group, {other.why}", own.n)
    value, squared = mine[0] - other[0], mine[1] + other[1]
    if squared == 0.0:
        return Change(value, value, value)
    freedom = squared**2 / (mine[1] ** 2 / (own.n - 1) + other[1] ** 2 / (reference.n - 1))
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(squared)
    return Change(value, value - half, value + half)


def _mean(errors: Errors) -> tuple[float, float] | Unknown:
    """The mean and the square of its standard error."""
    if errors.n < 2:
        return Unknown("fewer than two rows have a label", errors.n)
    if not (math.isfinite(errors.total) and math.isfinite(errors.total_squared)):
        return Unknown("an error is not a number", errors.n)
    mean = errors.total / errors.n
    variance = max(0.0, errors.total_squared - errors.n * mean**2) / (errors.n - 1)
    return mean, variance / errors.n
