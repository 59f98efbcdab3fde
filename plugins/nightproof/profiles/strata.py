"""Strata of time: weekday and quarter of the day, in UTC, by which features are counted apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.batch import Batch

PARTS = 4
"""Parts of a day, of six hours each."""
STRATA = 7 * PARTS
"""Monday's four parts first."""


def stratum_codes(batch: Batch, time: str) -> npt.NDArray[np.int64]:
    """Stratum of each row; -1 where its time is not known."""
    values = batch.frame[time]
    if not isinstance(values.dtype, pl.Datetime):
        return np.full(len(batch), -1, dtype=np.int64)
    weekday = values.dt.weekday().cast(pl.Int64) - 1
    stratum = weekday * PARTS + values.dt.hour().cast(pl.Int64) // (24 // PARTS)
    return stratum.fill_null(-1).to_numpy()
