"""What numbers say of themselves: the subject, the value, its interval, its rows, its limit, and a formula."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof import words
from nightproof.board import FamilyState
from nightproof.board.series import NOTHING, Told
from nightproof.checks.finding import Finding
from nightproof.dashboard.drawing.explain import reach_of, tip_of_finding, tip_of_series, tip_of_state
from nightproof.dashboard.drawing.formulas import FORMULAS, OWN, formula
from nightproof.metric_names import MetricName

AUC = ("performance", "roc_auc", None, ())
TOLD = Told(0.7679, 0.7306, 0.8052, 970, 0.9199, 0.8999, "r")
HOSTILE = "<img src=x onerror=alert(1)>\u202e\n" + "x" * 500


def finding(**changes: Any) -> Finding:
    told: dict[str, Any] = {
        "check": "performance",
        "metric": "roc_auc",
        "column": None,
        "segment": {},
        "window": 7,
        "value": 0.7679,
        "interval": (0.7306, 0.8052),
        "baseline": 0.9199,
        "delta": -0.152,
        "delta_interval": (-0.19, -0.115),
        "tolerance": 0.02,
        "n": 970,
        "detectable": 0.055,
        "p_value": 0.0004,
        "status": "regression",
        "reason": "It fell by more than the tolerated 0.02.",
    }
    return Finding.model_validate(told | changes)


@pytest.mark.parametrize("metric", sorted({*words.METRICS, *get_args(MetricName)}))
def test_every_metric_has_a_formula(metric: str) -> None:
    assert len(FORMULAS[metric]) > 10
    assert FORMULAS[metric].endswith(".")


def test_formulas_are_of_metrics_alone_and_no_two_names_of_a_page_share_one() -> None:
    assert FORMULAS.keys() <= words.METRICS.keys() | set(get_args(MetricName))
    assert len(set(FORMULAS.values())) > 0.9 * len(FORMULAS)


def test_a_teams_own_metric_says_that_it_is_a_ratio_of_sums() -> None:
    assert formula("revenue_per_decision") == OWN
    assert OWN not in FORMULAS.values()


def test_a_series_tells_all_that_is_needed_to_believe_it_or_not() -> None:
    tip = tip_of_series(AUC, TOLD, worse="lower", night="2013-10-23")  # type: ignore[arg-type]
    assert tip.splitlines() == [
        "ROC AUC, night of 2013-10-23",
        "0.768, 95 % interval 0.731 to 0.805",
        "n = 970 labelled rows",
        "Baseline 0.920, change −0.152",
        "Limit 0.900: harm is below it; the interval lies beyond it",
        "Status: ✖ Regression",
        f"Formula: {FORMULAS['roc_auc']}",
    ]


def test_a_series_that_was_not_told_says_so() -> None:
    tip = tip_of_series(AUC, Told(None, None, None, 0, None, None, NOTHING), worse="lower", night="2013-10-23")  # type: ignore[arg-type]
    assert "Not told on this night." in tip and "0.000" not in tip


def test_a_number_without_a_limit_is_not_judged() -> None:
    tip = tip_of_series(AUC, TOLD._replace(limit=None), worse=None, night="")  # type: ignore[arg-type]
    assert "not judged" in tip


@pytest.mark.parametrize(
    ("metric", "check", "unit"),
    [
        ("ndcg", "performance", "970 queries"),
        ("estimated_roc_auc", "performance", "970 rows"),
        ("psi", "drift", "970 rows"),
        ("roc_auc", "performance", "970 labelled rows"),
    ],
)
def test_rows_are_named_for_what_they_are(metric: str, check: str, unit: str) -> None:
    tip = tip_of_series((check, metric, None, ()), TOLD, worse=None, night="")  # type: ignore[arg-type]
    assert f"n = {unit}" in tip.splitlines()


def test_a_finding_tells_its_window_what_it_could_have_shown_and_why() -> None:
    tip = tip_of_finding(finding(reference="trailing 28 nights"))
    for said in (
        "ROC AUC, 7 nights merged",
        "95 % interval 0.731 to 0.805",
        "Baseline (trailing 28 nights) 0.920, change −0.152 (−0.190 to −0.115)",
        "Held against: 0.020",
        "Smallest harmful change that this much data would show: 0.055",
        "p = <0.001",
        "It fell by more than the tolerated 0.02.",
        f"Formula: {FORMULAS['roc_auc']}",
    ):
        assert said in tip


def test_what_does_not_apply_to_a_finding_is_left_out() -> None:
    bare = dict.fromkeys(("interval", "baseline", "delta", "delta_interval", "tolerance", "detectable", "p_value"))
    lines = tip_of_finding(finding(**bare, value=None)).splitlines()
    assert "No value: it cannot be told." in lines
    assert not any(line.startswith(("Baseline", "Held", "Smallest", "p =")) for line in lines)


def test_a_family_tells_its_worst_number_and_how_many_are_worth_a_look() -> None:
    told = {"segment": {"carrier": "UA"}, "value": 0.61, "low": 0.55, "high": 0.68, "n": 812, "baseline": 0.93}
    tip = tip_of_state(
        FamilyState(status="r", metric="impact_ratio", limit=0.8, worse="lower", watches=4, series=60, **told), "Bias"
    )
    assert tip.startswith("Bias: 4 of 60 numbers worth a look or worse\nThe worst: Impact ratio where carrier is UA\n")
    assert "Limit 0.800: harm is below it; the interval lies beyond it" in tip


def test_a_family_that_was_not_told_says_so() -> None:
    assert "nothing was told" in tip_of_state(FamilyState(status=NOTHING), "Business")


def test_text_of_data_is_one_short_line_of_a_tip() -> None:
    plain = tip_of_series(("drift", "psi", "column", ()), TOLD, worse="higher", night="").count("\n")
    for tip in (
        tip_of_series(("drift", "psi", HOSTILE, ((HOSTILE, HOSTILE),)), TOLD, worse="higher", night=""),
        tip_of_state(FamilyState(status="w", metric="psi", column=HOSTILE, segment={HOSTILE: HOSTILE}), "Drift"),
        tip_of_finding(finding(column=HOSTILE, segment={HOSTILE: HOSTILE}, reason=HOSTILE, reference=HOSTILE)),
    ):
        assert "\u202e" not in tip
        assert max(len(line) for line in tip.splitlines()) < 500
        assert tip.count("\n") <= plain + 4


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers)
def test_where_an_interval_lies_is_the_same_in_a_mirror(one: float, other: float, limit: float) -> None:
    low, high = sorted((one, other))
    assert reach_of(low, high, limit, "higher") == reach_of(-high, -low, -limit, "lower")


@given(numbers, numbers, numbers)
def test_an_interval_lies_beyond_its_limit_only_as_a_whole(one: float, other: float, limit: float) -> None:
    low, high = sorted((one, other))
    assert (reach_of(low, high, limit, "higher") == "beyond") == (low > limit)
    assert (reach_of(low, high, limit, "higher") == "within") == (high <= limit)


def test_where_an_interval_lies_is_unknown_without_a_limit_or_a_side() -> None:
    assert (
        reach_of(0.1, 0.2, None, "higher") == reach_of(0.1, 0.2, 0.3, None) == reach_of(None, 0.2, 0.3, "lower") == ""
    )
