"""Binary rows: a probability against a label of 0 or 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import Dense, Facts, Shape
from nightproof.profiles.score_grid import CELLS
from nightproof.profiles.spec import Binary, ProfileSpec
from nightproof.profiles.tasks.judged import Floats, Judged, Losses, Outcomes, add_weighted, weights

LABELS = (-1, 0, 1)
LOSS_FLOOR = 1e-15
"""Scores are held this far off 0 and 1 in the log loss."""
RUNS = 1024
"""Runs of cells of the score grid, equally full in the baseline, on which groups are counted."""
PAIR_RUNS = 4
"""Runs that are joined for groups of two columns, where there are many."""


def group_runs(task: Binary, columns: int) -> tuple[int, ...]:
    """First cells of the runs on which the groups of so many columns are counted."""
    # Of scores of few values every run is one value: those stay apart.
    return task.runs[::PAIR_RUNS] if columns > 1 and len(task.runs) > RUNS // PAIR_RUNS else task.runs


class BinaryRows:
    """Rows of a binary classifier."""

    outcomes = Outcomes(LABELS, 2)
    by_segment = ("brier",)

    def __init__(self, spec: ProfileSpec) -> None:
        assert isinstance(spec.task, Binary)
        self._spec, self._task = spec, spec.task
        self._losses = Losses(("brier", "log_loss"))
        self._scores = Dense(Shape("score", "", labels=LABELS, bins=CELLS))

    def judge(self, batch: Batch) -> Judged:
        """Rows with a score in [0, 1]."""
        score = batch.numbers(self._task.score)
        batch = batch.keep((score >= 0.0) & (score <= 1.0))
        score, label = batch.numbers(self._task.score), batch.label_codes()
        predicted = (score >= self._task.threshold).astype(np.int64)
        labelled = label >= 0
        return Judged(
            batch=batch,
            outcome=(label + 1) * 2 + predicted,
            labelled=labelled,
            right=np.where(labelled, 1 + (label == predicted), 0).astype(np.uint8),
            losses=_losses(score, label, labelled),
            weight=weights(batch, self._spec.weight),
        )

    def count(self, judged: Judged) -> None:
        """Scores of all rows by label, and the losses of labelled ones."""
        codes = score_codes(judged, self._task.score)
        add_weighted(self._scores, codes, judged.weight)
        self._losses.add(judged)

    def facts(self) -> list[Facts]:
        """Facts of all rows counted so far."""
        return [self._scores.facts(), *self._losses.facts()]


def score_codes(judged: Judged, score: str) -> npt.NDArray[np.int64]:
    """Label and grid cell of each row."""
    return (judged.outcome // 2).astype(np.int64) * CELLS + judged.cells(score)


def _losses(score: Floats, label: np.ndarray, labelled: np.ndarray) -> dict[str, Floats]:
    likely = np.where(label == 1, score, 1.0 - score)
    brier = (score - label) ** 2
    log_loss = -np.log(np.maximum(likely, LOSS_FLOOR))
    if labelled.all():
        return {"brier": brier, "log_loss": log_loss}
    return {"brier": np.where(labelled, brier, 0.0), "log_loss": np.where(labelled, log_loss, 0.0)}
