"""The pipeline on a real S3 server: the same laws as in memory, with real conditional writes and processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.errors import AccessRefused, PartitionMissing, StoreUnavailable
from nightproof.storage import open_store, split_url
from nightproof.storage.s3 import S3Store

pytestmark = pytest.mark.integration

BAD = {"noise": 1.0}
EVALUATE = """
import sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.config import load_config
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.resources import Resources

path, cache, *nights = sys.argv[1:]
resources = Resources(cache=Cache(Path(cache)), suites=Path(cache))
for night in nights:
    found = evaluate(load_config(Path(path)), Night.parse(night), resources, left_out=("report", "validate"))
    print(night, found.id)
"""
APPEND = """
import sys
from nightproof.log import Log
from nightproof.manifest import Manifest
from nightproof.storage import open_store

root, writer = sys.argv[1:]
log = Log(open_store(root), "quiet/log/")
for number in range(5):
    manifest = Manifest(
        model="quiet", night=f"2024-03-0{number + 1}", evaluation_id=f"{int(writer) * 100 + number:016x}", status="ok",
        evaluated_at="2024-04-01T00:00:00+00:00", baseline_id=None, files={}, config={}, environment={},
        steps_left_out=(),
    )
    print(log.append(manifest, manifest.to_bytes()).number)
"""


def is_chain(entries: list[bytes]) -> bool:
    """By the bytes alone, without the code under test."""
    parents = [None, *(hashlib.sha256(raw).hexdigest() for raw in entries)]
    said = [(entry["number"], entry["parent_sha256"]) for entry in map(json.loads, entries)]
    return said == list(enumerate(parents[: len(entries)]))


def test_processes_that_append_at_once_leave_one_chain_without_a_gap(
    bucket: str, at_once: Callable[..., list[str]]
) -> None:
    root = f"s3://{bucket}"
    printed = at_once(APPEND, *([root, str(writer)] for writer in range(4)))
    numbers = sorted(int(number) for text in printed for number in text.split())
    assert numbers == list(range(20))
    store = open_store(root)
    keys = [found.key for found in store.list("quiet/log/")]
    assert keys == [f"quiet/log/{number:09d}.json" for number in range(20)]
    assert is_chain([store.read(key) for key in keys])


def test_a_night_is_evaluated_once_and_a_repetition_changes_nothing(bucket_model: Any) -> None:
    bucket_model.night("2024-03-01", **BAD)
    first = bucket_model.evaluate("2024-03-01")
    before = bucket_model.objects()
    assert first.verdict.status == "regression"
    assert sum(name.endswith("manifest.json") for name in before) == 1
    again = bucket_model.evaluate("2024-03-01", resources=bucket_model.resources(cache="another-worker"))
    assert (again.id, again.verdict, again.findings) == (first.id, first.verdict, first.findings)
    assert bucket_model.objects() == before


def test_a_repetition_writes_no_new_version_of_any_object(bucket_model: Any, s3: SeaweedFS, bucket: str) -> None:
    bucket_model.night("2024-03-01")
    bucket_model.evaluate("2024-03-01")

    def versions() -> list[tuple[str, str]]:
        listed = s3.client().list_object_versions(Bucket=bucket, Prefix="results/")
        assert "DeleteMarkers" not in listed
        return sorted((found["Key"], found["VersionId"]) for found in listed["Versions"])

    before = versions()
    assert len({key for key, _ in before}) == len(before)
    bucket_model.evaluate("2024-03-01")
    assert versions() == before


def test_objects_are_pinned_by_version_so_that_an_overwrite_does_not_reach_a_later_step(bucket_model: Any) -> None:
    from nightproof.night import Night
    from nightproof.pipeline import profile_night, pull_night

    bucket_model.night("2024-03-01", count=300)
    config = bucket_model.config()
    ticket = pull_night(config, Night.parse("2024-03-01"), bucket_model.resources())
    bucket_model.night("2024-03-01", count=500)
    elsewhere = bucket_model.resources(cache="another-worker")
    assert profile_night(config, ticket, elsewhere).rows == 300


def test_a_late_label_makes_a_new_evaluation_and_the_old_one_stays(bucket_model: Any) -> None:
    night = bucket_model.night("2024-03-01")
    bucket_model.write("2024-03-01", night.drop("label"), night.select("id", "label").head(100))
    first = bucket_model.evaluate("2024-03-01")
    before = bucket_model.objects()
    bucket_model.write("2024-03-01", night.drop("label"), night.select("id", "label"))
    second = bucket_model.evaluate("2024-03-01")
    after = bucket_model.objects()
    assert first.id != second.id
    assert {name: after[name] for name in before} == before
    assert bucket_model.model_results().log.latest()["2024-03-01"].evaluation_id == second.id


def test_processes_that_evaluate_at_once_leave_one_record(bucket_model: Any, at_once: Callable[..., list[str]]) -> None:
    nights = ["2024-03-01", "2024-03-02"]
    for night in nights:
        bucket_model.night(night, count=200)
    bucket_model.config()
    path = str(bucket_model.models / "quiet.yaml")
    runs = [[path, str(bucket_model.folder / f"cache-{worker}"), *nights] for worker in range(3)]
    printed = at_once(EVALUATE, *runs)
    assert len(set(printed)) == 1
    found = bucket_model.objects()
    assert sum(name.endswith("manifest.json") for name in found) == len(nights)
    assert is_chain([found[name] for name in sorted(found) if name.startswith("log/")])
    latest = bucket_model.model_results().log.latest()
    told = dict(line.split() for line in printed[0].splitlines())
    assert {night: entry.evaluation_id for night, entry in latest.items()} == told
    for night, name in told.items():
        held = {key.rsplit("/", 1)[1]: raw for key, raw in found.items() if key.startswith(f"{night}/{name}/")}
        manifest = json.loads(held.pop("manifest.json"))
        assert {key: hashlib.sha256(raw).hexdigest() for key, raw in held.items()} == {
            key: signed["sha256"] for key, signed in manifest["files"].items()
        }


def test_the_record_holds_no_credential(bucket_model: Any, s3: SeaweedFS) -> None:
    bucket_model.night("2024-03-01", **BAD)
    bucket_model.evaluate("2024-03-01")
    written = b"".join(bucket_model.objects().values())
    assert s3.secret_key.encode() not in written and s3.access_key.encode() not in written


def test_a_missing_partition_names_its_place_in_the_bucket(bucket_model: Any, bucket: str) -> None:
    with pytest.raises(PartitionMissing, match=rf"s3://{bucket}/logs/predictions/dt=2024-03-01/"):
        bucket_model.evaluate("2024-03-01")


def test_wrong_credentials_stop_a_night_with_a_clear_word_and_leave_nothing(
    bucket_model: Any, s3: SeaweedFS, bucket: str
) -> None:
    import boto3

    bucket_model.night("2024-03-01")
    stranger = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key="not-the-secret",
        region_name="us-east-1",
    )
    resources = bucket_model.resources(lambda root: S3Store(split_url(root + "/")[0].removeprefix("s3://"), stranger))
    with pytest.raises(AccessRefused, match="check the key, its secret") as caught:
        bucket_model.evaluate("2024-03-01", resources=resources)
    assert "not-the-secret" not in str(caught.value)
    assert bucket_model.objects() == {}


def test_a_run_that_crashes_after_every_single_write_gets_there_all_the_same(bucket_model: Any, failing: Any) -> None:
    bucket_model.night("2024-03-01", count=200)
    root = split_url(bucket_model.results)[0]
    crashes = 0
    while crashes < 20:
        breaking = failing(open_store(root), fails=0, written=True)
        try:
            bucket_model.evaluate("2024-03-01", resources=bucket_model.resources({root: breaking}.__getitem__))
        except StoreUnavailable:
            crashes += 1
        else:
            break
    found = bucket_model.objects()
    assert crashes == len(found) == 12
    assert sum(name.endswith("manifest.json") for name in found) == 1
    assert is_chain([found[name] for name in sorted(found) if name.startswith("log/")])
