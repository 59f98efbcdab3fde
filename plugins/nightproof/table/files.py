"""Files of the table: rows as Parquet, written before the commit that makes them part of it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nightproof.manifest import LogEntry
from nightproof.results import ModelResults
from nightproof.storage import Store
from nightproof.table.rows import evaluation_rows
from nightproof.table.schema import BOUNDED, ORDER, PARTITION, STORED

READERS = 8
"""Evaluations read at a time: it is the network that is waited for."""
CHUNK = 64
"""Evaluations held at a time, some 50,000 rows: memory does not grow with how many are written."""
GROUP_ROWS = 65_536
"""Rows of a row group: small enough that a reader of one model skips the others', large enough to compress."""


@dataclass(frozen=True)
class TableFile:
    """A file that was written and is not yet part of the table.

    Parameters
    ----------
    path
        From the table's folder.
    size
        Bytes.
    month
        Its partition.
    rows
        How many it holds.
    written_ms
        Milliseconds since 1970.
    stats
        The Delta protocol's statistics, JSON.
    """

    path: str
    size: int
    month: str
    rows: int
    written_ms: int
    stats: str


def write_entries(
    results: ModelResults,
    entries: Iterable[LogEntry],
    *,
    store: Store,
    folder: str,
    read: Callable[[str], bytes] | None = None,
) -> Iterator[TableFile]:
    """Write the rows of some evaluations, a file a month and chunk.

    Parameters
    ----------
    results
        The model's.
    entries
        Of its log.
    store, folder
        Where the table lies, a key prefix that ends in a slash.
    read
        As for :func:`~nightproof.table.rows.evaluation_rows`.
    """
    waiting = iter(entries)
    with ThreadPoolExecutor(READERS) as readers:
        while chunk := list(islice(waiting, CHUNK)):
            rows = pa.concat_tables(readers.map(lambda entry: evaluation_rows(results, entry, read), chunk))
            yield from write_rows(rows, store=store, folder=folder)


def write_rows(rows: pa.Table, *, store: Store, folder: str) -> Iterator[TableFile]:
    """Write rows, sorted, a file a month."""
    for month in sorted(pc.unique(rows[PARTITION]).to_pylist()):
        part = rows.filter(pc.equal(rows[PARTITION], month)).sort_by([(name, "ascending") for name in ORDER])
        content = _parquet(part.select(STORED.names))
        path = f"{PARTITION}={month}/{uuid4().hex}.parquet"
        store.create(folder + path, content, content_type="application/vnd.apache.parquet")
        yield TableFile(path, len(content), month, part.num_rows, time.time_ns() // 1_000_000, _stats(part))


def _parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", row_group_size=GROUP_ROWS)
    return buffer.getvalue()


def _stats(rows: pa.Table) -> str:
    bounds = {name: pc.min_max(rows[name]).as_py() for name in BOUNDED}
    return json.dumps(
        {
            "numRecords": rows.num_rows,
            "minValues": {name: found["min"] for name, found in bounds.items()},
            "maxValues": {name: found["max"] for name, found in bounds.items()},
            "nullCount": dict.fromkeys(BOUNDED, 0),
        },
        default=str,
    )
