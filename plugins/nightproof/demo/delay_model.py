"""The model under watch: the probability that a flight leaving the gate arrives more than 15 minutes late.

It is trained on two thirds of the days from January to March 2013. The days between are its reference:
flights it has never seen, of days it has never seen, on which its owners would have accepted it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

NUMERIC = ("dep_delay", "distance", "hour")
CATEGORICAL = ("carrier", "origin", "dest")
FIRST_LIVE_DAY = date(2013, 4, 1)
VERSION = "2013-04-01"
_SEED = 2013
_DECIMALS = 6  # far finer than the model, and blind to the last bits in which processors differ


@dataclass(frozen=True)
class DelayModel:
    """A trained model and the numbers it knows its categories by.

    Parameters
    ----------
    classifier
        The fitted estimator.
    codes
        For each categorical input, the number of each value seen in training; others count as missing.
    """

    classifier: HistGradientBoostingClassifier
    codes: Mapping[str, Mapping[str, int]]

    def score(self, flights: pl.DataFrame) -> NDArray[np.float64]:
        """Probability, in [0, 1] and to six decimals, that each flight is late."""
        with threadpool_limits(1):
            scores = self.classifier.predict_proba(_inputs(flights, self.codes))[:, 1]
        rounded: NDArray[np.float64] = np.round(scores, _DECIMALS)
        return rounded


def train(flights: pl.DataFrame) -> DelayModel:
    """Train on the days that are neither live nor held out; the same flights give the same model.

    Parameters
    ----------
    flights
        As :func:`nightproof.demo.flights.read_flights` gives them.
    """
    held_out = held_out_days(flights)
    seen = flights.filter((pl.col("day") < FIRST_LIVE_DAY) & ~pl.col("day").is_in(held_out))
    codes = {name: _number(seen[name]) for name in CATEGORICAL}
    classifier = HistGradientBoostingClassifier(
        categorical_features=[False] * len(NUMERIC) + [True] * len(CATEGORICAL), random_state=_SEED
    )
    with threadpool_limits(1):  # several threads gain little here, and stall where the processors are busy
        return DelayModel(classifier.fit(_inputs(seen, codes), seen["late"].to_numpy()), codes)


def held_out_days(flights: pl.DataFrame) -> list[date]:
    """Choose a third of the days before the model went live, drawn at random once and for all."""
    days = flights.filter(pl.col("day") < FIRST_LIVE_DAY)["day"].unique().sort().to_list()
    drawn = np.random.default_rng(_SEED).choice(len(days), size=len(days) // 3, replace=False)
    return [days[index] for index in sorted(drawn)]


def _number(values: pl.Series) -> dict[str, int]:
    return {value: number for number, value in enumerate(values.unique().sort())}


def _inputs(flights: pl.DataFrame, codes: Mapping[str, Mapping[str, int]]) -> NDArray[np.float64]:
    numeric = [flights[name].cast(pl.Float64) for name in NUMERIC]
    categorical = [
        flights[name].replace_strict(dict(codes[name]), default=None, return_dtype=pl.Float64) for name in CATEGORICAL
    ]
    columns = [column.to_numpy() for column in (*numeric, *categorical)]
    return np.column_stack([np.where(np.isnan(column), np.nan, column) for column in columns])
