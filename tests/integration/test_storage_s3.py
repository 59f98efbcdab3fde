"""A bucket on a real S3 server: versions, conditional writes, and what each failure says."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.errors import (
    AccessRefused,
    BucketMissing,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from nightproof.storage import Store, open_store
from nightproof.storage.s3 import S3Store

pytestmark = pytest.mark.integration

WRONG_SECRET = "wrong-secret-wrong-secret-wrong-secret"


def client(s3: SeaweedFS, **changes: Any) -> Any:
    given = {
        "endpoint_url": s3.endpoint_url,
        "aws_access_key_id": s3.access_key,
        "aws_secret_access_key": s3.secret_key,
        "region_name": "us-east-1",
        "config": Config(
            retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2, s3={"addressing_style": "path"}
        ),
    }
    return boto3.client("s3", **(given | changes))


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def store(bucket: str) -> Store:
    return open_store(f"s3://{bucket}")


def create(store: Store, key: str, content: bytes) -> None:
    store.create(key, content, content_type="application/json")


Ask = Callable[[Store, Path], object]
ASKS: dict[str, Ask] = {
    "list": lambda store, folder: list(store.list("a/")),
    "read": lambda store, folder: store.read("a/key"),
    "create": lambda store, folder: create(store, "a/key", b"content"),
}


@pytest.fixture(params=list(ASKS))
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Store], object]:
    return lambda store: ASKS[request.param](store, tmp_path)


def message(caught: pytest.ExceptionInfo[StoreError], s3: SeaweedFS) -> str:
    """What the user reads, which holds no credentials however it is printed."""
    chain: BaseException | None = caught.value
    while chain is not None:
        assert s3.secret_key not in str(chain) and WRONG_SECRET not in str(chain)
        chain = chain.__cause__
    assert s3.access_key not in str(caught.value)
    return str(caught.value)


# --- Versions ---------------------------------------------------------------------------------------------


def test_a_pinned_version_is_fetched_after_an_overwrite(
    s3: SeaweedFS, bucket: str, store: Store, tmp_path: Path
) -> None:
    create(store, "key", b"first")
    pinned = store.head("key")
    assert pinned.version_id
    client(s3).put_object(Bucket=bucket, Key="key", Body=b"second")
    store.fetch(pinned, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"first"
    assert store.read("key") == b"second"
    assert store.head("key").version_id != pinned.version_id


def test_a_pinned_version_is_fetched_after_a_delete(s3: SeaweedFS, bucket: str, store: Store, tmp_path: Path) -> None:
    create(store, "key", b"first")
    pinned = store.head("key")
    client(s3).delete_object(Bucket=bucket, Key="key")
    with pytest.raises(ObjectMissing):
        store.read("key")
    store.fetch(pinned, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"first"


def test_a_bucket_without_versions_pins_by_tag(s3: SeaweedFS, tmp_path: Path) -> None:
    s3.make_bucket("plain-bucket", versioned=False)
    store = S3Store("plain-bucket", client(s3))
    create(store, "key", b"first")
    pinned = store.head("key")
    assert pinned.version_id is None
    store.fetch(pinned, tmp_path / "fetched")
    client(s3).put_object(Bucket="plain-bucket", Key="key", Body=b"second")
    with pytest.raises(ObjectChanged):
        store.fetch(pinned, tmp_path / "fetched")


def test_objects_say_what_they_are_to_a_browser(s3: SeaweedFS, bucket: str, store: Store) -> None:
    store.create("page.html.gz", b"\x1f\x8b", content_type="text/html; charset=utf-8", encoding="gzip")
    create(store, "plain.json", b"{}")
    page = client(s3).head_object(Bucket=bucket, Key="page.html.gz")
    assert (page["ContentType"], page["ContentEncoding"]) == ("text/html; charset=utf-8", "gzip")
    assert "ContentEncoding" not in client(s3).head_object(Bucket=bucket, Key="plain.json")


def test_the_environment_is_enough_to_open_a_store(store: Store, bucket: str) -> None:
    create(store, "key", b"content")
    assert store.url("key") == f"s3://{bucket}/key"
    with pytest.raises(ObjectExists):
        create(open_store(f"s3://{bucket}"), "key", b"other")


# --- Failures ---------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_refused(s3: SeaweedFS, bucket: str, ask: Callable[[Store], object]) -> None:
    with pytest.raises(AccessRefused, match="refuses these credentials") as caught:
        ask(S3Store(bucket, client(s3, aws_secret_access_key=WRONG_SECRET)))
    assert f"s3://{bucket}/a/" in message(caught, s3)


def test_an_unknown_key_is_refused(s3: SeaweedFS, bucket: str, ask: Callable[[Store], object]) -> None:
    with pytest.raises(AccessRefused, match="check the key, its secret") as caught:
        ask(S3Store(bucket, client(s3, aws_access_key_id="NOBODYNOBODYNOBODY00")))
    assert "NOBODY" not in message(caught, s3)


def test_no_credentials_at_all_say_which_variables_to_set(
    s3: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Store], object]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    bare = boto3.Session().client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    with pytest.raises(AccessRefused, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        ask(S3Store(bucket, bare))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, "missing: AWS_SECRET_ACCESS_KEY"),
        ("AWS_PROFILE", "nobody", "nobody"),
        ("AWS_ENDPOINT_URL", "no address", "Invalid endpoint"),
    ],
)
def test_settings_that_cannot_be_used_say_which(
    s3: SeaweedFS, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, said: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(AccessRefused, match=f"AWS settings of this environment cannot be used.*{said}") as caught:
        open_store("s3://any-bucket")
    message(caught, s3)


@pytest.mark.parametrize("name", ["list", "read"])
def test_a_missing_bucket_is_named(s3: SeaweedFS, tmp_path: Path, name: str) -> None:
    # Not create: this server, unlike S3, makes a missing bucket for an administrator's key.
    with pytest.raises(BucketMissing, match="no bucket 'nobody-made-this'") as caught:
        ASKS[name](S3Store("nobody-made-this", client(s3)), tmp_path)
    message(caught, s3)


def test_a_server_that_is_down_is_said_to_be(s3: SeaweedFS, bucket: str, ask: Callable[[Store], object]) -> None:
    down = client(s3, endpoint_url=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(StoreUnavailable, match="is the endpoint right, and up") as caught:
        ask(S3Store(bucket, down))
    message(caught, s3)


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(
    s3: SeaweedFS, bucket: str, ask: Callable[[Store], object]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=0.2, read_timeout=0.2)
        mute = client(s3, endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}", config=config)
        with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
            ask(S3Store(bucket, mute))


def test_the_shipped_client_retries_and_its_waits_are_bounded(s3: SeaweedFS) -> None:
    config = open_store("s3://any-bucket")._client.meta.config  # type: ignore[attr-defined]
    assert config.retries["total_max_attempts"] == 5
    assert (config.connect_timeout, config.read_timeout) == (5, 60)
