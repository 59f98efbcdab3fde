"""Pinned data on a real S3 server, with and without versions: what can be fetched again, and what is said of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.manifest import Manifest
from nightproof.night import Night
from nightproof.pull import files_of, pull
from nightproof.reproduce import Reproduction, reproduce
from nightproof.snapshot import Snapshot
from nightproof.storage import open_store, split_url

pytestmark = pytest.mark.integration

NIGHT = "2024-03-02"
KEYS = [f"logs/{role}/dt={NIGHT}/part-0.parquet" for role in ("labels", "predictions")]


@pytest.fixture
def unversioned(bucket_model: Any, s3: SeaweedFS) -> Any:
    """A model in a bucket that keeps no versions."""
    name = f"nightproof-{uuid4().hex[:12]}"
    s3.make_bucket(name, versioned=False)
    client = s3.client()
    bucket_model.logs, bucket_model.results = f"s3://{name}/logs/", f"s3://{name}/results/"
    bucket_model.put = lambda key, content: client.put_object(Bucket=name, Key=f"logs/{key}", Body=content)
    bucket_model.reference()
    return bucket_model


def told(bench: Any) -> Any:
    for night in ("2024-03-01", NIGHT):
        bench.night(night, noise=1.0 if night == NIGHT else 0.0)
        bench.evaluate(night)
    return bench


def again(bench: Any) -> Reproduction:
    resources = bench.resources(cache=f"cache-{uuid4().hex}")
    return reproduce(bench.config(), Night.parse(NIGHT), resources)


def manifest(bench: Any) -> Manifest:
    name = next(name for name in bench.objects() if name.startswith(NIGHT) and name.endswith("manifest.json"))
    return Manifest.from_bytes(bench.objects()[name], name=name)


def test_with_versions_a_night_is_reproduced_whatever_was_written_over_it(bucket_model: Any) -> None:
    bench = told(bucket_model)
    assert manifest(bench).data_pinned_by == "version"
    bench.night(NIGHT, seed=7)
    bench.reference(noise=0.5)
    before = bench.objects()
    found = again(bench)
    assert found.outcome == "same", found.in_words()
    assert bench.objects() == before


def test_with_versions_a_deleted_object_is_still_fetched(bucket_model: Any, s3: SeaweedFS, bucket: str) -> None:
    bench = told(bucket_model)
    for key in KEYS:
        s3.client().delete_object(Bucket=bucket, Key=key)
    assert again(bench).outcome == "same"


def test_a_version_that_was_deleted_for_good_is_named(bucket_model: Any, s3: SeaweedFS, bucket: str) -> None:
    bench, client = told(bucket_model), s3.client()
    version = client.head_object(Bucket=bucket, Key=KEYS[1])["VersionId"]
    client.delete_object(Bucket=bucket, Key=KEYS[1], VersionId=version)
    found = again(bench)
    assert found.outcome == "incomplete"
    assert [(m.kind, m.name) for m in found.moved] == [("object", f"s3://{bucket}/{KEYS[1]}")]
    assert found.moved[0].then is not None and version in found.moved[0].then
    assert found.files["profile.parquet"] == "given" and found.files["findings.json"] == "same"


def test_without_versions_a_night_is_reproduced_while_nobody_replaces_it(unversioned: Any) -> None:
    bench = told(unversioned)
    assert manifest(bench).data_pinned_by == "content"
    assert again(bench).outcome == "same"


def test_without_versions_what_was_replaced_is_named_and_never_taken_for_it(unversioned: Any) -> None:
    bench = told(unversioned)
    bench.night(NIGHT, seed=7)
    found = again(bench)
    assert found.outcome == "incomplete"
    assert [m.name for m in found.moved] == [f"{bench.logs.removesuffix('logs/')}{key}" for key in KEYS]
    assert all("no version" in str(m.then) and "has changed" in str(m.now) for m in found.moved)


def test_versioning_that_was_suspended_pins_by_content(bucket_model: Any, s3: SeaweedFS, bucket: str) -> None:
    s3.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    bench = told(bucket_model)
    assert manifest(bench).data_pinned_by == "content"
    assert again(bench).outcome == "same"


def pulled(bench: Any, store: Any, root: str) -> Snapshot:
    resources = bench.resources(lambda asked: store if asked == root else open_store(asked))
    return pull(bench.config(), Night.parse(NIGHT), open_store=resources.open_store, cache=resources.cache)


class Meddled:
    """The store, with a night written anew between two calls of a pull."""

    def __init__(self, store: Any, before: str, meddle: Any) -> None:
        self._store, self._before, self._meddle = store, before, meddle

    def __getattr__(self, name: str) -> Any:
        if name == self._before and self._meddle:
            meddle, self._meddle = self._meddle, None
            meddle()
        return getattr(self._store, name)


@pytest.mark.parametrize("before", ["head", "fetch"])
@pytest.mark.parametrize("place", ["bucket_model", "unversioned"])
def test_a_night_that_is_replaced_while_it_is_pulled_is_pulled_anew(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, place: str, before: str
) -> None:
    monkeypatch.setattr("nightproof.pull.PAUSES_S", (0.0, 0.0))
    bench = request.getfixturevalue(place)
    bench.night(NIGHT)
    root = split_url(bench.logs)[0]
    found = pulled(bench, Meddled(open_store(root), before, lambda: bench.night(NIGHT, seed=7)), root)
    assert found.objects == pulled(bench, open_store(root), root).objects


def test_a_night_in_many_parts_and_in_multipart_uploads_is_pinned_as_it_is(
    bucket_model: Any, s3: SeaweedFS, bucket: str
) -> None:
    bucket_model.night(NIGHT)
    client, key = s3.client(), f"logs/predictions/dt={NIGHT}/part-1.parquet"
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number, content in enumerate((b"x" * (5 << 20), b"y" * 1000), start=1):
        sent = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=content)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    for number in range(2, 42):
        bucket_model.put(f"predictions/dt={NIGHT}/part-{number}.parquet", f"rows {number}".encode())
    root = split_url(bucket_model.logs)[0]
    snapshot = pulled(bucket_model, open_store(root), root)
    assert len(snapshot.of("predictions")) == 42
    assert all(found.version_id and found.etag for found in snapshot.objects)
    resources = bucket_model.resources(cache="another-worker")
    files = files_of(snapshot, open_store=resources.open_store, cache=resources.cache)
    assert [path.stat().st_size for path in files.predictions] == [found.size for found in snapshot.of("predictions")]


def test_the_command_says_it_and_its_exit_code_does(
    bucket_model: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nightproof import cli

    bench = told(bucket_model)
    monkeypatch.setenv("NIGHTPROOF_CACHE", str(bench.folder / "another-cache"))
    monkeypatch.setattr(
        "sys.argv", ["nightproof", "reproduce", "quiet", "--night", NIGHT, "--models", str(bench.models)]
    )
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert "the same, bit for bit" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["nightproof", "reproduce", "quiet", "--night", NIGHT, "--json"])
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(bench.models))
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = json.loads(capsys.readouterr().out)
    assert not end.value.code and said["outcome"] == "same" and said["numbers"] > 1000
