"""Calibration error: how far predicted probabilities are from what happens.

Rows are cut into ten bins of about equal size by score. The mean squared gap between a bin's mean
score and its share of positives is biased upward by each bin's own sampling error; that is taken
away [1]_, so that a calibrated model scores about 0 at any n.

References
----------
.. [1] A. Kumar, P. Liang and T. Ma, "Verified uncertainty calibration", NeurIPS 2019,
   arXiv:1909.10155, section 5 (the debiased estimator); after J. Broecker, "Estimating reliability
   and resolution of probability forecasts", Climate Dynamics 39 (2012),
   doi:10.1007/s00382-011-1191-1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.sums import Scores

BINS = 10
LEAST_ROWS = 20
"""Fewer labelled rows than two a bin tell nothing."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Bins of a reliability diagram, scores rising; each array has one value a bin."""

    rows: Floats
    score: Floats
    share: Floats


def reliability(scores: Scores) -> Reliability:
    """Labelled rows in up to ten bins of about equal size; rows of one cell stay together."""
    rows = (scores.positives + scores.negatives).astype(np.float64)
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    place = np.minimum((middle * BINS).astype(np.int64), BINS - 1)
    size = np.bincount(place, weights=rows, minlength=BINS)
    kept = size > 0
    score = np.bincount(place, weights=rows * centre_of(scores.cells), minlength=BINS)[kept]
    share = np.bincount(place, weights=scores.positives, minlength=BINS)[kept]
    return Reliability(size[kept].astype(np.float64), score / size[kept], share / size[kept])


def calibration_error(scores: Scores) -> Estimate | Unknown:
    """Root of the debiased mean squared gap between score and outcome, 0 to 1.

    The 95 % interval is that of the mean squared gap by the delta method, its ends' roots taken.
    """
    n = round(float(scores.positives.sum() + scores.negatives.sum()))
    if n < LEAST_ROWS:
        return Unknown(f"fewer than {LEAST_ROWS} rows have a label", n)
    bins = reliability(scores)
    weight, gap = bins.rows / bins.rows.sum(), bins.score - bins.share
    noise = bins.share * (1 - bins.share) / np.maximum(bins.rows - 1, 1)
    squared = float(np.dot(weight, gap**2 - noise))
    error = math.sqrt(float(np.dot(weight**2, 4 * gap**2 * noise + 2 * noise**2)))
    ends = (squared, squared - Z95 * error, squared + Z95 * error)
    value, low, high = (math.sqrt(max(0.0, end)) for end in ends)
    return Estimate(value, low, high, n)
