"""Distinct values of columns with too many to list, by theta sketches.

A theta sketch keeps the values with the smallest hashes, at most 1,024 of them [1]_; from these the
number of different values, and how many of a night's are not among the baseline's, are told within
a few percent. The union of two sketches is the sketch of the pooled values, to the last bit, so it
is added to a profile's facts like any other, as text. Hashes cannot be turned back into values.

References
----------
.. [1] A. Dasgupta, K. Lang, L. Rhodes and J. Thaler, "A framework for estimating stream expression
   cardinalities", ICDT 2016, doi:10.4230/LIPIcs.ICDT.2016.6; computed by Apache DataSketches.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import datasketches
import numpy as np
import polars as pl

from nightproof.profiles.counts import Facts
from nightproof.profiles.tasks.judged import Judged

LOG_SIZE = 10
"""Sketches keep up to ``2**LOG_SIZE`` hashes: one standard error is 3 % of the estimate."""
FACT = "sketch"


class DistinctRows:
    """Sketches of some columns of text."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._sketches = {name: datasketches.update_theta_sketch(lg_k=LOG_SIZE) for name in columns}

    def add(self, judged: Judged) -> None:
        """Take in a batch's values."""
        for name, sketch in self._sketches.items():
            for value in judged.batch.text(name).drop_nulls().unique().to_list():
                sketch.update(value)

    def facts(self) -> list[Facts]:
        """One sketch a column."""
        return [_fact(name, union([sketch.compact()])) for name, sketch in self._sketches.items()]


def _fact(column: str, text: str) -> Facts:
    zero = np.zeros(1, dtype=np.int64)
    return Facts(FACT, column, (text,), zero, zero - 1, zero, zero, zero, zero)


def union(sketches: Iterable[datasketches.compact_theta_sketch]) -> str:
    """The sketch of all values of some sketches, as text."""
    joined = datasketches.theta_union(LOG_SIZE)
    for sketch in sketches:
        joined.update(sketch)
    return base64.b64encode(joined.get_result().serialize()).decode()


def read_sketch(text: str) -> datasketches.compact_theta_sketch:
    """A sketch from its text."""
    return datasketches.compact_theta_sketch.deserialize(base64.b64decode(text))


def merge_sketches(facts: pl.DataFrame) -> pl.DataFrame:
    """Facts with one sketch a column in place of several."""
    apart = facts.filter(pl.col("fact") == FACT)
    if apart.is_empty() or apart["column"].is_unique().all():
        return facts
    joined = {
        column: union(read_sketch(text) for text in texts["segment"].to_list())
        for (column,), texts in apart.partition_by("column", as_dict=True, maintain_order=True).items()
    }
    kept = apart.unique("column", keep="first", maintain_order=True)
    kept = kept.with_columns(segment=pl.col("column").replace_strict(joined, return_dtype=pl.String))
    return pl.concat([facts.filter(pl.col("fact") != FACT), kept])


Sized = tuple[float, float, float]
"""A number of different values with the ends of its 95 % interval."""


def distinct(sketch: datasketches.compact_theta_sketch) -> Sized:
    """How many different values a sketch has seen."""
    return sketch.get_estimate(), sketch.get_lower_bound(2), sketch.get_upper_bound(2)


def new_values(sketch: datasketches.compact_theta_sketch, known: datasketches.compact_theta_sketch) -> Sized:
    """How many different values of a sketch another has not seen."""
    return distinct(datasketches.theta_a_not_b().compute(sketch, known))
