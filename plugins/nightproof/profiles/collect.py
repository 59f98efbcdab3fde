"""From rows to a profile: each row is read once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from nightproof.errors import DataError
from nightproof.profiles.profile import SCALE_BITS, SCHEMA, Profile, add_facts
from nightproof.profiles.score_grid import cell_of
from nightproof.profiles.spec import MISSING, OTHER, Grouping, NumericFeature, ProfileSpec

UNSEEN_KEPT = 20
"""Values new since the baseline that a night names, per column; all are counted."""
UNSEEN_LENGTH = 80
"""Longer new values are cut: they are shown, not used."""
_CLIP_SD = 4096.0
_LOSS_FLOOR = 1e-15
_PREFIX = "nightproof:"


def collect(predictions: Sequence[Path], labels: Sequence[Path], spec: ProfileSpec) -> Profile:
    """Count a night's rows.

    Rows whose score is not a number in [0, 1] are left out; validation quarantines such nights
    before this is reached, unless the caller asked for no validation.

    Parameters
    ----------
    predictions, labels
        Local Parquet files. Without ``labels``, the label column is one of the predictions'.
    spec
        What to count, by which bins.

    Returns
    -------
    Profile
        All zero for no rows.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column that the spec counts.
    """
    try:
        rows = read_rows(predictions, labels, spec).collect(engine="streaming").lazy()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"The rows cannot be counted: {str(error).splitlines()[0]}") from error
    queries = [_outcome_facts(rows, spec), _score_facts(rows), *_loss_facts(rows, spec)]
    queries += [fact for name, feature in spec.numeric.items() for fact in _numeric_facts(rows, name, feature)]
    for name, category in spec.categorical.items():
        value = number_text(pl.col(name)) if spec.is_numeric(name) else pl.col(name)
        queries += _categorical_facts(rows, name, value, category.vocabulary)
    return Profile(spec, add_facts(pl.collect_all([_shaped(query) for query in queries])))


def read_rows(predictions: Sequence[Path], labels: Sequence[Path], spec: ProfileSpec) -> pl.LazyFrame:
    """Predictions with their labels, and what every fact needs of a row."""
    if labels and spec.id:
        truth = _scan(labels, [spec.id], spec, labelled=True)
        known = _scan(predictions, [*spec.columns, spec.id], spec, labelled=False)
        rows = known.join(truth, on=spec.id, how="left")
    else:
        rows = _scan(predictions, spec.columns, spec, labelled=True)
    score = pl.col(spec.score)
    return rows.filter(score.is_between(0.0, 1.0)).with_columns(
        score.alias(f"{_PREFIX}score"),
        pl.col(f"{_PREFIX}label").fill_null(-1),
        (score >= spec.threshold).cast(pl.Int32).alias(f"{_PREFIX}predicted"),
        *(group_text(grouping).alias(_group_name(grouping)) for grouping in spec.groupings),
    )


def _scan(paths: Sequence[Path], columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> pl.LazyFrame:
    # File by file: writers do not agree on whether an hour is an integer, and need not.
    return pl.concat([_read(pl.scan_parquet(path), columns, spec, labelled=labelled) for path in paths])


def _read(rows: pl.LazyFrame, columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> pl.LazyFrame:
    schema = rows.collect_schema()
    typed = [
        pl.col(name).cast(pl.Float64, strict=False) if spec.is_numeric(name) else value_text(name, schema)
        for name in dict.fromkeys(columns)
    ]
    return rows.select(*typed, *([label_code(spec.label)] if labelled else []))


def value_text(name: str, schema: pl.Schema) -> pl.Expr:
    """A column as text, the same whether its writer kept whole numbers as integers or as floats."""
    kind = schema.get(name)
    return number_text(pl.col(name)) if kind is not None and kind.is_float() else pl.col(name).cast(pl.String)


def number_text(value: pl.Expr) -> pl.Expr:
    """Numbers as text, whole ones without a decimal point; not-a-number is null."""
    whole = value.cast(pl.Int64, strict=False)
    return pl.when(whole == value).then(whole.cast(pl.String)).otherwise(value.fill_nan(None).cast(pl.String))


def label_code(label: str) -> pl.Expr:
    """A label as 0, 1 or null, from a boolean, a number or its text; null for anything else."""
    value = pl.col(label).cast(pl.Float64, strict=False)
    return pl.when(value.is_in([0.0, 1.0])).then(value.cast(pl.Int8, strict=False)).alias(f"{_PREFIX}label")


def group_text(grouping: Grouping) -> pl.Expr:
    """The segment that a row belongs to, as the text that facts are keyed by."""
    values = [_json_text(group_value(column, grouping)) for column in grouping.columns]
    keys = [json.dumps(column, ensure_ascii=False) for column in grouping.columns]
    parts: list[pl.Expr] = []
    for index, (key, value) in enumerate(zip(keys, values, strict=True)):
        parts += [pl.lit("," if index else "{"), pl.lit(f"{key}:"), value]
    known = pl.concat_str([*parts, pl.lit("}")])
    if not grouping.groups:
        return known
    listed = [_text(grouping.columns, group) for group in grouping.groups]
    if len(grouping.columns) == 1 and (MISSING,) not in grouping.groups:
        # A protected column that stops arriving is a group to look at, not an unknown value.
        listed.append(_text(grouping.columns, (MISSING,)))
    other = _text(grouping.columns, tuple(OTHER for _ in grouping.columns))
    return pl.when(known.is_in(listed)).then(known).otherwise(pl.lit(other))


def _text(columns: Sequence[str], values: Sequence[str]) -> str:
    return json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False, separators=(",", ":"))


def group_value(column: str, grouping: Grouping) -> pl.Expr:
    """A row's group in one column, as text; whole numbers without a decimal point."""
    value = pl.col(column)
    if column not in grouping.numeric:
        text = value.cast(pl.String)
    elif edges := grouping.edges.get(column):
        known = value.fill_nan(None)
        text = known.bin_intervals(list(edges), labels=_ranges(edges), right_closed=True).cast(pl.String)
    else:
        text = number_text(value)
    return text.fill_null(MISSING)


def _ranges(edges: Sequence[float]) -> list[str]:
    shown = _digits(edges)
    between = [f"over {low} to {high}" for low, high in pairwise(shown)]
    return [f"up to {shown[0]}", *between, f"over {shown[-1]}"]


def _digits(edges: Sequence[float]) -> list[str]:
    texts = [f"{edge:g}" for edge in edges]
    for digits in range(7, 18):  # as few as keep the ranges apart
        if len(set(texts)) == len(edges):
            break
        texts = [f"{edge:.{digits}g}" for edge in edges]
    return texts


def _json_text(value: pl.Expr) -> pl.Expr:
    return value.map_batches(_json_strings, return_dtype=pl.String, is_elementwise=True)


def _json_strings(values: pl.Series) -> pl.Series:
    # The same escapes as json.dumps, found once for each distinct value.
    known = {value: json.dumps(value, ensure_ascii=False) for value in values.unique().to_list()}
    return values.replace_strict(known, return_dtype=pl.String) if known else values


def _group_name(grouping: Grouping) -> str:
    return _PREFIX + "group:" + "+".join(grouping.columns)


def _fact(name: str, **columns: pl.Expr) -> list[pl.Expr]:
    filled = {"segment": pl.lit("{}"), "column": pl.lit(""), "label": pl.lit(-1), "bin": pl.lit(0)}
    filled |= {"fact": pl.lit(name), "count": pl.len(), "total": pl.lit(0)} | columns
    return [expression.alias(column) for column, expression in filled.items()]


def _shaped(query: pl.LazyFrame) -> pl.LazyFrame:
    present = set(query.collect_schema().names())
    return query.select(
        (pl.col(name) if name in present else pl.lit(None)).cast(kind).alias(name) for name, kind in SCHEMA.items()
    )


def _outcome_facts(rows: pl.LazyFrame, spec: ProfileSpec) -> pl.LazyFrame:
    cells = [f"{_PREFIX}label", f"{_PREFIX}predicted"]
    segments: Iterable[pl.Expr] = [pl.lit("{}"), *(pl.col(_group_name(g)) for g in spec.groupings)]
    counted = [
        rows.group_by(segment.alias("segment"), *cells).agg(pl.len().cast(pl.Int64).alias("count"))
        for segment in segments
    ]
    return pl.concat(counted).select(
        pl.lit("outcome").alias("fact"),
        "segment",
        pl.lit("").alias("column"),
        pl.col(cells[0]).alias("label"),
        pl.col(cells[1]).alias("bin"),
        "count",
        pl.lit(0).alias("total"),
    )


def _score_facts(rows: pl.LazyFrame) -> pl.LazyFrame:
    label = pl.col(f"{_PREFIX}label").alias("label")
    cell = cell_of(pl.col(f"{_PREFIX}score")).alias("bin")
    counted = rows.group_by(label, cell).agg(pl.len().alias("count"))
    return counted.with_columns(fact=pl.lit("score"), segment=pl.lit("{}"), column=pl.lit(""), total=pl.lit(0))


def _loss_facts(rows: pl.LazyFrame, spec: ProfileSpec) -> list[pl.LazyFrame]:
    score, label = pl.col(f"{_PREFIX}score"), pl.col(f"{_PREFIX}label")
    brier = (score - label) ** 2
    likely = pl.when(label == 1).then(score).otherwise(1.0 - score)
    log_loss = -likely.clip(lower_bound=_LOSS_FLOOR).log()
    labelled = rows.filter(label >= 0)
    losses = {
        "brier": brier,
        "brier_squared": brier**2,
        "log_loss": log_loss,
        "log_loss_squared": log_loss**2,
    }
    segments = [pl.lit("{}"), *(pl.col(_group_name(g)) for g in spec.groupings if "version" not in g.uses)]
    summed = [
        labelled.group_by(segment.alias("segment"))
        .agg(pl.len().alias("count"), *(_fixed(loss).sum().alias(name) for name, loss in losses.items()))
        .unpivot(on=list(losses), index=["segment", "count"], variable_name="column", value_name="total")
        for segment in segments
    ]
    return [table.with_columns(fact=pl.lit("loss"), label=pl.lit(-1), bin=pl.lit(0)) for table in summed]


def _fixed(value: pl.Expr) -> pl.Expr:
    return (value * 2.0**SCALE_BITS).round().cast(pl.Int64)


def _numeric_facts(rows: pl.LazyFrame, name: str, feature: NumericFeature) -> list[pl.LazyFrame]:
    value = pl.col(name).cast(pl.Float64)
    value = pl.when(value.is_nan()).then(None).otherwise(value)
    index = pl.lit(0, dtype=pl.Int32)
    if feature.edges:
        index = value.bin_intervals(list(feature.edges), labels=False, right_closed=True).cast(pl.Int32)
    index = pl.when(value.is_null()).then(-1).otherwise(index)
    bins = rows.group_by(index.cast(pl.Int32).alias("bin")).agg(pl.len().alias("count"))
    # Without negative zeros: the least of 0 and -0 is the one that came first.
    finite = pl.when(value == 0.0).then(0.0).when(value.is_finite()).then(value)
    standard = ((finite - feature.mean) / feature.sd).clip(-_CLIP_SD, _CLIP_SD)
    moments = rows.select(
        *_fact(
            "range",
            column=pl.lit(name),
            count=finite.count(),
            total=_fixed(standard).sum(),
            low=finite.min(),
            high=finite.max(),
        )
    )
    return [_feature(bins, name), moments]


def _feature(bins: pl.LazyFrame, name: str) -> pl.LazyFrame:
    return bins.with_columns(
        fact=pl.lit("feature"), segment=pl.lit("{}"), column=pl.lit(name), label=pl.lit(-1), total=pl.lit(0)
    )


def _categorical_facts(
    rows: pl.LazyFrame, name: str, value: pl.Expr, vocabulary: tuple[str, ...]
) -> list[pl.LazyFrame]:
    places = {text: index for index, text in enumerate(vocabulary)}
    index = value.replace_strict(places, default=len(vocabulary), return_dtype=pl.Int32)
    index = pl.when(value.is_null()).then(-1).otherwise(index)
    bins = rows.group_by(index.cast(pl.Int32).alias("bin")).agg(pl.len().alias("count"))
    unseen = (
        rows.filter(value.is_not_null() & value.is_in(list(vocabulary)).not_())
        .group_by((pl.lit(f"{name}=") + value.str.slice(0, UNSEEN_LENGTH)).alias("column"))
        .agg(pl.len().alias("count"))
        .sort(["count", "column"], descending=[True, False])
        .head(UNSEEN_KEPT)
        .with_columns(fact=pl.lit("unseen"), segment=pl.lit("{}"), label=pl.lit(-1), bin=pl.lit(0), total=pl.lit(0))
    )
    return [_feature(bins, name), unseen]
