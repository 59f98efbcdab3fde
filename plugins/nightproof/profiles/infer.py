"""From the reference's rows to a spec: which columns are features, their bins and their groups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from nightproof.config import Columns, ModelConfig
from nightproof.errors import DataError
from nightproof.profiles.collect import group_value, value_text
from nightproof.profiles.spec import CategoricalFeature, Grouping, NumericFeature, ProfileSpec

BINS = 20
"""Numeric features are cut at the baseline's 5 % quantiles."""
VOCABULARY = 200
"""Values kept of a categorical feature; rarer ones share the bin of unknown values."""
GROUPS = 200
"""Groups kept of a grouping; smaller ones share one group."""
DISTINCT_NUMBERS = 64
"""A numeric grouping column with more values than this is cut into fifths."""


def infer_spec(config: ModelConfig, reference: Sequence[Path]) -> ProfileSpec:
    """Fix bins, vocabularies and groups on the reference's rows.

    Parameters
    ----------
    config
        Where it lists no features, every column of the reference without another meaning is
        one: numbers are numeric, text and booleans categorical.
    reference
        Local Parquet files.

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
        grouped = _uses(config.columns)
        names = [config.columns.score, *numeric, *categorical, *(name for names in grouped for name in names)]
        table = rows.select(pl.col(name) for name in dict.fromkeys(names)).collect()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"The reference in {config.data.reference} cannot be read: {error}") from error
    if table.is_empty():
        raise DataError(f"The reference in {config.data.reference} has no rows.")
    groupings = [_grouping(table, uses, names) for names, uses in grouped.items()]
    if config.columns.model_version:
        version = Grouping(uses=("version",), columns=(config.columns.model_version,), numeric=(), edges={}, groups=())
        groupings.append(version)
    return ProfileSpec(
        score=config.columns.score,
        label=config.columns.label,
        id=config.data.id if config.data.labels else None,
        threshold=config.columns.threshold,
        numeric={config.columns.score: _score_feature(), **{n: _numeric(table, n) for n in numeric}},
        categorical={name: _categorical(table, name) for name in categorical},
        groupings=tuple(groupings),
    )


def _scan(reference: Sequence[Path]) -> pl.LazyFrame:
    # As on a night, one file may hold integers where another holds floats.
    files = [pl.scan_parquet(path) for path in reference]
    names = files[0].collect_schema().names()
    return pl.concat([rows.select(names) for rows in files], how="vertical_relaxed")


def _require(config: ModelConfig, schema: pl.Schema) -> None:
    columns = config.columns
    named = [columns.score, columns.label, *columns.features.numeric, *columns.features.categorical]
    named += [*columns.protected, *(name for names in columns.slices for name in names)]
    named += [columns.model_version] if columns.model_version else []
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
    other = _with_meaning(config.columns, config.data.id)
    numeric = [name for name, kind in schema.items() if kind.is_numeric() and name not in other]
    text = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    categorical = [name for name, kind in schema.items() if kind.base_type() in text and name not in other]
    return numeric, categorical


def _with_meaning(columns: Columns, id_column: str | None) -> set[str | None]:
    return {columns.score, columns.label, columns.model_version, columns.latency_ms, id_column}


def _score_feature() -> NumericFeature:
    edges = tuple(round(0.05 * i, 2) for i in range(1, 20))
    return NumericFeature(edges=edges, mean=0.0, sd=1.0, low=0.0, high=1.0)


def _numeric(table: pl.DataFrame, name: str) -> NumericFeature:
    values = table[name].cast(pl.Float64).drop_nulls().to_numpy()
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return NumericFeature(edges=(), mean=0.0, sd=1.0, low=0.0, high=0.0)
    return NumericFeature(
        edges=_edges(values, BINS),
        mean=float(values.mean()),
        sd=float(values.std()) or 1.0,
        low=float(values.min()),
        high=float(values.max()),
    )


def _edges(values: np.ndarray, bins: int) -> tuple[float, ...]:
    quantiles = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    # The top edge is the largest value's own, so that what lies above the baseline has its bin.
    edges = np.unique(np.append(quantiles, values.max()))
    return tuple(float(edge) for edge in edges)


def _categorical(table: pl.DataFrame, name: str) -> CategoricalFeature:
    values = table.select(value_text(name, table.schema).alias("value")).drop_nulls()
    counted = values.group_by("value").len().sort(["len", "value"], descending=[True, False])
    return CategoricalFeature(vocabulary=tuple(counted["value"].head(VOCABULARY).to_list()))


def _uses(columns: Columns) -> dict[tuple[str, ...], list[str]]:
    """What each grouping is for: a column may be both protected and a slice."""
    found: dict[tuple[str, ...], list[str]] = {(name,): ["protected"] for name in columns.protected}
    for names in columns.slices:
        uses = found.setdefault(tuple(names), [])
        uses += [] if "slice" in uses else ["slice"]
    return found


def _grouping(table: pl.DataFrame, uses: Sequence[str], columns: tuple[str, ...]) -> Grouping:
    numeric = tuple(name for name in columns if table.schema[name].is_numeric())
    table = table.with_columns(pl.col(name).cast(pl.Float64) for name in numeric)
    edges = {
        name: _edges(values[np.isfinite(values)], 5)[:-1]
        for name in numeric
        if len(values := table[name].drop_nulls().to_numpy()) and table[name].n_unique() > DISTINCT_NUMBERS
    }
    parts = {"uses": tuple(uses), "columns": columns, "numeric": numeric, "edges": edges}
    cut = Grouping.model_validate({**parts, "groups": ()})
    counted = table.select(group_value(name, cut).alias(name) for name in columns).group_by(columns).len()
    ordered = counted.sort(["len", *columns], descending=[True, *(False for _ in columns)]).head(GROUPS)
    return Grouping.model_validate({**parts, "groups": tuple(ordered.select(columns).iter_rows())})
