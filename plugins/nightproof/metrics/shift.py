"""A shift: how far one histogram lies from another, what every drift distance answers with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Estimate, Unknown

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAST_ROWS = 30
"""Rows that each side must have; below, no interval here is worth its name."""


@dataclass(frozen=True)
class Shift:
    """A drift distance between two histograms over the same bins.

    Parameters
    ----------
    estimate
        The distance, corrected for the bias of small samples (0 where chance alone explains the
        difference), with its 95 % interval. ``n`` are the current rows.
    p_value
        Of "both come from one distribution".
    hidden
        The most by which the distance of the raw values can differ from that of their bins; 0 for
        a distance that is defined on bins.
    """

    estimate: Estimate
    p_value: float
    hidden: float = 0.0


def too_few(current: Counts, baseline: Counts) -> Unknown | None:
    """Why two histograms cannot be compared, if they cannot.

    Raises
    ------
    ValueError
        If the histograms have not the same bins, or a count is negative: a fault of the caller's,
        not of the data.
    """
    if current.shape != baseline.shape or current.ndim != 1:
        raise ValueError(f"Two histograms need the same bins, not {current.shape} and {baseline.shape}.")
    if min(current.min(initial=0), baseline.min(initial=0)) < 0:
        raise ValueError("A count of rows cannot be negative.")
    n = int(current.sum())
    if min(n, int(baseline.sum())) >= LEAST_ROWS:
        return None
    side = "" if n < LEAST_ROWS else " in the baseline"
    return Unknown(f"fewer than {LEAST_ROWS} rows have a value{side}", n)
