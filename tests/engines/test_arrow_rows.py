"""What executors do, without Spark: facts of any parts of the rows add up to the facts of all."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.config import ModelConfig
from nightproof.engines.arrow_rows import FACTS, Reading, facts, facts_together
from nightproof.profiles import ProfileSpec, collect
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.profile import SCHEMA

CONFIG = ModelConfig.model_validate(
    {
        "model": "small",
        "task": "binary",
        "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
        "columns": {
            "score": "score",
            "label": "label",
            "features": {"numeric": ["x"], "categorical": ["c"]},
            "slices": ["c"],
            "time": "time",
        },
    }
)


def table(n: int = 60) -> pl.DataFrame:
    draw = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "score": draw.random(n),
            "label": draw.integers(0, 2, n),
            "x": draw.integers(0, 50, n),
            "c": draw.choice(["a", "b"], n),
            "time": np.datetime64("2024-03-01", "us") + draw.integers(0, 96, n).astype("timedelta64[h]"),
        }
    )


@pytest.fixture
def spec(tmp_path: Path) -> ProfileSpec:
    path = tmp_path / "reference.parquet"
    table().write_parquet(path)
    return infer_spec(CONFIG, [path])


def as_frame(batches: list[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pa.Table.from_batches(batches, FACTS)).cast(SCHEMA)


@given(cuts=st.lists(st.integers(0, 60), max_size=4), travels=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tasks_add_up_whatever_their_rows(cuts: list[int], travels: bool, spec: ProfileSpec, tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    table().write_parquet(path)
    reading = Reading.of(path, spec.columns, spec, labelled=True)
    rows = pq.read_table(path, columns=reading.file.names)
    places = sorted({0, *cuts, 60})
    parts = [rows.slice(start, end - start).to_batches() for start, end in pairwise(places)]
    if travels:
        told = [facts(reading.typed(part), reading.schema.names, spec.to_bytes()) for part in parts]
    else:
        told = [reading.facts(part) for part in parts]
    found = facts_together([as_frame(list(part)) for part in told], spec)
    assert found.equals(collect([path], [], spec).facts)


def test_tasks_together_name_the_unknown_values_that_one_process_names(spec: ProfileSpec, tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    # Twenty values fill the first task's names; another is rarer there, but frequent among all.
    values = [f"new {number:02}" for number in range(20) for _ in range(2)] + ["frequent"] * 20
    table(60).with_columns(c=pl.Series(values)).write_parquet(path)
    reading = Reading.of(path, spec.columns, spec, labelled=True)
    rows = pq.read_table(path, columns=reading.file.names)
    parts = [rows.slice(0, 41).to_batches(), rows.slice(41).to_batches()]
    found = facts_together([as_frame(list(reading.facts(part))) for part in parts], spec)
    assert found.equals(collect([path], [], spec).facts)


@pytest.mark.parametrize(
    ("written", "as_spark_has_it"),
    [
        (pa.array([7, None], pa.uint64()), pa.decimal128(20, 0)),
        (pa.array([7, None], pa.uint8()), pa.int16()),
        (pa.array(["7", None]).dictionary_encode(), pa.string()),
        (pa.array(["7", None], pa.large_string()), pa.string()),
        (pa.array([None, None], pa.null()), pa.int32()),
        (pa.array([7.5, None], pa.float32()), pa.float32()),
    ],
)
def test_a_column_is_read_in_the_type_of_its_file(
    written: pa.Array, as_spark_has_it: pa.DataType, spec: ProfileSpec, tmp_path: Path
) -> None:
    path = tmp_path / "night.parquet"
    rows = table(2).drop("c").to_arrow().append_column("c", written)
    pq.write_table(rows, path)
    reading = Reading.of(path, spec.columns, spec, labelled=True)
    plain = written if not pa.types.is_dictionary(written.type) else written.cast(pa.string())
    columns = [rows[name].combine_chunks() if name != "c" else plain for name in reading.file.names]
    travelled = [
        pa.nulls(2, as_spark_has_it)
        if name == "c" and plain.null_count == 2
        else column.cast(as_spark_has_it)
        if name == "c"
        else column
        for name, column in zip(reading.file.names, columns, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(travelled, names=[f"c{i}" for i in range(len(travelled))])
    assert as_frame(list(reading.facts([batch]))).equals(collect([path], [], spec).facts)


def test_a_column_that_is_not_there_is_known_before_the_work_begins(spec: ProfileSpec, tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    table().drop("x").write_parquet(path)
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="x"):
        Reading.of(path, spec.columns, spec, labelled=True)
