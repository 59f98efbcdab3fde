"""The laws of adding profiles, for every task: merged parts are the pooled rows, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.config import ModelConfig
from nightproof.metrics import PERFORMANCE
from nightproof.profiles import Profile, ProfileSpec, collect, merge
from nightproof.profiles.infer import infer_spec
from polars.testing import assert_frame_equal

LAW = settings(deadline=None, derandomize=True, max_examples=12)
Rows = list[dict[str, Any]]

ODD = st.sampled_from([None, float("nan"), float("inf"), 0.0, -0.0])
CHANCE = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
NUMBER = ODD | st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float)
SHARED = {
    "weight": st.sampled_from([None, -1.0, 0.0, 0.5, 1.0, 1e9]) | st.floats(0.1, 3.0),
    "g": st.sampled_from([None, "north", "south", "abroad"]),
}
COLUMNS: dict[str, dict[str, Any]] = {
    "binary": {"score": "score", "slices": ["g"]},
    "multiclass": {"scores": {"a": "p_a", "b": "p_b", "c": "p_c"}, "slices": ["g"]},
    "regression": {"prediction": "y", "interval": {"lower": "low", "upper": "high"}, "slices": ["g"]},
    "ranking": {"query": "q", "score": "score", "k": 3},
}
ROW: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "binary": st.fixed_dictionaries({"score": ODD | CHANCE, "label": st.sampled_from([None, 0.0, 1.0]), **SHARED}),
    "multiclass": st.fixed_dictionaries(
        {
            "p_a": CHANCE,
            "p_b": CHANCE,
            "p_c": ODD | CHANCE,
            "label": st.sampled_from([None, "a", "b", "c", "d"]),
            **SHARED,
        }
    ),
    "regression": st.fixed_dictionaries({"y": NUMBER, "low": NUMBER, "high": NUMBER, "label": NUMBER, **SHARED}),
    "ranking": st.fixed_dictionaries(
        {"score": ODD | CHANCE, "label": st.sampled_from([None, -1.0, 0.0, 1.0, 3.0]), **SHARED}
    ),
}
REFERENCE: dict[str, Mapping[str, Any]] = {
    "binary": {"score": [0.2, 0.7] * 20, "label": [0.0, 1.0] * 20},
    "multiclass": {"p_a": [0.2, 0.7] * 20, "p_b": [0.3] * 40, "p_c": [0.5, 0.0] * 20, "label": ["a", "b"] * 20},
    "regression": {"y": [1.0, 2.0] * 20, "low": [0.0] * 40, "high": [2.5] * 40, "label": [1.5, 0.0] * 20},
    "ranking": {"q": ["x", "x", "y", "y"] * 10, "score": [0.2, 0.7] * 20, "label": [0.0, 1.0] * 20},
}
TASKS = [(task, weighed) for task in COLUMNS for weighed in (False, True)]


def table(rows: Rows, spec: ProfileSpec) -> pl.DataFrame:
    text = {"label"} if spec.task.kind == "multiclass" else set()
    names = [*REFERENCE[spec.task.kind], "weight", "g"]
    kinds = {name: pl.String if name in {"g", "q", *text} else pl.Float64 for name in names}
    return pl.DataFrame(rows, schema=kinds)


def counted(rows: Rows, spec: ProfileSpec) -> Profile:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        table(rows, spec).write_parquet(path)
        return collect([path], [], spec)


def parts_of(data: st.DataObject, task: str) -> list[Rows]:
    """Some nights' rows; of a ranking each query lies in one of them."""
    parts = data.draw(st.lists(st.lists(ROW[task], max_size=10), min_size=1, max_size=4))
    if task == "ranking":
        queries = st.sampled_from(["one", "two", "three"])
        parts = [[row | {"q": f"{place} {data.draw(queries)}"} for row in part] for place, part in enumerate(parts)]
    return parts


@pytest.fixture(scope="module", params=TASKS, ids=lambda pair: f"{pair[0]}{', weighed' if pair[1] else ''}")
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ProfileSpec:
    task, weighed = request.param
    reference = pl.DataFrame({**REFERENCE[task], "weight": [0.5, 1.5] * 20, "g": ["north", "south"] * 20})
    path = tmp_path_factory.mktemp(task) / "reference.parquet"
    reference.write_parquet(path)
    columns = {"label": "label", "features": {"categorical": ["g"]}} | COLUMNS[task]
    columns |= {"weight": "weight"} if weighed else {}
    data = {"predictions": "file:///data/p/", "reference": "file:///data/r/"}
    return infer_spec(
        ModelConfig.model_validate({"model": "laws", "task": task, "data": data, "columns": columns}), [path]
    )


@LAW
@given(data=st.data())
def test_merged_parts_are_the_pooled_rows_in_any_order(data: st.DataObject, spec: ProfileSpec) -> None:
    parts = parts_of(data, spec.task.kind)
    order = data.draw(st.permutations(parts))
    pooled = counted([row for part in parts for row in part], spec)
    merged = merge([counted(part, spec) for part in order])
    assert_frame_equal(merged.facts, pooled.facts, check_exact=True)
    assert merged.to_bytes() == pooled.to_bytes()


@LAW
@given(data=st.data())
def test_every_metric_of_merged_parts_is_that_of_the_pooled_rows(data: st.DataObject, spec: ProfileSpec) -> None:
    parts = parts_of(data, spec.task.kind)
    # Queries of their own in every copy, and so many rows that there is something to tell.
    copies = [
        [row | ({"q": f"{row['q']} {i}"} if "q" in row else {}) for i in range(8) for row in part] for part in parts
    ]
    merged = merge([counted(part, spec) for part in copies])
    pooled = counted([row for part in copies for row in part], spec)
    for name, metric in PERFORMANCE[spec.task.kind].items():
        assert metric(merged) == metric(pooled), name
