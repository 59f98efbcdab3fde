"""Which of a night's labelled rows are held out: a pure function of their ranks, strata and groups."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

CANDIDATES = pl.Schema({"row": pl.UInt64, "stratum": pl.UInt32, "group": pl.UInt64})
"""A labelled row that may be held out: rank of its id, number of its stratum, rank of its group (null for none)."""


def allocate(rows: Mapping[int, int], places: int) -> dict[int, int]:
    """Places of each stratum, by the method of largest remainders (Hamilton's).

    A stratum gets its exact share rounded down or up, so at least its whole share and within one row of it.

    Parameters
    ----------
    rows
        Rows by number of the stratum.
    places
        How many rows are taken in all; all of them where there are fewer.

    Notes
    -----
    Whole numbers throughout: no rounding of a machine decides. Of equal remainders the larger stratum comes
    first, then the lower number.
    """
    total = sum(rows.values())
    if total <= places:
        return dict(rows)
    found = {stratum: places * count // total for stratum, count in rows.items()}
    order = sorted(rows, key=lambda stratum: (-(places * rows[stratum] % total), -rows[stratum], stratum))
    for stratum in order[: places - sum(found.values())]:
        found[stratum] += 1
    return found


def select(candidates: pl.DataFrame, places: int) -> pl.DataFrame:
    """The rows of lowest rank, stratum by stratum; or, where rows have groups, the groups of lowest rank.

    Groups are taken whole, in the order of their ranks, until the next one does not fit: a night may give
    fewer rows than ``places``, and none where its first group alone is larger.

    Parameters
    ----------
    candidates
        Columns of :data:`CANDIDATES`, in any order of rows, ranks unique.

    Returns
    -------
    polars.DataFrame
        The chosen candidates, by rank.
    """
    if candidates["group"].null_count() < candidates.height:
        return _whole_groups(candidates, places).sort("row")
    counts = dict(candidates.group_by("stratum").len().iter_rows())
    taken = allocate(counts, places)
    limit = pl.col("stratum").replace_strict(taken, default=0, return_dtype=pl.Int64)
    place = pl.int_range(pl.len()).over("stratum")
    return candidates.sort("row").filter(place < limit).sort("row")


def _whole_groups(candidates: pl.DataFrame, places: int) -> pl.DataFrame:
    # A row without a group is a group of its own.
    own = candidates.with_columns(place=pl.coalesce("group", "row"), alone=pl.col("group").is_null())
    sizes = own.group_by("place", "alone").len().sort("place", "alone")
    fitting = sizes.filter(pl.col("len").cum_sum() <= places)
    return own.join(fitting, on=["place", "alone"], how="semi").drop("place", "alone")
