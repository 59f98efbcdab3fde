"""Groupings: the groups of a column, or of a pair of columns, as the reference has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.spec import MISSING, Grouping
from nightproof.profiles.text import number_text, range_texts

GROUPS = 200
"""Groups kept of a grouping; smaller ones share one group."""
INTERSECTIONS = 50
"""Groups kept of a pair of columns that nobody asked for by name: of protected ones, or found by their loss."""
LEAST_KNOWN = 5
"""Rows of the reference that a value or a group needs to be known by its name."""
DISTINCT_NUMBERS = 64
"""A numeric grouping column with more values than this is cut into fifths."""


def make_grouping(
    table: pl.DataFrame,
    uses: Sequence[str],
    columns: tuple[str, ...],
    *,
    parts: int = 5,
    distinct: int = DISTINCT_NUMBERS,
) -> Grouping:
    """The groups of a column or a pair of columns in some rows of the reference.

    Parameters
    ----------
    parts
        Into how many ranges a numeric column is cut that has more than ``distinct`` values.
    """
    numeric = tuple(name for name in columns if table.schema[name].is_numeric())
    table = table.with_columns(pl.col(name).cast(pl.Float64) for name in numeric)
    edges = {
        name: quantile_edges(values[np.isfinite(values)], parts)[:-1]
        for name in numeric
        if len(values := table[name].drop_nulls().to_numpy()) and table[name].n_unique() > distinct
    }
    edges = {name: cuts for name, cuts in edges.items() if cuts}
    shape = {"uses": tuple(uses), "columns": columns, "numeric": numeric, "edges": edges}
    cut = Grouping.model_validate({**shape, "groups": ()})
    counted = table.select(_group_value(name, cut).alias(name) for name in columns).group_by(columns).len()
    most = GROUPS if len(columns) == 1 or "slice" in uses else INTERSECTIONS
    ordered = counted.sort(["len", *columns], descending=[True, *(False for _ in columns)])
    ordered = known_by_name(ordered).head(most)
    return Grouping.model_validate({**shape, "groups": tuple(ordered.select(columns).iter_rows())})


def known_by_name(counted: pl.DataFrame) -> pl.DataFrame:
    """Values, most frequent first, with their rows in `len`: those of a few rows are no names to be kept."""
    kept = counted.filter(pl.col("len") >= LEAST_KNOWN)
    return counted.head(1) if kept.is_empty() else kept


def _group_value(column: str, grouping: Grouping) -> pl.Expr:
    """A row's group in one column, as text; whole numbers without a decimal point."""
    value = pl.col(column)
    if column not in grouping.numeric:
        text = value.cast(pl.String)
    elif edges := grouping.edges.get(column):
        known = value.fill_nan(None)
        text = known.bin_intervals(list(edges), labels=range_texts(edges), right_closed=True).cast(pl.String)
    else:
        text = number_text(value)
    return text.fill_null(MISSING)


def quantile_edges(values: npt.NDArray[np.float64], bins: int) -> tuple[float, ...]:
    """Inner edges between equal shares of some numbers; the last edge is their largest."""
    quantiles = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    # The top edge is the largest value's own, so that what lies above the baseline has its bin.
    edges = np.unique(np.append(quantiles, values.max()))
    return tuple(float(edge) for edge in edges)
