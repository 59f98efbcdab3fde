"""The laws of adding profiles hold for a team's own metrics: merged parts are the pooled rows, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.config import ModelConfig
from nightproof.engines.arrow_rows import Reading, facts_together
from nightproof.metric_sections import MetricSource
from nightproof.metrics.ratio_of_sums import ratio_of_sums
from nightproof.profiles import Profile, ProfileSpec, collect, merge
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.metric_rows import BITS, LARGEST
from nightproof.profiles.ratios import ratio
from nightproof.profiles.row_functions import RowFunction, row_functions
from polars.testing import assert_frame_equal

LAW = settings(deadline=None, derandomize=True, max_examples=12)
SCHEMA = pl.Schema(
    {
        "score": pl.Float64,
        "label": pl.Int64,
        "g": pl.String,
        "version": pl.String,
        "revenue": pl.Float64,
        "w": pl.Float64,
    }
)
MONEY = st.sampled_from([None, float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e300, -1e300, 5e-324, -3.5])
ROW = st.fixed_dictionaries(
    {
        "score": st.sampled_from([None, 0.0, 0.5, 1.0]) | st.floats(0.0, 1.0),
        "label": st.sampled_from([None, 0, 1]),
        "g": st.sampled_from([None, "north", "south", "abroad"]),
        "version": st.sampled_from(["v1", "v2", 'a"b', None]),
        "revenue": MONEY | st.floats(-1e9, 1e9),
        "w": st.sampled_from([None, float("nan"), 0.0, 1e300]) | st.floats(0.0, 50.0),
    }
)
ROWS = st.lists(ROW, max_size=12)
PARTS = st.lists(ROWS, min_size=1, max_size=4)
Rows = list[dict[str, Any]]
FUNCTION = """\
import numpy as np

COLUMNS = ("revenue",)
TEXT = ("g",)


def north(rows):
    known = np.isfinite(rows["revenue"]) & (rows["g"] == "north")
    return np.where(known, np.tanh(rows["revenue"]), np.nan), np.where(known, 2.0, np.nan)
"""
METRICS: Mapping[str, Any] = {
    "revenue_per_decision": {"sum": "revenue"},
    "share": {"sum": "score", "over": "revenue"},
    "north": {"python": "north", "source": {"sha256": "0" * 64, "columns": ["revenue"], "text_columns": ["g"]}},
}


def config_of(weighed: bool) -> ModelConfig:
    columns: dict[str, Any] = {
        "score": "score",
        "label": "label",
        "features": {"categorical": ["g"]},
        "protected": ["g"],
    }
    columns |= {"slices": ["g", ["g", "version"]], "model_version": "version"} | ({"weight": "w"} if weighed else {})
    data = {"predictions": "file:///data/p/", "reference": "file:///data/r/"}
    config = ModelConfig.model_validate(
        {"model": "laws", "task": "binary", "data": data, "columns": columns, "metrics": METRICS}
    )
    source = MetricSource(
        sha256=RowFunction("north", "north", FUNCTION).sha256, columns=("revenue",), text_columns=("g",), code=FUNCTION
    )
    own = {**config.metrics, "north": config.metrics["north"].model_copy(update={"source": source})}
    return config.model_copy(update={"metrics": own})


FUNCTIONS = row_functions(config_of(False))


@pytest.fixture(scope="module", params=[False, True], ids=["equal", "weighed"])
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ProfileSpec:
    reference = pl.DataFrame(
        {
            "score": [i / 60 for i in range(60)],
            "label": [0, 1] * 30,
            "g": ["north", "south"] * 30,
            "version": ["v1"] * 60,
            "revenue": [float(i % 7) * 2.5 for i in range(60)],
            "w": [1.0 + i % 3 for i in range(60)],
        }
    )
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    reference.write_parquet(path)
    return infer_spec(config_of(request.param), [path])


def counted(rows: Rows, spec: ProfileSpec) -> Profile:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        pl.DataFrame(rows, schema=SCHEMA).write_parquet(path)
        return collect([path], [], spec, functions=FUNCTIONS)


def same(one: Profile, other: Profile) -> None:
    assert_frame_equal(one.facts, other.facts, check_exact=True)
    assert one.to_bytes() == other.to_bytes()


@LAW
@given(parts=PARTS, data=st.data())
def test_merged_parts_are_the_pooled_rows_in_any_order(
    parts: list[Rows], data: st.DataObject, spec: ProfileSpec
) -> None:
    order = data.draw(st.permutations(parts))
    pooled = counted([row for part in parts for row in part], spec)
    merged = merge([counted(part, spec) for part in order])
    same(merged, pooled)
    for name in METRICS:
        assert ratio(merged, name) == ratio(pooled, name)
        assert ratio_of_sums(ratio(merged, name)) == ratio_of_sums(ratio(pooled, name))


@LAW
@given(parts=PARTS)
def test_an_executors_facts_are_those_of_one_process(parts: list[Rows], spec: ProfileSpec) -> None:
    tables = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        for rows in parts:
            frame = pl.DataFrame(rows, schema=SCHEMA)
            frame.write_parquet(path)
            reading = Reading.of(path, spec.columns, spec, labelled=True)
            batches = frame.select(reading.file.names).to_arrow().cast(reading.file).to_batches()
            tables += [pl.DataFrame(batch) for batch in reading.facts(batches, FUNCTIONS)]
    pooled = counted([row for part in parts for row in part], spec)
    assert_frame_equal(facts_together([pooled.facts.clear(), *tables], spec), pooled.facts, check_exact=True)


@LAW
@given(rows=ROWS)
def test_groups_and_versions_add_up_to_all_rows(rows: Rows, spec: ProfileSpec) -> None:
    profile = counted(rows, spec)
    for name in METRICS:
        whole = ratio(profile, name)
        for grouping in spec.groupings:
            if "discovered" in grouping.uses:
                continue
            parts = [ratio(profile, name, segment) for segment in profile.segments(grouping.columns)]
            for field in ("n", "x", "y", "xx", "xy", "yy", "held"):
                assert sum(getattr(part, field) for part in parts) == getattr(whole, field), (name, grouping.columns)


@LAW
@given(rows=ROWS)
def test_sums_are_those_of_exact_arithmetic_within_the_stated_rounding(rows: Rows, spec: ProfileSpec) -> None:
    if spec.weight is not None:
        return
    found, (unit, one) = ratio(counted(rows, spec), "revenue_per_decision"), _units(spec)
    kept = [row for row in rows if row["score"] is not None and _finite(row["revenue"])]
    exact = [Fraction(row["revenue"]) / Fraction(unit) for row in kept]
    held = [min(max(value, Fraction(-LARGEST)), Fraction(LARGEST)) for value in exact]
    step = Fraction(1, 2**BITS)
    assert found.n == len(kept)
    assert found.y == len(kept) * int(2**BITS / one)
    assert found.held == sum(abs(value) > LARGEST for value in exact)
    assert abs(found.x * step - sum(held, Fraction(0))) <= len(kept) * step / 2
    most = sum((2 * abs(value) + step) * step / 2 for value in held)
    assert abs(found.xx * step**2 - sum((value**2 for value in held), Fraction(0))) <= most


def _units(spec: ProfileSpec) -> tuple[float, float]:
    return next(metric.units for metric in spec.metrics if metric.name == "revenue_per_decision")


def _finite(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))


def test_a_spec_without_metrics_is_what_it_was_before_there_were_any(spec: ProfileSpec) -> None:
    bare = spec.model_copy(update={"metrics": ()})
    assert b"metrics" not in bare.to_bytes()
    assert ProfileSpec.from_bytes(bare.to_bytes(), name="spec") == bare
    assert "metrics" not in ProfileSpec.model_json_schema()["properties"]
    assert ProfileSpec.from_bytes(spec.to_bytes(), name="spec") == spec
    rows = [{"score": 0.5, "label": 1, "g": "north", "version": "v1", "revenue": 2.0, "w": 1.0}] * 3
    assert "metric" not in set(counted(rows, bare).facts["fact"])
