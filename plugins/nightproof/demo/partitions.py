"""What the model's service would have logged: a folder of predictions and one of labels per night.

Predictions of a night are the flights scheduled to leave New York on that day; labels are what the
arrivals proved. Latency is not among them: nobody measured it in 2013.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from nightproof.demo.delay_model import (
    CATEGORICAL,
    FIRST_LIVE_DAY,
    NUMERIC,
    VERSION,
    DelayModel,
    held_out_days,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

FILE_NAME = "part-0.parquet"
THREADS = 8
_PREDICTION = ("flight_id", "predicted_at", "model_version", "p_late", *NUMERIC, *CATEGORICAL)


@dataclass(frozen=True)
class Partition:
    """One Parquet object.

    Parameters
    ----------
    url
        Its full ``s3://`` address.
    content
        Its bytes, which depend on the rows alone.
    """

    url: str
    content: bytes

    @property
    def bucket(self) -> str:
        """Its bucket."""
        return self.url.removeprefix("s3://").split("/", 1)[0]

    @property
    def key(self) -> str:
        """Its key in the bucket."""
        return self.url.removeprefix("s3://").split("/", 1)[1]


@dataclass(frozen=True)
class Layout:
    """Where the objects go: the ``data`` of a model's config.

    Parameters
    ----------
    predictions, labels
        ``s3://`` folders of a night, with ``strftime`` marks for its date.
    reference
        ``s3://`` folder of the rows held out from training.
    """

    predictions: str
    labels: str
    reference: str


def score_flights(flights: pl.DataFrame, model: DelayModel) -> pl.DataFrame:
    """Put beside the flights what the service logs: score, version and when it was asked."""
    return flights.with_columns(
        pl.Series("p_late", model.score(flights)),
        pl.lit(VERSION).alias("model_version"),
        pl.col("departed_at").alias("predicted_at"),
    )


def make_partitions(scored: pl.DataFrame, layout: Layout) -> Iterator[Partition]:
    """Make the reference first, then predictions and labels of every night since the model went live.

    Parameters
    ----------
    scored
        As :func:`score_flights` gives it.
    layout
        Where the objects go.
    """
    reference = scored.filter(pl.col("day").is_in(held_out_days(scored)))
    yield Partition(layout.reference + FILE_NAME, _parquet(reference.select(*_PREDICTION, "late")))
    live = scored.filter(pl.col("day") >= FIRST_LIVE_DAY).sort("day", maintain_order=True)
    for night in live.partition_by("day", maintain_order=True):
        yield from _night(night, layout)


def labels_so_far(partition: Partition, flights: pl.DataFrame, *, late: str) -> Partition:
    """A night's labels as they are before one carrier's have come.

    Parameters
    ----------
    partition
        The night's labels in full.
    flights
        All flights, for who flew them.
    late
        The carrier.
    """
    labels = pl.read_parquet(io.BytesIO(partition.content))
    of_carrier = flights.filter(pl.col("carrier") == late).select("flight_id")
    return Partition(partition.url, _parquet(labels.join(of_carrier, on="flight_id", how="anti")))


def put_first(partition: Partition, client: S3Client) -> bool:
    """Write an object unless one of its key is there; whether it was written."""
    if partition.key in _etags(client, partition.bucket, partition.key):
        return False
    client.put_object(Bucket=partition.bucket, Key=partition.key, Body=partition.content)
    return True


def upload(
    partitions: Iterable[Partition],
    client: S3Client,
    on_done: Callable[[Partition], None] = lambda _: None,
) -> int:
    """Write objects that are not there yet with these very bytes; the others stay untouched.

    Parameters
    ----------
    partitions
        All of one bucket or of several, which must exist.
    client
        Connection to the server.
    on_done
        Called after each, from many threads.

    Returns
    -------
    int
        How many objects were written.
    """
    stored: dict[str, dict[str, str]] = {}

    def put(partition: Partition) -> int:
        is_new = stored[partition.bucket].get(partition.key) != _etag(partition.content)
        if is_new:
            client.put_object(Bucket=partition.bucket, Key=partition.key, Body=partition.content)
        on_done(partition)
        return int(is_new)

    def listed() -> Iterator[Partition]:
        for partition in partitions:
            if partition.bucket not in stored:
                stored[partition.bucket] = _etags(client, partition.bucket)
            yield partition

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(put, listed()))


def _night(flights: pl.DataFrame, layout: Layout) -> Iterator[Partition]:
    day: date = flights["day"][0]
    labels = flights.select("flight_id", "late", pl.col("landed_at").alias("labelled_at"))
    yield Partition(day.strftime(layout.predictions) + FILE_NAME, _parquet(flights.select(_PREDICTION)))
    yield Partition(day.strftime(layout.labels) + FILE_NAME, _parquet(labels))


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _etags(client: S3Client, bucket: str, prefix: str = "") -> dict[str, str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}
