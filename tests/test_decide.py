"""The decision: what pages within the budget, what a verdict says, and the life of an incident."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.decide import decide, quarantine
from nightproof.night import Night
from nightproof.validation import Expectation, Validation
from nightproof.verdict import Incident, Verdict

FIRST = Night(date(2013, 12, 14))


def config(budget: str = "1 per 90 nights", **changes: Any) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "model": "decided",
            "task": "binary",
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
            "columns": {"score": "score", "label": "label"},
            "alerts": {"false_alarms": budget},
        }
        | changes
    )


def finding(p_value: float | None = 0.9, **changes: Any) -> Finding:
    told = "ok" if p_value is None or p_value > 0.5 else "watch"
    known: dict[str, Any] = {
        "check": "performance",
        "metric": "roc_auc",
        "column": None,
        "segment": {},
        "window": 1,
        "value": 0.8,
        "interval": (0.7, 0.9),
        "baseline": 0.85,
        "delta": -0.05,
        "delta_interval": (-0.15, 0.05),
        "tolerance": 0.02,
        "n": 900,
        "detectable": 0.01,
        "p_value": p_value,
        "status": told,
        "reason": "0.800 (0.700 to 0.900, n = 900).",
    }
    return Finding.model_validate(known | changes)


def group(name: str, p_value: float | None = 0.9, **changes: Any) -> Finding:
    return finding(p_value, check="bias", metric="impact_ratio", segment={"carrier": name}, **changes)


BLANK: dict[str, Any] = dict.fromkeys(
    ("value", "interval", "baseline", "delta", "delta_interval", "tolerance", "detectable")
)
UNTOLD = finding(None, status="insufficient_data", **BLANK)
"""What a metric is on too few rows."""


def verdict_on(*findings: Finding, night: Night = FIRST, previous: Verdict | None = None, **changes: Any) -> Verdict:
    return decide(findings, config=config(**changes), night=night, previous=previous)[1]


# --- The budget ---------------------------------------------------------------------------------------------


def closed(p_values: list[float], level: float) -> set[int]:
    """Closed testing: a hypothesis is rejected where every intersection with it is, by Bonferroni."""
    places = range(len(p_values))
    holds = [
        set(some)
        for size in range(1, len(p_values) + 1)
        for some in combinations(places, size)
        if min(p_values[place] for place in some) > level / size
    ]
    return {place for place in places if not any(place in some for some in holds)}


@settings(deadline=None, derandomize=True, max_examples=120)
@given(
    p_values=st.lists(st.sampled_from([0.0, 1e-9, 0.001, 0.0025, 0.005, 0.01, 0.5]) | st.floats(0, 0.02), max_size=8),
    nights=st.sampled_from([50, 90, 365]),
)
def test_regressions_are_what_closed_testing_rejects(p_values: list[float], nights: int) -> None:
    budget = f"1 per {nights} nights"
    listed = [group(str(place), p_value) for place, p_value in enumerate(p_values)]
    settled, verdict = decide(listed, config=config(budget), night=FIRST, previous=None)
    found = {int(f.segment["carrier"]) for f in settled if f.status == "regression"}
    assert found == closed(p_values, 1 / nights)
    assert verdict.regressions == len(found)
    assert verdict.false_alarm_level == pytest.approx(1 / nights)


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_nights_without_harm_page_no_more_often_than_the_budget(shared: float) -> None:
    # Twelve findings at their tolerance exactly, the worst case, from independent to one and the same.
    draw, tests, nights = np.random.default_rng(19), 12, 1500
    common = draw.normal(size=(nights, 1)) * np.sqrt(shared)
    z = common + draw.normal(size=(nights, tests)) * np.sqrt(1 - shared)
    ranks = (z.ravel().argsort().argsort().reshape(z.shape) + 0.5) / z.size
    pages = 0
    template, known = [group(str(i)) for i in range(tests)], config("1 per 40 nights")
    for row in ranks:
        # As the checks give them: at a value within the tolerance, few rows say nothing.
        listed = [
            found.model_copy(update={"p_value": float(p), "status": "watch" if p < 0.5 else "insufficient_data"})
            for found, p in zip(template, row, strict=True)
        ]
        pages += decide(listed, config=known, night=FIRST, previous=None)[1].status == "regression"
    # 1,500 nights know a share of 2.5 % to 0.4 %; perfect dependence leaves most of the budget unspent.
    assert pages / nights < 0.025 + 3 * 0.004
    assert shared == 1.0 or pages / nights > 0.01


def test_tests_that_say_nothing_still_cost_their_share_of_the_budget() -> None:
    listed = [group(str(i), 0.8, status="insufficient_data") for i in range(9)]
    # A budget of 1 in 90 over ten tests is 1 in 900 for the first.
    assert verdict_on(*listed, finding(0.0012)).status != "regression"
    assert verdict_on(*listed, finding(0.0011)).status == "regression"


@pytest.mark.parametrize("budget", ["1 per 2 nights", "89 per 90 nights"])
def test_however_large_the_budget_a_page_needs_an_interval_beyond_the_tolerance(budget: str) -> None:
    assert verdict_on(finding(0.026), budget=budget).regressions == 0
    assert verdict_on(finding(0.024), budget=budget).regressions == 1


def test_a_candidate_beyond_the_budget_is_a_watch_that_says_so() -> None:
    settled, verdict = decide([finding(0.02)], config=config(), night=FIRST, previous=None)
    assert (verdict.status, settled[0].status) == ("watch", "watch")
    assert settled[0].reason.endswith(", but not surely enough for a page within the budget of false alarms.")
    unsure, _ = decide([finding(0.03)], config=config(), night=FIRST, previous=None)
    assert unsure[0].reason == finding(0.03).reason


@settings(deadline=None, derandomize=True, max_examples=100)
@given(p_values=st.lists(st.none() | st.floats(0, 1), max_size=8), data=st.data())
def test_the_order_of_the_findings_does_not_matter_and_none_is_lost(
    p_values: list[float | None], data: st.DataObject
) -> None:
    listed = [group(str(place), p_value) for place, p_value in enumerate(p_values)]
    one = decide(listed, config=config(), night=FIRST, previous=None)
    other = decide(data.draw(st.permutations(listed)), config=config(), night=FIRST, previous=None)
    assert {f.segment["carrier"]: f.status for f in one[0]} == {f.segment["carrier"]: f.status for f in other[0]}
    assert (one[1].status, one[1].regressions) == (other[1].status, other[1].regressions)
    assert len(one[0]) == len(listed) == one[1].findings
    # What was settled once is settled the same again.
    assert decide(one[0], config=config(), night=FIRST, previous=None)[1].to_bytes() == one[1].to_bytes()


# --- The verdict --------------------------------------------------------------------------------------------


def test_the_worst_comes_first_and_makes_the_headline() -> None:
    drifted = finding(None, check="drift", metric="psi", column="x", status="watch", value=0.4, reason="0.400.")
    brier = finding(1e-6, metric="brier", reason="0.300, beyond.")
    listed = [drifted, group("UA", 1e-7, reason="0.500."), brier, finding(0.9, metric="f1"), finding(1e-5)]
    settled, verdict = decide(listed, config=config(), night=FIRST, previous=None)
    assert [f.metric for f in settled] == ["roc_auc", "brier", "impact_ratio", "psi", "f1"]
    assert verdict.headline.startswith("ROC AUC: ") and verdict.headline.endswith(" 2 more regressed.")
    assert (verdict.status, verdict.regressions, verdict.watches) == ("regression", 3, 1)


def test_a_watch_says_how_many_and_which_first() -> None:
    verdict = verdict_on(finding(0.1), group("UA", 0.2))
    assert (verdict.status, verdict.incidents) == ("watch", ())
    assert verdict.headline == "No regression. 2 things are worth a look, first ROC AUC."
    assert verdict_on(finding(0.9)).status == "ok"


def test_a_night_on_which_nothing_configured_could_be_told_is_no_ok() -> None:
    recall = finding(None, metric="recall", tolerance=None, reason="0.8; shown and not judged.")
    assert verdict_on(UNTOLD).status == "insufficient_data"
    assert verdict_on(UNTOLD, recall, group("UA")).status == "insufficient_data"
    assert verdict_on(finding(0.8, status="insufficient_data")).status == "insufficient_data"
    # One metric, or one window, that could be told is something proved.
    assert verdict_on(UNTOLD, finding(0.9, metric="brier")).status == "ok"
    assert verdict_on(UNTOLD, finding(0.9, window=28)).status == "ok"
    # A slice is not the night.
    assert verdict_on(UNTOLD, finding(None, segment={"origin": "JFK"})).status == "insufficient_data"
    assert "Too few labelled rows" in verdict_on(UNTOLD).headline


def test_harm_that_is_sure_counts_whatever_else_is_unknown() -> None:
    assert verdict_on(UNTOLD, group("UA", 1e-9)).status == "regression"


def test_without_performance_tolerances_the_other_families_decide() -> None:
    shown = finding(None, metric="recall", tolerance=None)
    only_bias = {"checks": {"performance": {}}}
    assert verdict_on(shown, group("UA"), **only_bias).status == "ok"
    assert verdict_on(shown, group("UA", 0.8, status="insufficient_data"), **only_bias).status == "insufficient_data"


def test_no_findings_are_said_to_be_none() -> None:
    assert verdict_on().headline == "Nothing was checked."


# --- Incidents ----------------------------------------------------------------------------------------------

BAD, GOOD = finding(1e-6), finding(0.9)
ALSO = finding(1e-6, metric="brier")
SURELY = finding(0.02)
"""Beyond its tolerance at 95 %, and not within the budget."""


def story(*nights: list[Finding] | Validation) -> list[Verdict]:
    """The verdicts of nights on end."""
    told: list[Verdict] = []
    for place, evidence in enumerate(nights):
        common: dict[str, Any] = {
            "config": config(),
            "night": FIRST.before(-place),
            "previous": told[-1] if told else None,
        }
        if isinstance(evidence, Validation):
            told.append(quarantine(evidence, **common))
        else:
            told.append(decide(evidence, **common)[1])
    return told


def events(verdicts: list[Verdict], check: str = "performance") -> list[str | None]:
    found = [{i.check: i.event for i in verdict.incidents} for verdict in verdicts]
    return [night.get(check) for night in found]


def only(verdict: Verdict) -> Incident:
    (incident,) = verdict.incidents
    return incident


def quarantined(*columns: str) -> Validation:
    failed = [
        Expectation(
            source="contract",
            type="expect_column_to_exist",
            column=column,
            kwargs={},
            severity="critical",
            success=False,
            observed=None,
            unexpected_count=None,
            unexpected_percent=None,
            example_keys=(),
        )
        for column in columns
    ]
    return Validation(outcome="quarantined", rows=1234, labelled=0, expectations=tuple(failed), engine="test")


def test_the_life_of_an_incident() -> None:
    told = story([GOOD], [BAD], [BAD], [BAD, ALSO], [BAD], [GOOD], [GOOD], [BAD])
    assert events(told) == [None, "opened", "ongoing", "worsened", "ongoing", "recovered", None, "opened"]
    lives = [only(verdict).id for verdict in told if verdict.incidents]
    assert lives == ["performance-2013-12-15"] * 5 + ["performance-2013-12-21"]
    assert {only(verdict).opened for verdict in told[1:6]} == {"2013-12-15"}
    assert only(told[1]).cause == f"ROC AUC: {BAD.reason}"
    assert only(told[5]).findings == ("ROC AUC", "Brier score")


def test_only_news_is_told() -> None:
    told = story([BAD], [BAD], [BAD, ALSO], [GOOD])
    assert [[incident.event for incident in verdict.news] for verdict in told] == [
        ["opened"],
        [],
        ["worsened"],
        ["recovered"],
    ]


def test_what_an_incident_showed_before_does_not_make_it_worse_again() -> None:
    assert events(story([BAD, ALSO], [BAD, finding(0.9, metric="brier")], [BAD, ALSO]))[1:] == ["ongoing", "ongoing"]


def test_the_same_metric_through_a_longer_window_is_not_worse() -> None:
    assert events(story([BAD], [BAD, finding(1e-6, window=28)])) == ["opened", "ongoing"]


def test_families_have_incidents_of_their_own() -> None:
    told = story([BAD, group("UA", 1e-6)], [GOOD, group("UA", 1e-6)], [GOOD, group("UA", 1e-6), group("B6", 1e-6)])
    assert events(told) == ["opened", "recovered", None]
    assert events(told, "bias") == ["opened", "ongoing", "worsened"]
    assert only(told[2]).findings == ("Impact ratio where carrier is UA", "Impact ratio where carrier is B6")


def test_an_incident_that_cannot_be_told_goes_on() -> None:
    recall = finding(None, metric="recall", tolerance=None)
    assert events(story([BAD], [UNTOLD], [])) == ["opened", "ongoing", "ongoing"]
    # Other metrics that can be told say nothing of the one that cannot.
    assert events(story([BAD], [UNTOLD, recall], [GOOD])) == ["opened", "ongoing", "recovered"]


def test_an_incident_is_not_over_while_its_harm_is_sure_by_itself() -> None:
    assert events(story([BAD], [SURELY], [finding(0.2)])) == ["opened", "ongoing", "recovered"]


def test_a_group_that_is_gone_does_not_keep_an_incident_open() -> None:
    assert events(story([group("UA", 1e-6)], [group("B6", 0.9)]), "bias") == ["opened", "recovered"]


def test_a_quarantined_night_keeps_other_incidents_and_opens_one_of_its_own() -> None:
    told = story([BAD], quarantined("score"), quarantined("score"), quarantined("score", "label"), [BAD], [GOOD])
    assert events(told) == ["opened", "ongoing", "ongoing", "ongoing", "ongoing", "recovered"]
    assert events(told, "data") == [None, "opened", "ongoing", "worsened", "recovered", None]
    assert [verdict.status for verdict in told[1:4]] == ["quarantined"] * 3
    data = told[1].incidents[0]
    assert (data.id, data.opened) == ("data-2013-12-15", "2013-12-15")
    assert data.findings == ("expect_column_to_exist(score)",)
    assert "1 critical expectation failed on 1,234 rows" in told[1].headline
    assert "2 critical expectations" in told[3].headline


def test_data_that_fail_again_after_coming_back_are_a_new_incident() -> None:
    told = story(quarantined("score"), [GOOD], quarantined("score"))
    assert events(told, "data") == ["opened", "recovered", "opened"]
    assert told[0].incidents[0].id != told[2].incidents[0].id


def test_what_a_verdict_stands_on_is_recorded() -> None:
    settled, verdict = decide(
        [GOOD], config=config(), night=FIRST, previous=None, history=["a", "b"], left_out=["report"]
    )
    assert (verdict.history, verdict.steps_left_out, verdict.night) == (("a", "b"), ("report",), "2013-12-14")
    assert Verdict.from_bytes(verdict.to_bytes(), name="verdict.json") == verdict
    assert len(settled) == 1


def test_data_that_nobody_validated_are_not_said_to_pass_again() -> None:
    (spoilt,) = story(quarantined("score"))
    later = FIRST.before(-1)
    _, skipped = decide([GOOD], config=config(), night=later, previous=spoilt, left_out=("validate",))
    assert events([spoilt, skipped], "data") == ["opened", "ongoing"]


def test_a_fault_that_comes_again_is_no_news() -> None:
    told = story(quarantined("score"), quarantined("label"), quarantined("score"))
    assert events(told, "data") == ["opened", "worsened", "ongoing"]
