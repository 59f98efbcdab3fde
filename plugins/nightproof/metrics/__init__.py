"""Metrics: pure functions from a profile's facts to estimates with intervals."""

from __future__ import annotations

from collections.abc import Callable

from nightproof.config import MetricName
from nightproof.metrics.calibration import calibration_error
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.pr_auc import pr_auc
from nightproof.metrics.rates import accuracy, f1, precision, recall
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles import Profile

PERFORMANCE: dict[MetricName, Callable[[Profile], Estimate | Unknown]] = {
    "roc_auc": lambda profile: roc_auc(profile.scores),
    "pr_auc": lambda profile: pr_auc(profile.scores),
    "accuracy": lambda profile: accuracy(profile.outcomes()),
    "precision": lambda profile: precision(profile.outcomes()),
    "recall": lambda profile: recall(profile.outcomes()),
    "f1": lambda profile: f1(profile.outcomes()),
    "log_loss": lambda profile: mean_loss(profile.loss("log_loss")),
    "brier": lambda profile: mean_loss(profile.loss("brier")),
    "calibration_error": lambda profile: calibration_error(profile.scores),
}
"""Every performance metric of a binary classifier, over all rows of a profile."""
