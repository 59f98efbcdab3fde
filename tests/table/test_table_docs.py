"""What `docs/table.md` says of reading the table is run on a real one, and compared with `findings.json`."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from nightproof.table.compact import compact
from nightproof.table.schema import SCHEMA
from nightproof.table.sync import sync_all

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "table.md").read_text("utf-8")
SNIPPETS = dict(re.findall(r"```(?:python|sql)\n(?:#|--) (.*?)\n(.*?)```", DOCUMENT, re.DOTALL))


@pytest.fixture
def nights(folder):
    """Two nights of a model by the whole pipeline."""
    for night in ("2026-01-31", "2026-02-01"):
        folder.night(night)
        folder.evaluate(night)
    return folder


def of_findings(bench):
    results = bench.model_results()
    return [
        (datetime.date.fromisoformat(entry.night), found["metric"], found["segment"], found["value"])
        for entry in results.log.entries()
        for found in json.loads(results.dossier(entry.night, entry.evaluation_id).read("findings.json"))
        if (found["check"], found["window"]) == ("performance", 1)
    ]


@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_each_reader_gives_the_numbers_of_findings_json(nights, reader):
    table = nights.resources().table(nights.config()).url
    names = {"table": table, "options": {}}
    exec(compile(SNIPPETS[reader], reader, "exec"), names)
    found = [(night, metric, json.loads(segment), value) for night, metric, segment, value in names["answer"]]
    told = [tuple(None if each != each else each for each in row) for row in found]
    told = [(n.date() if isinstance(n, datetime.datetime) else n, *rest) for n, *rest in told]
    assert told == of_findings(nights)
    assert len(told) > 4


@pytest.mark.integration
@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_each_reader_reads_it_from_s3(bucket_model, reader):
    bucket_model.night("2026-01-31")
    bucket_model.evaluate("2026-01-31")
    table = bucket_model.resources().table(bucket_model.config())
    names = {"table": table.url, "options": table.store.object_store_options()}
    exec(compile(SNIPPETS[reader], reader, "exec"), names)
    assert len(names["answer"]) == len(of_findings(bucket_model))


def test_the_credentials_that_it_names_are_those_that_are_used(s3):
    from nightproof.storage.s3 import S3Store

    names: dict[str, object] = {}
    exec(compile(SNIPPETS["credentials"], "credentials", "exec"), names)
    assert set(names["options"]) <= set(S3Store("any", s3.client()).object_store_options())


def test_what_is_known_now_and_what_was_known_then(place, finding):
    for night, value, at in (
        ("2026-01-30", 0.7, "2026-02-01"),
        ("2026-01-31", 0.8, "2026-02-02"),
        ("2026-01-30", 0.9, "2026-02-05"),
    ):
        said = finding(value=value), finding("brier"), finding(segment={"group": "a"})
        place.publish("quiet", night, said, evaluated_at=f"{at}T04:00:00+00:00")
    place.publish("quiet", "2026-02-01", [], status="quarantined", evaluated_at="2026-02-02T04:00:00+00:00")
    sync_all(place.root(), place.table())
    compact(place.table())  # what readers skip files by outlives a checkpoint
    metrics = DeltaTable(place.table()._uri).to_pyarrow_dataset()
    first, second = datetime.date(2026, 1, 30), datetime.date(2026, 1, 31)
    with duckdb.connect() as connection:
        connection.register("metrics", metrics)
        assert connection.sql(SNIPPETS["latest"]).fetchall() == [(first, 0.9), (second, 0.8)]
        assert connection.sql(SNIPPETS["as of"]).fetchall() == [(first, 0.7), (second, 0.8)]


def test_every_column_stands_in_it_in_order():
    listed = re.search(r"## Columns.*?\n## ", DOCUMENT, re.DOTALL)[0]
    cells = re.findall(r"^\| (`.*?) \|", listed, re.MULTILINE)
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == SCHEMA.names
