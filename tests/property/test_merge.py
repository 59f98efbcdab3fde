"""The laws of adding profiles: merged parts are the pooled rows, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.config import ModelConfig
from nightproof.metrics import performance
from nightproof.metrics.psi import psi
from nightproof.metrics.rates import RATES
from nightproof.profiles import Profile, ProfileSpec, collect, merge
from nightproof.profiles.infer import infer_spec
from polars.testing import assert_frame_equal

LAW = settings(deadline=None, derandomize=True, max_examples=15)
SCHEMA = pl.Schema(
    {"score": pl.Float64, "label": pl.Int64, "x": pl.Float64, "c": pl.String, "g": pl.String, "version": pl.String}
)
ROW = st.fixed_dictionaries(
    {
        "score": st.sampled_from([None, float("nan"), 0.0, -0.0, 1e-9, 0.5, 0.5, 1 - 1e-12, 1.0]) | st.floats(0.0, 1.0),
        "label": st.sampled_from([None, 0, 1]),
        "x": st.sampled_from([None, float("nan"), float("inf"), 0.0, -0.0]) | st.floats(-1e9, 1e9),
        "c": st.sampled_from([None, "a", "b", "new", 'quote"d', "ünï"]),
        "g": st.sampled_from([None, "north", "south", "abroad"]),
        "version": st.sampled_from(["v1", "v2", None]),
    }
)
ROWS = st.lists(ROW, max_size=12)
PARTS = st.lists(ROWS, min_size=1, max_size=4)
Rows = list[dict[str, Any]]


def counted(rows: Rows, spec: ProfileSpec) -> Profile:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        pl.DataFrame(rows, schema=SCHEMA).write_parquet(path)
        return collect([path], [], spec)


def same(one: Profile, other: Profile) -> None:
    assert_frame_equal(one.facts, other.facts, check_exact=True)
    assert one.to_bytes() == other.to_bytes()


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ProfileSpec:
    reference = pl.DataFrame(
        {
            "score": [i / 60 for i in range(60)],
            "label": [0, 1] * 30,
            "x": [float(i - 30) for i in range(60)],
            "c": ["a", "b", "a"] * 20,
            "g": ["north", "south"] * 30,
            "version": ["v1"] * 60,
        }
    )
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    reference.write_parquet(path)
    config = ModelConfig.model_validate(
        {
            "model": "laws",
            "task": "binary",
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
            "columns": {
                "score": "score",
                "label": "label",
                "features": {"numeric": ["x"], "categorical": ["c"]},
                "protected": ["g"],
                "slices": ["c", ["c", "g"], "x"],
                "model_version": "version",
            },
        }
    )
    return infer_spec(config, [path])


@LAW
@given(parts=PARTS, data=st.data())
def test_merged_parts_are_the_pooled_rows_in_any_order(
    parts: list[Rows], data: st.DataObject, spec: ProfileSpec
) -> None:
    order = data.draw(st.permutations(parts))
    pooled = [row for part in parts for row in part]
    same(merge([counted(part, spec) for part in order]), counted(pooled, spec))


@LAW
@given(first=ROWS, second=ROWS, third=ROWS)
def test_merging_is_associative_and_commutative_and_nothing_is_its_identity(
    first: Rows, second: Rows, third: Rows, spec: ProfileSpec
) -> None:
    a, b, c = (counted(rows, spec) for rows in (first, second, third))
    nothing = counted([], spec)
    same(merge([merge([a, b]), c]), merge([a, merge([b, c])]))
    same(merge([a, b]), merge([b, a]))
    same(merge([a, nothing]), a)
    same(merge([nothing, nothing]), nothing)


@LAW
@given(parts=PARTS)
def test_a_profile_that_was_stored_merges_as_the_one_that_was_not(parts: list[Rows], spec: ProfileSpec) -> None:
    fresh = [counted(part, spec) for part in parts]
    stored = [Profile.from_bytes(each.to_bytes(), spec=spec, name="p") for each in fresh]
    same(merge(stored), merge(fresh))


@LAW
@given(parts=PARTS)
def test_every_number_of_merged_parts_is_that_of_the_pooled_rows(parts: list[Rows], spec: ProfileSpec) -> None:
    # Many copies, so that there is something to tell.
    merged = merge([counted(part * 8, spec) for part in parts])
    pooled = counted([row for part in parts for row in part * 8], spec)
    assert numbers(merged) == numbers(pooled)


def numbers(profile: Profile) -> Sequence[object]:
    found: list[object] = [(name, metric(profile)) for name, metric in performance(profile).items()]
    for grouping in profile.spec.groupings:
        for segment in profile.segments(grouping.columns):
            found += [(segment, name, rate(profile.outcomes(segment))) for name, rate in RATES.items()]
            found += [(segment, profile.loss("brier", segment), profile.loss("log_loss", segment))]
    for column in ("x", "c", "score"):
        bins = profile.bins(column)
        found += [(column, psi(bins, bins[::-1]), profile.missing(column), bins.tolist())]
    found += [profile.range("x"), profile.mean("x"), profile.unseen("c"), profile.versions(), profile.rows]
    return found


@LAW
@given(rows=ROWS)
def test_every_row_with_a_score_is_counted_once_in_every_grouping_and_column(rows: Rows, spec: ProfileSpec) -> None:
    profile = counted(rows, spec)
    kept = sum(row["score"] is not None and row["score"] == row["score"] for row in rows)
    assert profile.rows == kept
    for column in ("x", "c"):
        assert profile.bins(column).sum() + profile.missing(column) == kept
    for grouping in spec.groupings:
        parts = [profile.outcomes(segment) for segment in profile.segments(grouping.columns)]
        assert sum(part.rows for part in parts) == kept
        assert sum(part.labelled for part in parts) == profile.outcomes().labelled
    assert profile.score_cells[1].sum() == kept
