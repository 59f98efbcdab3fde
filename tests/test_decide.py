"""The decision: what a verdict says of a night beside those before it, and what it stands on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.decide import decide
from nightproof.night import Night
from nightproof.quarantine import quarantine
from nightproof.validation import Expectation, Validation
from nightproof.verdict import Incident, Verdict

FIRST = Night(date(2013, 12, 14))
SHARED = [HealthCheck.function_scoped_fixture]
"""Fixtures that only give functions may be shared between examples."""
HISTORY = 60
"""Quiet nights after which it is known how much nights differ."""


@pytest.fixture
def auc(told: Any) -> Any:
    """The night's AUC, so much below the baseline's."""
    return lambda drop=0.0, **about: told("roc_auc", 0.85 - drop, **about)


@pytest.fixture
def gap(told: Any) -> Any:
    """A group's gap in true-positive rate, of which a tenth is tolerated."""

    def made(carrier: str, value: float = 0.02, **about: Any) -> Finding:
        known = {"check": "bias", "baseline": None, "error": 0.02, "segment": {"carrier": carrier}}
        found: Finding = told("tpr_gap", value, **known | about)
        return found

    return made


@pytest.fixture
def untold(auc: Any) -> Finding:
    """What a metric is on too few rows."""
    blank = dict.fromkeys(("value", "interval", "baseline", "delta", "delta_interval", "tolerance", "p_value"))
    found: Finding = auc().model_copy(update={**blank, "status": "insufficient_data"})
    return found


@pytest.fixture
def shown(told: Any) -> Finding:
    """What is shown and not judged."""
    found: Finding = told("recall").model_copy(update={"tolerance": None, "p_value": None, "status": "ok"})
    return found


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


# --- What regresses -----------------------------------------------------------------------------------------


def test_a_regression_needs_harm_beyond_the_tolerance_and_beyond_what_chance_explains(story: Any, auc: Any) -> None:
    drops = [0.0, 0.019, 0.021, 0.03, 0.05, 0.08]
    statuses = [story().quiet(HISTORY, auc()).tell(auc(drop)).status for drop in drops]
    # Within the tolerance it is good news; a little beyond it, it may be how nights differ.
    assert statuses == ["ok", "ok", "watch", "watch", "regression", "regression"]


def test_a_short_history_gives_wide_answers_and_never_silence(story: Any, auc: Any) -> None:
    p_values = []
    for nights in (0, 10, 30, HISTORY):
        told = story().quiet(nights, auc())
        told.tell(auc(0.06))
        p_values.append(told.settled[0].p_value)
    assert p_values == sorted(p_values, reverse=True)
    assert p_values[0] > 0.1 and p_values[-1] < 1e-3
    # Harm that is large beyond question is told on the very first night.
    assert story().tell(auc(0.2)).status == "regression"


def test_the_finding_of_a_regression_tells_how_nights_differ(story: Any, auc: Any) -> None:
    told = story().quiet(HISTORY, auc())
    verdict = told.tell(auc(0.06))
    [found] = told.settled
    given_ = auc(0.06)
    assert (found.value, found.n, found.tolerance) == (pytest.approx(given_.value), given_.n, 0.02)
    assert found.delta == pytest.approx(-0.06)
    assert found.interval == pytest.approx(given_.interval, abs=1e-6)
    # The change is known less well than the value: nights differ.
    widths = [end[1] - end[0] for end in (found.delta_interval, given_.delta_interval)]
    assert widths[0] > widths[1]
    assert found.detectable > given_.detectable
    assert verdict.headline == f"ROC AUC: {found.reason}"
    assert found.reason.endswith(
        "fell by more than the tolerated 0.02, beyond what chance and how nights differ explain."
    )


def test_harm_that_nights_tell_only_together_is_told_through_their_window(story: Any, auc: Any) -> None:
    told = story().quiet(HISTORY, auc())
    statuses = [told.tell(auc(0.035)).status for _ in range(20)]
    assert statuses[0] != "regression" and statuses[-1] == "regression"
    nights = statuses.index("regression") + 1
    [incident] = told.verdicts[nights - 1].incidents
    [longer] = [f for f in told.settled if f.status == "regression"]
    assert longer.window > 1 and "nights" in longer.reason
    # It began when the harm did, give or take a night.
    assert abs((date.fromisoformat(incident.since) - date(2014, 2, 12)).days) <= 2
    # Tonight by itself keeps its own finding.
    assert [f.window for f in told.settled if f.status != "regression"] == [1]


def test_a_candidate_beyond_the_budget_is_a_watch_that_says_so(story: Any, auc: Any) -> None:
    told = story().quiet(HISTORY, auc())
    told.tell(auc(0.032))
    [found] = told.settled
    assert found.status == "watch"
    assert found.reason.endswith(", but not surely enough for a page within the budget of false alarms.")
    told = story().quiet(HISTORY, auc())
    told.tell(auc(0.025))
    assert told.settled[0].reason == auc(0.025).reason


def test_series_that_say_nothing_still_cost_their_share_of_the_budget(story: Any, auc: Any, gap: Any) -> None:
    def page(groups: int, value: float) -> bool:
        others = [gap(str(i)) for i in range(groups)]
        verdict = story().quiet(HISTORY, gap("UA"), *others).tell(gap("UA", value), *others)
        return bool(verdict.status == "regression")

    least = [next(v for v in (0.1 + i / 100 for i in range(60)) if page(groups, v)) for groups in (0, 9, 80)]
    assert least == sorted(least) and least[0] < least[-1]


@pytest.mark.parametrize("budget", ["1 per 2 nights", "89 per 90 nights"])
def test_however_large_the_budget_a_page_needs_harm_beyond_the_tolerance(
    budget: str, story: Any, policy: Any, auc: Any
) -> None:
    assert story(policy(budget)).quiet(HISTORY, auc()).tell(auc(0.0199)).regressions == 0
    assert story(policy(budget)).quiet(HISTORY, auc()).tell(auc(0.04)).regressions == 1


def test_a_limit_with_two_ends_keeps_a_finding_for_each(story: Any, told: Any, policy: Any) -> None:
    config = policy(checks={"bias": {"impact_ratio": {"min": 0.8, "max": 1.25}}})

    def ends(value: float) -> list[Finding]:
        about = {"check": "bias", "baseline": 1.0, "error": 0.01, "segment": {"carrier": "UA"}}
        return [told("impact_ratio", value, limit=limit, **about) for limit in (("min", 0.8), ("max", 1.25))]

    nights = story(config).quiet(HISTORY, *ends(1.0))
    verdict = nights.tell(*ends(0.3))
    assert (verdict.regressions, verdict.findings) == (1, 2)
    assert {(f.tolerance, f.status) for f in nights.settled} == {(0.8, "regression"), (1.25, "ok")}


@settings(deadline=None, derandomize=True, max_examples=40, suppress_health_check=SHARED)
@given(gaps=st.lists(st.floats(-0.3, 0.9), max_size=6), data=st.data())
def test_the_order_of_the_findings_does_not_matter_and_none_is_lost(
    gaps: list[float], data: st.DataObject, story: Any, gap: Any
) -> None:
    listed = [gap(str(place), value) for place, value in enumerate(gaps)]
    one, other = story(), story()
    for nights in (one, other):
        nights.quiet(5, *[gap(str(place)) for place in range(len(gaps))])
    verdict, again = one.tell(*listed), other.tell(*data.draw(st.permutations(listed)))
    assert verdict.to_bytes() == again.to_bytes()
    assert one.settled == other.settled
    assert {f.segment["carrier"] for f in one.settled} == {str(place) for place in range(len(gaps))}
    assert verdict.findings == len(one.settled)
    assert verdict.regressions == sum(f.status == "regression" for f in one.settled)


# --- The verdict --------------------------------------------------------------------------------------------


def test_the_worst_comes_first_and_makes_the_headline(story: Any, told: Any, auc: Any, gap: Any) -> None:
    def brier(value: float) -> Finding:
        found: Finding = told("brier", value, baseline=0.15, tolerance=0.01)
        return found

    drifted = auc().model_copy(update={"check": "drift", "metric": "psi", "column": "x", "value": 0.4})
    drifted = drifted.model_copy(update={"interval": (0.3, 0.5), "status": "watch", "tolerance": 0.1})
    nights = story().quiet(HISTORY, auc(), gap("UA"), brier(0.15))
    verdict = nights.tell(drifted, gap("UA", 0.6), brier(0.25), told("f1"), auc(0.2))
    assert [f.metric for f in nights.settled] == ["roc_auc", "brier", "tpr_gap", "psi", "f1"]
    assert verdict.headline.startswith("ROC AUC: ") and verdict.headline.endswith(" 2 more regressed.")
    assert (verdict.status, verdict.regressions, verdict.watches) == ("regression", 3, 1)


def test_a_watch_says_how_many_and_which_first(story: Any, auc: Any, gap: Any) -> None:
    verdict = story().tell(auc(0.022), gap("UA", 0.11))
    assert (verdict.status, verdict.incidents) == ("watch", ())
    assert verdict.headline == "No regression. 2 things are worth a look, first ROC AUC."
    assert story().tell(auc()).status == "ok"


def test_a_night_on_which_nothing_configured_could_be_told_is_no_ok(
    story: Any, told: Any, auc: Any, gap: Any, untold: Finding, shown: Finding
) -> None:
    assert story().tell(untold).status == "insufficient_data"
    assert story().tell(untold, shown, gap("UA")).status == "insufficient_data"
    assert story().tell(auc(error=0.05)).status == "insufficient_data"
    # One metric, or one window, that could be told is something proved.
    assert story().tell(untold, told("brier", 0.15, baseline=0.15, tolerance=0.01, error=0.001)).status == "ok"
    assert story().tell(untold, auc(window=28)).status == "ok"
    # A slice is not the night.
    assert story().tell(untold, auc(segment={"origin": "JFK"})).status == "insufficient_data"
    assert "Too few labelled rows" in story().tell(untold).headline


def test_harm_that_is_sure_counts_whatever_else_is_unknown(story: Any, gap: Any, untold: Finding) -> None:
    assert story().tell(untold, gap("UA", 0.9)).status == "regression"


def test_without_performance_tolerances_the_other_families_decide(
    story: Any, policy: Any, gap: Any, shown: Finding
) -> None:
    only_bias = policy(checks={"performance": {}})
    assert story(only_bias).tell(shown, gap("UA")).status == "ok"
    assert story(only_bias).tell(shown, gap("UA", error=0.2)).status == "insufficient_data"


def test_no_findings_are_said_to_be_none(story: Any) -> None:
    assert story().tell().headline == "Nothing was checked."


def test_what_a_verdict_stands_on_is_recorded(story: Any, auc: Any) -> None:
    known = replace(story().past, history=("a", "b"))
    settled, verdict = decide([auc()], config=story().config, night=FIRST, past=known, left_out=["report"])
    assert (verdict.history, verdict.steps_left_out, verdict.night) == (("a", "b"), ("report",), "2013-12-14")
    assert Verdict.from_bytes(verdict.to_bytes(), name="verdict.json") == verdict
    assert verdict.false_alarm_level == pytest.approx(1 / 90)
    assert len(settled) == 1


def test_a_verdict_is_on_the_findings_that_are_written(story: Any, auc: Any, gap: Any) -> None:
    # Another run settled them beside other nights, and left them.
    early = story()
    early.tell(auc(0.06), gap("UA", 0.9))
    late = story().quiet(HISTORY, auc(), gap("UA"))
    settled, verdict = decide(
        [auc(0.06), gap("UA", 0.9)], config=late.config, night=early.night, past=late.past, written=early.settled
    )
    assert settled == early.settled
    assert (verdict.status, verdict.regressions, verdict.findings) == ("regression", 1, 2)
    assert only(verdict).findings == ("True-positive-rate gap where carrier is UA",)


# --- Nights that are not evaluated --------------------------------------------------------------------------


def test_a_quarantined_night_keeps_other_incidents_and_opens_one_of_its_own(story: Any, auc: Any) -> None:
    nights = story()
    nights.tell(auc(0.3))
    for columns in (["score"], ["score"], ["score", "label"]):
        nights.quarantine(quarantined(*columns))
    assert nights.events() == ["opened", "opened ongoing", "ongoing ongoing", "worsened ongoing"]
    assert [verdict.status for verdict in nights.verdicts[1:]] == ["quarantined"] * 3
    data = nights.verdicts[1].incidents[0]
    assert (data.id, data.opened, data.check) == ("data-2013-12-15", "2013-12-15", "data")
    assert data.findings == ("expect_column_to_exist(score)",)
    assert data.causes[0].columns == ("score",)
    assert "1 critical expectation failed on 1,234 rows" in nights.verdicts[1].headline
    assert "2 critical expectations" in nights.verdicts[3].headline


def output(told: Any) -> Finding:
    """A finding that tells that data came."""
    found: Finding = told("output_shift", 0.01, check="drift", baseline=None, tolerance=1.0, column="score")
    return found


def test_data_are_well_after_some_good_nights_and_fail_again_as_the_same_incident(
    story: Any, told: Any, auc: Any
) -> None:
    nights = story()
    nights.quarantine(quarantined("score"))
    for _ in range(4):
        nights.tell(auc(), output(told))
    assert nights.events() == ["opened", "ongoing", "ongoing", "recovered", ""]
    nights.quarantine(quarantined("label"))
    assert only(nights.verdicts[-1]).event == "reopened"
    assert only(nights.verdicts[-1]).id == "data-2013-12-14"
    nights = story()
    nights.quarantine(quarantined("score"))
    for _ in range(3):
        nights.tell(auc(), output(told))
    nights.skip(20)
    nights.quarantine(quarantined("score"))
    assert only(nights.verdicts[-1]).event == "opened"


def test_a_fault_that_comes_again_is_no_news(story: Any) -> None:
    nights = story()
    for column in ("score", "label", "score"):
        nights.quarantine(quarantined(column))
    assert nights.events() == ["opened", "worsened", "ongoing"]


def test_data_that_nobody_validated_are_not_said_to_pass_again(story: Any, told: Any, auc: Any) -> None:
    nights = story()
    nights.quarantine(quarantined("score"))
    for _ in range(5):
        nights.tell(auc(), output(told), left_out=("validate",))
    assert set(nights.events()[1:]) == {"ongoing"}


def test_the_past_is_not_needed_to_quarantine(policy: Any) -> None:
    verdict = quarantine(quarantined("score"), config=policy(), night=FIRST)
    assert (verdict.status, verdict.blind_nights, only(verdict).event) == ("quarantined", 0, "opened")


# --- Blindness ----------------------------------------------------------------------------------------------


def test_a_model_that_has_been_blind_for_long_says_so_once(story: Any, auc: Any, untold: Finding) -> None:
    nights = story()
    nights.tell(auc())
    for _ in range(10):
        nights.tell(untold)
    nights.tell(auc())
    nights.tell(untold)
    assert nights.events() == ["", *[""] * 6, "opened", *["ongoing"] * 3, "recovered", ""]
    assert [v.blind_nights for v in nights.verdicts] == [0, *range(1, 11), 0, 1]
    blind = only(nights.verdicts[7])
    assert (blind.id, blind.check, blind.since) == ("blind-2013-12-21", "blind", "2013-12-15")
    assert blind.cause.startswith("For 7 nights there have been too few labelled rows")


def test_whether_and_when_blindness_is_told_is_the_configs(story: Any, policy: Any, auc: Any, untold: Finding) -> None:
    for alerts, expected in (({"blind_after": 2}, ["", "opened", "ongoing"]), ({"pages": ["bias"]}, ["", "", ""])):
        nights = story(policy(alerts=alerts))
        for _ in range(3):
            nights.tell(untold)
        assert nights.events() == expected


def test_estimated_harm_pages_while_labels_are_to_come(told: Any, story: Any, policy: Any, untold: Finding) -> None:
    def estimated(drop: float) -> Finding:
        # As the check gives it: evidence that it has not judged.
        found: Finding = told("roc_auc", 0.85 - drop).model_copy(
            update={"metric": "estimated_roc_auc", "tolerance": None, "p_value": None, "status": "ok"}
        )
        return found

    nights = story(policy()).quiet(HISTORY, estimated(0.0))
    assert nights.tell(untold, estimated(0.0)).incidents == ()
    incident = only(nights.tell(untold, estimated(0.1)))
    assert (incident.event, incident.check, incident.metric) == ("opened", "performance", "estimated_roc_auc")
