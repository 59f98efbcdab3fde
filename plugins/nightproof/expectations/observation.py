"""What is told of a rule's result: counts, shares, roughly the range of the score, places of rows; no row's value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from nightproof.config import ModelConfig
from nightproof.expectations.contract import BETWEEN, EXISTS, LABELLED_SHARE, NOT_NULL, OF_TYPE, Rule
from nightproof.expectations.night_tables import Table
from nightproof.expectations.suite import nearest
from nightproof.expectations.verdicts import Result
from nightproof.validation import Expectation

ENOUGH = 10
"""Rows from which a mean says nothing of one of them."""
_COUNTS = ("expect_table_", "expect_column_unique_value_count", "expect_column_kl_divergence")
_SHARES = ("expect_column_proportion_of",)
_MEANS = ("expect_column_mean", "expect_column_stdev")


def stated(rule: Rule, result: Result, table: Table, config: ModelConfig) -> Expectation:
    """A rule's result as it may be told and stored.

    Parameters
    ----------
    rule
        What was asked.
    result
        What came of it.
    table
        The rows that it was asked of.
    config
        Which column is the score.
    """
    count = _whole(result.details.get("unexpected_count"))
    percent = result.details.get("unexpected_percent")
    return tell(
        rule,
        success=result.success,
        observed=_observed(rule, result, table, config.columns.score),
        count=count,
        percent=float(percent) if count is not None and percent is not None and _is_finite(percent) else None,
        keys=[table.place(row) for row in result.rows],
    )


def tell(
    rule: Rule,
    *,
    success: bool,
    observed: str | None,
    count: int | None = None,
    percent: float | None = None,
    keys: Sequence[str] = (),
) -> Expectation:
    """An expectation's record, from the rule and what was found."""
    return Expectation(
        source=rule.source,
        type=rule.type,
        column=rule.column,
        kwargs={name: value for name, value in rule.kwargs.items() if name != "column" or rule.column is None},
        severity=rule.severity,
        success=success,
        observed=observed,
        unexpected_count=count,
        unexpected_percent=percent,
        example_keys=tuple(keys),
    )


def no_column(names: Iterable[str], table: Table) -> str:
    """Why columns are not among a table's rows, with the nearest of those that are."""
    return "; ".join(_no_column(name, table) for name in names)


def _no_column(name: str, table: Table) -> str:
    if why := table.left_out.get(name):
        return f"column {name} is {why}"
    near = nearest(name, table.names)
    return f"no such column: {name}" + (f"; did you mean {near}?" if near else "")


def _observed(rule: Rule, result: Result, table: Table, score: str | None) -> str | None:
    types = ", ".join(f"{name} is {table.type_of(name)}" for name in rule.columns if table.type_of(name))
    if result.error:
        return f"could not be evaluated: {result.error}" + (f"; {types}" if types else "")
    if rule.type == EXISTS:
        told = "it is there" if result.success else no_column([rule.kwargs["column"]], table)
        return f"{told} (in the labels)" if rule.role == "labels" else told
    if rule.type == OF_TYPE:
        return types or None
    if "unexpected_count" in result.details:
        return _of_rows(rule, result, table, score)
    return _of_all(rule, result, table, score)


def _of_rows(rule: Rule, result: Result, table: Table, score: str | None) -> str:
    """Of an expectation about each row."""
    asked = (_whole(result.details.get("element_count")) or 0) - (_whole(result.details.get("missing_count")) or 0)
    failing = _whole(result.details["unexpected_count"]) or 0
    share = f" ({100 * failing / asked:.3g} %)" if failing and asked else ""
    parts = [f"{failing:,} of {asked:,} {'labels' if rule.role == 'labels' else 'rows'}{share}"]
    if not result.success and rule.column:
        if rule.type == NOT_NULL:
            parts.append(_missing(table.column(rule.column)))
        elif rule.type == BETWEEN and rule.column == score:
            parts.append(_range(table.column(rule.column)))
        elif failing == asked:
            parts.append(f"the column is {table.type_of(rule.column)}")
    return "; ".join(parts)


def _of_all(rule: Rule, result: Result, table: Table, score: str | None) -> str | None:
    """Of an expectation about a column or a table as a whole."""
    if rule.source == "contract" and rule.type == LABELLED_SHARE and rule.column:
        return f"{table.count - missing(table.column(rule.column)):,} of {table.count:,} rows are labelled"
    value = result.details.get("observed_value")
    if value is None or not _is_finite(value):
        return None if result.success else "outside what is allowed; values of the data are not told"
    if rule.type.startswith(_SHARES):
        return f"{100 * value:.4g} %"
    if rule.type.startswith("expect_table_row_count"):
        return f"{value:,} rows"
    if rule.type.startswith(_COUNTS) or (rule.type.startswith(_MEANS) and table.count >= ENOUGH):
        return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
    if rule.column == score:
        return f"about {value:.2g}"
    return None if result.success else "outside what is allowed; values of the data are not told"


def missing(values: pl.Series) -> int:
    """How many values are null or NaN."""
    nan = values.is_nan().sum() if values.dtype.is_float() else 0
    return values.null_count() + int(nan)


def _missing(values: pl.Series) -> str:
    nan = missing(values) - values.null_count()
    return f"{values.null_count():,} null" + (f", {nan:,} NaN" if nan else "")


def _range(score: pl.Series) -> str:
    values = score.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    # The ends are values of single rows: two digits tell what is wrong with them.
    return f"from about {values.min():.2g} to {values.max():.2g}" if len(values) else "no value at all"


def _whole(value: Any) -> int | None:
    return int(value) if _is_finite(value) else None


def _is_finite(value: Any) -> bool:
    try:
        return value is not None and not isinstance(value, str | bool) and math.isfinite(value)
    except TypeError:
        return False
