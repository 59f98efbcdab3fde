"""From a published evaluation to its rows: the very numbers of its `findings.json`, proved by its manifest."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import from_json

from nightproof.checks.finding import Finding
from nightproof.errors import ObjectMissing, RecordError
from nightproof.manifest import LogEntry, Manifest
from nightproof.results import ModelResults
from nightproof.table.schema import NO_FINDING, SCHEMA

_KNOWN = frozenset(Finding.model_fields)
_GZIP = b"\x1f\x8b"
_PAIRS = ("interval", "delta_interval")
_PLAIN = tuple(name for name in Finding.model_fields if name not in (*_PAIRS, "reference"))
"""Fields of a finding that are columns as they are."""
_FINDING = pa.struct(
    [SCHEMA.field(name) for name in (*_PLAIN, "reference")]
    + [pa.field(name, pa.list_(pa.float64())) for name in _PAIRS]
)
_REASONS = {"quarantined": "The night was quarantined: its data failed validation, and nothing was measured on it."}
_NOTHING = "The evaluation has no findings."
_GONE = "Its findings are no longer in the record: deleted by retention, or lost, which nightproof verify tells apart."


def evaluation_rows(results: ModelResults, entry: LogEntry, read: Callable[[str], bytes] | None = None) -> pa.Table:
    """The rows of one evaluation, in the order of its findings.

    One without findings has one row, of ordinal -1, that says so: no night is missing from the table.

    Parameters
    ----------
    results, entry
        The model's, and which evaluation.
    read
        Reads an object of the results' store by its key; the store itself by default.

    Raises
    ------
    RecordError
        If what is stored is not what the chain says was published.
    ObjectMissing
        If the manifest is gone; findings that are gone make one row that says so.
    """
    folder = f"{results.folder}{entry.night}/{entry.evaluation_id}/"
    read = read or results.store.read
    raw = read(folder + "manifest.json")
    where = results.store.url(folder + "manifest.json")
    _prove(raw, entry.manifest_sha256, where)
    manifest = Manifest.from_bytes(raw, name=where)
    try:
        findings = _json(results, manifest, read, folder=folder, name="findings.json")
    except ObjectMissing:
        return _table(results, entry, manifest, _of_none(entry, _GONE), version=None, rows=1)
    where = results.store.url(folder + "findings.json")
    if not isinstance(findings, list) or not all(isinstance(found, dict) for found in findings):
        raise RecordError(f"{where} is not a list of findings.")
    if strange := set[str]().union(*findings) - _KNOWN:
        raise RecordError(
            f"{where} has {', '.join(sorted(strange))}, which this version does not know: install the Nightproof "
            "that published it, or a later one."
        )
    version = None
    if "readings.json" in manifest.files:
        with suppress(ObjectMissing):  # retention may end readings and findings at different times
            version = _json(results, manifest, read, folder=folder, name="readings.json").get("version")
    try:
        columns = _of_findings(findings) if findings else _of_none(entry, _REASONS.get(entry.status, _NOTHING))
        return _table(results, entry, manifest, columns, version=version, rows=max(1, len(findings)))
    except (pa.ArrowException, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise RecordError(f"{where} is not a list of findings: {error}.") from error


def _table(
    results: ModelResults,
    entry: LogEntry,
    manifest: Manifest,
    columns: dict[str, pa.Array],
    *,
    version: str | None,
    rows: int,
) -> pa.Table:
    every = columns | _of_evaluation(results.model, entry, manifest, version=version, rows=rows)
    return pa.table([every[field.name] for field in SCHEMA], schema=SCHEMA)


def _json(results: ModelResults, manifest: Manifest, read: Callable[[str], bytes], *, folder: str, name: str) -> Any:
    """A file of the evaluation, proved and read; floats are the nearest to what is written, as everywhere."""
    where = results.store.url(folder + name)
    if name not in manifest.files:
        raise RecordError(f"{results.store.url(folder)}manifest.json names no {name}.")
    raw = read(folder + name)
    _prove(raw, manifest.files[name].sha256, where)
    try:
        return from_json(gzip.decompress(raw) if raw.startswith(_GZIP) else raw, allow_inf_nan=False)
    except (ValueError, OSError, EOFError) as error:
        raise RecordError(f"{where} is not JSON: {error}.") from error


def _prove(raw: bytes, sha256: str, where: str) -> None:
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise RecordError(f"{where} is not what was published: its SHA-256 is not the one that the chain holds.")


def _of_evaluation(
    model: str, entry: LogEntry, manifest: Manifest, *, version: str | None, rows: int
) -> dict[str, pa.Array]:
    """What all rows of an evaluation share."""
    shared = {
        "model": model,
        "night": date.fromisoformat(entry.night),
        "month": entry.night[:7],
        "evaluation_id": entry.evaluation_id,
        "log_number": entry.number,
        "evaluated_at": datetime.fromisoformat(manifest.evaluated_at),
        # Records of the first versions do not say it.
        "known_at": datetime.fromisoformat(manifest.known_at) if manifest.known_at else None,
        "labels": entry.labels,
        "supersedes": entry.supersedes,
        "status_of_night": entry.status,
        "model_version": version,
    }
    return {name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), rows) for name, value in shared.items()}


def _of_findings(findings: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
    """Columns of what is each finding's own, read field by field outside Python's interpreter."""
    for found in findings:
        found["segment"] = _segment(tuple(found["segment"].items())) if found.get("segment") else "{}"
    rows = pa.array(findings, _FINDING)
    columns = {name: rows.field(name) for name in _PLAIN}
    for name, low, high in (("interval", "low", "high"), ("delta_interval", "delta_low", "delta_high")):
        pairs = rows.field(name)
        columns |= {low: pc.list_element(pairs, 0), high: pc.list_element(pairs, 1)}
    columns["reference"] = rows.field("reference").fill_null(Finding.model_fields["reference"].default)
    columns["ordinal"] = pa.array(range(len(findings)), pa.int32())
    return columns


@lru_cache(maxsize=65_536)
def _segment(items: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(items), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _of_none(entry: LogEntry, reason: str) -> dict[str, pa.Array]:
    said = {"ordinal": NO_FINDING, "status": entry.status, "reason": reason}
    return {field.name: pa.array([said.get(field.name)], field.type) for field in SCHEMA}
