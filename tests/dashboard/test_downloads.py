"""What can be downloaded of a night, and what its pages are packed in."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pyarrow.parquet as pq
import pytest
from nightproof.dashboard.app import create_app
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source
from nightproof.prune import prune
from nightproof.table.schema import SCHEMA
from starlette.middleware.gzip import GZipMiddleware

Ask = Callable[..., httpx.Response]
STORED = ("findings.json", "readings.json", "snapshot.json", "validation.json", "verdict.json", "manifest.json")
MADE = ("findings.csv", "findings.parquet")


def address(published: Any, model: str = "clandestine") -> str:
    last = published.last(model)
    return f"/models/{model}/nights/{last.night}/{last.id}"


def stored(published: Any, name: str, model: str = "clandestine") -> bytes:
    last = published.last(model)
    raw: bytes = published.open_store("s3://ml-results").read(f"nightproof/{model}/{last.night}/{last.id}/{name}")
    return raw


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


# --- Files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORED)
def test_papers_come_as_they_were_published(get: Ask, published: Any, name: str) -> None:
    answer = get(f"{address(published)}/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    raw = stored(published, name)
    assert answer.content == (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
    assert isinstance(json.loads(answer.content), dict | list)


@pytest.mark.parametrize("name", [*STORED, *MADE])
def test_a_download_is_a_file_and_never_a_page(get: Ask, published: Any, name: str) -> None:
    answer = get(f"{address(published)}/{name}")
    last = published.last("clandestine")
    named = f'attachment; filename="clandestine-{last.night}-{last.id}-{name}"'
    assert answer.headers["content-disposition"] == named
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "html" not in answer.headers["content-type"]


def test_csv_and_parquet_are_the_rows_of_the_metrics_table(get: Ask, published: Any) -> None:
    findings = json.loads(get(f"{address(published)}/findings.json").content)
    table = pq.read_table(io.BytesIO(get(f"{address(published)}/findings.parquet").content))
    assert table.schema.remove_metadata() == SCHEMA
    rows = rows_of(get(f"{address(published)}/findings.csv"))
    assert list(rows[0]) == SCHEMA.names
    assert len(rows) == table.num_rows == len(findings)
    for finding, typed, text in zip(findings, table.to_pylist(), rows, strict=True):
        assert typed["value"] == finding["value"]
        assert text["value"] == ("" if finding["value"] is None else repr(finding["value"]))
        assert json.loads(text["segment"]) == finding["segment"]
        assert text["metric"] == typed["metric"] == finding["metric"]
    assert any(text["delta"].startswith("-") for text in rows)  # a number stays a number


def test_no_cell_of_the_csv_is_a_formula(bench: Any, ask: Ask) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
    harmful = [pl.col("x").alias(name) for name in names]
    config = bench.config(columns={"score": "score", "label": "label", "features": {"numeric": names}})
    bench.put("reference/part-0.parquet", _parquet(bench.night("2023-01-01", 500).with_columns(harmful).drop("id")))
    table = bench.night("2024-03-01", 200).with_columns(harmful)
    bench.write("2024-03-01", table.drop("label"), table.select("id", "label"))
    evaluation = bench.evaluate("2024-03-01", config)
    app = create_app(Source(bench.open_store, models=bench.models))
    answer = ask(app, f"/models/quiet/nights/2024-03-01/{evaluation.id}/findings.csv")
    columns = {row["column"] for row in rows_of(answer)}
    assert {f"'{name}" for name in names} <= columns
    assert not columns & set(names)


def _parquet(table: Any) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["profile.parquet", "history.json", "suite.json", "report.json", "findings.xlsx"])
def test_other_names_are_no_downloads(get: Ask, published: Any, name: str) -> None:
    assert get(f"{address(published)}/{name}").status_code == 404


@pytest.mark.parametrize("name", [*STORED, *MADE])
def test_whoever_may_not_read_a_model_downloads_none_of_it(get: Ask, published: Any, name: str) -> None:
    viewer = Viewer(readable=frozenset({"quiet"}))
    refused = get(f"{address(published)}/{name}", viewer=viewer)
    unknown = get(f"{address(published).replace('clandestine', 'nobody')}/{name}", viewer=viewer)
    assert refused.status_code == unknown.status_code == 404
    assert "clandestine" not in refused.text


@pytest.mark.parametrize("name", [*STORED, *MADE])
def test_an_evaluation_of_another_night_has_no_files_here(get: Ask, published: Any, name: str) -> None:
    last = published.last("quiet")
    assert get(f"/models/quiet/nights/2024-03-01/{last.id}/{name}").status_code == 404


def test_findings_that_retention_deleted_are_one_row_that_says_so(bench: Any, ask: Ask) -> None:
    config = bench.config(record={"keep": {"findings": "130d", "profiles": "130d"}})
    bench.night("2024-03-01", 100)
    evaluation = bench.evaluate("2024-03-01", config)
    prune(config, bench.model_results(config), now=datetime.now(UTC) + timedelta(days=400))
    app = create_app(Source(bench.open_store, models=bench.models))
    night = f"/models/quiet/nights/2024-03-01/{evaluation.id}"
    (row,) = rows_of(ask(app, f"{night}/findings.csv"))
    assert row["ordinal"] == "-1"
    assert "retention" in row["reason"]
    gone = ask(app, f"{night}/findings.json")
    assert gone.status_code == 404
    assert "findings are kept for 130d" in gone.text
    assert ask(app, f"{night}/verdict.json").status_code == 200


def test_rows_that_are_not_what_was_published_are_refused(bench: Any, ask: Ask) -> None:
    bench.night("2024-03-01", 100)
    evaluation = bench.evaluate("2024-03-01")
    store = bench.open_store("s3://ml-results")
    key = f"nightproof/quiet/2024-03-01/{evaluation.id}/findings.json"
    store.put(key, store.read(key) + b" ")
    app = create_app(Source(bench.open_store, models=bench.models))
    for name in MADE:
        assert ask(app, f"/models/quiet/nights/2024-03-01/{evaluation.id}/{name}").status_code == 503


# --- Pages that are stored packed ---------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "*", "GZIP"])
def test_a_browser_that_unpacks_gets_what_is_stored(get: Ask, published: Any, accepted: str) -> None:
    answer = get(f"{address(published)}/report", headers={"Accept-Encoding": accepted})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(stored(published, "report.html.gz")))
    assert answer.content == gzip.decompress(stored(published, "report.html.gz"))
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=nonsense", "gzipped"])
def test_whoever_does_not_gets_it_unpacked(get: Ask, published: Any, accepted: str) -> None:
    answer = get(f"{address(published)}/report", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == gzip.decompress(stored(published, "report.html.gz"))


def test_a_server_that_packs_answers_does_not_pack_it_again(published: Any, ask: Ask) -> None:
    packing = GZipMiddleware(published.app(), minimum_size=1)
    answer = ask(packing, f"{address(published)}/report", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == gzip.decompress(stored(published, "report.html.gz"))


def test_a_page_that_is_cut_off_is_not_to_be_had(bench: Any, ask: Ask) -> None:
    bench.night("2024-03-01", 100)
    evaluation = bench.evaluate("2024-03-01")
    packed = gzip.compress(b"the report" * 100)
    store = bench.open_store("s3://ml-results")
    store.put(f"nightproof/quiet/2024-03-01/{evaluation.id}/report.html.gz", packed[:-12])
    app = create_app(Source(bench.open_store, models=bench.models))
    path = f"/models/quiet/nights/2024-03-01/{evaluation.id}/report"
    answer = ask(app, path, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 503
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_page_of_an_evaluation_that_was_never_published_is_not_served(bench: Any, ask: Ask) -> None:
    bench.night("2024-03-01", 100)
    bench.evaluate("2024-03-01")
    store = bench.open_store("s3://ml-results")
    store.put("nightproof/quiet/2024-03-01/00000000deadbeef/report.html.gz", gzip.compress(b"planted"))
    app = create_app(Source(bench.open_store, models=bench.models))
    assert ask(app, "/models/quiet/nights/2024-03-01/00000000deadbeef/report").status_code == 404


def test_reports_are_not_kept_in_memory(published: Any) -> None:
    source = published.source()
    from nightproof.dashboard.night_pages.night_record import find, read_papers

    found = find(source, "quiet", "2024-03-04")
    read_papers(found)
    found.read("report.html.gz")
    dossier = source.results("quiet").dossier("2024-03-04", found.entry.evaluation_id)
    assert dossier._recent == {}
