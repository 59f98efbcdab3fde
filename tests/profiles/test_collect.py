"""From rows to facts: every kind of file that a night may hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.profiles import Profile, collect, merge
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.spec import MISSING, OTHER
from sklearn import metrics as sk

Parquet = Callable[[pl.DataFrame], Path]
Settings = Callable[..., ModelConfig]

HOSTILE = [
    "it's",
    'say "hi"',
    "back\\slash",
    "tab\tline\n",
    "ключ 鍵 🗝",
    '{"a":1}',
    "",
    " ",
    "(x)",
    "null",
    "é",
    "v" * 5000,
]


def table(n: int = 40, **columns: Any) -> pl.DataFrame:
    draw = np.random.default_rng(1)
    score = draw.random(n)
    return pl.DataFrame({"score": score, "label": (draw.random(n) < score).astype(np.int64)} | columns)


def profiled(reference: pl.DataFrame, night: pl.DataFrame, config: ModelConfig, parquet: Parquet) -> Profile:
    return collect([parquet(night)], [], infer_spec(config, [parquet(reference)]))


def test_outcomes_are_scikit_learns_confusion_matrix(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(500)
    found = profiled(rows, rows, settings_for(threshold=0.3), parquet).outcomes()
    tn, fp, fn, tp = sk.confusion_matrix(rows["label"], rows["score"] >= 0.3).ravel().tolist()
    assert (found.tn, found.fp, found.fn, found.tp) == (tn, fp, fn, tp)
    assert (found.selected, found.passed, found.labelled, found.rows) == (tp + fp, tn + fn, 500, 500)


def test_a_score_at_the_threshold_is_a_positive_prediction(settings_for: Settings, parquet: Parquet) -> None:
    rows = pl.DataFrame({"score": [0.3, np.nextafter(0.3, 0)], "label": [1, 1]})
    found = profiled(rows, rows, settings_for(threshold=0.3), parquet).outcomes()
    assert (found.tp, found.fn) == (1, 1)


def test_labels_are_joined_by_id_and_rows_without_one_are_kept(settings_for: Settings, parquet: Parquet) -> None:
    spec = infer_spec(settings_for(), [parquet(table())]).model_copy(update={"id": "id"})
    predictions = pl.DataFrame({"id": ["a", "b", "c", None], "score": [0.9, 0.8, 0.1, 0.7]})
    truth = pl.DataFrame({"id": ["c", "a", "unknown", None], "label": [True, True, False, False]})
    found = collect([parquet(predictions)], [parquet(truth)], spec).outcomes()
    assert (found.tp, found.fn, found.fp, found.tn) == (1, 1, 0, 0)
    assert (found.rows, found.labelled) == (4, 2)


@pytest.mark.parametrize("kind", [pl.Int32, pl.Int64, pl.UInt64, pl.Float64, pl.String])
def test_ids_meet_whatever_integer_each_side_keeps_them_as(
    kind: type[pl.DataType], settings_for: Settings, parquet: Parquet
) -> None:
    spec = infer_spec(settings_for(), [parquet(table())]).model_copy(update={"id": "id"})
    predictions = pl.DataFrame({"id": [1, 2, 3], "score": [0.9, 0.8, 0.1]})
    truth = pl.DataFrame({"id": pl.Series([3, 2, 1]).cast(kind), "label": [0, 1, 1]})
    found = collect([parquet(predictions)], [parquet(truth)], spec).outcomes()
    assert (found.tp, found.tn, found.labelled) == (2, 1, 3)


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0, None],
        [1.0, 0.0, None],
        [True, False, None],
        ["1", "0", None],
        [1, 0, 2],
        [1, 0, -1],
        [1, 0, 300],
        [1.0, 0.0, 0.5],
        [1.0, 0.0, float("nan")],
        ["1", "0", "?"],
        pl.Series(["1", "0", "?"], dtype=pl.Categorical),
    ],
)
def test_anything_but_a_zero_or_a_one_is_no_label(labels: list[Any], settings_for: Settings, parquet: Parquet) -> None:
    rows = pl.DataFrame({"score": [0.9, 0.1, 0.6], "label": labels})
    found = profiled(table(), rows, settings_for(), parquet)
    assert (found.outcomes().tp, found.outcomes().tn, found.outcomes().labelled, found.rows) == (1, 1, 2, 3)
    assert found.scores.positives.sum() == found.scores.negatives.sum() == 1
    assert found.loss("brier").n == 2


def test_rows_without_a_usable_score_are_left_out(settings_for: Settings, parquet: Parquet) -> None:
    bad = [None, float("nan"), float("inf"), -float("inf"), -1e-9, 1 + 1e-9]
    rows = pl.DataFrame({"score": [*bad, 0.0, 1.0], "label": [1] * 8, "x": [1.0] * 8})
    found = profiled(table(x=1.0), rows, settings_for(), parquet)
    assert found.rows == 2
    assert found.bins("x").sum() == 2


def test_the_order_and_number_of_files_does_not_matter(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(60, x=list(range(60)), c=["a", "b", "c"] * 20)
    spec = infer_spec(settings_for(protected=["c"]), [parquet(rows)])
    parts = [parquet(rows[20:21]), parquet(rows[21:]), parquet(rows[:20]), parquet(rows.clear())]
    assert collect(parts, [], spec).to_bytes() == collect([parquet(rows)], [], spec).to_bytes()


@pytest.mark.parametrize("as_float", [pl.Float64, pl.Float32])
def test_whole_numbers_are_the_same_as_integers_and_as_floats(
    as_float: type[pl.DataType], settings_for: Settings, parquet: Parquet
) -> None:
    whole = table(60, hour=[6, 7, 23] * 20, desk=[1, 2, 3] * 20, version=[4] * 60)
    real = whole.with_columns(pl.col("hour", "desk", "version").cast(as_float))
    columns = {"features": {"numeric": ["hour"], "categorical": ["desk"]}, "protected": ["desk"]}
    config = settings_for(**columns, slices=["hour", ["hour", "desk"]], model_version="version")
    spec = infer_spec(config, [parquet(whole)])
    assert collect([parquet(real)], [], spec).to_bytes() == collect([parquet(whole)], [], spec).to_bytes()
    # Half of the night's files with the one, half with the other.
    mixed = collect([parquet(whole), parquet(real)], [], spec)
    assert mixed.segments(("hour",)) == [{"hour": "23"}, {"hour": "6"}, {"hour": "7"}]
    assert list(mixed.bins("desk")) == [40, 40, 40, 0]
    assert mixed.versions() == {"4": 120}


def test_a_reference_may_mix_integers_and_floats_too(settings_for: Settings, parquet: Parquet) -> None:
    whole, real = table(x=[1, 2] * 20), table(x=[1.5, 2.0] * 20)
    spec = infer_spec(settings_for(), [parquet(whole), parquet(real.select("x", "label", "score"))])
    assert (spec.numeric["x"].low, spec.numeric["x"].high) == (1.0, 2.0)


def test_new_categories_share_a_bin_and_a_group_and_are_named(settings_for: Settings, parquet: Parquet) -> None:
    reference = table(c=["a"] * 30 + ["b"] * 10)
    night = table(c=["a"] * 10 + ["new"] * 20 + ["x" * 200] * 7 + [None] * 3)
    found = profiled(reference, night, settings_for(protected=["c"]), parquet)
    assert list(found.bins("c")) == [10, 0, 27]
    assert found.missing("c") == 3
    assert found.unseen("c") == {"new": 20, "x" * 80: 7}
    assert {s["c"]: found.outcomes(s).rows for s in found.segments(("c",))} == {OTHER: 27, "a": 10, MISSING: 3}


def test_of_many_new_values_the_most_frequent_are_named_and_all_counted(
    settings_for: Settings, parquet: Parquet
) -> None:
    values = [f"new-{i:03}" for i in range(100)]
    night = table(150, c=[*values, *values[:50]])
    found = profiled(table(c="known"), night, settings_for(), parquet)
    assert found.bins("c")[-1] == 150
    assert found.unseen("c") == dict.fromkeys(values[:20], 2)


def test_a_protected_value_that_is_missing_is_a_group_of_its_own(settings_for: Settings, parquet: Parquet) -> None:
    night = table(c=["a"] * 10 + [None] * 30)
    for reference in (table(c="a"), table(c=["a", None] * 20)):
        found = profiled(reference, night, settings_for(protected=["c"]), parquet)
        assert found.outcomes({"c": MISSING}).rows == 30
        assert found.outcomes({"c": "a"}).rows == 10


def test_values_that_are_no_numbers_are_missing_and_infinite_ones_lie_at_the_ends(
    settings_for: Settings, parquet: Parquet
) -> None:
    night = table(8, x=[None, float("nan"), float("inf"), float("inf"), -float("inf"), 0.0, 1e300, 5.0])
    found = profiled(table(x=[float(i) for i in range(40)]), night, settings_for(slices=["x"]), parquet)
    assert found.missing("x") == 2
    assert found.bins("x").sum() == 6
    assert found.bins("x")[-1] == 3  # above all that the baseline knows
    assert found.bins("x")[0] == 2
    assert found.range("x") == (0.0, 1e300)
    assert found.outcomes({"x": MISSING}).rows == 2


def test_a_value_lies_in_the_bin_that_its_spec_says(settings_for: Settings, parquet: Parquet) -> None:
    draw = np.random.default_rng(2)
    reference, night = table(2000, x=draw.normal(0, 1, 2000)), table(3000, x=draw.normal(0.5, 2, 3000))
    spec = infer_spec(settings_for(), [parquet(reference)])
    edges = np.array([-np.inf, *spec.numeric["x"].edges, np.inf])
    oracle = np.bincount(np.searchsorted(edges, night["x"].to_numpy(), side="left") - 1, minlength=len(edges) - 1)
    found = collect([parquet(night)], [], spec)
    assert list(found.bins("x")) == oracle.tolist()
    # The baseline itself fills every bin but the one above it evenly.
    own = collect([parquet(reference)], [], spec).bins("x")
    assert own[-1] == 0 and set(own[:-1].tolist()) == {100}
    assert found.mean("x") == pytest.approx(float(night["x"].mean()), abs=1e-6)


def test_close_numbers_are_cut_into_ranges_with_names_of_their_own(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(400, x=[20_131_200.0 + i for i in range(400)])
    found = profiled(rows, rows, settings_for(slices=["x"]), parquet)
    assert sorted(found.outcomes(s).rows for s in found.segments(("x",))) == [80] * 5


def test_columns_without_content_are_counted_as_such(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(flat=7.0, text="same").with_columns(
        nothing=pl.lit(None, dtype=pl.Float64), blank=pl.lit(None, dtype=pl.String)
    )
    found = profiled(rows, rows, settings_for(protected=["blank"], slices=["nothing"]), parquet)
    assert list(found.bins("nothing")) == [0] and found.missing("nothing") == 40
    assert list(found.bins("blank")) == [0] and found.missing("blank") == 40
    assert (found.range("nothing"), found.mean("nothing")) == (None, None)
    assert (found.range("flat"), found.mean("flat")) == ((7.0, 7.0), 7.0)
    assert list(found.bins("flat")) == [40, 0]
    assert found.segments(("blank",)) == [{"blank": MISSING}]
    assert found.segments(("nothing",)) == [{"nothing": MISSING}]


def test_a_column_that_stops_arriving_is_all_missing(settings_for: Settings, parquet: Parquet) -> None:
    reference = table(x=[float(i) for i in range(40)], c=["a", "b"] * 20)
    night = reference.with_columns(x=pl.lit(None), c=pl.lit(None))
    assert night.schema["x"] == pl.Null
    found = profiled(reference, night, settings_for(protected=["c"]), parquet)
    assert found.missing("x") == found.missing("c") == found.outcomes({"c": MISSING}).rows == 40


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_rows_are_a_profile_too(n: int, settings_for: Settings, parquet: Parquet) -> None:
    reference = table(x=[float(i) for i in range(40)], c=["a", "b"] * 20)
    found = profiled(reference, reference[:n], settings_for(protected=["c"], slices=[["c", "x"]]), parquet)
    assert found.rows == found.bins("x").sum() == found.bins("c").sum() == found.loss("brier").n == n
    assert len(found.segments(("c",))) == n
    assert found.score_cells[1].sum() == found.scores.positives.sum() + found.scores.negatives.sum() == n
    whole = collect([parquet(reference)], [], found.spec)
    assert merge([found, whole]).rows == 40 + n


def test_a_column_that_is_protected_and_a_slice_is_counted_once(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(c=["a", "b"] * 20)
    spec = infer_spec(settings_for(protected=["c"], slices=["c", ["c"]]), [parquet(rows)])
    assert [grouping.uses for grouping in spec.groupings] == [("protected", "slice")]
    found = collect([parquet(rows)], [], spec)
    assert [found.outcomes({"c": each}).rows for each in "ab"] == [20, 20]


def test_any_text_is_a_group_and_a_category(settings_for: Settings, parquet: Parquet) -> None:
    n = 5 * len(HOSTILE)
    rows = table(n, c=HOSTILE * 5, **{'odd "name" \\ {é}': ["p", "q", "r"] * (n // 3)})
    odd = rows.columns[-1]
    found = profiled(rows, rows, settings_for(protected=["c"], slices=[["c", odd]]), parquet)
    assert {s["c"]: found.outcomes(s).rows for s in found.segments(("c",))} == dict.fromkeys(HOSTILE, 5)
    assert found.bins("c").tolist() == [5] * len(HOSTILE) + [0]
    pairs = found.segments(("c", odd))
    assert sum(found.outcomes(pair).rows for pair in pairs) == n
    assert {pair["c"] for pair in pairs} == set(HOSTILE)
    for pair in pairs:
        assert found.outcomes(json.loads(json.dumps(pair))).rows > 0
    again = Profile.from_bytes(found.to_bytes(), spec=found.spec, name="p")
    assert again.segments(("c", odd)) == pairs


def test_losses_are_scikit_learns(settings_for: Settings, parquet: Parquet) -> None:
    rows = table(300, c=["a", "b", "c"] * 100).with_columns(
        score=pl.when(pl.int_range(pl.len()) < 4)
        .then(pl.Series([0.0, 1.0, 1e-9, 1 - 1e-12] + [0.5] * 296))
        .otherwise("score")
    )
    found = profiled(rows, rows, settings_for(slices=["c"]), parquet)
    for segment, part in [({}, rows), *(({"c": c}, rows.filter(c=c)) for c in "abc")]:
        label, score = part["label"].to_numpy(), part["score"].to_numpy()
        if not segment:
            loss = found.loss("log_loss")
            oracle = sk.log_loss(label, np.clip(score, 1e-15, 1 - 1e-15), labels=[0, 1])
            assert loss.n == len(part)
            assert loss.total / loss.n == pytest.approx(oracle, abs=1e-6)
        brier = found.loss("brier", segment)
        assert brier.total / brier.n == pytest.approx(sk.brier_score_loss(label, score), abs=1e-6)
        assert brier.total_squared / brier.n == pytest.approx(np.mean((score - label) ** 4), abs=1e-6)


def test_a_night_that_lacks_a_column_says_which(settings_for: Settings, parquet: Parquet) -> None:
    with pytest.raises(DataError, match='"x"'):
        profiled(table(x=1.0), table(y=1.0), settings_for(), parquet)
