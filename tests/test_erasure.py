"""Erasure: nothing of one person is in the record, and deleting the person's rows does not break it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from nightproof.audit import make_pack
from nightproof.message import Links, compose
from nightproof.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Evidently's own, on import
NIGHT = "2024-03-02"
ID, TEXT, VERSION, GROUP, LATENCY = "person-4711-id", "wrote-this-once", "v-of-one", "group-of-one", 918273.125
EXTREME = 8675309.25
MARKERS = (ID, TEXT, VERSION, GROUP)
NUMBERS = (EXTREME, LATENCY)
IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
RULES: list[tuple[str, dict[str, Any]]] = [
    (IN_SET, {"column": "text", "value_set": ["p", "q"]}),
    (IN_SET, {"column": "group", "value_set": ["a", "b"]}),
    ("expect_column_max_to_be_between", {"column": "x", "max_value": 50}),
    (BETWEEN, {"column": "x", "max_value": 50}),
    ("expect_column_values_to_match_regex", {"column": "id", "regex": "^2024"}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "text", "value_set": ["p", "q"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "text", "value_set": ["r"]}),
]
SUITE = {
    "name": "strict",
    "expectations": [{"type": name, "kwargs": kwargs, "severity": "warning"} for name, kwargs in RULES],
}


def columns(table: pl.DataFrame) -> pl.DataFrame:
    """The bench's rows with every kind of column."""
    halves = pl.int_range(pl.len()) % 2
    return table.with_columns(
        text=pl.when(halves == 0).then(pl.lit("p")).otherwise(pl.lit("q")),
        version=pl.lit("v1"),
        took_ms=pl.lit(12.5),
    )


def with_person(table: pl.DataFrame) -> pl.DataFrame:
    """The same rows, the first of which is one person's."""
    own = {"id": ID, "text": TEXT, "version": VERSION, "group": GROUP, "x": EXTREME, "took_ms": LATENCY}
    first = pl.int_range(pl.len()) == 0
    return table.with_columns(
        pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in own.items()
    )


def changes(bench: Any) -> dict[str, Any]:
    return {
        "columns": {
            "score": "score",
            "label": "label",
            "features": {"numeric": ["x"], "categorical": ["group", "text"]},
            "protected": ["group", "text"],
            "slices": ["text", ["text", "group"], "x"],
            "model_version": "version",
            "latency_ms": "took_ms",
        },
        "validate": {"suite": "strict"},
    }


def published(bench: Any, make_rows: Any, **knobs: Any) -> Any:
    bench.config(**changes(bench))
    bench.suites.joinpath("strict.json").write_text(json.dumps(SUITE), "utf-8")
    buffer = BytesIO()
    columns(make_rows(2000, seed=1)).drop("id").write_parquet(buffer)
    bench.put("reference/part-0.parquet", buffer.getvalue())
    config = bench.config(**changes(bench))
    for night, noise in (("2024-03-01", {}), (NIGHT, knobs)):
        table = with_person(columns(make_rows(900, seed=int(night[-2:]), name=night, **noise)))
        bench.write(night, table.drop("label"), table.select("id", "label"))
        evaluation = bench.evaluate(night, config, left_out=())
    return config, evaluation


def unpacked(name: str, raw: bytes) -> Iterator[bytes]:
    """Everything that bytes hold: as they are, unpacked, and as decoded values."""
    yield raw
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
        yield raw
    if raw.startswith(b"PAR1"):
        table = pl.read_parquet(BytesIO(raw))
        yield table.write_json().encode()
        yield repr(pl.read_parquet_metadata(BytesIO(raw))).encode()
    if name.endswith(".json"):
        yield json.dumps(json.loads(raw), ensure_ascii=False).encode()


def leaks(objects: dict[str, bytes]) -> list[tuple[str, str]]:
    """Where a marker stands, however a number may be written."""
    numbers = {
        form for n in NUMBERS for form in (f"{n:g}", f"{n}", f"{n:,}", f"{n:.1f}", f"{n:,.0f}", f"{n:.0f}", f"{n:.6g}")
    }
    asked = [text.encode() for text in (*MARKERS, *numbers)]
    return [
        (name, marker.decode())
        for name, raw in objects.items()
        for piece in unpacked(name, raw)
        for marker in asked
        if marker in piece
    ]


@pytest.mark.parametrize("knobs", [{}, {"noise": 1.0, "unfair": 0.4}], ids=["quiet", "regression"])
def test_no_value_of_one_person_is_in_any_object_of_the_record(bench: Any, make_rows: Any, knobs: Any) -> None:
    _, evaluation = published(bench, make_rows, **knobs)
    objects = bench.objects()
    assert {name.rsplit("/", 1)[-1] for name in objects} >= {"report.html.gz", "data_docs.html.gz", "profile.parquet"}
    assert evaluation.validation.failed() and any(e.example_keys for e in evaluation.validation.failed())
    assert leaks(objects) == []


def test_the_search_itself_finds_what_is_there(bench: Any, make_rows: Any) -> None:
    published(bench, make_rows)
    found = {name: bench.open_store("s3://ml-logs").read(name) for name in (f"predictions/dt={NIGHT}/part-0.parquet",)}
    assert {marker for _, marker in leaks(found)} >= {*MARKERS, str(EXTREME), str(LATENCY)}


def test_no_message_and_no_pack_tells_of_one_person(bench: Any, make_rows: Any) -> None:
    config, evaluation = published(bench, make_rows, noise=1.0, unfair=0.4)
    assert evaluation.verdict.news, "there is something to tell"
    told = [compose(i, evaluation, Links(location="s3://somewhere/")) for i in evaluation.verdict.incidents]
    said = {f"message-{place}": json.dumps(message.blocks).encode() for place, message in enumerate(told)}
    pack = make_pack(config, bench.model_results(config), first=date(2024, 3, 1), last=date(2024, 3, 2))
    assert leaks({**said, "pack": pack.content, **_files(pack.content)}) == []


def _files(content: bytes) -> dict[str, bytes]:
    from zipfile import ZipFile

    packed = ZipFile(BytesIO(content))
    return {name: packed.read(name) for name in packed.namelist()}


def test_values_with_enough_rows_stay(bench: Any, make_rows: Any) -> None:
    bench.config(**changes(bench))
    config, _ = published(bench, make_rows)
    table = columns(make_rows(900, seed=3, name="2024-03-03"))
    many = pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("a new shop")).otherwise(pl.col("text"))
    table = table.with_columns(
        text=many, version=pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("v2")).otherwise("version")
    )
    bench.write("2024-03-03", table.drop("label"), table.select("id", "label"))
    evaluation = bench.evaluate("2024-03-03", config)
    assert evaluation.profile.unseen("text") == {"a new shop": 40}
    assert evaluation.profile.versions() == {"v1": 860, "v2": 40}


def test_deleting_a_persons_rows_breaks_neither_chain_nor_record(bench: Any, make_rows: Any) -> None:
    config, _ = published(bench, make_rows)
    before = bench.objects()
    table = columns(make_rows(900, seed=2, name=NIGHT)).filter(pl.int_range(pl.len()) > 0)
    bench.write(NIGHT, table.drop("label"), table.select("id", "label"))
    assert bench.objects() == before
    found = verify(bench.model_results(config), deep=True)
    assert found.is_whole and found.entries == 2
    # Evaluated again, the night has an evaluation beside the old one, and both stand in one chain.
    bench.evaluate(NIGHT, config)
    found = verify(bench.model_results(config), deep=True)
    assert found.is_whole and found.entries == 3
    assert leaks(bench.objects()) == []
