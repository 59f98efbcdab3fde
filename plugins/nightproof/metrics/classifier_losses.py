"""Log loss and Brier score of classifiers: means of exact per-row losses, bent by their skewness."""

from __future__ import annotations

import numpy as np

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.skewness import of_likelihoods, skewness
from nightproof.profiles import Profile


def log_loss(profile: Profile) -> Estimate | Unknown:
    """Mean of minus the log of the true class's probability, held off 0 by 1e-15."""
    likely, rows = of_likelihoods(profile)
    return mean_loss(profile.loss("log_loss"), skewness=skewness(-np.log(likely), rows))


def brier(profile: Profile) -> Estimate | Unknown:
    """Mean squared distance of the probabilities from the truth: to 1 (binary) or to 2 (multiclass, all classes).

    Among several classes the skewness is that of the true class's part.
    """
    likely, rows = of_likelihoods(profile)
    return mean_loss(profile.loss("brier"), skewness=skewness((1.0 - likely) ** 2, rows))
