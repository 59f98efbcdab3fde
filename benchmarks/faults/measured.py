"""Metrics measured on the rows, by scikit-learn where it has them: no part of Nightproof is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from benchmarks.faults.frames import LABEL, SCORE

Array = NDArray[np.float64]
THRESHOLD = 0.5
RESAMPLES = 200


def _of_scores(metric: Callable[..., float]) -> Callable[[Array, Array], float]:
    return lambda labels, scores: float(metric(labels, scores)) if labels.min() < labels.max() else float("nan")


def _of_classes(metric: Callable[..., float]) -> Callable[[Array, Array], float]:
    return lambda labels, scores: float(metric(labels, scores >= THRESHOLD)) if labels.size else float("nan")


METRICS: Mapping[str, Callable[[Array, Array], float]] = {
    "roc_auc": _of_scores(roc_auc_score),
    "pr_auc": _of_scores(average_precision_score),
    "brier": _of_scores(brier_score_loss),
    "log_loss": _of_scores(log_loss),
    "accuracy": _of_classes(accuracy_score),
    "precision": _of_classes(lambda y, p: precision_score(y, p, zero_division=np.nan)),
    "recall": _of_classes(lambda y, p: recall_score(y, p, zero_division=np.nan)),
    "f1": _of_classes(lambda y, p: f1_score(y, p, zero_division=np.nan)),
}
"""Of labels and scores; NaN where there is no such number."""
GAPS: Mapping[str, Callable[[Array, Array, Array, Array], float]] = {
    "impact_ratio": lambda y, s, y0, s0: _share(s >= THRESHOLD) / _share(s0 >= THRESHOLD),
    "selection_gap": lambda y, s, y0, s0: _share(s0 >= THRESHOLD) - _share(s >= THRESHOLD),
    "tpr_gap": lambda y, s, y0, s0: METRICS["recall"](y0, s0) - METRICS["recall"](y, s),
    "fpr_gap": lambda y, s, y0, s0: _share(s[y == 0] >= THRESHOLD) - _share(s0[y0 == 0] >= THRESHOLD),
}
"""Of labels and scores of a group, then of the reference group."""


SHARES: Mapping[str, Callable[[pl.Series, pl.Series], float]] = {
    "missing_rate": lambda now, known: now.null_count() / max(now.len(), 1),
    "unseen_rate": lambda now, known: _share((~now.drop_nulls().is_in(known.unique().to_list())).to_numpy()),
    "outside_rate": lambda now, known: _share((~now.drop_nulls().is_between(known.min(), known.max())).to_numpy()),
}
"""Of a column and of the same column on the reference: shares of rows that are not as they should be."""


def metric(name: str, rows: pl.DataFrame) -> float:
    """A metric of some rows."""
    return METRICS[name](*_arrays(rows))


def gap(name: str, rows: pl.DataFrame, other: pl.DataFrame) -> float:
    """A comparison of a group with the reference group."""
    return GAPS[name](*_arrays(rows), *_arrays(other))


def interval(of: Callable[[pl.DataFrame], float], rows: pl.DataFrame, *, seed: int = 1) -> tuple[float, float]:
    """95 % bootstrap interval.

    Nights are drawn where there are several, for rows of one night share its weather; rows of a single night.
    """
    draw = np.random.default_rng(seed)
    nights = rows.partition_by("day")
    values = [of(_redrawn(nights, draw)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def _redrawn(nights: list[pl.DataFrame], draw: np.random.Generator) -> pl.DataFrame:
    if len(nights) > 1:
        return pl.concat([nights[place] for place in draw.integers(len(nights), size=len(nights))])
    [rows] = nights
    return rows[draw.integers(rows.height, size=rows.height)]


def _arrays(rows: pl.DataFrame) -> tuple[Array, Array]:
    return rows[LABEL].cast(pl.Float64).to_numpy(), rows[SCORE].to_numpy()


def _share(chosen: NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if chosen.size else float("nan")
