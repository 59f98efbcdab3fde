"""Late, replaced and deleted objects on a real S3 server that keeps versions."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.revise import changes, revise

pytestmark = pytest.mark.integration

QUICK = ("report", "validate")
NIGHT = Night.parse("2024-03-01")
NEXT_DAY: datetime = NIGHT.end + timedelta(hours=5)


def as_parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def config(bucket_model: Any) -> Any:
    data = {
        "predictions": bucket_model.logs + "predictions/dt=%Y-%m-%d/",
        "labels": bucket_model.logs + "labels/dt=%Y-%m-%d/",
        "reference": bucket_model.logs + "reference/",
        "id": "id",
        "label_maturity": "3d",
    }
    return bucket_model.config(data=data)


@pytest.fixture
def revised(bucket_model: Any, config: Any) -> Any:
    def run(now: datetime = NEXT_DAY) -> list[Any]:
        resources = bucket_model.resources()
        found = changes(config, resources.results(config), open_store=resources.open_store, now=now)
        return list(revise(config, resources, found, now=now, left_out=QUICK))

    return run


def test_what_comes_late_is_replaced_and_is_deleted_is_found_by_listings(
    bucket_model: Any, config: Any, revised: Any, s3: Any, make_rows: Any
) -> None:
    table = make_rows(400, seed=5, name="row")
    labels = table.select("id", "label")
    bucket_model.write(str(NIGHT), table.drop("label"), labels.head(200))
    first = evaluate(config, NIGHT, bucket_model.resources(), left_out=QUICK, now=NEXT_DAY)
    assert first.snapshot.labels == "provisional"
    assert revised() == []

    bucket_model.put(f"labels/dt={NIGHT}/part-1.parquet", as_parquet(labels.tail(100)))
    [late] = revised()
    assert (len(late.change.added), late.labelled_before, late.labelled) == (1, 200, 300)

    bucket_model.put(f"labels/dt={NIGHT}/part-0.parquet", as_parquet(labels.head(300)))
    [replaced] = revised()
    assert (len(replaced.change.replaced), replaced.labelled) == (1, 400)

    s3.client().delete_object(Bucket=bucket_model.logs.split("/")[2], Key=f"logs/labels/dt={NIGHT}/part-1.parquet")
    [removed] = revised()
    assert (len(removed.change.removed), removed.labelled) == (1, 300)
    assert revised() == []

    [matured] = revised(NIGHT.end + timedelta(days=4))
    assert matured.change.matured and matured.evaluation.snapshot.labels == "final"
    assert matured.labelled == 300
    assert revised(NIGHT.end + timedelta(days=5)) == []

    log = bucket_model.model_results(config).log.entries()
    assert [entry.supersedes for entry in log] == [None, *(entry.evaluation_id for entry in log[:-1])]
    results = bucket_model.model_results(config)
    assert [results.verdict(entry).supersedes for entry in log] == [entry.supersedes for entry in log]
    # Each evaluation's bytes are there to be fetched again, whatever came to the names since.
    snapshots = [late.evaluation.snapshot, replaced.evaluation.snapshot, first.snapshot]
    pinned = {(found.url, found.version_id) for snapshot in snapshots for found in snapshot.of("labels")}
    assert len(pinned) == 3
    for url, version in pinned:
        key = url.split("/", 3)[3]
        s3.client().head_object(Bucket=bucket_model.logs.split("/")[2], Key=key, VersionId=version)


def test_the_same_bytes_put_again_are_no_change(bucket_model: Any, config: Any, revised: Any) -> None:
    table = bucket_model.night(str(NIGHT), count=200)
    evaluate(config, NIGHT, bucket_model.resources(), left_out=QUICK, now=NEXT_DAY)
    bucket_model.put(f"labels/dt={NIGHT}/part-0.parquet", as_parquet(table.select("id", "label")))
    assert revised() == []
