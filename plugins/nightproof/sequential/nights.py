"""Nights in a row of many series at once, as sums from the first night on.

Whatever is asked of a stretch of nights (its mean, its sampling variance, how much nights differ)
is a difference of two sums, so a night costs the same however long the history is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
TINY = 1e-12
"""In place of no rows, where something is divided by them."""

_SUMS = (
    "n",  # rows
    "n_value",
    "nn",
    "nn_variance",
    "used",  # nights that tell how much nights differ, and the same sums over those alone
    "used_value",
    "w",
    "w_value",
    "w_value_value",
    "w_variance",
    "ww",
    "ww_variance",
    "pairs",  # such nights that follow each other
    "pair_product",
    "pair_sum",
)


@dataclass(frozen=True)
class Pooled:
    """A stretch of nights as one, each night weighed by its rows; every field has one entry a series.

    Parameters
    ----------
    value
        Mean; 0 where no night told.
    variance
        Sampling variance of the mean.
    nights
        Nights of equal size that would average as well, Kish's effective number: at most the nights
        that told, fewer where their rows differ; 0 where none told.
    n
        Rows.
    """

    value: Floats
    variance: Floats
    nights: Floats
    n: Floats


class Nights:
    """Nights of ``series`` series, added in order.

    Parameters
    ----------
    series
        How many series there are.
    most
        How many nights there will be at most.
    """

    def __init__(self, series: int, most: int) -> None:
        self._sums: dict[str, Floats] = {name: np.zeros((most + 1, series)) for name in _SUMS}
        self._last: tuple[Floats, Floats] = (np.zeros(series), np.zeros(series))
        self.count = 0
        """Nights added so far."""

    def add(self, value: Floats, error: Floats, n: Floats, *, usual: Bools) -> None:
        """Add a night.

        Parameters
        ----------
        value, error
            Each series' value and its sampling standard error; NaN or infinite where the night
            cannot tell.
        n
            Rows that each value stands on.
        usual
            Whether the night is like others, so that it tells how much nights differ: not one
            with an open incident.
        """
        told = np.isfinite(value) & np.isfinite(error) & (n > 0)
        x, v, rows = np.where(told, value, 0.0), np.where(told, error**2, 0.0), np.where(told, n, 0.0)
        used = (told & usual).astype(np.float64)
        w, (before, also) = rows * used, self._last
        pair = used * also
        # In the order of _SUMS.
        night = (
            *(rows, rows * x, rows**2, rows**2 * v),
            *(used, used * x, w, w * x, w * x * x, w * v, w * w, w * w * v),
            *(pair, pair * x * before, pair * (x + before)),
        )
        for name, added in zip(_SUMS, night, strict=True):
            self._sums[name][self.count + 1] = self._sums[name][self.count] + added
        self._last = x, used
        self.count += 1

    def over(self, name: str, first: int, end: int) -> Any:
        """A sum over the nights ``first <= night < end``, numbered from 0."""
        return self._sums[name][end] - self._sums[name][first]

    def pooled(self, first: int, end: int) -> Pooled:
        """The nights ``first <= night < end`` as one."""
        n = self.over("n", first, end)
        some, squares = np.maximum(n, TINY), np.maximum(self.over("nn", first, end), TINY)
        return Pooled(
            value=self.over("n_value", first, end) / some,
            variance=np.maximum(self.over("nn_variance", first, end), 0.0) / some**2,
            nights=np.where(n > 0, n**2 / squares, 0.0),
            n=n,
        )
