"""Verifying on a real S3 server: its listing, versions, delete markers, and Object Lock."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from nightproof.results import ModelResults
from nightproof.signatures import PublicKey, make_pair
from nightproof.storage import LockedStore
from nightproof.verify import verify

pytestmark = pytest.mark.integration
NIGHTS = ("2024-03-01", "2024-03-02", "2024-03-03")


def published(model: Any, **changes: Any) -> ModelResults:
    config = model.config(**changes)
    for night in NIGHTS:
        model.night(night, 300)
        model.evaluate(night, config)
    results: ModelResults = model.model_results(config)
    return results


def find(results: ModelResults, ending: str) -> str:
    return next(found.key for found in results.store.list(results.folder) if found.key.endswith(ending))


def test_a_fast_look_reads_log_and_manifests_and_a_deep_one_all(bucket_model: Any) -> None:
    results = published(bucket_model)
    fast, deep = verify(results), verify(results, deep=True)
    assert fast.is_whole and deep.is_whole
    assert fast.head == deep.head == results.log.head()
    assert fast.counts.hashed == 2 * len(NIGHTS)
    assert fast.counts.by_listing == fast.counts.listed - 2 * len(NIGHTS)
    # All are read once, and snapshots and verdicts again to see what they say.
    assert deep.counts.by_listing == 0
    assert deep.counts.hashed == deep.counts.listed + 2 * len(NIGHTS)


@pytest.mark.parametrize("name", ["findings.json", "profile.parquet", "verdict.json", "origin.json", "manifest.json"])
def test_bytes_of_the_same_size_put_over_an_object_are_found(
    bucket_model: Any, s3: Any, bucket: str, name: str
) -> None:
    results = published(bucket_model)
    key = find(results, f"/{name}")
    raw = bytearray(results.store.read(key))
    raw[len(raw) // 2] ^= 1
    s3.client().put_object(Bucket=bucket, Key=key, Body=bytes(raw))
    for deep in (False, True):
        first = verify(bucket_model.model_results(), deep=deep).first
        assert first is not None
        assert (first.kind, first.where) == ("changed", key.removeprefix(results.folder))


def test_an_object_in_parts_has_no_md5_in_the_listing_and_is_read(bucket_model: Any, s3: Any, bucket: str) -> None:
    results = published(bucket_model)
    key, client = find(results, "/findings.json"), s3.client()
    raw = results.store.read(key)
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=raw)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)
    listed = next(found for found in results.store.list(key))
    assert listed.etag != hashlib.md5(raw, usedforsecurity=False).hexdigest()
    found = verify(results)
    assert found.is_whole
    assert found.counts.hashed == 2 * len(NIGHTS) + 1


def test_a_delete_marker_is_told_and_deleting_it_brings_the_object_back(
    bucket_model: Any, s3: Any, bucket: str
) -> None:
    results = published(bucket_model)
    key, client = find(results, "/verdict.json"), s3.client()
    client.delete_object(Bucket=bucket, Key=key)
    first = verify(bucket_model.model_results()).first
    assert first is not None
    assert (first.kind, first.found) == ("missing", "a delete marker")
    [marker] = client.list_object_versions(Bucket=bucket, Prefix=key)["DeleteMarkers"]
    assert marker["VersionId"] in first.meaning
    client.delete_object(Bucket=bucket, Key=key, VersionId=marker["VersionId"])
    assert verify(bucket_model.model_results()).is_whole


def test_a_signed_chain_on_a_server(bucket_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = make_pair()
    monkeypatch.setenv("NIGHTPROOF_SIGNING_KEY", secret.decode())
    results = published(bucket_model, record={"sign": {"public_keys": [public.decode()]}})
    keys = [PublicKey.from_pem(public.decode(), name="key")]
    assert verify(results, public_keys=keys).counts.signatures == len(NIGHTS)
    results.store.delete(results.folder + "signatures/000000001.json")
    first = verify(results, public_keys=keys).first
    assert first is not None
    assert (first.kind, first.number) == ("unsigned", 1)


# --- Object Lock ------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(s3: Any) -> str:
    """A fresh bucket that keeps versions and can lock them."""
    name = f"nightproof-{uuid4().hex[:12]}"
    s3.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_nothing_that_is_published_can_be_deleted_or_replaced(
    bucket_model: Any, s3: Any, bucket: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, public = make_pair()
    monkeypatch.setenv("NIGHTPROOF_SIGNING_KEY", secret.decode())
    record = {"lock": {"mode": mode, "retain": "2d"}, "sign": {"public_keys": [public.decode()]}}
    results = published(bucket_model, record=record)
    assert isinstance(results.store, LockedStore)
    client = s3.client()
    names = [found.key for found in results.store.list(results.folder)]
    assert {name.removeprefix(results.folder).split("/")[0] for name in names} > {"log", "signatures", "baselines"}
    for key in names:
        head = client.head_object(Bucket=bucket, Key=key)
        assert head["ObjectLockMode"] == mode.upper()
        with pytest.raises(ClientError) as refused:
            client.delete_object(Bucket=bucket, Key=key, VersionId=head["VersionId"])
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert verify(results, public_keys=[PublicKey.from_pem(public.decode(), name="key")]).is_whole


def test_scratch_and_alerts_are_not_locked(bucket_model: Any, s3: Any, bucket: str) -> None:
    config = bucket_model.config(record={"lock": {"retain": "2d"}})
    results = bucket_model.model_results(config)
    results.scratch("0011223344556677").write("findings.json", b"[]")
    results.store.create(f"{results.folder}alerts/x/y.json", b"{}", content_type="application/json")
    for found in list(results.store.list(results.folder)):
        head = s3.client().head_object(Bucket=bucket, Key=found.key)
        assert "ObjectLockMode" not in head
        s3.client().delete_object(Bucket=bucket, Key=found.key, VersionId=head["VersionId"])


def test_what_a_lock_kept_is_hidden_by_a_marker_and_comes_back(bucket_model: Any, s3: Any, bucket: str) -> None:
    results = published(bucket_model, record={"lock": {"mode": "compliance", "retain": "2d"}})
    head, key = results.log.head(), results.folder + "log/000000002.json"
    s3.client().delete_object(Bucket=bucket, Key=key)
    for pinned in (head, None):  # without a head, too: the marker itself tells that there was an entry
        found = verify(bucket_model.model_results(), head=pinned)
        assert {breach.kind for breach in found.breaches} == {"cut"}
        assert any("delete marker" in breach.meaning for breach in found.breaches)
    marker = client_marker(s3, bucket, key)
    s3.client().delete_object(Bucket=bucket, Key=key, VersionId=marker)
    assert verify(bucket_model.model_results(), head=head).is_whole


def client_marker(s3: Any, bucket: str, key: str) -> str:
    [marker] = s3.client().list_object_versions(Bucket=bucket, Prefix=key)["DeleteMarkers"]
    return str(marker["VersionId"])
