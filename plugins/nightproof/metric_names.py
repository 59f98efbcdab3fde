"""Tasks and the metrics of each: their names, and which way they get worse."""

from __future__ import annotations

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "regression", "ranking"]
MetricName = Literal[
    "roc_auc",
    "pr_auc",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_weighted",
    "top_2_accuracy",
    "top_3_accuracy",
    "top_5_accuracy",
    "log_loss",
    "brier",
    "calibration_error",
    "mae",
    "rmse",
    "mape",
    "wape",
    "r2",
    "mean_error",
    "median_absolute_error",
    "absolute_error_p90",
    "pinball_loss",
    "interval_coverage",
    "interval_width",
    "ndcg",
    "map",
    "recall_at_k",
    "mrr",
]
_LOSSES = {
    "log_loss",
    "brier",
    "calibration_error",
    "mae",
    "rmse",
    "mape",
    "wape",
    "mean_error",
    "median_absolute_error",
    "absolute_error_p90",
    "pinball_loss",
    "interval_width",
}
HARM: dict[MetricName, Literal["max_drop", "max_rise"]] = {
    name: "max_rise" if name in _LOSSES else "max_drop" for name in get_args(MetricName)
}
"""Which way each metric gets worse, and so which limit a config may set for it."""
METRICS_OF: dict[Task, tuple[MetricName, ...]] = {
    "binary": (
        "roc_auc",
        "pr_auc",
        "accuracy",
        "precision",
        "recall",
        "f1",
        "log_loss",
        "brier",
        "calibration_error",
    ),
    "multiclass": (
        "roc_auc",
        "accuracy",
        "balanced_accuracy",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "f1_weighted",
        "top_2_accuracy",
        "top_3_accuracy",
        "top_5_accuracy",
        "log_loss",
        "brier",
    ),
    "regression": (
        "mae",
        "rmse",
        "r2",
        "mean_error",
        "mape",
        "wape",
        "median_absolute_error",
        "absolute_error_p90",
        "pinball_loss",
        "interval_coverage",
        "interval_width",
    ),
    "ranking": ("ndcg", "map", "recall_at_k", "mrr"),
}
"""The metrics of each task, most telling first."""
