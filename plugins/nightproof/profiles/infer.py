"""From the reference's rows to a spec: which columns are features, their bins and their groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.metric_sections import columns_of
from nightproof.profiles.groupings import known_by_name, make_grouping, quantile_edges
from nightproof.profiles.learned import learn
from nightproof.profiles.metric_units import with_metrics
from nightproof.profiles.score_grid import cell_of, cut_evenly
from nightproof.profiles.small_cells import rounded_down
from nightproof.profiles.spec import (
    Binary,
    CategoricalFeature,
    Grouping,
    Multiclass,
    NumericFeature,
    ProfileSpec,
    Ranking,
    Regression,
    Task,
    Weight,
)
from nightproof.profiles.tasks.binary import RUNS
from nightproof.profiles.text import value_text
from nightproof.sections import Columns

BINS = 20
"""Numeric features are cut at the baseline's 5 % quantiles."""
VOCABULARY = 200
"""Values kept of a categorical feature; rarer ones share the bin of unknown values."""
BUCKETS = 64
"""Where there are more values, bins that the others are spread over by hash."""
SAMPLE = 500_000
"""Of a larger reference every second, third, … row is looked at, for at most so many rows."""
SCORE_EDGES = tuple(round(0.05 * i, 2) for i in range(1, 20))


def infer_spec(config: ModelConfig, reference: Sequence[Path]) -> ProfileSpec:
    """Fix bins, vocabularies and groups on the reference's rows.

    Parameters
    ----------
    config
        Where it lists no features, every column of the reference without another meaning is
        one: numbers are numeric, text and booleans categorical.
    reference
        Local Parquet files. Of more than ``SAMPLE`` rows an evenly spaced sample is looked at.

    Raises
    ------
    DataError
        If the reference cannot be read, has no rows, or lacks a column that the config names.
    """
    try:
        rows = _scan(reference)
        schema = rows.collect_schema()
        _require(config, schema)
        numeric, categorical = _features(config, schema)
        grouped = _uses(config.columns, intersections=config.checks.bias.intersections)
        table = _sample(rows, _named(config, [*numeric, *categorical, *(n for names in grouped for n in names)]))
        summed = _sample(rows, columns_of(config.metrics)) if config.metrics else pl.DataFrame()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"The reference in {config.data.reference} cannot be read: {error}") from error
    if table.is_empty():
        raise DataError(f"The reference in {config.data.reference} has no rows.")
    groupings = [make_grouping(table, uses, names) for names, uses in grouped.items()]
    if config.columns.model_version:
        version = Grouping(uses=("version",), columns=(config.columns.model_version,), numeric=(), edges={}, groups=())
        groupings.append(version)
    spec = ProfileSpec(
        task=_task(config, table),
        label=config.columns.label,
        id=config.data.id if config.data.labels else None,
        weight=_weight(config, table),
        time=config.columns.time,
        numeric=_outputs(config, table) | {name: _numeric(table, name) for name in numeric},
        categorical={name: _categorical(table, name) for name in categorical},
        groupings=tuple(groupings),
    )
    return with_metrics(learn(spec, table), summed, config)


def _scan(reference: Sequence[Path]) -> pl.LazyFrame:
    # As on a night, one file may hold integers where another holds floats.
    files = [pl.scan_parquet(path, glob=False) for path in reference]
    names = files[0].collect_schema().names()
    return pl.concat([rows.select(names) for rows in files], how="vertical_relaxed")


def _sample(rows: pl.LazyFrame, names: Sequence[str]) -> pl.DataFrame:
    count = int(rows.select(pl.len()).collect().item())
    wanted = rows.select(pl.col(name) for name in dict.fromkeys(names))
    step = -(-count // SAMPLE)
    return (wanted.gather_every(step) if step > 1 else wanted).collect(engine="streaming")


def _named(config: ModelConfig, features: Sequence[str]) -> list[str]:
    columns = config.columns
    more = [columns.query, columns.weight, columns.time, columns.model_version, columns.label]
    return [*columns.outputs, *features, *(name for name in more if name)]


def _require(config: ModelConfig, schema: pl.Schema) -> None:
    columns = config.columns
    named = [*columns.outputs, columns.label, *columns.features.numeric, *columns.features.categorical]
    named += [*columns.protected, *(name for names in columns.slices for name in names)]
    more = [columns.query, columns.weight, columns.time, columns.model_version]
    named += [*(name for name in more if name), *columns_of(config.metrics)]
    missing = [name for name in dict.fromkeys(named) if name not in schema]
    if missing:
        raise DataError(
            f"The reference in {config.data.reference} lacks {', '.join(missing)}; "
            f"it has {', '.join(schema.names())}. Mend the reference, or columns in the config."
        )


def _features(config: ModelConfig, schema: pl.Schema) -> tuple[list[str], list[str]]:
    listed = config.columns.features
    if listed.numeric or listed.categorical:
        return list(listed.numeric), list(listed.categorical)
    # What is summed for the business is what came of a prediction, unless the config lists it as a feature.
    other = {*_with_meaning(config.columns, config.data.id), *columns_of(config.metrics)}
    numeric = [name for name, kind in schema.items() if kind.is_numeric() and name not in other]
    text = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    categorical = [name for name, kind in schema.items() if kind.base_type() in text and name not in other]
    return numeric, categorical


def _with_meaning(columns: Columns, id_column: str | None) -> set[str | None]:
    named = (columns.label, columns.query, columns.weight, columns.time, columns.model_version, columns.latency_ms)
    return {*columns.outputs, *named, id_column}


def _task(config: ModelConfig, table: pl.DataFrame) -> Task:
    columns = config.columns
    match config.task:
        case "binary":
            assert columns.score is not None
            return Binary(score=columns.score, threshold=columns.threshold, runs=_runs(table[columns.score]))
        case "multiclass":
            assert columns.scores is not None
            return Multiclass(classes=tuple(columns.scores), scores=tuple(columns.scores.values()))
        case "ranking":
            assert columns.query is not None and columns.score is not None
            return Ranking(query=columns.query, score=columns.score, k=columns.k)
        case "regression":
            return _regression(columns, table)


def _runs(score: pl.Series) -> tuple[int, ...]:
    values = score.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    return cut_evenly(cell_of(values[(values >= 0.0) & (values <= 1.0)]), RUNS)


def _regression(columns: Columns, table: pl.DataFrame) -> Regression:
    assert columns.prediction is not None
    label = table[columns.label].cast(pl.Float64, strict=False).to_numpy()
    error = table[columns.prediction].cast(pl.Float64, strict=False).to_numpy() - label
    label, error = label[np.isfinite(label)], error[np.isfinite(error)]
    if not len(error):
        raise DataError(f"The reference has no row with both a number as {columns.label} and as {columns.prediction}.")
    interval = columns.interval
    return Regression(
        prediction=columns.prediction,
        centre=float(label.mean()),
        spread=float(label.std()) or 1.0,
        error_scale=float(np.sqrt(np.mean(error**2))) or 1.0,
        lower=interval.lower if interval else None,
        upper=interval.upper if interval else None,
        coverage=interval.coverage if interval else 0.9,
    )


def _weight(config: ModelConfig, table: pl.DataFrame) -> Weight | None:
    column = config.columns.weight
    if column is None:
        return None
    values = table[column].cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    values = values[np.isfinite(values) & (values >= 0.0)]
    mean = float(values.mean()) if len(values) else 0.0
    if mean <= 0.0:
        raise DataError(f"The reference has no row with a weight above 0 in {column}: name another columns.weight.")
    return Weight(column=column, mean=mean)


def _outputs(config: ModelConfig, table: pl.DataFrame) -> dict[str, NumericFeature]:
    """Outputs as they are counted, with a numeric label."""
    names = config.columns.outputs
    if config.task in ("binary", "multiclass"):
        return {name: NumericFeature(edges=SCORE_EDGES, mean=0.0, sd=1.0, low=0.0, high=1.0) for name in names}
    return {name: _numeric(table, name) for name in (*names, config.columns.label)}


def _numeric(table: pl.DataFrame, name: str) -> NumericFeature:
    values = table[name].cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return NumericFeature(edges=(), mean=0.0, sd=1.0, low=0.0, high=0.0)
    edges, high = quantile_edges(values, BINS), -rounded_down(-float(values.max()))
    return NumericFeature(
        # The last edge is where the baseline ends: one row's value, unless it is rounded as that is.
        edges=(*edges[:-1], high) if edges and edges[-1] == values.max() else edges,
        mean=float(values.mean()),
        sd=float(values.std()) or 1.0,
        low=rounded_down(float(values.min())),
        high=high,
    )


def _categorical(table: pl.DataFrame, name: str) -> CategoricalFeature:
    values = table.select(value_text(name, table.schema).alias("value")).drop_nulls()
    counted = values.group_by("value").len().sort(["len", "value"], descending=[True, False])
    kept = tuple(known_by_name(counted)["value"].head(VOCABULARY).to_list())
    return CategoricalFeature(vocabulary=kept, buckets=BUCKETS if counted.height > VOCABULARY else 0)


def _uses(columns: Columns, *, intersections: bool) -> dict[tuple[str, ...], list[str]]:
    """What each grouping is for: a column, or a pair, may be both protected and a slice."""
    found: dict[tuple[str, ...], list[str]] = {(name,): ["protected"] for name in columns.protected}
    if intersections:
        found |= {pair: ["protected"] for pair in combinations(dict.fromkeys(columns.protected), 2)}
    for names in columns.slices:
        uses = found.setdefault(tuple(names), [])
        uses += [] if "slice" in uses else ["slice"]
    return found
