"""Metrics: pure functions from a profile's facts to estimates with intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nightproof.metric_names import MetricName, Task
from nightproof.metrics import confusion
from nightproof.metrics.calibration import calibration_error
from nightproof.metrics.class_auc import class_auc
from nightproof.metrics.classifier_losses import brier, log_loss
from nightproof.metrics.error_means import interval_width, mae, mape, mean_error, pinball_loss, rmse
from nightproof.metrics.error_quantiles import error_quantile
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import bounded_mean
from nightproof.metrics.pr_auc import pr_auc
from nightproof.metrics.r2 import r2
from nightproof.metrics.rates import accuracy, f1, precision, recall, wilson
from nightproof.metrics.roc_auc import roc_auc
from nightproof.metrics.top_k import top_k_accuracy
from nightproof.metrics.wape import wape
from nightproof.profiles import Profile
from nightproof.profiles.spec import Multiclass, Regression

Metric = Callable[[Profile], Estimate | Unknown]


def _query_mean(profile: Profile, name: str) -> Estimate | Unknown:
    """Mean of a ranking metric over the queries that have a relevant candidate."""
    found = bounded_mean(profile.loss(name))
    return Unknown("fewer than two queries have a relevant row", found.n) if isinstance(found, Unknown) else found


PERFORMANCE: dict[Task, dict[MetricName, Metric]] = {
    "binary": {
        "roc_auc": lambda profile: roc_auc(profile.scores),
        "pr_auc": lambda profile: pr_auc(profile.scores),
        "accuracy": lambda profile: accuracy(profile.outcomes()),
        "precision": lambda profile: precision(profile.outcomes()),
        "recall": lambda profile: recall(profile.outcomes()),
        "f1": lambda profile: f1(profile.outcomes()),
        "log_loss": log_loss,
        "brier": brier,
        "calibration_error": lambda profile: calibration_error(profile.scores),
    },
    "multiclass": {
        "roc_auc": class_auc,
        "accuracy": lambda profile: confusion.class_accuracy(profile.confusion()),
        "balanced_accuracy": lambda profile: confusion.balanced_accuracy(profile.confusion()),
        "precision_macro": lambda profile: confusion.precision_macro(profile.confusion()),
        "recall_macro": lambda profile: confusion.recall_macro(profile.confusion()),
        "f1_macro": lambda profile: confusion.f1_macro(profile.confusion()),
        "f1_weighted": lambda profile: confusion.f1_weighted(profile.confusion()),
        "top_2_accuracy": partial(top_k_accuracy, k=2),
        "top_3_accuracy": partial(top_k_accuracy, k=3),
        "top_5_accuracy": partial(top_k_accuracy, k=5),
        "log_loss": log_loss,
        "brier": brier,
    },
    "regression": {
        "mae": mae,
        "rmse": rmse,
        "r2": r2,
        "mean_error": mean_error,
        "mape": mape,
        "wape": wape,
        "median_absolute_error": partial(error_quantile, quantile=0.5),
        "absolute_error_p90": partial(error_quantile, quantile=0.9),
        "pinball_loss": pinball_loss,
        "interval_coverage": lambda profile: wilson(*profile.held(), nothing="no row has a label yet"),
        "interval_width": interval_width,
    },
    "ranking": {
        "ndcg": partial(_query_mean, name="ndcg"),
        "map": partial(_query_mean, name="map"),
        "recall_at_k": partial(_query_mean, name="recall"),
        "mrr": partial(_query_mean, name="mrr"),
    },
}
"""Every performance metric of each task, over all rows of a profile."""


def performance(profile: Profile) -> dict[MetricName, Metric]:
    """The metrics that rows of a profile's spec can have at all.

    Left out are those of a prediction interval where the model gives none, and top-k accuracies of
    as many places as there are classes.
    """
    task = profile.spec.task
    found = dict(PERFORMANCE[task.kind])
    if isinstance(task, Regression) and task.lower is None:
        for name in INTERVAL_METRICS:
            del found[name]
    if isinstance(task, Multiclass):
        for name, k in TOP_K.items():
            if k >= len(task.classes):
                del found[name]
    return found


INTERVAL_METRICS: tuple[MetricName, ...] = ("pinball_loss", "interval_coverage", "interval_width")
"""Metrics of a regression's prediction interval."""
TOP_K: dict[MetricName, int] = {"top_2_accuracy": 2, "top_3_accuracy": 3, "top_5_accuracy": 5}
"""How many places each top-k accuracy looks at."""
