"""Which rows have the same id, for more ids than should stand in memory as text.

An id is stood for by two independent 64-bit hashes of its text. Two different ids among n share
both with a probability of about n² / 2¹²⁹: for a hundred million ids 10⁻²³, less than the
computer's own chance of a wrong answer. Hashes are compared a share at a time, so that what is
needed beside them is small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

_SEEDS = (11, 101)
_SHARES = 64
_BITS = np.uint64(58)
"""The first hash's leading six bits say in which share an id is."""


@dataclass(frozen=True)
class Identities:
    """Ids of a table's rows, share after share.

    Parameters
    ----------
    count
        How many rows there are, those without an id among them.
    first, second
        The two hashes of each row that has an id.
    rows
        The rows' positions, ascending in each share.
    edges
        Where each share begins, and the last one ends.
    """

    count: int
    first: npt.NDArray[np.uint64]
    second: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.uint32]
    edges: npt.NDArray[np.int64]

    def known(self) -> pl.Series:
        """For each row whether it has an id."""
        known = np.zeros(self.count, np.bool_)
        known[self.rows] = True
        return pl.Series(known)

    def share(self, share: int) -> pl.DataFrame:
        """Rows in one of the shares; equal ids are always in the same one."""
        here = slice(self.edges[share], self.edges[share + 1])
        return pl.DataFrame({"first": self.first[here], "second": self.second[here], "row": self.rows[here]})


def identities(ids: Iterable[pl.Series], count: int) -> Identities:
    """Take in ids, some rows at a time.

    Parameters
    ----------
    ids
        Consecutive pieces of an id column. Numbers are compared by their text.
    count
        How many rows there are in all; fewer than 2³².
    """
    first, second = np.empty(count, np.uint64), np.empty(count, np.uint64)
    null, start = np.empty(count, np.bool_), 0
    for piece in ids:
        here, texts = slice(start, start + len(piece)), piece.cast(pl.String)
        first[here], second[here] = (texts.hash(seed).to_numpy() for seed in _SEEDS)
        null[here] = texts.is_null().to_numpy()
        start += len(piece)
    # Sorting small numbers is counting them.
    shares = np.where(null, np.uint8(_SHARES), (first >> _BITS).astype(np.uint8))
    edges = np.concatenate([[0], np.bincount(shares, minlength=_SHARES + 1)[:_SHARES].cumsum()])
    rows = shares.argsort(kind="stable")[: edges[-1]].astype(np.uint32)
    return Identities(count, first[rows], second[rows], rows, edges)


def first_rows(ids: Identities) -> pl.Series:
    """For each row the first row that has the same id; null where there is no id.

    What depends on nothing but which values are equal comes out of these as out of the ids.
    """
    found = np.full(ids.count, -1, np.int64)
    for share in range(_SHARES):
        rows = ids.share(share).with_columns(same=pl.col("row").min().over("first", "second"))
        found[rows["row"].to_numpy()] = rows["same"].to_numpy()
    return _rows(found)


def match(ids: Identities, others: Identities) -> pl.Series:
    """For each row the first of the other rows that has its id; null where there is none."""
    found = np.full(ids.count, -1, np.int64)
    for share in range(_SHARES):
        once = others.share(share).group_by("first", "second").agg(other=pl.col("row").min())
        met = ids.share(share).join(once, on=["first", "second"], how="inner")
        found[met["row"].to_numpy()] = met["other"].to_numpy()
    return _rows(found)


def _rows(found: npt.NDArray[np.int64]) -> pl.Series:
    rows = pl.Series("row", found)
    return rows.to_frame().select(pl.when(pl.col("row") >= 0).then(pl.col("row"))).to_series()
