"""Faults in the features: the model scores what it is given, and the labels are true."""

from __future__ import annotations

import polars as pl
from nightproof.demo.delay_model import CATEGORICAL, NUMERIC

from benchmarks.faults.fault import Inject
from benchmarks.faults.frames import Frames, Surroundings


def missing(column: str, *, share: float) -> Inject:
    """So large a share of a column's values, drawn at random, is null."""

    def inject(night: Frames, around: Surroundings) -> Frames:
        lost = pl.lit(pl.Series(around.draw.random(night.predictions.height) < share))
        return night.with_features(pl.when(~lost).then(pl.col(column)).alias(column), model=around.model)

    return inject


def scaled(column: str, *, factor: float) -> Inject:
    """A column comes in another unit."""
    return lambda night, around: night.with_features(pl.col(column) * factor, model=around.model)


def shuffled(column: str) -> Inject:
    """A column's values belong to other rows of the same night."""

    def inject(night: Frames, around: Surroundings) -> Frames:
        order = around.draw.permutation(night.predictions.height)
        return night.with_features(night.predictions[column].gather(order), model=around.model)

    return inject


def constant(column: str, *, value: int) -> Inject:
    """A column has one value."""
    return lambda night, around: night.with_features(
        pl.lit(value, dtype=night.predictions[column].dtype).alias(column), model=around.model
    )


def clock_shifted(column: str, *, hours: int) -> Inject:
    """A column that is an hour of the day comes in another time zone."""
    return lambda night, around: night.with_features((pl.col(column) + hours) % 24, model=around.model)


def lower_cased(column: str) -> Inject:
    """A column's codes are written in small letters, which the model does not know."""
    return lambda night, around: night.with_features(pl.col(column).str.to_lowercase(), model=around.model)


def stale(night: Frames, around: Surroundings) -> Frames:
    """All features are those of rows of a week ago, one after another, under today's ids."""
    old = around.week_before.predictions
    rows = [place % old.height for place in range(night.predictions.height)]
    return night.with_features(*(old[name].gather(rows) for name in (*NUMERIC, *CATEGORICAL)), model=around.model)
