"""The table's columns: one row a finding, with when it was measured and what was known then.

``segment`` is JSON text with sorted keys, not a map: every reader takes text, can group, join and compare by it, and
prune by it; Spark can do none of that with a map, and Polars has no such type.

The table is partitioned by month of night. A month is written for some thirty days and then settled, so that
compaction rewrites the current one only, and readers of a stretch of nights open its months only; within a file rows
are sorted by model, so that row groups of other models are skipped. A partition a model would leave a thousand models
with a thousand small files a month.
"""

from __future__ import annotations

import pyarrow as pa

VERSION = 1
"""Of these columns and their meaning; a table says it, and one that says a later number is left alone."""
VERSION_KEY = "nightproof.schemaVersion"

ORDER = ("model", "log_number", "ordinal")
"""The canonical order of rows, and their key."""

INSTANT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("night", pa.date32(), nullable=False),
        pa.field("month", pa.string(), nullable=False),
        pa.field("evaluation_id", pa.string(), nullable=False),
        pa.field("log_number", pa.int64(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("evaluated_at", INSTANT),
        pa.field("known_at", INSTANT),
        pa.field("labels", pa.string()),
        pa.field("supersedes", pa.string()),
        pa.field("status_of_night", pa.string()),
        pa.field("model_version", pa.string()),
        pa.field("check", pa.string()),
        pa.field("metric", pa.string()),
        pa.field("column", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("window", pa.int32()),
        pa.field("value", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("baseline", pa.float64()),
        pa.field("delta", pa.float64()),
        pa.field("delta_low", pa.float64()),
        pa.field("delta_high", pa.float64()),
        pa.field("tolerance", pa.float64()),
        pa.field("n", pa.int64()),
        pa.field("detectable", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("reference", pa.string()),
    ]
)
"""All columns, in order; `docs/table.md` says what each means."""

BOUNDED = ("model", "night", "log_number")
"""Columns of which the table keeps the least and the greatest of each file, to skip it by; never null."""
PARTITION = "month"
STORED = pa.schema([field for field in SCHEMA if field.name != PARTITION])
"""What a file holds; its partition stands in the table's log."""
NO_FINDING = -1
"""The ordinal of the one row of an evaluation without findings, such as a quarantined night's."""
