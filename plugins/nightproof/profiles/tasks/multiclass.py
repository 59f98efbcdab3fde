"""Multiclass rows: a probability for each class against the true class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.batch import Batch, Levels
from nightproof.profiles.counts import Dense, Facts, Shape, Sparse
from nightproof.profiles.rows import LABEL
from nightproof.profiles.score_grid import CELLS, cell_of
from nightproof.profiles.spec import Multiclass, ProfileSpec
from nightproof.profiles.tasks.binary import LOSS_FLOOR
from nightproof.profiles.tasks.judged import RIGHT, WRONG, Judged, Losses, Outcomes, add_weighted, weights

Floats = npt.NDArray[np.float64]


class MulticlassRows:
    """Rows of a classifier of several classes."""

    by_segment = ("brier",)

    def __init__(self, spec: ProfileSpec) -> None:
        assert isinstance(spec.task, Multiclass)
        self._spec, self._task = spec, spec.task
        size = len(spec.task.classes)
        self.outcomes = Outcomes((-1, *range(size)), size)
        self._levels = Levels(spec.task.classes)
        self._losses = Losses(("brier", "log_loss"))
        self._ranks = Dense(Shape("rank", "", bins=size))
        self._scores = [Sparse(Shape("score", name, labels=(0, 1), bins=CELLS)) for name in spec.task.classes]

    def judge(self, batch: Batch) -> Judged:
        """Rows whose probabilities all lie in [0, 1]; a label that is no class is no label."""
        table = self._probabilities(batch)
        usable: npt.NDArray[np.bool_] = np.logical_and.reduce((table >= 0.0) & (table <= 1.0), axis=1)
        batch = batch.keep(usable)
        table = self._probabilities(batch)
        truth = self._truth(batch)
        predicted = table.argmax(axis=1) if len(batch) else np.zeros(0, dtype=np.int64)
        labelled = truth >= 0
        return Judged(
            batch=batch,
            outcome=(truth + 1) * len(self._task.classes) + predicted,
            labelled=labelled,
            right=np.where(labelled, np.where(truth == predicted, RIGHT, WRONG), 0).astype(np.uint8),
            losses=_losses(table, truth, labelled),
            weight=weights(batch, self._spec.weight),
        )

    def _probabilities(self, batch: Batch) -> Floats:
        return np.column_stack([batch.numbers(name) for name in self._task.scores])

    def _truth(self, batch: Batch) -> npt.NDArray[np.int64]:
        codes = self._levels.codes(batch.frame[LABEL].cast(pl.String)).astype(np.int64)
        return np.where(codes < len(self._task.classes), codes, -1)

    def count(self, judged: Judged) -> None:
        """The true class's rank, each class's scores against all others, and the losses."""
        truth, rows = self._truth(judged.batch), judged.labelled
        table = self._probabilities(judged.batch)
        add_weighted(self._ranks, _ranks(table, truth), judged.weight, rows)
        for place, scores in enumerate(self._scores):
            cell = cell_of(np.ascontiguousarray(table[:, place]))
            add_weighted(scores, (truth == place) * CELLS + cell, judged.weight, rows)
        self._losses.add(judged)

    def facts(self) -> list[Facts]:
        """Facts of all rows counted so far."""
        return [self._ranks.facts(), *(scores.facts() for scores in self._scores), *self._losses.facts()]


def _ranks(table: Floats, truth: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Classes placed before the true one: those of larger probability, and of equals the first."""
    own = np.take_along_axis(table, np.maximum(truth, 0)[:, None], axis=1)
    earlier = np.arange(table.shape[1])[None, :] < truth[:, None]
    ranks: npt.NDArray[np.int64] = ((table > own) | ((table == own) & earlier)).sum(axis=1)
    return ranks


def _losses(table: Floats, truth: npt.NDArray[np.int64], labelled: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    own = np.take_along_axis(table, np.maximum(truth, 0)[:, None], axis=1)[:, 0]
    # Squared distance from the true class's corner: sum of p**2, with the own class's (1 - p)**2.
    brier = (table**2).sum(axis=1) + 1.0 - 2.0 * own
    # As scikit-learn, of probabilities made to add up to 1.
    total = np.maximum(table.sum(axis=1), LOSS_FLOOR)
    log_loss = -np.log(np.clip(own / total, LOSS_FLOOR, 1.0))
    return {"brier": np.where(labelled, brier, 0.0), "log_loss": np.where(labelled, log_loss, 0.0)}
