"""Scores as a profile keeps them, from raw rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from nightproof.profiles.profile import Scores
from nightproof.profiles.score_grid import cell_of

Rows = Sequence[float] | npt.NDArray[np.float64]


def _scores(label: Sequence[int] | npt.NDArray[np.int64], score: Rows) -> Scores:
    cells = pl.select(cell_of(pl.Series(np.asarray(score, dtype=np.float64)))).to_series().to_numpy()
    truth = np.asarray(label)
    known, place = np.unique(cells, return_inverse=True)
    counts = [np.bincount(place[truth == side], minlength=len(known)).astype(np.int64) for side in (0, 1)]
    return Scores(known.astype(np.int64), *counts)


@pytest.fixture(scope="session")
def scores_of() -> Callable[..., Scores]:
    """Labels (0 or 1) and scores of some rows, counted on the grid."""
    return _scores
