"""Holding rules against a table of any size, with no more of it in memory than a rule needs.

A small table is one frame. Of a large one, rules about each row alone (a value lies in a range,
matches a pattern) are measured a batch of rows at a time; the others (a mean, a quantile, unique
values) see the columns that they name, whole, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from nightproof.expectations.contract import BETWEEN, EXISTS, OF_TYPE, UNIQUE, Rule
from nightproof.expectations.identities import first_rows, identities
from nightproof.expectations.night_tables import Table, to_pandas
from nightproof.expectations.verdicts import Measured, Result, judge, measure, run

if TYPE_CHECKING:
    import pandas as pd

EACH_ROW = frozenset(
    {
        BETWEEN,
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_not_match_regex_list",
        "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_match_json_schema",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_select_column_values_to_be_unique_within_record",
    }
)
"""Expectations whose answer for a row depends on that row alone, so that counts of batches add up."""
OF_TYPES = (OF_TYPE, "expect_column_values_to_be_of_type")
TOGETHER = 20_000
"""Rows up to which one run for all rules is faster than one for each column."""
_FEW = 1_000
UNIQUENESS = (UNIQUE, "expect_compound_columns_to_be_unique")
DISTINCT_COUNTS = (
    "expect_column_unique_value_count_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
)
"""Like those of uniqueness, they depend on nothing but which values are equal."""


def results(table: Table, rules: Sequence[Rule], *, exact: str | None) -> list[Result]:
    """Hold rules against a table.

    Parameters
    ----------
    table
        The rows. Every column that a rule is about is among them.
    rules
        With arguments that their types take.
    exact
        The id column, which must not be rounded.

    Returns
    -------
    list of Result
        One a rule, in their order; the same ones however large the table is.

    Raises
    ------
    DamageFound
        If a file of a large table cannot be read through.
    """
    if table.held is not None:
        return _held(table, rules, exact)
    frames = _Frames.of(table, exact)
    found: dict[int, Result] = dict(_by_batches(frames, rules))
    for columns, places in _grouped(table, rules, found).items():
        found |= dict(_by_columns(frames, columns, {place: rules[place] for place in places}))
    return [found[place] for place in range(len(rules))]


def _held(table: Table, rules: Sequence[Rule], exact: str | None) -> list[Result]:
    frame = to_pandas(table.rows(list(table.schema)), exact=exact, height=table.count)
    if table.count <= TOGETHER:
        return run(frame, rules)
    found: dict[int, Result] = {}
    for columns, places in _grouped(table, rules, found).items():
        # Great Expectations copies all columns of a frame, rule by rule, to leave out nulls of one.
        narrow = frame[list(columns)] if columns else frame
        found |= dict(zip(places, run(narrow, [rules[place] for place in places]), strict=True))
    return [found[place] for place in range(len(rules))]


@dataclass(frozen=True)
class _Frames:
    """A large table's rows as pandas frames, of the types that one frame of all rows would have."""

    table: Table
    as_text: frozenset[str]
    """Columns of whole-number ids beside nulls."""
    types: Mapping[str, str]
    """Of columns whose type in pandas depends on whether any row is null."""

    @classmethod
    def of(cls, table: Table, exact: str | None) -> _Frames:
        fickle = {name: dtype for name, dtype in table.schema.items() if dtype.is_integer() or dtype == pl.Boolean}
        nulls = {name: dtype for name, dtype in fickle.items() if table.may_be_null(name)}
        as_text = {name for name, dtype in nulls.items() if name == exact and dtype.is_integer()}
        types = {name: "object" if dtype == pl.Boolean else "float64" for name, dtype in nulls.items()}
        return cls(table, frozenset(as_text), {name: types[name] for name in types if name not in as_text})

    def frame(self, rows: pl.DataFrame) -> pd.DataFrame:
        rows = rows.with_columns(pl.col(name).cast(pl.String) for name in rows.columns if name in self.as_text)
        frame = to_pandas(rows, height=self.table.count)
        types = {name: dtype for name, dtype in self.types.items() if name in rows.columns}
        return frame.astype(types) if types else frame

    def whole(self, columns: Sequence[str]) -> pd.DataFrame:
        return self.frame(self.table.rows(columns))

    def batches(self) -> Iterator[pl.DataFrame]:
        # Every column is read, though no rule may be about it: whether a file is damaged shows only then.
        return self.table.batches(list(self.table.schema))


def _by_batches(frames: _Frames, rules: Sequence[Rule]) -> Iterator[tuple[int, Result]]:
    """Results of the rules about each row alone, but for those that only some batches could be asked."""
    places = [place for place, rule in enumerate(rules) if rule.type in EACH_ROW and not _conditional(rule)]
    asked = [rules[place] for place in places]
    sums: list[Measured] = []
    raised: list[set[str | None]] = [set() for _ in places]
    start = 0
    for rows in frames.batches():
        found = _measured(frames.frame(rows), asked)
        sums = [total.plus(more, start=start) for total, more in zip(sums, found, strict=True)] if sums else found
        for kinds, more in zip(raised, found, strict=True):
            kinds.add(more.error)
        start += rows.height
    if start:
        # What a batch without a value cannot be asked, all rows perhaps can.
        found_out = zip(places, judge(sums), raised, strict=True)
        yield from ((place, result) for place, result, kinds in found_out if len(kinds) == 1)


def _measured(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[Measured]:
    found: dict[int, Measured] = {}
    groups: dict[tuple[bool, tuple[str, ...]], list[int]] = {}
    for place, rule in enumerate(rules):
        groups.setdefault((rule.type == BETWEEN, rule.columns), []).append(place)
    for (between, columns), places in groups.items():
        narrow = frame[list(dict.fromkeys(columns))]
        narrow = _widened(narrow) if between else narrow
        found |= dict(zip(places, measure(narrow, [rules[place] for place in places]), strict=True))
    return [found[place] for place in range(len(rules))]


def _widened(frame: pd.DataFrame) -> pd.DataFrame:
    """The same numbers in the two types that Great Expectations compares without a Python call for each."""
    wide = {"int8": "int64", "int16": "int64", "int32": "int64", "uint8": "int64", "uint16": "int64"}
    wide |= {"uint32": "int64", "float32": "float64"}
    types = {name: wide[str(dtype)] for name, dtype in frame.dtypes.items() if str(dtype) in wide}
    return frame.astype(types) if types else frame


def _grouped(table: Table, rules: Sequence[Rule], found: Mapping[int, Result]) -> Mapping[tuple[str, ...], list[int]]:
    """Places of the rules that have no result yet, by the columns that they need."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, rule in enumerate(rules):
        if place not in found:
            groups.setdefault(_needed(rule, table), []).append(place)
    return groups


def _needed(rule: Rule, table: Table) -> tuple[str, ...]:
    # Whether a column is there, and in which place, is asked of all of them.
    named = set(rule.columns) if rule.type != EXISTS else set()
    if _conditional(rule):
        # A condition is an expression of pandas: a name in its text is perhaps a column.
        text = str(rule.kwargs["row_condition"])
        named |= {name for name in table.schema if name in text}
    return tuple(name for name in table.schema if name in named)


def _conditional(rule: Rule) -> bool:
    return rule.kwargs.get("row_condition") is not None


def _by_columns(frames: _Frames, columns: Sequence[str], rules: Mapping[int, Rule]) -> Iterator[tuple[int, Result]]:
    """Results of rules that need some columns; one rule at a time, so that their masks do not add up."""
    whole: pd.DataFrame | None = None
    for place, rule in rules.items():
        if (known := _without_rows(frames, rule)) is not None:
            yield place, run(known, [rule])[0]
        elif _asks_for_equals(frames.table, rule):
            yield place, run(_equals(frames, columns), [rule])[0]
        else:
            whole = frames.whole(columns) if whole is None else whole
            yield place, run(whole, [rule])[0]


def _without_rows(frames: _Frames, rule: Rule) -> pd.DataFrame | None:
    """What answers a rule about the table's shape or a column's type; ``None`` where it takes the rows."""
    import pandas as pd

    if rule.type.startswith("expect_table_row_count") and not _conditional(rule):
        return pd.DataFrame(index=range(frames.table.count))
    empty = frames.frame(pl.DataFrame(schema=frames.table.schema))
    of_type = rule.type in OF_TYPES and rule.column in empty and empty[rule.column].dtype != "object"
    return empty if of_type or rule.type == EXISTS or rule.type.startswith("expect_table_column") else None


def _asks_for_equals(table: Table, rule: Rule) -> bool:
    """Whether a rule may be asked of numbers in place of text, and it pays."""
    if _conditional(rule):
        return False
    # A few categories cost no more than they seem to; what begins with many values has many.
    return rule.type in UNIQUENESS or (
        rule.type in DISTINCT_COUNTS and next(table.batches(rule.columns))[rule.columns[0]].n_unique() > _FEW
    )


def _equals(frames: _Frames, columns: Sequence[str]) -> pd.DataFrame:
    """Columns with numbers in place of text, equal where the text is: ten million ids would not fit."""
    table = frames.table
    texts = [name for name in columns if table.schema[name] == pl.String or name in frames.as_text]
    found = {
        name: first_rows(identities((rows[name] for rows in table.batches([name])), table.count)) for name in texts
    }
    plain = [name for name in columns if name not in texts]
    # Row numbers beside nulls become floats, which hold them exactly.
    whole = frames.whole(plain) if plain else to_pandas(pl.DataFrame(), height=table.count)
    return whole.assign(**{name: rows.to_pandas() for name, rows in found.items()})[list(columns)]
