"""Groups: rows of each segment by label and prediction, with their losses and scores."""

from __future__ import annotations

import numpy as np
import polars as pl

from nightproof.errors import DataError
from nightproof.profiles.batch import Groups, Levels
from nightproof.profiles.counts import Dense, Facts, Shape
from nightproof.profiles.score_grid import runs_of
from nightproof.profiles.spec import MISSING, Binary, ProfileSpec
from nightproof.profiles.tasks.binary import LABELS, group_runs
from nightproof.profiles.tasks.judged import Judged, Losses, Outcomes, TaskRows, add_weighted, counter
from nightproof.profiles.text import segment_text

VERSIONS = 1000
"""More model versions than this in a night are a sign of a wrong column."""


class GroupRows:
    """One grouping whose groups the baseline fixes."""

    def __init__(self, groups: Groups, task: TaskRows, spec: ProfileSpec) -> None:
        columns = groups.grouping.columns
        segments = tuple(segment_text(dict(zip(columns, group, strict=True))) for group in groups.groups)
        self._groups = groups
        self._cells = len(task.outcomes.labels) * task.outcomes.bins
        self._outcomes = counter(task.outcomes.shape(segments))
        self._losses = Losses(task.by_segment, segments)
        self._score = spec.task if isinstance(spec.task, Binary) and "protected" in groups.grouping.uses else None
        starts = group_runs(self._score, len(columns)) if self._score else (0,)
        self._runs, middles = runs_of(starts)
        self._scores = counter(Shape("score", "", segments, LABELS, len(middles), places=middles))

    def add(self, judged: Judged) -> None:
        """Count a batch's rows."""
        codes = self._groups.codes(judged.batch)
        add_weighted(self._outcomes, codes * self._cells + judged.outcome, judged.weight)
        self._losses.add(judged, codes)
        if self._score is not None:
            rows = judged.labelled
            label = codes * len(LABELS) + judged.outcome // 2
            run = self._runs[judged.cells(self._score.score)]
            add_weighted(self._scores, label * self._scores.shape.bins + run, judged.weight, rows)

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        return [self._outcomes.facts(), *self._losses.facts(), self._scores.facts()]


class VersionRows:
    """Rows by model version: every version is a segment of its own."""

    def __init__(self, column: str, outcomes: Outcomes) -> None:
        self._column, self._outcomes = column, outcomes
        self._cells = len(outcomes.labels) * outcomes.bins
        self._levels = Levels(())
        self._sums = np.zeros((3, self._cells), dtype=np.int64)

    def add(self, judged: Judged) -> None:
        """Count a batch's rows."""
        codes = judged.batch.coded(self._column, self._levels)
        if (codes == self._levels.other).any():
            self._learn(judged.batch.text(self._column))
            codes = judged.batch.coded(self._column, self._levels)
        # Rows without a version come last.
        codes = np.where(codes == self._levels.missing, self._levels.other, codes).astype(np.int64)
        cells = codes * self._cells + judged.outcome
        counted = Dense(self._shape())
        add_weighted(counted, cells, judged.weight)
        self._sums += np.stack([counted.count, counted.total, counted.squares])

    def _learn(self, texts: pl.Series) -> None:
        known = self._levels.values
        self._levels = Levels([*known, *texts.drop_nulls().unique(maintain_order=True).to_list()])
        if len(self._levels.values) > VERSIONS:
            raise DataError(
                f"The column {self._column} has more than {VERSIONS:,} values in one night: it is not a model "
                "version. Name another column as columns.model_version, or leave it out."
            )
        grown = np.zeros((3, self._shape().size), dtype=np.int64)
        grown[:, : len(known) * self._cells] = self._sums[:, : -self._cells]
        grown[:, -self._cells :] = self._sums[:, -self._cells :]
        self._sums = grown

    def _shape(self) -> Shape:
        texts = [segment_text({self._column: version}) for version in (*self._levels.values, MISSING)]
        return self._outcomes.shape(tuple(texts))

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        used = np.flatnonzero(self._sums[0])
        count, total, squares = (sums[used] for sums in self._sums)
        return [self._shape().facts(used, count, total, squares)]
