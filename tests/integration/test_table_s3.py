"""The metrics table on a real S3 server: many processes at once, crashes, rebuilds among publishers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from nightproof.errors import AccessRefused, StoreUnavailable
from nightproof.results_root import ResultsRoot
from nightproof.storage import open_store
from nightproof.storage.s3 import S3Store
from nightproof.table import table_at
from nightproof.table.check import check
from nightproof.table.rebuild import rebuild
from nightproof.table.sync import sync

pytestmark = pytest.mark.integration

PUBLISH = """
import sys
sys.path.insert(0, sys.argv[4])
from benchmarks.results.made_up import publish_made_up
from nightproof.storage import open_store
from nightproof.results_root import ResultsRoot
from nightproof.table import table_at
from nightproof.table.sync import sync

url, models, nights = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
root, table = ResultsRoot.at(url, open_store), table_at(url, open_store)
for night in range(nights):
    for model in models:
        publish_made_up(root.results(model), night, count=20, seed=len(model))
        sync(root.results(model), table)
print("done")
"""
ROOT = str(Path(__file__).resolve().parents[2])


def exact(url: str, *, models: int, nights: int) -> None:
    root, table = ResultsRoot.at(url, open_store), table_at(url, open_store)
    checked = check(root, table)
    assert checked.difference is None
    assert checked.evaluations == models * nights
    for model in root.models():
        assert [each.number for each in root.results(model).log.entries()] == list(range(nights))
    options = table.store.object_store_options()
    frame = pl.read_delta(table.url, storage_options=options)
    assert frame.height == models * nights * 20
    assert frame.select("model", "log_number", "ordinal").is_duplicated().sum() == 0


def test_many_processes_that_publish_the_same_models_at_once_lose_and_double_nothing(bucket, at_once):
    url = f"s3://{bucket}/results/"
    models = [f"model_{n}" for n in range(4)]
    # Each model from two processes; the table is made by whichever comes first.
    shares = [[models[n], models[(n + 1) % 4]] for n in range(4)]
    assert at_once(PUBLISH, *([url, ",".join(share), "3", ROOT] for share in shares)) == ["done\n"] * 4
    exact(url, models=4, nights=3)


def test_a_rebuild_among_publishers_loses_and_doubles_nothing(bucket):
    url = f"s3://{bucket}/results/"
    started = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, url, f"m{n}", "8", ROOT], stdout=subprocess.PIPE)
        for n in range(2)
    ]
    root, table, rebuilt = ResultsRoot.at(url, open_store), table_at(url, open_store), 0
    while any(process.poll() is None for process in started):
        rebuild(root, table)
        rebuilt += 1
    assert [process.communicate()[0] for process in started] == [b"done\n"] * 2
    assert rebuilt >= 1
    exact(url, models=2, nights=8)


def test_a_publisher_that_is_killed_is_made_good_by_the_next(bucket):
    url = f"s3://{bucket}/results/"
    for delay_s in (0.0, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISH, url, "m", "40", ROOT], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        root = ResultsRoot.at(url, open_store)
        before = len(root.results("m").log.entries())
        while len(root.results("m").log.entries()) < before + 2 and process.poll() is None:
            time.sleep(0.02)
        time.sleep(delay_s)
        process.kill()
        process.wait()
    root, table = ResultsRoot.at(url, open_store), table_at(url, open_store)
    sync(root.results("m"), table)
    checked = check(root, table)
    assert checked.difference is None and checked.evaluations >= 6


def test_a_night_of_the_pipeline_is_in_the_table(bucket_model):
    bucket_model.night("2026-01-30")
    evaluation = bucket_model.evaluate("2026-01-30")
    table = bucket_model.resources().table(bucket_model.config())
    options = table.store.object_store_options()
    frame = pl.scan_delta(table.url, storage_options=options).sort("ordinal").collect()
    assert frame["value"].to_list() == [found.value for found in evaluation.findings]
    assert [json.loads(text) for text in frame["segment"]] == [found.segment for found in evaluation.findings]


def test_a_connections_own_keys_count_not_those_of_the_environment(s3, bucket, monkeypatch):
    store = S3Store(bucket, s3.client())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "another")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    table = table_at(f"s3://{bucket}/results/", lambda root: store)
    table.create()
    assert table.version == 0


def test_wrong_keys_and_a_server_that_is_down_are_told_without_the_keys(s3, bucket, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    url = f"s3://{bucket}/results/"
    with pytest.raises(AccessRefused, match="SignatureDoesNotMatch") as told:
        table_at(url, open_store).refresh()
    assert "hush" not in str(told.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="no answer"):
        table_at(url, open_store).refresh()


def test_folders_of_a_bucket(bucket):
    store = open_store(f"s3://{bucket}")
    for key in ("a/b/c", "a/d/e", "a/f", "g/h"):
        store.create(key, b"1", content_type="text/plain")
    assert store.folders("") == ("a", "g")
    assert store.folders("a/") == ("b", "d")
    assert store.folders("none/") == ()
