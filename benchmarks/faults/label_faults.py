"""Faults in the labels, and one change of what they mean: features and scores are as ever."""

from __future__ import annotations

import polars as pl

from benchmarks.faults.fault import Inject
from benchmarks.faults.frames import ID, LABEL, Frames, Surroundings


def flipped(share: float) -> Inject:
    """So large a share of the labels, drawn at random, is the opposite."""

    def inject(night: Frames, around: Surroundings) -> Frames:
        wrong = pl.lit(pl.Series(around.draw.random(night.labels.height) < share))
        return night.with_labels(pl.when(wrong).then(1 - pl.col(LABEL)).otherwise(pl.col(LABEL)).alias(LABEL))

    return inject


def all_positive(column: str, value: str) -> Inject:
    """Every label of one group is positive."""
    group = pl.col(column) == value
    return lambda night, around: night.with_labels(pl.when(group).then(1).otherwise(pl.col(LABEL)).alias(LABEL))


def late_sooner(column: str, value: str, *, minutes: int) -> Inject:
    """In one group, a flight counts as late after fewer minutes: the same inputs mean something else there."""

    def inject(night: Frames, around: Surroundings) -> Frames:
        arrivals = night.labels.select(ID).join(around.arrivals, on=ID, how="left", maintain_order="left")["arr_delay"]
        sooner = pl.lit(arrivals > minutes)
        return night.with_labels(
            pl.when(pl.col(column) == value).then(sooner.cast(pl.Int8)).otherwise(pl.col(LABEL)).alias(LABEL)
        )

    return inject
