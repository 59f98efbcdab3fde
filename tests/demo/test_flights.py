"""Laws of the demo's data: real, held apart from training, the same bytes every time."""

from __future__ import annotations

import io
from datetime import date

import polars as pl
import pytest
from nightproof.demo.delay_model import (
    CATEGORICAL,
    FIRST_LIVE_DAY,
    NUMERIC,
    DelayModel,
    held_out_days,
    train,
)
from nightproof.demo.flights import read_flights
from nightproof.demo.partitions import Layout, Partition, make_partitions, score_flights
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.integration  # trains a model on a quarter of a year

LAYOUT = Layout("s3://logs/p/dt=%Y-%m-%d/", "s3://logs/l/dt=%Y-%m-%d/", "s3://logs/reference/")
BAD_NIGHT = date(2013, 12, 14)


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    return read_flights()


@pytest.fixture(scope="module")
def model(flights: pl.DataFrame) -> DelayModel:
    return train(flights)


@pytest.fixture(scope="module")
def scored(flights: pl.DataFrame, model: DelayModel) -> pl.DataFrame:
    return score_flights(flights, model)


@pytest.fixture(scope="module")
def partitions(scored: pl.DataFrame) -> list[Partition]:
    return list(make_partitions(scored, LAYOUT))


def frame(partitions: list[Partition], url: str) -> pl.DataFrame:
    (found,) = [partition for partition in partitions if partition.url == url]
    return pl.read_parquet(io.BytesIO(found.content))


def auc(rows: pl.DataFrame) -> float:
    return float(roc_auc_score(rows["late"], rows["p_late"]))


def test_every_completed_flight_of_the_year_is_there(flights: pl.DataFrame) -> None:
    assert flights.height == 336_776 - 9_430
    assert flights["day"].n_unique() == 365
    assert flights.null_count().sum_horizontal().item() == 0


def test_a_flight_has_one_id(flights: pl.DataFrame) -> None:
    assert flights["flight_id"].n_unique() == flights.height


def test_landing_times_leave_time_to_taxi_and_fly(flights: pl.DataFrame) -> None:
    minutes = (flights["landed_at"] - flights["departed_at"]).dt.total_minutes()
    miles_per_hour = flights["distance"] / (minutes / 60)
    assert 25 <= minutes.min() <= 60  # type: ignore[operator]
    assert minutes.max() < 13 * 60  # type: ignore[operator]  # Honolulu
    assert miles_per_hour.max() < 600  # type: ignore[operator]


def test_labels_are_known_only_after_the_prediction(partitions: list[Partition]) -> None:
    predictions = frame(partitions, "s3://logs/p/dt=2013-12-14/part-0.parquet")
    labels = frame(partitions, "s3://logs/l/dt=2013-12-14/part-0.parquet")
    both = predictions.join(labels, on="flight_id", validate="1:1")
    assert both.height == predictions.height == labels.height
    assert (both["labelled_at"] > both["predicted_at"]).all()


def test_training_and_reference_share_no_day(
    flights: pl.DataFrame, model: DelayModel, partitions: list[Partition], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = frame(partitions, "s3://logs/reference/part-0.parquet")
    held_out = set(held_out_days(flights))
    days = set(reference["flight_id"].str.slice(0, 10).str.to_date())
    assert days == held_out
    assert len(held_out) == 30
    # Whatever is done to the held-out and the live days, the model is the same.
    elsewhere = pl.col("day").is_in(list(held_out)) | (pl.col("day") >= FIRST_LIVE_DAY)
    changed = flights.with_columns(late=pl.when(elsewhere).then(1 - pl.col("late")).otherwise("late"))
    sample = flights.head(2_000)
    assert (train(changed).score(sample) == model.score(sample)).all()


def test_the_label_is_not_among_the_inputs(flights: pl.DataFrame, model: DelayModel) -> None:
    sample = flights.head(500)
    hidden = sample.select(*NUMERIC, *CATEGORICAL)
    assert (model.score(hidden) == model.score(sample)).all()


def test_the_model_is_as_good_as_was_measured(scored: pl.DataFrame) -> None:
    reference = scored.filter(pl.col("day").is_in(held_out_days(scored)))
    assert auc(reference) == pytest.approx(0.918, abs=0.005)
    measured = {4: 0.895, 5: 0.921, 6: 0.916, 7: 0.909, 8: 0.890, 9: 0.912, 10: 0.889, 11: 0.883, 12: 0.882}
    for month, expected in measured.items():
        assert auc(scored.filter(pl.col("day").dt.month() == month)) == pytest.approx(expected, abs=0.015)


def test_the_bad_night_is_bad(scored: pl.DataFrame) -> None:
    live = scored.filter(pl.col("day") >= FIRST_LIVE_DAY)
    right = (pl.col("p_late") >= 0.5) == (pl.col("late") == 1)
    accuracy = live.group_by("day").agg(right.mean().alias("accuracy")).sort("accuracy")
    assert BAD_NIGHT in accuracy["day"].head(3).to_list()
    assert accuracy["accuracy"][0] == pytest.approx(0.62, abs=0.03)


def test_every_live_night_has_predictions_and_labels(partitions: list[Partition]) -> None:
    urls = [partition.url for partition in partitions]
    assert len(urls) == len(set(urls)) == 1 + 2 * 275
    assert "s3://logs/p/dt=2013-04-01/part-0.parquet" in urls
    assert "s3://logs/l/dt=2013-12-31/part-0.parquet" in urls
    assert {partition.bucket for partition in partitions} == {"logs"}


def test_scores_are_probabilities(scored: pl.DataFrame) -> None:
    assert scored["p_late"].is_between(0, 1).all()
    assert scored["p_late"].n_unique() > 10_000


def test_the_same_flights_give_the_same_bytes(flights: pl.DataFrame, partitions: list[Partition]) -> None:
    again = make_partitions(score_flights(flights, train(flights)), LAYOUT)
    assert all(one == other for one, other in zip(again, partitions, strict=True))


def test_a_carrier_or_place_never_seen_in_training_is_scored(flights: pl.DataFrame, model: DelayModel) -> None:
    strange = flights.head(3).with_columns(carrier=pl.lit("ZZ"), dest=pl.lit("XXX"))
    assert len(model.score(strange)) == 3
