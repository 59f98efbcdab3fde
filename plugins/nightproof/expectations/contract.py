"""The contract that a config implies: what a night's data must be before any suite is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any, Literal

from nightproof.config import ModelConfig
from nightproof.metric_sections import columns_of
from nightproof.sections import Columns
from nightproof.validation import Severity

Role = Literal["predictions", "labels"]

READABLE = "expect_file_to_be_readable_parquet"
SAME_ID_TYPE = "expect_label_ids_to_have_the_type_of_prediction_ids"
KNOWN_IDS = "expect_labels_to_belong_to_predictions"
EXISTS = "expect_column_to_exist"
BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"
AT_LEAST = "expect_column_pair_values_a_to_be_greater_than_b"
OF_TYPE = "expect_column_values_to_be_in_type_list"
ROW_COUNT = "expect_table_row_count_to_be_between"
LABELLED_SHARE = "expect_column_proportion_of_non_null_values_to_be_between"

FEATURE_PRESENT = 0.5
"""A numeric feature that is missing in more rows than this share is worth a warning."""
PROBABILITY = {"min_value": 0, "max_value": 1}
"""Between which probabilities lie."""
FINITE = {"min_value": -float_info.max, "max_value": float_info.max}
"""Between which all numbers but the infinities lie."""
_NUMBERS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
NUMBERS = [*_NUMBERS, "float32", "float64"]


@dataclass(frozen=True)
class Rule:
    """One expectation that is to be run, of the contract or of the user's suite.

    Parameters
    ----------
    source
        Who asks for it.
    type
        Its name in Great Expectations; three that it has none for are named above.
    kwargs
        Its arguments, the column among them.
    severity
        What its failure means.
    role
        The rows that it is about: predictions (with their labels joined), or the label files.
    """

    source: Literal["contract", "suite"]
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity = "critical"
    role: Role = "predictions"

    @property
    def column(self) -> str | None:
        """The column it is about; ``None`` where it is about the table, or about several."""
        name = self.kwargs.get("column")
        return name if isinstance(name, str) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose values it reads."""
        several = self.kwargs.get("column_list", ()) if not self.type.startswith("expect_table_") else ()
        named = [self.kwargs.get(key) for key in ("column", "column_A", "column_B")]
        return tuple(name for name in [*named, *several] if isinstance(name, str))


def contract(config: ModelConfig) -> list[Rule]:
    """Every rule that a model's config implies and that Great Expectations can run.

    Parameters
    ----------
    config
        The model's config.

    Returns
    -------
    list of Rule
        The table first, then column by column as the config names them.
    """
    return [
        _rule(ROW_COUNT, min_value=config.validate_.min_rows),
        *(_rule(EXISTS, column=name) for name in prediction_columns(config)),
        *_id_rules(config),
        *_output_rules(config),
        *_feature_rules(config),
        *_row_rules(config.columns),
        *_label_rules(config),
        *_metric_rules(config),
    ]


def prediction_columns(config: ModelConfig) -> list[str]:
    """Columns that a config expects in the predictions, each once."""
    columns = config.columns
    named = [config.data.id, *columns.outputs, columns.label if config.data.labels is None else None]
    named += [*columns.features.numeric, *columns.features.categorical, *columns.protected]
    named += [name for part in columns.slices for name in part]
    named += [columns.query, columns.weight, columns.time, columns.model_version, columns.latency_ms]
    # The label as a slice or a feature is joined from the label files.
    elsewhere = columns.label if config.data.labels else None
    return [name for name in dict.fromkeys(named) if name is not None and name != elsewhere]


def label_columns(config: ModelConfig) -> list[str]:
    """Columns that a config expects in the label files; none where there are no such files."""
    return [config.data.id, config.columns.label] if config.data.labels and config.data.id else []


def _rule(name: str, *, severity: Severity = "critical", role: Role = "predictions", **kwargs: Any) -> Rule:
    return Rule("contract", name, kwargs, severity, role)


def _id_rules(config: ModelConfig) -> Iterator[Rule]:
    if config.data.id:
        yield _rule(NOT_NULL, column=config.data.id)
        yield _rule(UNIQUE, column=config.data.id)


def _output_rules(config: ModelConfig) -> Iterator[Rule]:
    within = PROBABILITY if config.task in ("binary", "multiclass") else FINITE
    for name in config.columns.outputs:
        yield _rule(OF_TYPE, column=name, type_list=NUMBERS)
        # A NaN is a null to pandas, and an infinity lies outside any range: these two leave finite numbers.
        yield _rule(NOT_NULL, column=name)
        yield _rule(BETWEEN, column=name, **dict[str, Any](within))
    if interval := config.columns.interval:
        ends = {"column_A": interval.upper, "column_B": interval.lower, "or_equal": True}
        yield _rule(AT_LEAST, severity="warning", **dict[str, Any](ends))


def _row_rules(columns: Columns) -> Iterator[Rule]:
    """What tells how a row counts."""
    if columns.query:
        yield _rule(NOT_NULL, column=columns.query)
    if columns.weight:
        yield _rule(OF_TYPE, column=columns.weight, type_list=NUMBERS)
        yield _rule(NOT_NULL, column=columns.weight)
        yield _rule(BETWEEN, column=columns.weight, min_value=0, max_value=float_info.max)
    if columns.time:
        yield _rule(NOT_NULL, column=columns.time, mostly=FEATURE_PRESENT, severity="warning")


def _feature_rules(config: ModelConfig) -> Iterator[Rule]:
    for name in config.columns.features.numeric:
        yield _rule(OF_TYPE, column=name, type_list=[*NUMBERS, "bool"])
        yield _rule(NOT_NULL, column=name, mostly=FEATURE_PRESENT, severity="warning")
        yield _rule(BETWEEN, column=name, severity="warning", **dict[str, Any](FINITE))
    latency = config.columns.latency_ms
    if latency and latency not in config.columns.features.numeric:
        yield _rule(OF_TYPE, column=latency, type_list=NUMBERS)


def _label_rules(config: ModelConfig) -> Iterator[Rule]:
    role: Role = "labels" if config.data.labels else "predictions"
    label = config.columns.label
    for name in label_columns(config):
        yield _rule(EXISTS, column=name, role=role)
    if config.data.labels and config.data.id:
        yield _rule(UNIQUE, column=config.data.id, role=role)
    yield from _label_values(config, role)
    # No label at all is no reason to throw the night away: performance then says insufficient_data.
    yield _rule(LABELLED_SHARE, column=label, min_value=0, strict_min=True, severity="warning")


def _metric_rules(config: ModelConfig) -> Iterator[Rule]:
    """What the team's own metrics add up; it may come with the labels, which are joined by then."""
    known = {*prediction_columns(config), config.columns.label}
    for name in columns_of(config.metrics):
        if name not in known:
            yield _rule(EXISTS, column=name)
    for name in dict.fromkeys(name for metric in config.metrics.values() for name in metric.columns):
        yield _rule(OF_TYPE, column=name, type_list=[*NUMBERS, "bool"])
        yield _rule(BETWEEN, column=name, **dict[str, Any](FINITE))


def _label_values(config: ModelConfig, role: Role) -> Iterator[Rule]:
    label = config.columns.label
    match config.task:
        case "binary":
            yield _rule(IN_SET, column=label, value_set=[0, 1], role=role)
        case "multiclass":
            yield _rule(IN_SET, column=label, value_set=list(config.columns.scores or ()), role=role)
        case "regression":
            yield _rule(OF_TYPE, column=label, type_list=NUMBERS, role=role)
            yield _rule(BETWEEN, column=label, role=role, **dict[str, Any](FINITE))
        case "ranking":
            yield _rule(OF_TYPE, column=label, type_list=[*NUMBERS, "bool"], role=role)
            yield _rule(BETWEEN, column=label, min_value=0, max_value=float_info.max, role=role)
