"""Mean losses, Brier score and log loss, from exact sums.

The interval is the large-sample one of a mean, from the sum of squares, with Student's t.
"""

from __future__ import annotations

import math

from scipy.special import stdtrit

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles.profile import Loss


def mean_loss(loss: Loss) -> Estimate | Unknown:
    """Mean of a non-negative per-row loss; unknown for fewer than two labelled rows."""
    if loss.n < 2:
        return Unknown("fewer than two rows have a label", loss.n)
    mean = loss.total / loss.n
    variance = max(0.0, loss.total_squared / loss.n - mean**2) * loss.n / (loss.n - 1)
    half = float(stdtrit(loss.n - 1, 0.975)) * math.sqrt(variance / loss.n)
    return Estimate(mean, max(0.0, mean - half), mean + half, loss.n)
