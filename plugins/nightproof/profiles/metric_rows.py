"""Metric rows: exact sums of what the team's own metrics are ratios of, for all rows and for each group.

A row's two numbers, times its weight where rows are weighed, are rounded to whole multiples of ``2**-BITS``
of a unit that the baseline fixes (a power of two between one and two of its root mean squares) and held within
``LARGEST`` units. So each is off by at most ``2**-(BITS + 1)`` units, 2e-6 of a unit, and whole numbers of a
column whose unit is at most ``2**BITS`` are exact. From there on all is whole numbers below 2**60: products are
exact in 64 bits, and are added up in two halves of 30 bits each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from nightproof.errors import DataError
from nightproof.profiles.batch import Batch, Groups, Levels
from nightproof.profiles.counts import Counts, Dense, Facts, Shape
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.spec import MISSING, ProfileSpec, RowMetric
from nightproof.profiles.tasks.judged import Judged
from nightproof.profiles.text import segment_text

FACT = "metric"
BITS = 18
LARGEST = 4096.0
"""Numbers are held within so many units."""
HALF = 30
"""Bits of the lower half of a product."""
Part = Literal["x", "y", "xx", "xy", "yy", "w", "ww", "held"]
PARTS: tuple[Part, ...] = ("x", "y", "xx", "xy", "yy", "w", "ww", "held")
"""The sums, by bin: of numerators, denominators, their products, weights and theirs; and rows that were held."""

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Values = dict[str, Whole]


def numbers_of(metric: RowMetric, batch: Batch, functions: Mapping[str, RowFunction]) -> tuple[Floats, Floats]:
    """Both numbers of each row; a row counts where both are finite."""
    if metric.function is not None:
        return _function(metric, functions)(_read(metric, batch))
    assert metric.numerator is not None
    x = batch.numbers(metric.numerator)
    return x, np.ones(len(x)) if metric.denominator is None else batch.numbers(metric.denominator)


def _function(metric: RowMetric, functions: Mapping[str, RowFunction]) -> RowFunction:
    found = functions.get(metric.name)
    if found is None or found.sha256 != metric.function:
        raise DataError(f"The source of the metric {metric.name} is not the one that the baseline was counted with.")
    return found


def _read(metric: RowMetric, batch: Batch) -> dict[str, npt.NDArray[np.generic]]:
    numbers = {name: batch.numbers(name) for name in metric.columns}
    texts = {name: np.array(batch.text(name).to_list(), dtype=object) for name in metric.text_columns}
    return {**numbers, **texts}


def whole_values(metric: RowMetric, judged: Judged, functions: Mapping[str, RowFunction]) -> tuple[Values, Whole]:
    """A batch's rows that count, each sum's values by part, and which rows those are."""
    x, y = numbers_of(metric, judged.batch, functions)
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    weight = None if judged.weight is None else judged.weight[rows]
    (top, held_top), (bottom, held_bottom) = (
        _whole(values[rows], weight, unit) for values, unit in zip((x, y), metric.units, strict=True)
    )
    values = {"x": top, "y": bottom, "xx": top * top, "xy": top * bottom, "yy": bottom * bottom}
    if weight is not None:
        w, _ = _whole(np.ones(len(rows)), weight, 1.0)
        values |= {"w": w, "ww": w * w}
    values["held"] = np.where(held_top | held_bottom, 1, 0).astype(np.int64)
    return values, rows


def _whole(values: Floats, weight: Floats | None, unit: float) -> tuple[Whole, npt.NDArray[np.bool_]]:
    with np.errstate(over="ignore"):  # what grows beyond every number is held like what is merely large
        scaled = values / unit if weight is None else values / unit * weight
    held = np.abs(scaled) > LARGEST
    return np.rint(np.clip(scaled, -LARGEST, LARGEST) * 2.0**BITS).astype(np.int64), held


class MetricRows:
    """Sums of every metric over all rows, the groups of each protected column and slice, and each model version."""

    def __init__(self, spec: ProfileSpec, groups: tuple[Groups, ...], functions: Mapping[str, RowFunction]) -> None:
        self._metrics, self._functions = spec.metrics, functions
        wanted = [found for found in groups if {"protected", "slice"} & set(found.grouping.uses)]
        self._groups = [(found, _segments(found)) for found in wanted]
        version = next((g.columns for g in spec.groupings if "version" in g.uses), None)
        # A version that is a slice too is counted as one.
        self._version = version[0] if version and version not in [g.grouping.columns for g in wanted] else None
        self._sums: dict[tuple[str, str], Dense] = {}
        self._versions: dict[tuple[str, str], list[Dense]] = {}

    def add(self, judged: Judged) -> None:
        """Add up a batch's rows."""
        apart = [(segments, found.codes(judged.batch)) for found, segments in self._groups]
        versions = None if self._version is None else _versions(self._version, judged.batch)
        everyone = np.zeros(len(judged.batch), dtype=np.int64)
        for metric in self._metrics:
            values, rows = whole_values(metric, judged, self._functions)
            for place, (segments, codes) in enumerate([(("{}",), everyone), *apart]):
                counted = self._sums.setdefault((metric.name, str(place)), Dense(_shape(metric.name, segments)))
                _add(counted, np.asarray(codes, dtype=np.int64)[rows], values)
            if versions is not None:
                self._add_versions(metric.name, versions, values, rows)

    def _add_versions(self, name: str, versions: tuple[Whole, tuple[str, ...]], values: Values, rows: Whole) -> None:
        codes, texts = versions
        for code, text in enumerate(texts):
            own = codes[rows] == code
            if own.any():
                [counted] = self._versions.setdefault((name, text), [Dense(_shape(name, (text,)))])
                _add(counted, np.zeros(int(own.sum()), dtype=np.int64), {p: v[own] for p, v in values.items()})

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        versions = [counted for some in self._versions.values() for counted in some]
        return [counted.facts() for counted in [*self._sums.values(), *versions]]


def _segments(groups: Groups) -> tuple[str, ...]:
    columns = groups.grouping.columns
    return tuple(segment_text(dict(zip(columns, group, strict=True))) for group in groups.groups)


def _shape(name: str, segments: tuple[str, ...]) -> Shape:
    return Shape(FACT, name, segments, bins=len(PARTS))


def _versions(column: str, batch: Batch) -> tuple[Whole, tuple[str, ...]]:
    """Each row's version of this batch, and their segments; rows without one come last."""
    known = Levels(batch.text(column).drop_nulls().unique(maintain_order=True).to_list())
    codes = np.asarray(batch.coded(column, known), dtype=np.int64)
    texts = tuple(segment_text({column: version}) for version in (*known.values, MISSING))
    return np.where(codes == known.missing, len(known.values), codes), texts


def _add(counted: Dense, codes: Whole, values: Values) -> None:
    """Add whole numbers below 2**60 by segment: sums of products in two halves, each small enough to be exact."""
    for place, part in enumerate(PARTS):
        if part not in values:
            continue
        numbers, own = values[part], codes * len(PARTS) + place
        if part == "held":
            counted.add(own[numbers > 0])
            continue
        high: Counts = numbers >> HALF if len(part) == 2 else numbers
        low = numbers & ((1 << HALF) - 1) if len(part) == 2 else np.zeros_like(numbers)
        counted.add(own, high.astype(np.float64), low.astype(np.float64), are_small=True)
