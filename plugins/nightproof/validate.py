"""Validate: may this night be evaluated at all?

Two lists of expectations are held against the night's rows: the contract that the config implies,
and the user's suite. Great Expectations runs both (``gx.py``); what it has no expectation for is
computed here.

What a result says of the data is counts, shares, the range of the score, and ids of rows to look
up. Values of features and labels stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, Fault
from nightproof.expectations import gx
from nightproof.expectations.contract import (
    BETWEEN,
    EXISTS,
    KNOWN_IDS,
    READABLE,
    ROW_COUNT,
    SAME_ID_TYPE,
    Role,
    Rule,
    contract,
    label_columns,
    prediction_columns,
)
from nightproof.expectations.night_tables import Table, kind_of, read_table, to_pandas
from nightproof.expectations.observation import key_texts, missing, no_column, stated, tell
from nightproof.expectations.suite import bind, read_suite, suite_path
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.validation import Expectation, Validation

_VALUES = ("min_value", "max_value", "value_set", "value_pairs_set", "quantile_ranges")
"""Arguments that are compared with a column's values."""


def validate(config: ModelConfig, night: Night, files: NightFiles, *, suites: Path) -> Validation:
    """Hold a night's rows against its contract and its suite.

    Parameters
    ----------
    config
        The model's config.
    night
        Which night; a suite may refer to its start and end.
    files
        The night's local Parquet files.
    suites
        Folder of the suites.

    Returns
    -------
    Validation
        With every expectation that was asked. Of a night without rows only the tables are asked;
        of a column that is not there, the contract only asks that it be.

    Raises
    ------
    ConfigError
        If the suite is missing, empty or wrong: that is no fault of the night.
    """
    suite = [replace(rule, kwargs=bind(rule.kwargs, night)) for rule in _suite_rules(config, suites)]
    rules = [*contract(config), *suite]
    predictions = read_table(files.predictions, files, _wanted(config, suite))
    labels = read_table(files.labels, files, set(label_columns(config)).__contains__)
    joined = _with_labels(predictions, labels, config)
    found = [*_readable("predictions", predictions), *_readable("labels", labels)]
    if predictions.readable or not predictions.unreadable:
        found += _run(joined, [rule for rule in rules if rule.role == "predictions"], config)
    if labels.readable:
        found += _run(labels, [rule for rule in rules if rule.role == "labels"], config)
        found += _join_expectations(predictions, labels, config)
    return Validation(
        outcome=_outcome(found),
        rows=predictions.count,
        labelled=_labelled(joined, config.columns.label),
        expectations=tuple(found),
        engine=gx.engine(),
    )


def check_suite(config: ModelConfig, suites: Path) -> list[Fault]:
    """Every fault of a model's suite, none where it has no suite.

    Parameters
    ----------
    config
        The model's config.
    suites
        Folder of the suites.

    Returns
    -------
    list of Fault
        They are told beside those of the model's YAML, so each names the suite's file and its
        line in its key.
    """
    try:
        _suite_rules(config, suites)
    except ConfigError as error:
        return [_elsewhere(fault, error.path) for fault in error.faults]
    return []


def _elsewhere(fault: Fault, path: str) -> Fault:
    where = f"{path} line {fault.line}" if fault.line else path
    return replace(fault, line=None, key=f"{where}: {fault.key}" if fault.key else where)


def _suite_rules(config: ModelConfig, suites: Path) -> list[Rule]:
    path = suite_path(config, suites)
    return read_suite(path, check=gx.problems) if path else []


def _outcome(found: Iterable[Expectation]) -> Literal["passed", "warned", "quarantined"]:
    failed = {expectation.severity for expectation in found if not expectation.success}
    if "critical" in failed:
        return "quarantined"
    return "warned" if "warning" in failed else "passed"


def _wanted(config: ModelConfig, suite: Sequence[Rule]) -> Callable[[str], bool]:
    """Columns to read: those of the config, and those that the suite may mean."""
    if any(rule.type.startswith("expect_table_column") or "column_index" in rule.kwargs for rule in suite):
        return lambda name: True
    named = set(prediction_columns(config))
    text = json.dumps([rule.kwargs for rule in suite], ensure_ascii=False)
    return lambda name: name in named or json.dumps(name, ensure_ascii=False)[1:-1] in text


def _with_labels(predictions: Table, labels: Table, config: ModelConfig) -> Table:
    """Predictions with their labels, null where there is none; one row a prediction, in their order."""
    label, key = config.columns.label, config.data.id
    if config.data.labels is None or key is None:
        return predictions
    rows = predictions.rows.drop(label, strict=False)
    if _joinable(rows, labels, key) and label in labels.rows.columns:
        truth = labels.rows.select(pl.col(key).cast(pl.String), label).unique(key, keep="first", maintain_order=True)
        told = rows.select(pl.col(key).cast(pl.String)).join(truth, on=key, how="left", maintain_order="left")
        rows = rows.with_columns(told[label])
    elif rows.width:
        rows = rows.with_columns(pl.lit(None, pl.Float64).alias(label))
    names = tuple(dict.fromkeys([*predictions.names, label]))
    return replace(predictions, rows=rows, names=names)


def _joinable(rows: pl.DataFrame, labels: Table, key: str) -> bool:
    if key not in rows.columns or key not in labels.rows.columns:
        return False
    return kind_of(rows.schema[key]) == kind_of(labels.rows.schema[key])


def _labelled(joined: Table, label: str) -> int:
    return joined.count - missing(joined.rows[label]) if label in joined.rows.columns else 0


def _readable(role: Role, table: Table) -> Iterator[Expectation]:
    for url, wrong in table.unreadable.items():
        yield tell(Rule("contract", READABLE, {"object": url}), success=False, observed=f"{url} is {wrong}")
    if table.readable and not table.unreadable:
        all_of_them = f"{table.readable:,} of {table.readable:,} objects of the {role}"
        yield tell(Rule("contract", READABLE, {"role": role}), success=True, observed=all_of_them)


def _join_expectations(predictions: Table, labels: Table, config: ModelConfig) -> Iterator[Expectation]:
    """What Great Expectations has no expectation for: how two tables meet."""
    key = config.data.id
    if key is None or key not in predictions.rows.columns or key not in labels.rows.columns:
        return
    same = _joinable(predictions.rows, labels, key)
    types = f"{predictions.type_of(key)} in the predictions, {labels.type_of(key)} in the labels"
    yield tell(Rule("contract", SAME_ID_TYPE, {"column": key}), success=same, observed=types)
    if same and predictions.count:
        yield _known_ids(predictions.rows, labels.rows, key)


def _known_ids(predictions: pl.DataFrame, labels: pl.DataFrame, key: str) -> Expectation:
    text = pl.col(key).cast(pl.String)
    unknown = labels.select(text).join(predictions.select(text), on=key, how="anti", maintain_order="left")
    count, asked = unknown.height, labels.height
    return tell(
        Rule("contract", KNOWN_IDS, {"column": key}, "warning"),
        success=count == 0,
        observed=f"{count:,} of {asked:,} labels belong to no prediction of this night",
        count=count,
        percent=100 * count / asked if asked else 0.0,
        keys=key_texts(unknown[key].drop_nulls().head(gx.EXAMPLES)),
    )


def _run(table: Table, rules: Sequence[Rule], config: ModelConfig) -> Iterator[Expectation]:
    asked = [rule for rule in rules if _makes_sense(rule, table)]
    results = iter(_results(table, [rule for rule in asked if not _absent(rule, table)], config))
    for rule in asked:
        if absent := _absent(rule, table):
            yield tell(rule, success=False, observed=no_column(absent, table))
        else:
            yield stated(rule, next(results), table, config)


def _results(table: Table, rules: Sequence[Rule], config: ModelConfig) -> list[gx.Result]:
    frame = to_pandas(table, exact=config.data.id)
    comparable = [_comparable(rule, table) for rule in rules]
    results = gx.run(frame, comparable)
    failed = [
        place for place, result in enumerate(results) if result.details.get("unexpected_count") and not result.success
    ]
    again = gx.run(frame, [comparable[place] for place in failed], examples=True)
    for place, result in zip(failed, again, strict=True):
        results[place] = replace(results[place], rows=result.rows)
    return results


def _absent(rule: Rule, table: Table) -> list[str]:
    return [] if rule.type == EXISTS else [name for name in rule.columns if name not in table.rows.columns]


def _makes_sense(rule: Rule, table: Table) -> bool:
    """Whether a rule can say more than another that has failed already.

    Of no rows everything is true; of a column that is not there, or of text in place of numbers,
    the contract says so once.
    """
    if not table.count:
        return rule.type == ROW_COUNT or (rule.type == EXISTS and table.readable > 0)
    if rule.source == "suite":
        return True
    ordered = rule.type != BETWEEN or table.is_number(rule.column or "")
    return ordered and not _absent(rule, table)


def _comparable(rule: Rule, table: Table) -> Rule:
    """A rule whose dates, text in JSON, can be compared with timestamps."""
    if not any(table.is_timestamp(name) for name in rule.columns):
        return rule
    dated = {name: _dated(value) if name in _VALUES else value for name, value in rule.kwargs.items()}
    return replace(rule, kwargs=dated)


def _dated(value: Any) -> Any:
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return value
        return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    if isinstance(value, Mapping):
        return {name: _dated(item) for name, item in value.items()}
    return [_dated(item) for item in value] if isinstance(value, list) else value
