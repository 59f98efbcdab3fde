"""Judged rows: a batch with what its task says of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import Dense, Facts, Shape, Sparse, fixed, small
from nightproof.profiles.score_grid import Cells, cell_of
from nightproof.profiles.spec import Weight

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

UNLABELLED, WRONG, RIGHT = 0, 1, 2
LARGEST_WEIGHT = 1024.0
"""Weights are held within this many mean weights of the baseline."""
DENSE = 1 << 18
"""Up to so many codes an array of all of them is kept."""


@dataclass(frozen=True)
class Outcomes:
    """How rows are told apart by their label and the prediction.

    Parameters
    ----------
    labels
        What the profile's table says for each label.
    bins
        How many predictions there are.
    """

    labels: tuple[int, ...]
    bins: int

    def shape(self, segments: tuple[str, ...] = ("{}",)) -> Shape:
        """Shape of the counts of rows by segment, label and prediction."""
        return Shape("outcome", "", segments, self.labels, self.bins)


@dataclass(frozen=True)
class Judged:
    """Rows whose output is usable.

    Parameters
    ----------
    batch
        The rows.
    outcome
        Code of each row's label and prediction, as the task's ``Outcomes`` has them.
    labelled
        Which rows have a label.
    right
        ``UNLABELLED``, ``WRONG`` or ``RIGHT``.
    losses
        Of each row, 0 where it is not labelled; the first one is what slices are ranked by.
    weight
        Of each row, in units of the baseline's mean weight; ``None`` where rows are not weighed.
    """

    batch: Batch
    outcome: Codes
    labelled: Mask
    right: Codes
    losses: Mapping[str, Floats]
    weight: Floats | None
    _fixed: dict[str, tuple[Floats, Floats, bool]] = field(default_factory=dict)
    _cells: dict[str, Cells] = field(default_factory=dict)

    def cells(self, score: str) -> Cells:
        """Cells of a column of probabilities in the score grid, found once for all counters."""
        if score not in self._cells:
            self._cells[score] = cell_of(self.batch.numbers(score))
        return self._cells[score]

    def fixed(self, name: str, *, weighed: bool = True) -> tuple[Floats, Floats, bool]:
        """A loss by weight, or as it is, and its square as whole numbers, and whether both are small."""
        weight = self.weight if weighed else None
        key = name if weight is None else f"{name}:weighed"
        if key not in self._fixed:
            values = self.losses[name] if weight is None else weight * self.losses[name]
            total, squares = fixed(values), fixed(values**2)
            self._fixed[key] = total, squares, small(total) and small(squares)
        return self._fixed[key]


class TaskRows(Protocol):
    """One task's way to judge rows and to count what only it knows."""

    @property
    def outcomes(self) -> Outcomes:
        """How its rows are told apart."""

    @property
    def by_segment(self) -> tuple[str, ...]:
        """Losses that are added up for every segment; the first one for every bin of a feature too."""

    def judge(self, batch: Batch) -> Judged:
        """Leave out rows without a usable output, and judge the others."""

    def count(self, judged: Judged) -> None:
        """Count what only this task knows."""

    def facts(self) -> list[Facts]:
        """Facts of all rows counted so far."""


def weights(batch: Batch, weight: Weight | None) -> Floats | None:
    """Each row's weight in units of the baseline's mean weight; 0 where it is none."""
    if weight is None:
        return None
    values = batch.numbers(weight.column) / weight.mean
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=LARGEST_WEIGHT, neginf=0.0), 0.0, LARGEST_WEIGHT)


def counter(shape: Shape) -> Dense | Sparse:
    """An empty counter that fits a shape."""
    return Dense(shape) if shape.size <= DENSE else Sparse(shape)


def add_weighted(counted: Dense | Sparse, codes: Codes, weight: Floats | None, rows: Mask | None = None) -> None:
    """Count rows with the sums of their weights and of their squares."""
    if rows is not None:
        codes, weight = codes[rows], None if weight is None else weight[rows]
    if weight is None:
        counted.add(codes)
    else:
        counted.add(codes, fixed(weight), fixed(weight**2))


@dataclass
class Losses:
    """Sums by segment of ``w l`` and ``w**2 l**2``; where rows are weighed, of ``w``, ``w**2`` and ``w**2 l`` too."""

    names: Sequence[str]
    segments: tuple[str, ...] = ("{}",)
    _sums: dict[str, Dense] = field(default_factory=dict)

    def add(self, judged: Judged, segment: Codes | None = None) -> None:
        """Add up the losses of some rows, each row in its segment."""
        rows = judged.labelled
        codes = np.zeros(len(rows), dtype=np.uint8) if segment is None else segment
        for name in self.names:
            total, squares, are_small = judged.fixed(name)
            self._add(name, rows, codes, total, squares, are_small=are_small)
            if judged.weight is not None:
                weight = judged.weight
                self._add(f"{name}:weight", rows, codes, fixed(weight), fixed(weight**2))
                cross = fixed(weight**2 * judged.losses[name])
                self._add(f"{name}:cross", rows, codes, cross, np.zeros_like(cross))

    def _add(
        self, name: str, rows: Mask, codes: Codes, total: Floats, squares: Floats, *, are_small: bool = False
    ) -> None:
        if not rows.all():
            codes, total, squares = codes[rows], total[rows], squares[rows]
        self._of(name).add(codes, total, squares, are_small=are_small)

    def _of(self, name: str) -> Dense:
        if name not in self._sums:
            self._sums[name] = Dense(Shape("loss", name, self.segments))
        return self._sums[name]

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        return [sums.facts() for sums in self._sums.values()]
