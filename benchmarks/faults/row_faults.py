"""Faults in which rows there are."""

from __future__ import annotations

import polars as pl

from benchmarks.faults.fault import Inject
from benchmarks.faults.frames import ID, Frames


def dropped(column: str, value: str) -> Inject:
    """One group's rows never come, nor do their labels."""

    def inject(night: Frames, around: object) -> Frames:  # noqa: ARG001
        kept = night.predictions.filter(pl.col(column) != value)
        return Frames(kept, night.labels.join(kept.select(ID), on=ID, how="semi", maintain_order="left"))

    return inject


def duplicated(column: str, value: str) -> Inject:
    """One group's predictions are logged twice."""

    def inject(night: Frames, around: object) -> Frames:  # noqa: ARG001
        again = night.predictions.filter(pl.col(column) == value)
        return Frames(pl.concat([night.predictions, again]), night.labels)

    return inject
