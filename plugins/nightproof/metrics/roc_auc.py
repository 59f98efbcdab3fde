"""Area under the ROC curve from counts by score cell, with DeLong's variance.

References
----------
.. [1] E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
   correlated receiver operating characteristic curves: a nonparametric approach", Biometrics 44
   (1988), doi:10.2307/2531595.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.profiles.profile import Scores


def roc_auc(scores: Scores) -> Estimate | Unknown:
    """Probability that a positive row scores above a negative one, ties counting one half.

    The 95 % interval is DeLong's, formed on the logit scale, where it stays inside (0, 1).

    Returns
    -------
    Estimate | Unknown
        Unknown where a class has fewer than two rows.
    """
    positives, negatives = int(scores.positives.sum()), int(scores.negatives.sum())
    n = positives + negatives
    if min(positives, negatives) < 2:
        few = "positive" if positives < 2 else "negative"
        return Unknown(f"fewer than two rows have a {few} label", n)
    wins = _placements(scores.negatives)
    losses = _placements(scores.positives)
    auc = float(np.dot(scores.positives, wins) / positives)
    # Each variance is one of the placements of a class among the other's rows.
    variance = _variance(scores.positives, wins, auc) / positives
    variance += _variance(scores.negatives, losses, 1.0 - auc) / negatives
    return logit_estimate(auc, math.sqrt(variance), n, rarer=min(positives, negatives))


def auc_bound(scores: Scores) -> float:
    """How far the AUC can be off because rows within a cell count as tied.

    Half the share of (positive, negative) pairs that share a cell: their true order could be all
    one way or all the other.
    """
    pairs = float(scores.positives.sum()) * float(scores.negatives.sum())
    return float(np.dot(scores.positives.astype(float), scores.negatives)) / pairs / 2 if pairs else 0.0


def logit_estimate(value: float, error: float, n: int, *, rarer: int) -> Estimate:
    """A share with a standard error, its interval formed on the logit scale.

    At 0 and 1, where the scale ends, the rule of three on the rarer class bounds the open side.
    """
    if not 0.0 < value < 1.0:
        far = 1.0 - 0.05 ** (1.0 / rarer)
        return Estimate(value, max(0.0, value - far), min(1.0, value + far), n)
    centre, half = math.log(value / (1 - value)), Z95 * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-x)) for x in (max(centre - half, -700), min(centre + half, 700)))
    return Estimate(value, min(low, value), max(high, value), n)


def _placements(other: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """For each cell, the share of the other class that lies below it, ties counting one half."""
    below = np.cumsum(other) - other
    return np.asarray((below + 0.5 * other) / other.sum(), dtype=np.float64)


def _variance(counts: npt.NDArray[np.int64], values: npt.NDArray[np.float64], mean: float) -> float:
    return float(np.dot(counts, (values - mean) ** 2) / (counts.sum() - 1))
