"""A bucket of S3, or of anything that speaks its API with conditional writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)
from botocore.utils import parse_timestamp

from nightproof.errors import (
    AccessRefused,
    BucketMissing,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from nightproof.storage.store import Retention, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 1 << 20
_REFUSED = {
    "403",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
}
_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchVersion"}
_TAKEN = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


CLIENT_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=20,
)
"""Retries and bounded waits."""


def make_client() -> S3Client:
    """A client from the usual AWS variables, profile or role.

    Raises
    ------
    AccessRefused
        If those contradict themselves: half a key, an unknown profile, an address that is none.
    """
    try:
        session = botocore.session.get_session()
        # dateutil's parser is half of what a listing costs.
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
        return boto3.Session(botocore_session=session).client("s3", config=CLIENT_CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise AccessRefused(f"The AWS settings of this environment cannot be used: {error}") from error


class S3Store:
    """One bucket.

    Parameters
    ----------
    bucket
        Its name.
    client
        A boto3 client; by default :func:`make_client`'s.
    """

    keeps_encoding = True

    def __init__(self, bucket: str, client: S3Client | None = None) -> None:
        self.bucket = bucket
        self._client = client or make_client()

    def url(self, key: str) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{key}"

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            listed = [found for page in pages for found in page.get("Contents", [])]
        # S3 lists in the order of keys; not all that speak its API do.
        for found in sorted(listed, key=lambda each: each["Key"]):
            tag, when = found["ETag"].strip('"'), found.get("LastModified")
            yield StoredObject(found["Key"], found["Size"], tag, modified=when)

    def folders(self, prefix: str) -> tuple[str, ...]:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(prefix):
            paginator = self._client.get_paginator("list_objects_v2")
            pages = paginator.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        return tuple(sorted({name.removeprefix(prefix).rstrip("/") for name in found}))

    def object_store_options(self) -> dict[str, str]:
        """The client's own address and keys; see :class:`~nightproof.storage.store.HoldsTables`.

        Keys of a role or a session run out: ask again before each use.
        """
        endpoint, region = self._client.meta.endpoint_url, self._client.meta.region_name
        options = {
            # Under every name, as the library takes from the environment what it is not given.
            **dict.fromkeys(("aws_endpoint", "aws_endpoint_url", "aws_endpoint_url_s3"), endpoint),
            # Without a region boto3 says aws-global, which is none.
            "aws_region": "us-east-1" if region in (None, "", "aws-global") else region,
            "aws_allow_http": str(endpoint.startswith("http://")).lower(),
            "aws_virtual_hosted_style_request": "false",
            # A commit is a create that fails where its version is taken: no lock table is needed.
            "conditional_put": "etag",
        }
        # No public way leads from a client to the keys that it signs with, whoever gave it them.
        keys = self._client._get_credentials()  # type: ignore[attr-defined]
        if keys is None:
            return options | {"aws_skip_signature": "true"}
        frozen = keys.get_frozen_credentials()
        options |= {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        if frozen.token or os.environ.get("AWS_SESSION_TOKEN"):
            # A session of the environment does not belong to keys that came from elsewhere.
            options["aws_session_token"] = frozen.token or ""
        return options

    def head(self, key: str) -> StoredObject:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            found = self._client.head_object(Bucket=self.bucket, Key=key)
        version = found.get("VersionId")
        return StoredObject(key, found["ContentLength"], found["ETag"].strip('"'), _version(version))

    def read(self, key: str) -> bytes:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def bulk(self) -> Callable[[str], bytes]:
        """See :class:`~nightproof.storage.store.ReadsInBulk`."""
        # The library takes longer to load than a few objects to read.
        from nightproof.storage.s3_bulk import bulk_reader

        return bulk_reader(self.bucket, self.object_store_options(), otherwise=self.read)

    def fetch(self, found: StoredObject, path: Path) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(found.key), path.open("wb") as file:
            if found.version_id:
                answer = self._client.get_object(
                    Bucket=self.bucket, Key=found.key, VersionId=found.version_id, IfMatch=found.etag
                )
            else:
                answer = self._client.get_object(Bucket=self.bucket, Key=found.key, IfMatch=found.etag)
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                file.write(chunk)

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        encoding: str = "",
        retention: Retention | None = None,
    ) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        # An empty encoding would be signed and sent as one.
        extra: dict[str, Any] = {"ContentEncoding": encoding} if encoding else {}
        if retention is not None:
            extra |= {"ObjectLockMode": retention.mode.upper(), "ObjectLockRetainUntilDate": retention.until}
        with self._explained(key, taken=ObjectExists):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*", **extra
            )

    def delete(self, key: str) -> None:
        """See :class:`~nightproof.storage.store.Store`."""
        with self._explained(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def hidden_by(self, key: str) -> str | None:
        """See :class:`~nightproof.storage.store.KeepsVersions`."""
        with self._explained(key):
            found = self._client.list_object_versions(Bucket=self.bucket, Prefix=key)
        latest = (mark for mark in found.get("DeleteMarkers", []) if mark["Key"] == key and mark["IsLatest"])
        return next((mark["VersionId"] for mark in latest), None)

    @contextmanager
    def _explained(self, key: str, *, taken: type[StoreError] = ObjectChanged) -> Iterator[None]:
        where = self.url(key)
        try:
            yield
        except NoCredentialsError as error:
            raise AccessRefused(
                f"No credentials to reach {where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or the Airflow connection aws_default."
            ) from error
        except ClientError as error:
            raise self._translated(error, where, taken=taken) from error
        except (EndpointConnectionError, BotoCoreError) as error:
            raise StoreUnavailable(
                f"No answer from object storage for {where} after several tries "
                f"({type(error).__name__}): is the endpoint right, and up?"
            ) from error

    def _translated(self, error: ClientError, where: str, *, taken: type[StoreError]) -> StoreError:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return BucketMissing(f"There is no bucket {self.bucket!r}: create it, or mend the location {where}.")
        if code in _MISSING or status == 404:
            return ObjectMissing(f"There is no object {where}.")
        if code in _TAKEN or status in (409, 412):
            said = "is there already" if taken is ObjectExists else "has changed since it was listed"
            return taken(f"{where} {said}.")
        if code in _REFUSED or status == 403:
            return AccessRefused(
                f"Object storage refuses these credentials for {where} ({code}): check the key, its secret, "
                "and that they may list, read and write there."
            )
        if status >= 500 or code in ("SlowDown", "InternalError", "ServiceUnavailable"):
            return StoreUnavailable(f"Object storage failed for {where} after several tries ({code or status}).")
        return StoreError(f"Object storage refused a request for {where}: {code or status}.")


def _instant(said: Any) -> datetime:
    """A time as S3 writes it: ISO 8601 in a body, RFC 5322 in a header; anything else as botocore reads it."""
    try:
        return datetime.fromisoformat(said) if said[:1].isdigit() else parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return parse_timestamp(said)


def _version(version_id: str | None) -> str | None:
    # A bucket without versioning says nothing, or the word null.
    return None if version_id in (None, "null") else version_id
