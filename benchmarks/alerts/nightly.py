"""Nightly values with their standard errors, of many nights at once, as the product's metrics have them.

Every function takes counts whose last axes are those of the metric, and gives value, standard error
and the rows that the value stands on. A test holds them against the product's own on rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.alerts.model import Floats

Z95 = 1.959963984540054
PSEUDO_ROWS = 2.0
"""See :mod:`nightproof.metrics.roc_auc`."""
CALIBRATION_BINS = 10
Array = npt.NDArray[np.number]


@dataclass(frozen=True)
class Told:
    """Values of a metric; arrays of one shape, NaN where the rows cannot tell."""

    value: Floats
    error: Floats
    n: Floats

    def where(self, known: npt.NDArray[np.bool_]) -> Told:
        """NaN elsewhere."""
        return Told(np.where(known, self.value, np.nan), np.where(known, self.error, np.nan), self.n)


def rate(hits: Array, rows: Array) -> Told:
    """A share; the standard error is that of Wilson's interval, which is never 0."""
    n = np.maximum(rows, 1).astype(np.float64)
    share = hits / n
    error = np.sqrt(share * (1 - share) / n + (Z95 / (2 * n)) ** 2) / (1 + Z95**2 / n)
    return Told(share, error, rows.astype(np.float64)).where(rows > 0)


def gap(own: Told, other: Told) -> Told:
    """``own - other`` of independent rows."""
    return Told(own.value - other.value, np.hypot(own.error, other.error), own.n)


def auc(negatives: Array, positives: Array) -> Told:
    """Area under the ROC curve by score bin (last axis), with DeLong's variance shrunk as the product's is."""
    below, above = negatives.astype(np.float64), positives.astype(np.float64)
    n, m = below.sum(axis=-1), above.sum(axis=-1)
    few, rarer = np.minimum(n, m) < 2, np.maximum(np.minimum(n, m), 2)
    n, m = np.maximum(n, 2), np.maximum(m, 2)
    wins = (np.cumsum(below, axis=-1) - below / 2) / n[..., None]
    losses = (np.cumsum(above, axis=-1) - above / 2) / m[..., None]
    area = (above * wins).sum(axis=-1) / m
    own = (above * (wins - area[..., None]) ** 2).sum(axis=-1) / (m - 1) / m
    own += (below * (losses - 1 + area[..., None]) ** 2).sum(axis=-1) / (n - 1) / n
    extra = (m + n) / 2 - 1
    model = area * (1 - area) * (1 + extra * (1 - area) / (2 - area) + extra * area / (1 + area)) / (m * n)
    variance = (rarer * own + PSEUDO_ROWS * model) / (rarer + PSEUDO_ROWS)
    return Told(area, np.sqrt(variance), m + n).where(~few)


def squared_calibration_error(negatives: Array, positives: Array, scores: Floats) -> Told:
    """Debiased mean squared gap between score and outcome, before its root is taken: it may be below 0.

    The product shows the root of what of it is above 0. Nights cannot be added up so: of a
    calibrated model half of them are cut off at 0, and the mean of the others is not near 0.
    """
    rows = (negatives + positives).astype(np.float64)
    n = np.maximum(rows.sum(axis=-1), 1.0)
    middle = (np.cumsum(rows, axis=-1) - rows / 2) / n[..., None]
    place = np.minimum((middle * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    total, variance = np.zeros_like(n), np.zeros_like(n)
    for bin_ in range(CALIBRATION_BINS):
        here = place == bin_
        size = np.where(here, rows, 0.0).sum(axis=-1)
        some = np.maximum(size, 1.0)
        share = np.where(here, positives, 0).sum(axis=-1) / some
        apart = (np.where(here, rows, 0.0) * scores).sum(axis=-1) / some - share
        noise = share * (1 - share) / np.maximum(size - 1, 1)
        weight = size / n
        total += weight * (apart**2 - noise)
        variance += weight**2 * (4 * apart**2 * noise + 2 * noise**2)
    return Told(total, np.sqrt(variance), n).where(rows.sum(axis=-1) >= 2 * CALIBRATION_BINS)


def mean_of_squares(negatives: Array, positives: Array, scores: Floats) -> Told:
    """Brier score by score bin (last axis)."""
    n = (negatives + positives).sum(axis=-1).astype(np.float64)
    some = np.maximum(n, 2.0)
    loss = [scores**2, (1 - scores) ** 2]
    mean = (negatives @ loss[0] + positives @ loss[1]) / some
    square = (negatives @ loss[0] ** 2 + positives @ loss[1] ** 2) / some
    error = np.sqrt(np.maximum(square - mean**2, 0.0) / (some - 1))
    return Told(mean, error, n).where(n >= 2)
