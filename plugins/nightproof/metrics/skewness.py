"""Skewness of losses between rows, from how rows lie on the profile's grids.

Means and variances come from exact sums; the skewness only bends an interval, so a grid whose cells
are far narrower than the loss varies is exact enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nightproof.profiles import Profile
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.spec import Multiclass

Floats = npt.NDArray[np.float64]


def skewness(values: Floats, rows: npt.NDArray[Any]) -> float:
    """Third central moment over the cube of the standard deviation; 0 where nothing varies.

    Parameters
    ----------
    values
        What a row of each cell is worth.
    rows
        Rows, or their weights, in each cell.
    """
    size = float(rows.sum())
    if size <= 0.0:
        return 0.0
    off = values - float((rows * values).sum()) / size
    variance = float((rows * off**2).sum()) / size
    if variance <= (1e-9 * float(np.abs(values).max())) ** 2:
        return 0.0
    return float((rows * off**3).sum() / size / variance**1.5)


def of_likelihoods(profile: Profile) -> tuple[Floats, Floats]:
    """The probability that each labelled row of a classifier gave its true class: values and rows."""
    if isinstance(profile.spec.task, Multiclass):
        parts = [profile.class_scores(name) for name in profile.spec.task.classes]
        likely = [centre_of(part.cells) for part in parts]
        return np.concatenate(likely), np.concatenate([part.positives for part in parts]).astype(np.float64)
    scores = profile.scores
    centre = centre_of(scores.cells)
    rows = np.concatenate([scores.positives, scores.negatives]).astype(np.float64)
    return np.concatenate([centre, 1.0 - centre]), rows
