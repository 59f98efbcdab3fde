"""From a reference to a spec."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.spec import ProfileSpec

Parquet = Callable[[pl.DataFrame], Path]
Settings = Callable[..., ModelConfig]


@pytest.fixture
def reference() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": range(100),
            "score": [i / 100 for i in range(100)],
            "label": [i % 2 for i in range(100)],
            "amount": [float(i) for i in range(100)],
            "hour": [i % 24 for i in range(100)],
            "carrier": ["AA", "AA", "UA", None] * 25,
            "late_before": [True, False] * 50,
            "day": [date(2013, 12, 14)] * 100,
            "version": ["v1"] * 100,
            "took_ms": [1.0] * 100,
        }
    )


def test_with_no_features_listed_every_column_without_another_meaning_is_one(
    reference: pl.DataFrame, settings_for: Settings, parquet: Parquet
) -> None:
    spec = infer_spec(settings_for(model_version="version", latency_ms="took_ms"), [parquet(reference)])
    assert list(spec.numeric) == ["score", "amount", "hour"]
    assert {name: feature.vocabulary for name, feature in spec.categorical.items()} == {
        "carrier": ("AA", "UA"),
        "late_before": ("false", "true"),
    }
    assert spec.id is None  # the reference's labels are its own


def test_listed_features_are_the_only_ones(reference: pl.DataFrame, settings_for: Settings, parquet: Parquet) -> None:
    listed = {"numeric": ["amount"], "categorical": ["hour"]}
    spec = infer_spec(settings_for(features=listed), [parquet(pl.concat([reference, reference]))])
    assert (list(spec.numeric), list(spec.categorical)) == (["score", "amount"], ["hour"])
    assert set(spec.categorical["hour"].vocabulary) == {str(hour) for hour in range(24)}


def test_only_the_largest_groups_and_values_are_kept(settings_for: Settings, parquet: Parquet) -> None:
    rows = [f"c{i:04}" for i in range(300) for _ in range(6 if i < 200 else 5)]
    table = pl.DataFrame({"score": [0.5] * len(rows), "label": [1] * len(rows), "c": rows})
    spec = infer_spec(settings_for(protected=["c"]), [parquet(table)])
    assert set(spec.categorical["c"].vocabulary) == {f"c{i:04}" for i in range(200)}
    assert set(spec.groupings[0].groups) == {(f"c{i:04}",) for i in range(200)}


def test_a_name_of_a_few_rows_is_not_known_and_ends_are_rounded(settings_for: Settings, parquet: Parquet) -> None:
    names = [*["often"] * 90, *["five times"] * 5, *["four times"] * 4, "once"]
    numbers = [4321.5, *(float(i) for i in range(98)), -8.76]
    table = pl.DataFrame({"score": [0.5] * 100, "label": [1] * 100, "c": names, "x": numbers})
    spec = infer_spec(settings_for(protected=["c"], slices=[["c", "x"]]), [parquet(table)])
    assert spec.categorical["c"].vocabulary == ("often", "five times")
    assert spec.groupings[0].groups == (("often",), ("five times",))
    assert {group[0] for group in spec.groupings[1].groups} == {"often", "five times"}
    assert (spec.numeric["x"].low, spec.numeric["x"].high) == (-8.8, 4400.0)
    assert spec.numeric["x"].edges[-1] == 4400.0
    assert b"4321.5" not in spec.to_bytes() and b"8.76" not in spec.to_bytes()


def test_the_score_may_be_sliced_too(reference: pl.DataFrame, settings_for: Settings, parquet: Parquet) -> None:
    spec = infer_spec(settings_for(slices=["score"]), [parquet(reference)])
    assert len(spec.groupings[0].groups) == 5


def test_every_column_that_the_reference_lacks_is_named(
    reference: pl.DataFrame, settings_for: Settings, parquet: Parquet
) -> None:
    config = settings_for(
        features={"numeric": ["amount", "no_number"], "categorical": ["no_text"]},
        protected=["no_group"],
        slices=[["carrier", "no_slice"]],
        model_version="no_version",
    )
    with pytest.raises(DataError) as caught:
        infer_spec(config, [parquet(reference.drop("label"))])
    message = str(caught.value)
    for name in ("label", "no_number", "no_text", "no_group", "no_slice", "no_version"):
        assert name in message.split(" lacks ")[1].split(";", maxsplit=1)[0]
    assert config.data.reference in message and "amount" not in message.split(";", maxsplit=1)[0]


def test_a_reference_that_is_empty_or_unreadable_is_told_apart(
    reference: pl.DataFrame, settings_for: Settings, parquet: Parquet, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="has no rows"):
        infer_spec(settings_for(), [parquet(reference.clear())])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(parquet(reference).read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        infer_spec(settings_for(), [broken])
    with pytest.raises(DataError, match=r"cannot be read.*amount"):
        infer_spec(settings_for(), [parquet(reference), parquet(reference.drop("amount"))])


def test_a_spec_is_the_same_whatever_the_order_of_the_rows(
    reference: pl.DataFrame, settings_for: Settings, parquet: Parquet
) -> None:
    config = settings_for(protected=["carrier"], slices=[["carrier", "hour"], "amount"])
    spec = infer_spec(config, [parquet(reference)])
    shuffled = infer_spec(config, [parquet(reference.sample(fraction=1.0, shuffle=True, seed=3))])
    # Moments are floats, summed in the order of the rows.
    assert shuffled.groupings == spec.groupings and shuffled.categorical == spec.categorical
    assert shuffled.numeric["amount"].edges == spec.numeric["amount"].edges


def test_a_spec_survives_being_stored(reference: pl.DataFrame, settings_for: Settings, parquet: Parquet) -> None:
    spec = infer_spec(settings_for(slices=["amount"]), [parquet(reference)])
    again = ProfileSpec.from_bytes(spec.to_bytes(), name="spec.json")
    assert again == spec and again.fingerprint == spec.fingerprint
