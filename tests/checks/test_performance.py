"""The performance family: clear harm, none, doubt, and too little data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from nightproof.checks.finding import Finding
from nightproof.checks.performance import check_performance
from sklearn import metrics as sk

Rows = Callable[..., pl.DataFrame]
Compare = Callable[..., Any]

SIX = {
    "roc_auc": {"max_drop": 0.02},
    "pr_auc": {"max_drop": 0.02},
    "accuracy": {"max_drop": 0.02},
    "f1": {"max_drop": 0.02},
    "brier": {"max_rise": 0.01},
    "log_loss": {"max_rise": 0.05},
}


def found(compared: Any) -> dict[tuple[str, str], Finding]:
    listed = check_performance(compared.night, compared.baseline, compared.config, window=1)
    keyed = {(f.metric, ",".join(f.segment.values())): f for f in listed}
    assert len(keyed) == len(listed)
    return keyed


def overall(compared: Any) -> dict[str, Finding]:
    return {metric: finding for (metric, segment), finding in found(compared).items() if not segment}


def test_every_metric_is_told_and_is_scikit_learns(rows: Rows, compare: Compare) -> None:
    night = rows(3000, seed=1)
    label, score = night["label"].to_numpy(), night["score"].to_numpy()
    predicted = score >= 0.5
    told = overall(compare(night, rows(3000, seed=2)))
    assert {name: told[name].value for name in told if name != "calibration_error"} == pytest.approx(
        {
            "roc_auc": sk.roc_auc_score(label, score),
            "pr_auc": sk.average_precision_score(label, score),
            "accuracy": sk.accuracy_score(label, predicted),
            "precision": sk.precision_score(label, predicted),
            "recall": sk.recall_score(label, predicted),
            "f1": sk.f1_score(label, predicted),
            "log_loss": sk.log_loss(label, score),
            "brier": sk.brier_score_loss(label, score),
        },
        abs=1e-4,
    )
    assert len(told) == 9


def test_clear_harm_is_a_candidate_in_either_direction(rows: Rows, compare: Compare) -> None:
    told = overall(compare(rows(2000, seed=1, swapped=0.3), rows(4000, seed=2), checks={"performance": SIX}))
    for metric, tolerance in SIX.items():
        finding = told[metric]
        assert (finding.status, finding.tolerance) == ("watch", next(iter(tolerance.values())))
        assert finding.p_value is not None and finding.p_value < 1e-6
        assert finding.delta == pytest.approx(finding.value - finding.baseline)
        assert (finding.delta < 0) == ("max_drop" in tolerance)
        assert "beyond what chance explains" in finding.reason


def test_getting_better_is_ok(rows: Rows, compare: Compare) -> None:
    told = overall(compare(rows(2000, seed=1), rows(4000, seed=2, swapped=0.3), checks={"performance": SIX}))
    assert {told[metric].status for metric in SIX} == {"ok"}
    assert all(told[metric].p_value > 0.99 for metric in SIX)


def test_the_same_rows_are_ok_where_there_are_enough_and_undecided_where_not(rows: Rows, compare: Compare) -> None:
    checks = {"performance": SIX}
    many = rows(40_000, seed=1)
    assert {overall(compare(many, many, checks=checks))[metric].status for metric in SIX} == {"ok"}
    few = rows(60, seed=1)
    told = overall(compare(few, few, checks=checks))
    for metric, tolerance in SIX.items():
        assert told[metric].status == "insufficient_data"
        assert told[metric].detectable > next(iter(tolerance.values()))
        assert told[metric].value is not None


def test_harm_that_may_be_chance_is_a_watch_and_no_candidate(rows: Rows, compare: Compare) -> None:
    # 16 in 100 wrong instead of 10: beyond the tolerance, but the interval reaches below it.
    def night(wrong: int) -> pl.DataFrame:
        return pl.DataFrame({"score": [0.9] * 100, "label": [0] * wrong + [1] * (100 - wrong)})

    told = overall(compare(night(16), night(10), checks={"performance": {"accuracy": {"max_drop": 0.02}}}))
    finding = told["accuracy"]
    assert finding.status == "watch" and "may be chance" in finding.reason
    assert finding.delta == pytest.approx(-0.06)
    assert finding.p_value > 0.025


@pytest.mark.parametrize("wrong", range(10, 40, 3))
def test_a_candidate_is_what_lies_wholly_beyond_the_tolerance(wrong: int, rows: Rows, compare: Compare) -> None:
    night = pl.DataFrame({"score": [0.9] * 200, "label": [0] * wrong + [1] * (200 - wrong)})
    known = pl.DataFrame({"score": [0.9] * 400, "label": [0] * 20 + [1] * 380})
    told = overall(compare(night, known, checks={"performance": {"accuracy": {"max_drop": 0.02}}}))["accuracy"]
    least_drop = -told.delta_interval[1]
    assert (told.p_value < 0.025) == (least_drop > 0.02)
    assert least_drop <= -told.delta <= -told.delta_interval[0]
    assert (told.status == "watch") == (-told.delta > 0.02)


def test_what_has_no_tolerance_is_shown_and_not_judged(rows: Rows, compare: Compare) -> None:
    told = overall(compare(rows(500, seed=1, swapped=0.4), rows(500, seed=2)))
    assert {name for name, finding in told.items() if finding.tolerance is not None} == {"roc_auc", "brier"}
    recall = told["recall"]
    assert (recall.status, recall.p_value) == ("ok", None)
    assert recall.delta is not None and "not judged" in recall.reason


def test_slices_are_looked_at_and_never_page(rows: Rows, compare: Compare) -> None:
    night = pl.concat([rows(400, seed=1, swapped=0.5, where="bad"), rows(400, seed=2, where="good")])
    night = pl.concat([night, rows(20, seed=3, where="tiny")])
    known = pl.concat([rows(900, seed=seed, where=where) for seed, where in enumerate(("bad", "good", "tiny"), 4)])
    told = found(compare(night, known, slices=["where"]))
    assert {segment for _, segment in told} == {"", "bad", "good"}  # too small a slice is not named
    assert told["brier", "bad"].status == "watch" and told["brier", "bad"].p_value is None
    assert told["brier", "good"].status != "watch"
    assert told["accuracy", "bad"].segment == {"where": "bad"}


def test_a_slice_that_the_baseline_does_not_know_says_so(rows: Rows, compare: Compare) -> None:
    told = found(compare(rows(100, seed=1, where="new"), rows(100, seed=2, where="old"), slices=["where"]))
    finding = told["brier", "(not in the baseline)"]
    assert finding.status == "insufficient_data" and "in the baseline" in finding.reason


def test_fewer_than_thirty_rows_are_not_judged(rows: Rows, compare: Compare) -> None:
    told = overall(compare(rows(29, seed=1, swapped=1.0), rows(1000, seed=2)))
    assert {finding.status for finding in told.values()} == {"insufficient_data"}
    assert all(finding.value is None and finding.baseline is not None for finding in told.values())
