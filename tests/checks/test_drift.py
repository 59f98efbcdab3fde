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
    assert set(found(compare(night, night))) == {
        ("psi", "score"),
        ("psi", "x"),
        ("missing_rate", "x"),
        ("psi", "c"),
        ("missing_rate", "c"),
        ("unseen_rate", "c"),
    }


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
