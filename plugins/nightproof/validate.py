"""Validate: may this night be evaluated at all?

Two lists of expectations are held against the night's rows: the contract that the config implies,
and the user's suite. Great Expectations runs both (``gx.py``); what it has no expectation for is
computed here.

What a result says of the data is counts, shares, roughly the range of the score, and places of rows to
look up. Values of features, labels and ids stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, Fault
from nightproof.expectations import gx
from nightproof.expectations.contract import (
    BETWEEN,
    EXISTS,
    READABLE,
    ROW_COUNT,
    Role,
    Rule,
    contract,
    label_columns,
    prediction_columns,
)
from nightproof.expectations.labelled import join_expectations, with_labels
from nightproof.expectations.night_tables import IN_MEMORY, DamageFound, Table, read_table
from nightproof.expectations.observation import missing, no_column, stated, tell
from nightproof.expectations.projection import results
from nightproof.expectations.suite import bind, read_suite, suite_path
from nightproof.metric_sections import columns_of
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.validation import Expectation, Validation

_VALUES = ("min_value", "max_value", "value_set", "value_pairs_set", "quantile_ranges")
"""Arguments that are compared with a column's values."""


def validate(
    config: ModelConfig, night: Night, files: NightFiles, *, suites: Path, in_memory: int = IN_MEMORY
) -> Validation:
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
    in_memory
        Values (rows times columns) of a table up to which it is held whole. Larger ones take more
        time and little more memory; the answers are the same.

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
    with suppress(DamageFound):
        return _validate(config, files, suite, in_memory=in_memory)
    # Rare enough to read everything once more: then all damaged files are known from the start.
    return _validate(config, files, suite, in_memory=in_memory, read_through=True)


def _validate(
    config: ModelConfig, files: NightFiles, suite: Sequence[Rule], *, in_memory: int, read_through: bool = False
) -> Validation:
    read = partial(read_table, files=files, in_memory=in_memory, read_through=read_through)
    predictions = read(files.predictions, wanted=_wanted(config, suite))
    labels = read(files.labels, wanted={*label_columns(config), *columns_of(config.metrics)}.__contains__)
    labelled = with_labels(predictions, labels, config)
    rules = [*contract(config), *suite]
    found = [*_readable("predictions", predictions), *_readable("labels", labels)]
    if predictions.readable or not predictions.unreadable:
        found += _run(labelled.table, [rule for rule in rules if rule.role == "predictions"], config)
    if labels.readable:
        found += _run(labels, [rule for rule in rules if rule.role == "labels"], config)
        found += join_expectations(labelled, labels, config)
    return Validation(
        outcome=_outcome(found),
        rows=predictions.count,
        labelled=_labelled(labelled.table, config.columns.label),
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
    named = {*prediction_columns(config), *columns_of(config.metrics)}
    text = json.dumps([rule.kwargs for rule in suite], ensure_ascii=False)
    return lambda name: name in named or json.dumps(name, ensure_ascii=False)[1:-1] in text


def _labelled(joined: Table, label: str) -> int:
    return joined.count - missing(joined.column(label)) if label in joined.schema else 0


def _readable(role: Role, table: Table) -> Iterator[Expectation]:
    for url, wrong in table.unreadable.items():
        yield tell(Rule("contract", READABLE, {"object": url}), success=False, observed=f"{url} is {wrong}")
    if table.readable and not table.unreadable:
        all_of_them = f"{table.readable:,} of {table.readable:,} objects of the {role}"
        yield tell(Rule("contract", READABLE, {"role": role}), success=True, observed=all_of_them)


def _run(table: Table, rules: Sequence[Rule], config: ModelConfig) -> Iterator[Expectation]:
    asked = [rule for rule in rules if _makes_sense(rule, table)]
    possible = [_comparable(rule, table) for rule in asked if not _absent(rule, table)]
    found = iter(results(table, possible, exact=config.data.id))
    for rule in asked:
        if absent := _absent(rule, table):
            yield tell(rule, success=False, observed=no_column(absent, table))
        else:
            yield stated(rule, next(found), table, config)


def _absent(rule: Rule, table: Table) -> list[str]:
    return [] if rule.type == EXISTS else [name for name in rule.columns if name not in table.schema]


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
