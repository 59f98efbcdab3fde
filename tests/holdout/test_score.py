"""A candidate beside the live model: the same rows, every metric, and a paired difference that is honest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.errors import DataError
from nightproof.holdout import read_rows, update
from nightproof.holdout.freshness import freshness, latest_spec
from nightproof.holdout.materialise import NIGHT
from nightproof.holdout.score import jackknife, score
from nightproof.holdout.training import open_training
from scipy import stats
from sklearn.metrics import brier_score_loss, roc_auc_score

NIGHTS = [f"2024-03-{day:02d}" for day in range(1, 9)]


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=30))
def test_the_jackknife_of_a_mean_is_its_standard_error(values: list[float]) -> None:
    total, n = sum(values), len(values)
    found = jackknife(total / n, [(total - value) / (n - 1) for value in values])
    error = float(np.std(values, ddof=1) / np.sqrt(n))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, n - 1) * error, abs=1e-9)


@pytest.fixture
def scored(bench: Any, published: Any, tmp_path: Path) -> Any:
    config = published(NIGHTS, count=200, per_night=80)
    update(config, bench.resources())
    rows = read_rows(config, bench.resources())
    spec = latest_spec(config, bench.resources())

    def run(predictions: pl.DataFrame) -> Any:
        path = tmp_path / "candidate.parquet"
        predictions.write_parquet(path)
        given_ = open_training(str(path), open_store=bench.open_store, cache=bench.resources().cache)
        return score(given_, rows, config, spec)

    run.rows, run.config, run.bench = rows, config, bench  # type: ignore[attr-defined]
    return run


def test_both_models_have_the_metrics_of_an_independent_library(scored: Any) -> None:
    table = scored.rows.table
    worse = np.clip(table["score"].to_numpy() * 0.7 + 0.1, 0, 1) + np.random.default_rng(1).normal(0, 0.1, table.height)
    predictions = table.select("id").with_columns(score=np.clip(worse, 0, 1))
    found = {each.metric: each for each in scored(predictions).metrics}
    label = table["label"].to_numpy()
    for metric, library in (("roc_auc", roc_auc_score), ("brier", brier_score_loss)):
        live, candidate = library(label, table["score"].to_numpy()), library(label, predictions["score"].to_numpy())
        assert found[metric].live.value == pytest.approx(live, abs=1e-3)
        assert found[metric].candidate.value == pytest.approx(candidate, abs=1e-3)
        assert found[metric].difference.value == pytest.approx(candidate - live, abs=2e-3)
        assert found[metric].difference.low < found[metric].difference.value < found[metric].difference.high
    assert (found["roc_auc"].harm, found["brier"].harm) == ("max_drop", "max_rise")


def test_the_paired_difference_of_a_mean_is_that_of_the_nights_means(scored: Any) -> None:
    table = scored.rows.table
    other = np.clip(table["score"].to_numpy() + 0.05, 0, 1)
    found = {each.metric: each for each in scored(table.select("id").with_columns(score=other)).metrics}
    loss = (other - table["label"].to_numpy()) ** 2 - (table["score"].to_numpy() - table["label"].to_numpy()) ** 2
    means = table.with_columns(loss=loss).group_by(NIGHT).agg(pl.col("loss").mean())["loss"].to_numpy()
    error = means.std(ddof=1) / np.sqrt(len(means))
    brier = found["brier"].difference
    assert brier.high - brier.value == pytest.approx(stats.t.ppf(0.975, 7) * error, rel=0.02)


def test_the_live_model_against_itself_differs_by_nothing(scored: Any) -> None:
    found = scored(scored.rows.table.select("id", "score"))
    assert all(each.difference.value in (0.0, None) for each in found.metrics)
    assert all(each.candidate == each.live for each in found.metrics)


def test_rows_without_a_prediction_are_left_out_for_both(scored: Any) -> None:
    table = scored.rows.table
    beside = pl.DataFrame({"id": ["nobody"], "score": [0.5]})
    found = scored(pl.concat([table.select("id", "score").head(300), beside]))
    assert (found.rows, found.without_prediction, found.beside) == (300, table.height - 300, 1)
    assert {each.live.n for each in found.metrics if each.metric == "brier"} == {300}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop("score"), "no column score"),
        (lambda t: pl.concat([t, t.head(1)]), "several predictions of one id"),
        (lambda t: t.with_columns(id=pl.lit(None, pl.String)), "a prediction without id"),
        (lambda t: t.with_columns(id=pl.format("x{}", "id")), "no prediction for any row"),
        (lambda t: t.with_columns(score=pl.col("score") + 2), "out of the range"),
        (lambda t: t.with_columns(score=pl.lit(None, pl.Float64)), "are null"),
    ],
)
def test_predictions_that_cannot_be_scored_say_why(scored: Any, change: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        scored(change(scored.rows.table.select("id", "score")))


# --- Freshness --------------------------------------------------------------------------------------------


def test_a_holdout_of_the_last_nights_is_fresh(scored: Any) -> None:
    found = freshness(scored.config, scored.bench.resources(), scored.rows.version)
    assert (found.status, found.because) == ("fresh", ())
    assert (found.live_from, found.live_to, found.live_nights) == (NIGHTS[0], NIGHTS[-1], 8)
    assert {each.metric for each in found.performance} >= {"roc_auc", "brier"}
    assert [each.column for each in found.drift][-1] is not None
    values = [each.psi.value for each in found.drift if each.psi.value is not None]
    assert values == sorted(values, reverse=True)


def publish_later(bench: Any, config: Any, **knobs: Any) -> None:
    # Windows of 28 nights: only nights after the holdout's are live.
    for day in range(1, 5):
        bench.night(f"2024-04-{day + 10}", count=600, **knobs)
        bench.evaluate(f"2024-04-{day + 10}", config)


def test_a_holdout_that_live_traffic_moved_away_from_is_stale(scored: Any) -> None:
    publish_later(scored.bench, scored.config, drift=1.5)
    found = freshness(scored.config, scored.bench.resources(), scored.rows.version)
    assert found.status == "stale" and found.age_days == 37
    assert found.drift[0].column == "x"
    assert any(why.startswith("x has moved since: its PSI") for why in found.because)
    assert any("37 days older" in why for why in found.because)


def test_a_holdout_on_which_the_live_model_is_another_is_stale(scored: Any) -> None:
    publish_later(scored.bench, scored.config, noise=0.8)
    found = freshness(scored.config, scored.bench.resources(), scored.rows.version)
    assert any("roc_auc" in why and "0.02 is tolerated" in why for why in found.because)


def test_age_counts_from_when_labels_are_final(scored: Any) -> None:
    config, bench = scored.config, scored.bench
    publish_later(bench, config)
    data = config.data.model_dump(mode="json", exclude_none=True)
    patient = bench.config(data={**data, "label_maturity": "10d"}, holdout={"per_night": 80})
    assert freshness(config, bench.resources(), scored.rows.version).status == "stale"
    assert freshness(patient, bench.resources(), scored.rows.version).status == "fresh"


def test_counting_the_holdout_again_under_the_same_bins_reads_no_row(scored: Any) -> None:
    bench, version = scored.bench, scored.rows.version
    first = freshness(scored.config, bench.resources(), version)
    logs = bench.open_store("s3://ml-logs")
    for found in list(logs.list("predictions/")):
        logs.delete(found.key)
    assert freshness(scored.config, bench.resources(cache="elsewhere"), version) == first


def test_a_holdout_of_a_handful_of_rows_cannot_be_told_fresh(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"], per_night=10)
    done = update(config, bench.resources())
    assert done.version is not None
    assert freshness(config, bench.resources(), done.version).status == "unknown"
