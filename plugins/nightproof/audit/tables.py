"""Tables for machines: nights and findings as CSV and Parquet, in which text from data stays text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nightproof.audit.period import Evaluated, Period

if TYPE_CHECKING:
    import polars as pl

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""
NIGHT = (
    "night", "status", "evaluation_id", "entry", "evaluated_at", "known_at", "labels", "rows", "labelled",
    "label_coverage", "objects", "bytes", "data_pinned_by", "validation", "failed_expectations", "findings",
    "regressions", "open_incidents", "evaluations", "manifest_sha256", "headline",
)  # fmt: skip
FINDING = (
    "night", "evaluation_id", "is_latest", "check", "metric", "column", "segment", "window", "reference", "value",
    "low", "high", "baseline", "delta", "delta_low", "delta_high", "tolerance", "n", "detectable", "p_value",
    "status", "reason",
)  # fmt: skip


def night_rows(period: Period) -> list[dict[str, Any]]:
    """One row a calendar night; of one that was not evaluated all but the night and the status is empty."""
    told: dict[str, int] = {}
    for found in period.evaluated:
        told[found.night] = told.get(found.night, 0) + 1
    rows = []
    for night in map(str, period.nights):
        latest = period.latest.get(night)
        blank: dict[str, Any] = dict.fromkeys(NIGHT) | {"night": night, "status": "not evaluated"}
        rows.append(blank if latest is None else blank | _night(latest, told[night]))
    return rows


def _night(found: Evaluated, evaluations: int) -> dict[str, Any]:
    manifest, snapshot, verdict, validation = found.manifest, found.snapshot, found.verdict, found.validation
    objects = [o for o in snapshot.objects if o.role != "reference"] if snapshot else None
    return {
        "status": manifest.status,
        "evaluation_id": manifest.evaluation_id,
        "entry": found.entry.number,
        "evaluated_at": manifest.evaluated_at,
        "known_at": manifest.known_at,
        "labels": manifest.labels,
        "rows": manifest.rows,
        "labelled": manifest.labelled,
        "label_coverage": manifest.labelled / manifest.rows
        if manifest.rows and manifest.labelled is not None
        else None,
        "objects": None if objects is None else len(objects),
        "bytes": None if objects is None else sum(o.size for o in objects),
        "data_pinned_by": manifest.data_pinned_by,
        "validation": validation.outcome if validation else None,
        "failed_expectations": len(validation.failed()) if validation else None,
        "findings": verdict.findings if verdict else None,
        "regressions": verdict.regressions if verdict else None,
        "open_incidents": sum(i.is_open for i in verdict.incidents) if verdict else None,
        "evaluations": evaluations,
        "manifest_sha256": found.entry.manifest_sha256,
        "headline": verdict.headline if verdict else None,
    }


def findings_table(evaluated: Sequence[Evaluated]) -> pl.DataFrame:
    """Every finding of a period's evaluations."""
    import polars as pl

    number, whole = pl.Float64(), pl.Int64()
    numbers = (
        "value",
        "low",
        "high",
        "baseline",
        "delta",
        "delta_low",
        "delta_high",
        "tolerance",
        "detectable",
        "p_value",
    )
    schema: dict[str, pl.DataType] = {name: pl.String() for name in FINDING}
    schema |= dict.fromkeys(numbers, number) | dict.fromkeys(("window", "n"), whole) | {"is_latest": pl.Boolean()}
    rows = [
        (
            e.night, e.entry.evaluation_id, e.is_latest, f.check, f.metric, f.column,
            json.dumps(f.segment, ensure_ascii=False, sort_keys=True), f.window, f.reference, f.value,
            *_ends(f.interval), f.baseline, f.delta, *_ends(f.delta_interval), f.tolerance, f.n, f.detectable,
            f.p_value, f.status, f.reason,
        )
        for e in evaluated
        for f in e.findings or ()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ends(interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return interval or (None, None)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """CSV in UTF-8 (RFC 4180), in which no text can be taken for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode()


def harmless(value: Any) -> Any:
    """A cell; text that begins as a formula does is put behind an apostrophe, as OWASP advises."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def parquet_bytes(table: pl.DataFrame) -> bytes:
    """Parquet, the same bytes for the same rows."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()
