"""Estimated performance: what the labels will say, before they are there.

**Classifiers** (confidence-based performance estimation, CBPE [1]_): on the baseline, isotonic regression
[2]_ of the label on the score says how often a row of each score is positive. Taken for tonight's
rows, that gives an expected confusion matrix, and from it accuracy, precision, recall, F1, ROC AUC and
Brier score. **Regression** (direct loss estimation [3]_): each row is given the baseline's mean
absolute error in its leaf of the spec's loss tree.

The 95 % interval is of what will be *realised* on these rows. By the delta method it has two parts: the
labels' own chance, each a Bernoulli draw (their sum is Poisson-binomial), and the error of the
calibration, whose blocks hold so many rows of the baseline.

Assumed: a score (or a leaf) means what it meant on the baseline. Where that changes (concept drift),
the estimate does not see it, and only labels will; the back-test tells by how much it was off.

References
----------
.. [1] NannyML, "Confidence-based performance estimation",
   https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html;
   J. Białek et al., "Estimating model performance under covariate shift without labels" (2024),
   arXiv:2401.08348.
.. [2] B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability
   estimates", KDD (2002), doi:10.1145/775047.775151.
.. [3] NannyML, "Direct loss estimation", at the address above.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.metrics.roc_auc import logit_estimate
from nightproof.profiles import Profile
from nightproof.profiles.score_grid import cell_of, centre_of
from nightproof.profiles.spec import Binary, Regression
from nightproof.profiles.sums import BinLosses, Scores

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]

LEAST_ROWS = 30
"""From fewer rows, or fewer labelled rows of the baseline, nothing is estimated."""


@dataclass(frozen=True)
class ScoredRows:
    """Rows by score cell, cells rising; the threshold's own cell may be there twice, once for each side.

    Parameters
    ----------
    cells
        Of the score grid.
    rows
        How many.
    selected
        1 where they are predicted positive, else 0.
    """

    cells: Cells
    rows: Floats
    selected: Floats

    @classmethod
    def of(cls, profile: Profile, *, labelled: bool) -> ScoredRows:
        """All rows of a profile, or the labelled ones."""
        assert isinstance(profile.spec.task, Binary)
        outcomes = profile.outcomes()
        if labelled:
            scores = profile.scores
            cells, rows, selected = scores.cells, scores.negatives + scores.positives, outcomes.tp + outcomes.fp
        else:
            (cells, rows), selected = profile.score_cells, outcomes.selected
        return cls.split(
            cells, rows.astype(np.float64), int(cell_of(np.array([profile.spec.task.threshold]))[0]), selected
        )

    @classmethod
    def split(cls, cells: Cells, rows: Floats, threshold: int, selected: float) -> ScoredRows:
        """Rows of which ``selected`` are predicted positive, by a threshold that lies in one of the cells."""
        above, within = cells > threshold, cells == threshold
        inside = float(rows[within].sum())
        upper = min(max(selected - float(rows[above].sum()), 0.0), inside)
        kept = ~within
        sides = [(threshold, inside - upper, 0.0), (threshold, upper, 1.0)]
        parts = [side for side in sides if side[1] > 0.0]
        every = np.concatenate([cells[kept], [cell for cell, _, _ in parts]]).astype(np.int64)
        order = np.argsort(every, kind="stable")
        counts = np.concatenate([rows[kept], [count for _, count, _ in parts]])[order]
        positive = np.concatenate([above[kept], [side for _, _, side in parts]])[order]
        return cls(every[order], counts, positive.astype(np.float64))


@dataclass(frozen=True)
class Calibration:
    """How often a row of each score is positive, by isotonic regression on labelled rows.

    Parameters
    ----------
    last
        Last cell of each block of equal probability, but for the last block.
    share
        Each block's share of positive labels.
    rows
        Each block's rows.
    """

    last: Floats
    share: Floats
    rows: Floats

    @classmethod
    def of(cls, scores: Scores) -> Calibration | Unknown:
        """Calibrate; unknown for few rows, or one class alone."""
        rows = (scores.negatives + scores.positives).astype(np.float64)
        n, positives = float(rows.sum()), float(scores.positives.sum())
        if n < LEAST_ROWS or not 0.0 < positives < n:
            return Unknown("the baseline has too few labelled rows to calibrate by", round(n))
        # Runs of cells are pooled first: alone, the last rows at both ends would be blocks that are all one label.
        start = _runs(rows, least=math.sqrt(n))
        pooled = np.add.reduceat(rows, start)
        found = isotonic_regression(np.add.reduceat(scores.positives, start) / pooled, weights=pooled)
        first = start[found.blocks[:-1]]
        # Between two blocks the border lies half-way.
        middle = (scores.cells[first[1:] - 1] + scores.cells[first[1:]]) / 2.0
        return cls(middle, found.x[found.blocks[:-1]], np.add.reduceat(rows, first))

    def block(self, cells: Cells) -> Cells:
        """The block of each cell."""
        return np.searchsorted(self.last, cells, side="left").astype(np.int64)

    @property
    def spread(self) -> Floats:
        """Variance of a label in each block; half a row of each class is added, so that none is 0."""
        share = (self.share * self.rows + 0.5) / (self.rows + 1.0)
        return np.asarray(share * (1.0 - share), dtype=np.float64)


def _runs(rows: Floats, *, least: float) -> Cells:
    """First places of runs of cells that hold about so many rows each."""
    place = np.floor((np.cumsum(rows) - rows) / least)
    start = np.append(0, np.flatnonzero(np.diff(place)) + 1)
    # A last run that is too short belongs to the one before.
    short = len(start) > 1 and rows[start[-1] :].sum() < least
    return start[:-1] if short else start


@dataclass(frozen=True)
class _Expected:
    """Rows with the probability that each is positive."""

    rows: ScoredRows
    chance: Floats

    @property
    def n(self) -> float:
        return float(self.rows.rows.sum())

    @property
    def positives(self) -> float:
        return float((self.rows.rows * self.chance).sum())

    @property
    def selected(self) -> float:
        return float((self.rows.rows * self.rows.selected).sum())

    @property
    def true_positives(self) -> float:
        return float((self.rows.rows * self.rows.selected * self.chance).sum())


Slope = tuple[float, Floats]
"""A metric's value, and by how much it rises for each row whose label turns from 0 to 1."""


def _accuracy(rows: _Expected) -> Slope | Unknown:
    right = rows.n - rows.selected - rows.positives + 2.0 * rows.true_positives
    return right / rows.n, (2.0 * rows.rows.selected - 1.0) / rows.n


def _precision(rows: _Expected) -> Slope | Unknown:
    if rows.selected == 0.0:
        return Unknown("no row was predicted positive", round(rows.n))
    return rows.true_positives / rows.selected, rows.rows.selected / rows.selected


def _recall(rows: _Expected) -> Slope | Unknown:
    if rows.positives <= 0.0:
        return Unknown("no positive label is to be expected", round(rows.n))
    value = rows.true_positives / rows.positives
    return value, (rows.rows.selected - value) / rows.positives


def _f1(rows: _Expected) -> Slope | Unknown:
    both = rows.selected + rows.positives
    if both <= 0.0:
        return Unknown("no row is predicted positive, nor a positive label to be expected", round(rows.n))
    value = 2.0 * rows.true_positives / both
    return value, (2.0 * rows.rows.selected - value) / both


def _brier(rows: _Expected) -> Slope | Unknown:
    score = centre_of(rows.rows.cells)
    loss = rows.chance * (1.0 - score) ** 2 + (1.0 - rows.chance) * score**2
    return float((rows.rows.rows * loss).sum()) / rows.n, (1.0 - 2.0 * score) / rows.n


def _roc_auc(rows: _Expected) -> Slope | Unknown:
    positives, negatives = rows.positives, rows.n - rows.positives
    if min(positives, negatives) < 2.0:
        return Unknown("fewer than two labels of one class are to be expected", round(rows.n))
    # The two sides of the threshold's cell are tied.
    _, place = np.unique(rows.rows.cells, return_inverse=True)
    by_cell = (np.bincount(place, weights=rows.rows.rows * share) for share in (rows.chance, 1.0 - rows.chance))
    ones, zeros = by_cell
    below = np.cumsum(zeros) - zeros / 2.0
    above = ones.sum() - np.cumsum(ones) + ones / 2.0
    value = float(np.dot(ones, below)) / (positives * negatives)
    slope = (below - above) / (positives * negatives) - value / positives + value / negatives
    return value, slope[place]


ESTIMATES: dict[str, Callable[[_Expected], Slope | Unknown]] = {
    "roc_auc": _roc_auc,
    "brier": _brier,
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
}
"""The metrics of a binary classifier that calibrated scores foretell."""


def estimate_binary(name: str, rows: ScoredRows, calibration: Calibration) -> Estimate | Unknown:
    """What a metric will be on some rows, by name of :data:`ESTIMATES`."""
    if rows.rows.sum() < LEAST_ROWS:
        return Unknown(f"fewer than {LEAST_ROWS} rows", round(float(rows.rows.sum())))
    block = calibration.block(rows.cells)
    expected = _Expected(rows, calibration.share[block])
    found = ESTIMATES[name](expected)
    if isinstance(found, Unknown):
        return found
    value, slope = found
    spread = calibration.spread
    labels = float((rows.rows * slope**2 * spread[block]).sum())
    weight = np.bincount(block, weights=rows.rows * slope, minlength=len(spread))
    error = math.sqrt(labels + float((weight**2 * spread / calibration.rows).sum()))
    if name == "roc_auc":
        positives = expected.positives
        return logit_estimate(
            value, error, round(expected.n), rarer=max(round(min(positives, expected.n - positives)), 1)
        )
    return Estimate(value, max(0.0, value - Z95 * error), min(1.0, value + Z95 * error), round(expected.n))


def estimate_mae(rows: Floats, known: BinLosses, *, unit: float) -> Estimate | Unknown:
    """What the mean absolute error will be on rows by leaf of the loss tree.

    Parameters
    ----------
    rows
        By leaf.
    known
        The baseline's labelled rows by leaf, with sums of their absolute errors.
    unit
        In which those are counted.
    """
    n, labelled = float(rows.sum()), (known.wrong + known.right).astype(np.float64)
    if n < LEAST_ROWS or labelled.sum() < LEAST_ROWS:
        few = "fewer than" if n < LEAST_ROWS else "in the baseline, fewer than"
        return Unknown(f"{few} {LEAST_ROWS} rows", round(n))
    if (labelled[rows > 0] < 2.0).any():
        return Unknown("rows lie where the baseline has no labels", round(n))
    some = np.maximum(labelled, 2.0)
    mean = known.total / some
    variance = np.maximum(known.total_squared / some - mean**2, 0.0) * some / (some - 1.0)
    value = float(np.dot(rows, mean)) / n
    error = math.sqrt(float(np.dot(rows, variance) + np.dot(rows**2, variance / some))) / n
    return Estimate(unit * value, unit * max(0.0, value - Z95 * error), unit * (value + Z95 * error), round(n))


def estimates(profile: Profile, baseline: Profile, *, labelled: bool) -> dict[str, Estimate | Unknown]:
    """Every metric that can be estimated, on all rows or on the labelled ones; none where rows are weighed."""
    spec = profile.spec
    if spec.weight is not None:
        return {}
    if isinstance(spec.task, Binary):
        calibration = Calibration.of(baseline.scores)
        if isinstance(calibration, Unknown):
            return dict.fromkeys(ESTIMATES, calibration)
        rows = ScoredRows.of(profile, labelled=labelled)
        return {name: estimate_binary(name, rows, calibration) for name in ESTIMATES}
    if isinstance(spec.task, Regression) and spec.loss_tree is not None:
        leaves = profile.leaves
        counted = leaves.wrong + leaves.right if labelled else leaves.rows
        return {"mae": estimate_mae(counted.astype(np.float64), baseline.leaves, unit=spec.task.error_scale)}
    return {}
