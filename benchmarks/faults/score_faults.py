"""Faults in the scores: features and labels are true, and what the service logs is not what it should be."""

from __future__ import annotations

import polars as pl

from benchmarks.faults.fault import Inject
from benchmarks.faults.frames import SCORE, VERSION, Frames, Surroundings

WORSE_VERSION = "2013-next"


def swapped_classes(night: Frames, around: Surroundings) -> Frames:  # noqa: ARG001
    """The other class's probability is logged."""
    return night.with_scores((1.0 - pl.col(SCORE)).round(6))


def capped(highest: float) -> Inject:
    """No score is higher than this."""
    return lambda night, around: night.with_scores(pl.col(SCORE).clip(upper_bound=highest))


def rounded(night: Frames, around: Surroundings) -> Frames:  # noqa: ARG001
    """The predicted class is logged in the score's place."""
    return night.with_scores((pl.col(SCORE) >= 0.5).cast(pl.Float64))


def same(score: float) -> Inject:
    """Every flight is given this score."""
    return lambda night, around: night.with_scores(pl.lit(score))


def worse_version(night: Frames, around: Surroundings) -> Frames:
    """A new version of the model, trained on far fewer rows, is in service."""
    logged = night.predictions.with_columns(pl.lit(WORSE_VERSION).alias(VERSION))
    return Frames(logged, night.labels).with_features(model=around.worse)
