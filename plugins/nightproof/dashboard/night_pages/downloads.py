"""Downloads: a night's findings as JSON, CSV and Parquet, and its other papers as they were published."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from nightproof.dashboard.night_pages.night_page import EvaluationId, Model, NightName
from nightproof.dashboard.night_pages.night_record import Found, find, unpacked, why_gone
from nightproof.dashboard.night_pages.night_view import DOWNLOADS
from nightproof.dashboard.serving.access import Who
from nightproof.errors import ObjectMissing

if TYPE_CHECKING:
    import pyarrow as pa

FILES = (*DOWNLOADS, "findings.csv", "findings.parquet")
KINDS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
SAFE = {
    # Whatever a browser makes of it, it is no page of this origin.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet would run."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

pages = APIRouter(include_in_schema=False)


def _route(name: str) -> None:
    """A route of its own for each file: what else stands in an address is no file."""

    @pages.get(f"/models/{{model}}/nights/{{night}}/{{evaluation_id}}/{name}", name=name)
    def download(
        request: Request, viewer: Who, model: Model, night: NightName, evaluation_id: EvaluationId
    ) -> Response:
        """One file of an evaluation."""
        viewer.check(model)
        found = find(request.app.state.source, model, night, evaluation_id)
        made = {"findings.csv": _csv, "findings.parquet": _parquet}.get(name)
        content = made(_rows(found)) if made else _published(found, name)
        return Response(content, media_type=KINDS[name.rpartition(".")[2]], headers=SAFE | _attached(found, name))


for _name in FILES:
    _route(_name)


def _published(found: Found, name: str) -> bytes:
    """A file as it was published, unpacked."""
    try:
        return unpacked(found.read(name), found.results.store.url(found.folder + name))
    except ObjectMissing:
        raise ObjectMissing(_why_not(found, name)) from None


def _why_not(found: Found, name: str) -> str:
    if found.entry.status == "quarantined" and name in ("findings.json", "readings.json"):
        return f"The night was quarantined: it has no {name}."
    return f"{name} is not there. {why_gone(found, name)}"


def _rows(found: Found) -> pa.Table:
    from nightproof.table.rows import evaluation_rows

    return evaluation_rows(found.results, found.entry)


def _csv(table: pa.Table) -> bytes:
    """The columns of the metrics table, as `docs/table.md` has them; what does not apply is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.column_names)
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A value as CSV has it: numbers with every digit, instants in ISO 8601, text that no spreadsheet runs."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULAS) else value
    return value.isoformat() if hasattr(value, "isoformat") else value


def _parquet(table: pa.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _attached(found: Found, name: str) -> dict[str, str]:
    parts = (found.results.model, found.entry.night, found.entry.evaluation_id, name)
    file = _UNSAFE.sub("_", "-".join(parts)).lstrip(".-")
    return {"Content-Disposition": f'attachment; filename="{file}"'}
