"""Metric units: what a team's own metrics are counted in, fixed on the reference's rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.metric_sections import Metric
from nightproof.profiles.batch import Batch, Plan
from nightproof.profiles.metric_rows import numbers_of
from nightproof.profiles.row_functions import row_functions
from nightproof.profiles.rows import typed
from nightproof.profiles.spec import ProfileSpec, RowMetric

LARGEST_EXPONENT = 900


def with_metrics(spec: ProfileSpec, table: pl.DataFrame, config: ModelConfig) -> ProfileSpec:
    """The spec with a config's own metrics, each in units of the reference.

    Parameters
    ----------
    spec
        Without them.
    table
        The reference's rows, of every column that they read.
    config
        For its section ``metrics``.

    Raises
    ------
    DataError
        If a column holds no numbers, a function fails, or no row of the reference counts.
    """
    if not config.metrics:
        return spec
    _require_numbers(config, table.schema)
    bare = tuple(_bare(name, metric) for name, metric in config.metrics.items())
    spec = spec.model_copy(update={"metrics": bare})
    frame = typed(table.lazy(), spec.metric_columns, spec, labelled=False).collect()
    batch, functions = Batch(frame, Plan(spec)), row_functions(config)
    counted = []
    for metric in bare:
        x, y = numbers_of(metric, batch, functions)
        rows = np.isfinite(x) & np.isfinite(y)
        if not rows.any():
            raise DataError(
                f"No row of the reference in {config.data.reference} counts in the metric {metric.name}: it has no "
                "number in every column of it. Mend the reference, or take the metric out."
            )
        counted.append(metric.model_copy(update={"units": (unit_of(x[rows]), unit_of(y[rows]))}))
    return spec.model_copy(update={"metrics": tuple(counted)})


def unit_of(values: npt.NDArray[np.float64]) -> float:
    """The power of two next above the root mean square of some finite numbers; 1 where all are 0.

    Examples
    --------
    >>> unit_of(np.array([3.0, 5.0])), unit_of(np.array([0.0]))
    (8.0, 1.0)
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return 1.0
    # In parts of the largest, whose own square may be more than a double holds.
    share, (mantissa, exponent) = math.sqrt(float(np.mean((values / largest) ** 2))), math.frexp(largest)
    exponent += math.frexp(mantissa * share)[1]
    return 2.0 ** max(-LARGEST_EXPONENT, min(exponent, LARGEST_EXPONENT))


def _bare(name: str, metric: Metric) -> RowMetric:
    return RowMetric(
        name=name,
        numerator=metric.sum,
        denominator=metric.denominator,
        function=metric.source.sha256 if metric.source else None,
        columns=metric.columns,
        text_columns=metric.text_columns,
    )


def _require_numbers(config: ModelConfig, schema: pl.Schema) -> None:
    wrong = [f"{name} ({schema[name]})" for name in _numbers(config) if not _is_number(schema[name])]
    if wrong:
        raise DataError(
            f"The section metrics reads columns as numbers that the reference in {config.data.reference} has none in: "
            f"{', '.join(wrong)}. Name other columns, or list them as TEXT of a Python metric."
        )


def _numbers(config: ModelConfig) -> Iterator[str]:
    yield from dict.fromkeys(name for metric in config.metrics.values() for name in metric.columns)


def _is_number(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind in (pl.Boolean, pl.Null)
