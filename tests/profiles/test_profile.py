"""A stored profile: the same bytes for the same facts, and no other spec's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.errors import RecordError
from nightproof.profiles import Profile, collect, merge
from nightproof.profiles.infer import infer_spec
from polars.testing import assert_frame_equal

Parquet = Callable[[pl.DataFrame], Path]
Settings = Callable[..., ModelConfig]


@pytest.fixture
def profile(settings_for: Settings, parquet: Parquet) -> Profile:
    rows = pl.DataFrame(
        {
            "score": [i / 200 for i in range(200)],
            "label": [0, 1] * 100,
            "x": [-0.0, 0.0, 1.5, None] * 50,
            "c": ["a", "b", "b", None] * 50,
            "a": ["p=q"] * 200,
        }
    )
    path = parquet(rows)
    return collect([path], [], infer_spec(settings_for(protected=["c"]), [path]))


def test_bytes_and_back(profile: Profile) -> None:
    again = Profile.from_bytes(profile.to_bytes(), spec=profile.spec, name="profile.parquet")
    assert_frame_equal(again.facts, profile.facts, check_exact=True)
    assert again.to_bytes() == profile.to_bytes()


def test_equal_facts_have_equal_bytes_however_they_came_about(profile: Profile) -> None:
    twice = merge([profile, profile])
    other = merge([Profile.from_bytes(profile.to_bytes(), spec=profile.spec, name="p"), profile])
    assert twice.facts.n_chunks() >= 1
    assert other.to_bytes() == twice.to_bytes()
    in_pieces = pl.concat([twice.facts[:7], twice.facts[7:]], rechunk=False)
    assert Profile(profile.spec, in_pieces).to_bytes() == twice.to_bytes()


def test_another_specs_profile_is_refused(profile: Profile) -> None:
    task = profile.spec.task.model_copy(update={"threshold": 0.4})
    other = profile.spec.model_copy(update={"task": task})
    with pytest.raises(RecordError, match=r"night/profile\.parquet was counted by another spec"):
        Profile.from_bytes(profile.to_bytes(), spec=other, name="night/profile.parquet")
    with pytest.raises(ValueError, match="different specs"):
        merge([profile, Profile(other, profile.facts)])


@pytest.mark.parametrize("raw", [b"", b"{}", b"PAR1" + b"\0" * 40])
def test_bytes_of_something_else_are_refused(raw: bytes, profile: Profile) -> None:
    with pytest.raises(RecordError, match=r"profile\.parquet is not a stored profile"):
        Profile.from_bytes(raw, spec=profile.spec, name="profile.parquet")


def test_truncated_bytes_are_refused(profile: Profile) -> None:
    raw = profile.to_bytes()
    with pytest.raises(RecordError):
        Profile.from_bytes(raw[: len(raw) // 2], spec=profile.spec, name="profile.parquet")


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="no profile"):
        merge([])


def test_a_segment_without_rows_is_all_zero(profile: Profile) -> None:
    nobody = profile.outcomes({"c": "nobody"})
    assert nobody.rows == nobody.labelled == profile.loss("brier", {"c": "nobody"}).n == 0


def test_segments_come_largest_first(profile: Profile) -> None:
    assert [segment["c"] for segment in profile.segments(("c",))] == ["b", "(missing)", "a"]
