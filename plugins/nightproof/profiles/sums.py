"""Sums: what a profile's facts come to for one segment, one metric's input at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.counts import SCALE_BITS

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """Rows of one segment by label and predicted class.

    Where rows are weighed, the numbers are weights, scaled so that they add up to the rows that
    would tell as much unweighted (Kish's effective sample size, ``(sum w)**2 / sum w**2``).

    Parameters
    ----------
    tp, fp, fn, tn
        Labelled rows: true and false positives, false and true negatives.
    selected, passed
        All rows, labelled or not, predicted positive and negative.
    """

    tp: float
    fp: float
    fn: float
    tn: float
    selected: float
    passed: float

    @property
    def rows(self) -> float:
        """All rows."""
        return self.selected + self.passed

    @property
    def labelled(self) -> float:
        """Rows with a label."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positives(self) -> float:
        """Labelled rows whose label is 1."""
        return self.tp + self.fn


@dataclass(frozen=True)
class Scores:
    """Labelled rows by grid cell, cells rising; weighed as :class:`Outcomes`."""

    cells: Counts
    negatives: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    positives: npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """Sums of a loss ``l`` over ``n`` rows of weight ``w``, which is 1 where rows are not weighed.

    Parameters
    ----------
    n
        Rows.
    total, total_squared
        ``sum w l`` and ``sum w**2 l**2``.
    weight, weight_squared
        ``sum w`` and ``sum w**2``; ``None`` where rows are not weighed.
    cross
        ``sum w**2 l``.
    """

    n: int
    total: float
    total_squared: float
    weight: float | None = None
    weight_squared: float | None = None
    cross: float | None = None


@dataclass(frozen=True)
class RatioSums:
    """Exact sums of two numbers ``x`` and ``y`` of ``n`` rows, in whole steps; times its weight where rows are weighed.

    Parameters
    ----------
    n
        Rows that count: both numbers are there.
    x, y, xx, xy, yy
        ``sum x``, ``sum y``, ``sum x**2``, ``sum x y``, ``sum y**2``, in steps and in squares of steps.
    unit
        What ``x / y`` is in: a step of ``x`` over a step of ``y``.
    weight, weight_squared
        ``sum w`` and ``sum w**2``; ``None`` where rows are not weighed.
    held
        Rows of which a number was too large to be added up, and was held within the largest one.
    """

    n: int
    x: int
    y: int
    xx: int
    xy: int
    yy: int
    unit: float
    weight: int | None = None
    weight_squared: int | None = None
    held: int = 0


@dataclass(frozen=True)
class BinLosses:
    """Rows of a feature by bin, missing ones last; arrays of equal length.

    Parameters
    ----------
    rows, wrong, right
        All rows, and labelled ones by whether the prediction was right.
    total, total_squared
        Sums of the task's first loss over labelled rows, and of its square.
    """

    rows: Counts
    wrong: Counts
    right: Counts
    total: Floats
    total_squared: Floats


def by_bin(facts: pl.DataFrame, size: int, *, missing: bool) -> BinLosses:
    """Facts by bin, -1 being the last one, and by whether the prediction was wrong (0) or right (1, or a leaf's 0)."""
    place, label = facts["bin"].to_numpy(), facts["label"].to_numpy()
    place = np.where(place < 0, size - 1, place) if missing else place

    def summed(name: str, which: npt.NDArray[np.bool_]) -> Counts:
        sums = np.zeros(size, dtype=np.int64)
        np.add.at(sums, place[which], facts[name].to_numpy()[which])
        return sums

    known, every = label >= 0, np.ones(len(label), dtype=np.bool_)
    wrong = summed("count", (label == 0) & missing)
    return BinLosses(
        rows=summed("count", every),
        wrong=wrong,
        right=summed("count", known) - wrong,
        total=summed("total", known).astype(np.float64) * 2.0**-SCALE_BITS,
        total_squared=summed("squares", known).astype(np.float64) * 2.0**-SCALE_BITS,
    )


def outcomes_of(cells: Mapping[tuple[int, int], float]) -> Outcomes:
    """Rows by label and prediction from their cells, (label, predicted class) -> rows."""

    def rows(label: int, predicted: int) -> float:
        return cells.get((label, predicted), 0)

    return Outcomes(
        tp=rows(1, 1),
        fp=rows(0, 1),
        fn=rows(1, 0),
        tn=rows(0, 0),
        selected=rows(1, 1) + rows(0, 1) + rows(-1, 1),
        passed=rows(1, 0) + rows(0, 0) + rows(-1, 0),
    )


def size_of(cells: Mapping[tuple[int, int], tuple[int, int, int]]) -> tuple[int, int]:
    """All rows and labelled ones of a segment's cells, (label, predicted class) -> (rows, …)."""
    rows = sum(sums[0] for sums in cells.values())
    return rows, sum(sums[0] for (label, _), sums in cells.items() if label >= 0)
