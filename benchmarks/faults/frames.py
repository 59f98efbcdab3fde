"""What a night's files hold, and what a fault may draw on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from nightproof.demo.delay_model import DelayModel

SCORE, LABEL, ID, VERSION = "p_late", "late", "flight_id", "model_version"


@dataclass(frozen=True)
class Frames:
    """The rows of a night.

    Parameters
    ----------
    predictions
        A row a flight: id, time, version, score and features.
    labels
        A row a flight: id, label and when it was known; as many rows and in the same order.
    """

    predictions: pl.DataFrame
    labels: pl.DataFrame

    @property
    def scored(self) -> pl.DataFrame:
        """Score and label of every prediction."""
        return self.predictions.join(self.labels, on=ID, maintain_order="left").select(SCORE, LABEL)

    def with_features(self, *features: pl.Expr | pl.Series, model: DelayModel) -> Frames:
        """The night with other features, and with what the model then says of them."""
        moved = self.predictions.with_columns(*features)
        return replace(self, predictions=moved.with_columns(pl.Series(SCORE, model.score(moved))))

    def with_scores(self, score: pl.Expr) -> Frames:
        """The night with other scores."""
        return replace(self, predictions=self.predictions.with_columns(score.alias(SCORE)))

    def with_labels(self, label: pl.Expr | pl.Series) -> Frames:
        """The night with other labels, of their old type; the expression may name any column of the predictions."""
        beside = self.labels.join(self.predictions.drop("predicted_at"), on=ID, maintain_order="left")
        return replace(self, labels=self.labels.with_columns(beside.select(label.cast(self.labels[LABEL].dtype))))


@dataclass(frozen=True)
class Surroundings:
    """What a fault may draw on beside the night's own rows.

    Parameters
    ----------
    model
        The model in service.
    worse
        A model trained on far fewer rows.
    week_before
        The rows of seven nights earlier.
    arrivals
        Minutes by which each flight of the night arrived late (``arr_delay``), by ``flight_id``.
    draw
        Random numbers of this fault and this night alone.
    """

    model: DelayModel
    worse: DelayModel
    week_before: Frames
    arrivals: pl.DataFrame
    draw: np.random.Generator


def seed(fault: str, night: date) -> list[int]:
    """Seeds of a fault's random numbers on a night: others for each, and the same again."""
    return [*fault.encode(), night.toordinal()]
