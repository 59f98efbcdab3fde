"""The holdout on a real S3 server, in processes of its own, and on real flights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.demo.delay_model import FIRST_LIVE_DAY, train
from nightproof.demo.flights import read_flights
from nightproof.demo.partitions import Layout, make_partitions, score_flights
from nightproof.holdout import Versions, read_rows, update
from nightproof.holdout.freshness import freshness, latest_spec
from nightproof.holdout.leakage import check
from nightproof.holdout.training import open_training
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.resources import Resources
from nightproof.storage import MemoryStore
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
UPDATE = """
import sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.config import load_config
from nightproof.holdout import update
from nightproof.resources import Resources

path, cache = sys.argv[1:]
done = update(load_config(Path(path)), Resources(cache=Cache(Path(cache)), suites=Path(cache)))
print(done.version.number, done.is_new, done.version.hashes.sha256)
"""


def test_processes_that_update_at_once_leave_one_chain(bucket_model: Any, at_once: Callable[..., list[str]]) -> None:
    config = bucket_model.config(holdout={"per_night": 30})
    path = str(bucket_model.models / "quiet.yaml")
    for number, night in enumerate(["2024-03-01", "2024-03-02"]):
        bucket_model.night(night, count=200)
        bucket_model.evaluate(night, config)
        runs = [[path, str(bucket_model.folder / f"cache-{number}-{worker}")] for worker in range(2)]
        told = [line.split() for line in at_once(UPDATE, *runs)]
        assert {(each[0], each[2]) for each in told} == {(str(number), told[0][2])}
        assert sorted(each[1] for each in told) == ["False", "True"]
    versions = Versions(bucket_model.model_results(config))
    assert [version.number for version in versions.chain()] == [0, 1]
    # By the bytes alone, without the code under test.
    store, folder = bucket_model.model_results(config).store, versions.folder
    raw = [store.read(f"{folder}{number:09d}.json") for number in range(2)]
    assert json.loads(raw[1])["parent_sha256"] == hashlib.sha256(raw[0]).hexdigest()


def test_rows_come_from_the_pinned_versions_and_erased_ones_do_not_come(bucket_model: Any) -> None:
    config = bucket_model.config(holdout={"per_night": 30})
    night = bucket_model.night("2024-03-01", count=200)
    bucket_model.evaluate("2024-03-01", config)
    update(config, bucket_model.resources())
    first = read_rows(config, bucket_model.resources(cache="one")).table
    gone = first["id"][0]
    # Another score, and one person less, under the same keys.
    left = night.filter(pl.col("id") != gone).with_columns(score=pl.lit(0.5))
    bucket_model.write("2024-03-01", left.drop("label"), left.select("id", "label"))
    again = read_rows(config, bucket_model.resources(cache="two"))
    assert again.erased == {"2024-03-01": 1}
    assert again.table.equals(first.filter(pl.col("id") != gone))


# --- Real flights -----------------------------------------------------------------------------------------

LAYOUT = Layout("s3://logs/p/dt=%Y-%m-%d/", "s3://logs/l/dt=%Y-%m-%d/", "s3://logs/reference/")


class Flights:
    """The demo's model on stores in memory."""

    def __init__(self, folder: Path) -> None:
        flights = read_flights()
        self.scored = score_flights(flights, train(flights))
        logs, results = MemoryStore("logs"), MemoryStore("results")
        stores = {
            f"{kind}://{name}": store
            for kind in ("s3", "memory")
            for name, store in (("logs", logs), ("results", results))
        }
        for partition in make_partitions(self.scored, LAYOUT):
            logs.put(partition.key, partition.content)
        shipped = yaml.safe_load((ROOT / "include/models/flight_delay.yaml").read_text("utf-8"))
        data = {
            "predictions": LAYOUT.predictions,
            "labels": LAYOUT.labels,
            "reference": LAYOUT.reference,
            "id": "flight_id",
        }
        changes = {"data": data, "results": "s3://results/", "windows": [1], "holdout": {"per_night": 200}}
        self.config = ModelConfig.model_validate(shipped | changes)
        self.resources = Resources(cache=Cache(folder / "cache"), suites=folder, open_store=stores.__getitem__)

    def evaluate(self, first: date, nights: int) -> None:
        for number in range(nights):
            night = Night(first + timedelta(days=number))
            evaluate(self.config, night, self.resources, left_out=("report", "validate"))

    def days(self, first: date, nights: int) -> pl.DataFrame:
        return self.scored.filter(pl.col("day").is_between(first, first + timedelta(days=nights - 1)))


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Flights:
    return Flights(tmp_path_factory.mktemp("flights"))


def test_the_holdout_of_spring_tells_springs_auc_and_is_stale_in_december(flights: Flights) -> None:
    spring = date(2013, 5, 1), 21
    flights.evaluate(*spring)
    done = update(flights.config, flights.resources)
    assert done.version is not None and done.version.rows == 21 * 200
    assert not done.version.nights[0].left_out.model_dump(exclude_defaults=True)
    fresh = freshness(flights.config, flights.resources, done.version)
    assert fresh.status == "fresh"
    held = {each.metric: each.holdout for each in fresh.performance}["roc_auc"]
    season = flights.days(*spring)
    assert held.low is not None and held.high is not None
    assert held.low <= roc_auc_score(season["late"], season["p_late"]) <= held.high

    flights.evaluate(date(2013, 12, 5), 14)
    stale = freshness(flights.config, flights.resources, done.version)
    assert stale.status == "stale" and stale.live_from == "2013-12-05"
    # Not by its age alone: the season moved.
    assert any("where 0.01 is tolerated" in why or "0.02 is tolerated" in why for why in stale.because)


def test_the_models_own_training_days_do_not_leak_into_it(flights: Flights, tmp_path: Path) -> None:
    if Versions(flights.resources.results(flights.config)).read() is None:
        flights.evaluate(date(2013, 5, 1), 10)
        update(flights.config, flights.resources)
    rows = read_rows(flights.config, flights.resources)
    spec = latest_spec(flights.config, flights.resources)
    training = flights.scored.filter(pl.col("day") < FIRST_LIVE_DAY)
    statuses = []
    for name, table in (
        ("clean", training),
        ("dirty", pl.concat([training, flights.days(date(2013, 5, 3), 1)])),
    ):
        path = tmp_path / f"{name}.parquet"
        table.drop("landed_at").write_parquet(path)
        given = open_training(str(path), open_store=flights.resources.open_store, cache=flights.resources.cache)
        found = {each.name: each for each in check(given, rows, flights.config, spec).checks}
        statuses.append({name: each.status for name, each in found.items()})
    assert statuses[0]["same_ids"] == "passed" and statuses[0]["same_rows"] == "passed"
    assert statuses[0]["giveaway"] == "passed"
    assert statuses[1]["same_ids"] == "leaking"
