"""The drift family: shifts, missing values and unknown values are evidence, never a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.checks.drift import check_drift
from nightproof.checks.finding import Finding

Rows = Callable[..., pl.DataFrame]
Compare = Callable[..., Any]


def found(compared: Any) -> dict[tuple[str, str | None], Finding]:
    listed = check_drift(compared.night, compared.baseline, compared.config, window=1)
    assert all(finding.p_value is None and finding.status != "regression" for finding in listed)
    return {(f.metric, f.column): f for f in listed}


def normal(n: int, mean: float, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, n)


def test_each_feature_and_the_score_is_looked_at_once(rows: Rows, compare: Compare) -> None:
    night = rows(100, seed=1, x=1.0, c="a")
    any_two, ordered = {"psi", "jensen_shannon", "hellinger", "cramers_v"}, {"kolmogorov_smirnov", "wasserstein"}
    expected = {
        "label": {"psi"},
        "score": any_two | ordered | {"output_shift"},
        "x": any_two | ordered | {"missing_rate", "outside_rate"},
        "c": any_two | {"missing_rate", "unseen_rate"},
    }
    told = found(compare(night, night))
    assert set(told) == {(metric, column) for column, metrics in expected.items() for metric in metrics}
    assert all(told[metric, column].value == 0.0 for metric in any_two for column in ("score", "x", "c"))


@pytest.mark.parametrize(("mean", "status"), [(0.0, "ok"), (0.05, "ok"), (1.0, "watch")])
def test_a_shift_is_worth_a_look_where_it_is_large(mean: float, status: str, rows: Rows, compare: Compare) -> None:
    known = rows(4000, seed=1, x=normal(4000, 0, seed=2))
    night = rows(4000, seed=3, x=normal(4000, mean, seed=4))
    told = found(compare(night, known))
    assert told["psi", "x"].status == status
    assert told["psi", "score"].status == "ok"
    assert told["psi", "x"].tolerance == 0.1


def test_few_rows_never_say_that_nothing_moved(rows: Rows, compare: Compare) -> None:
    known = rows(4000, seed=1, x=normal(4000, 0, seed=2))
    for seed in range(20):
        finding = found(compare(rows(40, seed=seed, x=normal(40, 0, seed=seed)), known))["psi", "x"]
        assert finding.interval[1] <= 0.1 or finding.status in ("insufficient_data", "watch")
        assert finding.detectable > 0


def test_a_feature_that_stops_arriving_is_a_watch_on_that_night(rows: Rows, compare: Compare) -> None:
    known = rows(1000, seed=1, x=normal(1000, 0, seed=2), c="a")
    night = known.with_columns(x=pl.lit(None, dtype=pl.Float64), c=pl.lit(None, dtype=pl.String))
    told = found(compare(night, known))
    for column in ("x", "c"):
        missing = told["missing_rate", column]
        assert (missing.status, missing.value, missing.baseline) == ("watch", 1.0, 0.0)
        assert told["psi", column].status == "insufficient_data"
    assert told["unseen_rate", "c"].status == "insufficient_data"


def test_missing_values_that_were_accepted_are_no_news(rows: Rows, compare: Compare) -> None:
    half = [None, 1.0] * 1000
    told = found(compare(rows(2000, seed=1, x=half), rows(2000, seed=2, x=half)))["missing_rate", "x"]
    assert (told.status, told.value, told.delta) == ("ok", 0.5, 0.0)


def test_unknown_values_are_a_watch_and_named(rows: Rows, compare: Compare) -> None:
    known = rows(1000, seed=1, c=["a", "b"] * 500)
    night = rows(1000, seed=2, c=["a"] * 700 + ["first"] * 200 + ["second"] * 100)
    finding = found(compare(night, known))["unseen_rate", "c"]
    assert (finding.status, finding.value, finding.n) == ("watch", 0.3, 1000)
    assert "first, second" in finding.reason
    few = rows(1000, seed=2, c=["a", "b"] * 499 + ["first", "a"])
    assert found(compare(few, known))["unseen_rate", "c"].status == "ok"


def test_a_feature_that_never_had_values_has_all_unknown_ones(rows: Rows, compare: Compare) -> None:
    known = rows(1000, seed=1, c=pl.Series([None] * 1000, dtype=pl.String))
    told = found(compare(rows(1000, seed=2, c="a"), known))
    assert (told["unseen_rate", "c"].status, told["unseen_rate", "c"].value) == ("watch", 1.0)
    assert told["psi", "c"].status == "insufficient_data"


def test_a_constant_feature_is_ok_until_it_moves(rows: Rows, compare: Compare) -> None:
    known = rows(500, seed=1, x=7.0)
    assert found(compare(rows(500, seed=2, x=7.0), known))["psi", "x"].status == "ok"
    assert found(compare(rows(500, seed=2, x=7.1), known))["psi", "x"].status == "watch"


def test_labels_that_become_more_frequent_are_a_watch(rows: Rows, compare: Compare) -> None:
    known = rows(2000, seed=1).with_columns(label=pl.Series([0, 0, 0, 0, 1] * 400))
    night = rows(2000, seed=2).with_columns(label=pl.Series([0, 1, 1, 1, 1] * 400))
    assert found(compare(night, known))["psi", "label"].status == "watch"
    assert found(compare(known, known))["psi", "label"].status == "ok"
    unlabelled = night.with_columns(label=pl.lit(None, dtype=pl.Int64))
    assert ("psi", "label") not in found(compare(unlabelled, known))


def test_values_out_of_the_baselines_range_are_counted_on_both_sides(rows: Rows, compare: Compare) -> None:
    known = rows(2000, seed=1, x=[0.0, 10.0] * 1000)
    night = rows(2000, seed=2, x=[-1.0] * 60 + [11.0] * 40 + [5.0] * 1900)
    finding = found(compare(night, known))["outside_rate", "x"]
    assert (finding.status, finding.value) == ("watch", 0.05)
    assert "60 rows below, 40 above" in finding.reason
    assert found(compare(known, known))["outside_rate", "x"].value == 0.0


def test_a_value_that_is_gone_is_named_unless_it_was_rare(rows: Rows, compare: Compare) -> None:
    known = rows(2000, seed=1, c=["a"] * 1600 + ["gone"] * 399 + ["rare"])
    finding = found(compare(rows(500, seed=2, c="a"), known))["vanished_share", "c"]
    assert finding.status == "watch" and finding.value == pytest.approx(0.1995)
    assert "no row has gone, which" in finding.reason
    assert ("vanished_share", "c") not in found(compare(known, known))


def test_a_column_with_too_many_values_to_list_is_sketched(rows: Rows, compare: Compare) -> None:
    known = rows(5000, seed=1, user=[f"user-{i}" for i in range(5000)])
    same = rows(5000, seed=2, user=[f"user-{i}" for i in range(5000)])
    half_new = rows(5000, seed=3, user=[f"user-{i}" for i in range(2500, 7500)])
    assert found(compare(same, known))["new_distinct_share", "user"].value == 0.0
    told = found(compare(half_new, known))
    share = told["new_distinct_share", "user"]
    assert share.interval[0] <= 0.5 <= share.interval[1] and share.n == pytest.approx(5000, rel=0.1)
    # Rows are spread over few bins whatever the values, so new ones alone are no shift.
    assert told["psi", "user"].status != "watch" and ("unseen_rate", "user") not in told


def test_features_that_stop_moving_together_are_seen_where_each_alone_is_as_before(
    rows: Rows, compare: Compare
) -> None:
    draw = np.random.default_rng(5)
    base = draw.normal(0, 1, (3000, 1)) + draw.normal(0, 0.2, (3000, 4))
    together = {f"x{i}": base[:, i] for i in range(4)}
    apart = {name: draw.permutation(values) for name, values in together.items()}
    known = rows(3000, seed=1, **together)
    assert found(compare(known, known))["reconstruction_error", None].status == "ok"
    told = found(compare(rows(3000, seed=2, **apart), known))
    assert told["reconstruction_error", None].status == "watch"
    assert all(told["psi", name].status == "ok" for name in together)


def test_a_weekday_is_not_mistaken_for_drift(rows: Rows, compare: Compare) -> None:
    """A feature that differs on Sundays: plain comparison sees a shift, the comparison at the same mix none."""
    draw = np.random.default_rng(6)
    hours = np.arange(8 * 7 * 24).repeat(10)
    when = pl.Series(np.datetime64("2026-01-05T00:00:00", "us") + hours * np.timedelta64(1, "h"))
    sunday = (hours // 24) % 7 == 6
    known = rows(len(hours), seed=1, x=draw.normal(3.0 * sunday, 1.0), at=when)
    night = rows(2400, seed=2, x=draw.normal(3.0, 1.0, 2400)).with_columns(
        at=pl.Series(np.datetime64("2026-03-08T00:00:00", "us") + np.arange(2400) % 24 * np.timedelta64(1, "h"))
    )
    columns = {"features": {"numeric": ["x"]}}
    assert found(compare(night.drop("at"), known.drop("at"), **columns))["psi", "x"].status == "watch"
    told = found(compare(night, known, time="at", **columns))["psi", "x"]
    assert told.status == "ok"
    moved = night.with_columns(x=pl.col("x") + 1.0)
    assert found(compare(moved, known, time="at", **columns))["psi", "x"].status == "watch"
