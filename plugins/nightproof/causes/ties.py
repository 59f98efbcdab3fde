"""Ties: how strongly labels still go with what they went with on the baseline.

For the bins ``v`` of a column, with the share of positive labels ``y`` in each, now (1) and on the baseline (0), the
**tie** is the slope of ``y1(v) - mean`` on ``y0(v) - mean``: 1 where the column tells as much of the labels as
ever, 0 where it tells nothing, -1 where labels are inverted. A column whose values are of other rows loses its
tie, and only its own. Labels that are noise, or of other rows, loosen every tie alike.

For the score the line ``y1 = a + b y0`` is fitted, with ``y0`` calibrated on the baseline: labels of which a share
``1 - b`` is replaced by others that are positive with probability ``a / (1 - b)``. For flipped labels that is one
half; for labels of other rows the share of positive ones; for lost positives 0.

Slopes are weighted least squares; of the baseline's own noise, which would flatten them, the expected part is
taken away (regression dilution [1]_).

References
----------
.. [1] C. Frost and S. G. Thompson, "Correcting for regression dilution bias: comparison of methods for a single
   predictor variable", Journal of the Royal Statistical Society A 163 (2000), doi:10.1111/1467-985X.00164.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Unknown
from nightproof.metrics.estimated import Calibration
from nightproof.profiles import Profile
from nightproof.profiles.spec import OTHER, Binary

Floats = npt.NDArray[np.float64]
Z99 = 2.5758293035489004
LEAST_ROWS = 100
"""From fewer labelled rows no tie is told."""
LEAST_STRENGTH = 0.05
"""A column that explains less of the labels' variance on the baseline has ties that come and go with the weather."""
LARGEST_ERROR = 0.2
"""A tie whose standard error is larger tells nothing."""


@dataclass(frozen=True)
class Tie:
    """A slope, with its standard error."""

    slope: float
    error: float

    def surely_below(self, other: float) -> bool:
        """Whether the slope is smaller than ``other`` beyond chance (99 %, two-sided)."""
        return self.slope + Z99 * self.error < other


@dataclass(frozen=True)
class Line:
    """``y1 = level + tie y0`` of the labels on the calibrated score; the level at ``y0 = 0``."""

    tie: Tie
    level: float

    @property
    def replaced(self) -> float:
        """Share of labels that are replaced."""
        return 1.0 - self.tie.slope

    @property
    def replacement(self) -> float:
        """Share of positive ones among those that replace them."""
        return self.level / self.replaced if self.replaced else math.nan


def ties(current: Profile, baseline: Profile) -> dict[str, Tie]:
    """The ties of the features whose groups are counted and that tell enough of the labels; binary models only.

    Groups are counted of protected columns, of slices, and of the pairs that the spec found by their loss.
    """
    if not isinstance(current.spec.task, Binary):
        return {}
    now, then = _labels_by_column(current), _labels_by_column(baseline)
    found = {}
    for column in (name for name in current.spec.features if name in now):
        counts = now[column]
        values = [value for value in counts if value in then.get(column, {})]
        if len(values) > 1:
            sides = (np.array([table[value] for value in values]) for table in (counts, then[column]))
            tie = _tie(*sides)
            if tie is not None:
                found[column] = tie
    return found


Labels = dict[str, dict[str, tuple[float, float]]]
"""By column and value: labelled rows, and positive ones."""


def _labels_by_column(profile: Profile) -> Labels:
    """Of each column, from the grouping that it has to itself or else from the one that knows most of its rows."""
    best: dict[str, tuple[float, dict[str, tuple[float, float]]]] = {}
    for grouping in profile.spec.groupings:
        if "version" in grouping.uses:
            continue
        for column, counts in _margins(profile, grouping.columns).items():
            known = math.inf if len(grouping.columns) == 1 else sum(n for n, _ in counts.values())
            if column not in best or known > best[column][0]:
                best[column] = known, counts
    return {column: counts for column, (_, counts) in best.items()}


def _margins(profile: Profile, columns: tuple[str, ...]) -> Labels:
    found: Labels = {column: {} for column in columns}
    for segment in profile.segments(columns):
        rows = profile.outcomes(segment)
        for column in columns:
            if segment[column] != OTHER:
                n, positives = found[column].get(segment[column], (0.0, 0.0))
                found[column][segment[column]] = n + rows.labelled, positives + rows.positives
    return found


def _tie(now: Floats, then: Floats) -> Tie | None:
    (n1, k1), (n0, k0) = now.T, then.T
    kept = (n1 > 0) & (n0 > 1)
    n1, k1, n0, k0 = n1[kept], k1[kept], n0[kept], k0[kept]
    if n1.sum() < LEAST_ROWS or n0.sum() < LEAST_ROWS:
        return None
    share1, share0 = k1 / n1, k0 / n0
    x, y = share0 - np.average(share0, weights=n1), share1 - k1.sum() / n1.sum()
    # Rows of which all, or none, are positive are not without a spread.
    smooth1, smooth0 = (k1 + k1.sum() / n1.sum()) / (n1 + 1.0), (k0 + k0.sum() / n0.sum()) / (n0 + 1.0)
    noise1, noise0 = smooth1 * (1.0 - smooth1) / n1, smooth0 * (1.0 - smooth0) / n0
    spread = float((n1 * (x**2 - noise0)).sum())
    if spread <= 0.0 or _strength(n0, share0, noise0) < LEAST_STRENGTH:
        return None
    slope = float((n1 * x * y).sum()) / spread
    error = math.sqrt(float((n1**2 * x**2 * (noise1 + slope**2 * noise0)).sum())) / spread
    return Tie(slope, error) if error < LARGEST_ERROR else None


def _strength(rows: Floats, share: Floats, noise: Floats) -> float:
    """Share of the labels' variance that lies between the bins, less what chance puts there."""
    mean = float(np.average(share, weights=rows))
    between = float(np.average((share - mean) ** 2 - noise, weights=rows))
    return between / max(mean * (1.0 - mean), 1e-9)


def line(current: Profile, baseline: Profile) -> Line | None:
    """The line of tonight's labels on the score as the baseline calibrates it; ``None`` where nothing tells it."""
    if not isinstance(current.spec.task, Binary) or current.spec.weight is not None:
        return None
    calibration, scores = Calibration.of(baseline.scores), current.scores
    rows = scores.negatives + scores.positives
    if isinstance(calibration, Unknown) or rows.sum() < LEAST_ROWS:
        return None
    block = calibration.block(scores.cells)
    size = len(calibration.share)
    n1, k1 = (np.bincount(block, weights=part, minlength=size) for part in (rows, scores.positives))
    tie = _tie(np.column_stack([n1, k1]), np.column_stack([calibration.rows, calibration.share * calibration.rows]))
    if tie is None:
        return None
    foretold = float((n1 * calibration.share).sum() / n1.sum())
    return Line(tie, float(k1.sum() / n1.sum()) - tie.slope * foretold)
