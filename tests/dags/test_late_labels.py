"""The task ``late_labels`` in Airflow itself: a revision is made, told once, and stops no night of its own."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import polars as pl
import pytest

from .test_runs import Airflow, airflow, bucket_model_data  # noqa: F401

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default")]

FIRST, SECOND, GONE = "2024-03-01", "2024-03-02", "2024-02-28"
TOLERANT = {"performance": {"roc_auc": {"max_drop": 0.1}}, "bias": {"tpr_gap": {}, "impact_ratio": {}}}


def as_parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def test_late_labels_withdraw_an_incident_in_its_thread_and_a_night_without_data_stops_nothing(
    airflow: Airflow,  # noqa: F811
    s3: Any,
    slack: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = airflow.bench
    # Nights of years ago are still provisional.
    data = bucket_model_data(bench) | {"wait": "0m", "label_maturity": "9999d"}
    config = bench.config(data=data, checks=TOLERANT, windows=[1])

    bench.night(GONE, count=1500)
    with monkeypatch.context() as patch:
        for name, value in s3.environment().items():
            patch.setenv(name, value)
        bench.evaluate(GONE, config)
    table = bench.night(FIRST, count=1500)
    truth = table.select("id", "label")
    bench.put(f"labels/dt={FIRST}/part-0.parquet", as_parquet(truth.with_columns(label=1 - pl.col("label"))))
    first = airflow.run(FIRST)
    assert airflow.xcoms(first)["publish"]["status"] == "regression"
    assert airflow.xcoms(first)["publish"]["labels"] == "provisional"
    assert airflow.xcoms(first)["publish"]["supersedes"] is None
    assert airflow.xcoms(first)["late_labels"] == []
    [opened] = slack.messages

    bench.put(f"labels/dt={FIRST}/part-0.parquet", as_parquet(truth))
    s3.client().delete_object(Bucket=bench.logs.split("/")[2], Key=f"logs/predictions/dt={GONE}/part-0.parquet")
    bench.night(SECOND, count=1500)
    second = airflow.run(SECOND)
    assert set(airflow.states(second).values()) == {"success"}
    gone, revised = airflow.xcoms(second)["late_labels"]
    assert gone["night"] == GONE and "no object under" in gone["error"]
    assert revised["night"] == FIRST and revised["status"] != "regression"
    assert revised["incidents"] == [f"performance-{FIRST} withdrawn"]
    assert airflow.xcoms(second)["publish"]["status"] != "regression"
    _, withdrawn = slack.messages
    assert withdrawn["thread_ts"] == opened["ts"]
    assert f"Withdrawn: quiet, {FIRST}" in withdrawn["text"]
    assert s3.secret_key not in str(airflow.xcoms(second))
