"""How a night's predictions meet their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from nightproof.config import ModelConfig
from nightproof.expectations.contract import KNOWN_IDS, SAME_ID_TYPE, Rule
from nightproof.expectations.gx import EXAMPLES
from nightproof.expectations.identities import identities, match
from nightproof.expectations.night_tables import Table, kind_of
from nightproof.expectations.observation import tell
from nightproof.metric_sections import columns_of
from nightproof.validation import Expectation


@dataclass(frozen=True)
class Labelled:
    """Predictions with their labels, and what became of the labels.

    Parameters
    ----------
    table
        The predictions, the label null where there is none; one row a prediction, in their order.
    unknown
        How many labels have an id that no prediction has; ``None`` where the two cannot be joined.
    examples
        Rows of the first of them that have an id at all.
    """

    table: Table
    unknown: int | None = None
    examples: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Met:
    """The row of its label for each prediction, and for each label whether it has a prediction and an id."""

    truth: pl.Series
    unknown: pl.Series
    named: pl.Series


def with_labels(predictions: Table, labels: Table, config: ModelConfig) -> Labelled:
    """Join the labels on the id; of several labels for one id the first counts.

    Parameters
    ----------
    predictions, labels
        The night's tables. Without label files, the predictions hold their label themselves.
    config
        Which columns are the id and the label.
    """
    label, key = config.columns.label, config.data.id
    if config.data.labels is None or key is None:
        return Labelled(predictions)
    own = predictions.without(label)
    if not _joinable(own, labels, key):
        return Labelled(_unlabelled(own, label))
    met = _met(own, labels, key)
    if label in labels.schema:
        joined = own.with_column(labels.column(label).gather(met.truth).alias(label))
    else:
        joined = _unlabelled(own, label)
    for name in columns_of(config.metrics):
        if name in labels.schema and name not in joined.schema:
            joined = joined.with_column(labels.column(name).gather(met.truth).alias(name))
    examples = (met.unknown & met.named).arg_true().head(EXAMPLES)
    return Labelled(joined, int(met.unknown.sum()), tuple(examples.to_list()))


def join_expectations(labelled: Labelled, labels: Table, config: ModelConfig) -> Iterator[Expectation]:
    """What Great Expectations has no expectation for: how two tables meet."""
    key, predictions = config.data.id, labelled.table
    if key is None or key not in predictions.schema or key not in labels.schema:
        return
    types = f"{predictions.type_of(key)} in the predictions, {labels.type_of(key)} in the labels"
    same = _joinable(predictions, labels, key)
    yield tell(Rule("contract", SAME_ID_TYPE, {"column": key}), success=same, observed=types)
    if same and predictions.count and labelled.unknown is not None:
        yield _known_ids(labelled.unknown, labelled.examples, labels, key)


def _unlabelled(table: Table, label: str) -> Table:
    if not table.schema:
        return replace(table, names=tuple(dict.fromkeys([*table.names, label])))
    return table.with_column(pl.repeat(None, table.count, dtype=pl.Float64, eager=True).alias(label))


def _joinable(predictions: Table, labels: Table, key: str) -> bool:
    if key not in predictions.schema or key not in labels.schema:
        return False
    return kind_of(predictions.schema[key]) == kind_of(labels.schema[key])


def _met(predictions: Table, labels: Table, key: str) -> _Met:
    if predictions.held is not None and labels.held is not None:
        return _met_as_text(predictions.column(key), labels.column(key))
    asked = identities((batch[key] for batch in predictions.batches([key])), predictions.count)
    told = identities((batch[key] for batch in labels.batches([key])), labels.count)
    return _Met(match(asked, told), match(told, asked).is_null(), told.known())


def _met_as_text(asked: pl.Series, told: pl.Series) -> _Met:
    predictions = pl.DataFrame({"id": asked.cast(pl.String)})
    labels = pl.DataFrame({"id": told.cast(pl.String)}).with_row_index("row")
    first = labels.unique("id", keep="first", maintain_order=True)
    truth = predictions.join(first, on="id", how="left", maintain_order="left")["row"]
    known = labels.join(predictions, on="id", how="semi")["row"]
    return _Met(truth, ~labels["row"].is_in(known.implode()), labels["id"].is_not_null())


def _known_ids(count: int, examples: Sequence[int], labels: Table, key: str) -> Expectation:
    asked = labels.count
    return tell(
        Rule("contract", KNOWN_IDS, {"column": key}, "warning"),
        success=count == 0,
        observed=f"{count:,} of {asked:,} labels belong to no prediction of this night",
        count=count,
        percent=100 * count / asked if asked else 0.0,
        keys=[labels.place(row) for row in examples],
    )
