"""Policies: nights that are over, judged again from their readings."""

from __future__ import annotations

from typing import Any

import pytest
from nightproof.night import Night
from nightproof.policy import Judged, findings, judge_again
from nightproof.verdict import Verdict

FIRST = Night.parse("2024-03-01")
GOOD: dict[str, Any] = {}
BAD = {"noise": 1.0}
UNFAIR = {"unfair": 0.6}
CHECKS = {"performance": {"roc_auc": {"max_drop": 0.05}, "brier": {"max_rise": 0.05}}}
NIGHTS = [GOOD, GOOD, BAD, BAD, GOOD, GOOD, GOOD, GOOD, BAD, GOOD, UNFAIR, UNFAIR]


def told(verdict: Verdict) -> list[tuple[object, ...]]:
    """All of a verdict's incidents but what only the nights' rows could say: the likely causes."""
    return [
        (i.id, i.event, i.check, i.metric, i.segment, i.opened, i.findings, i.families, i.since, i.good_nights, i.ended)
        for i in verdict.incidents
    ]


def pages(judged: list[Judged]) -> int:
    return sum(len(one.pages[1]) for one in judged)


@pytest.fixture(scope="module")
def published(benches: Any) -> Any:
    """A model, two weeks of whose nights are published."""
    bench = benches()
    config = bench.config(windows=[1, 3], checks=CHECKS)
    for place, knobs in enumerate(NIGHTS):
        night = str(FIRST.before(-place))
        bench.night(night, count=1500, **knobs)
        bench.evaluate(night, config)
    return bench


def judged(bench: Any, *, first: Night | None = None, last: Night | None = None, **changes: Any) -> list[Judged]:
    config = bench.config(**{"windows": [1, 3], "checks": CHECKS} | changes)
    return list(judge_again(config, bench.model_results(config), first=first, last=last))


def test_the_same_config_judges_as_it_did(published: Any) -> None:
    again = judged(published)
    assert [one.night for one in again] == [str(FIRST.before(-place)) for place in range(len(NIGHTS))]
    assert [told(one.now) for one in again] == [told(one.then) for one in again]
    assert [one.now.regressions for one in again] == [one.then.regressions for one in again]
    events = [" ".join(i.event for i in one.then.incidents) for one in again]
    assert events[:9] == ["", "", "opened", "ongoing", "ongoing", "ongoing", "recovered", "", "reopened"]
    assert {"bias"} <= {family for one in again[-2:] for i in one.then.incidents for family in i.families}
    for one in again:
        assert [i.id for i in one.pages[0]] == [i.id for i in one.pages[1]]


def test_nights_before_the_first_are_history_and_those_after_the_last_are_not_asked(published: Any) -> None:
    whole = judged(published)
    some = judged(published, first=FIRST.before(-3), last=FIRST.before(-8))
    assert some == whole[3:9]


def test_a_looser_policy_pages_less_and_a_tighter_one_more(published: Any) -> None:
    def of(tolerance: float, *, gap: float = 0.1, budget: str = "1 per 90 nights") -> int:
        performance = {"roc_auc": {"max_drop": tolerance}, "brier": {"max_rise": tolerance}}
        checks = {"performance": performance, "bias": {"tpr_gap": {"max": gap}, "impact_ratio": {}}}
        return pages(judged(published, checks=checks, alerts={"false_alarms": budget}))

    assert of(0.45, gap=0.95) == 0
    assert 0 < of(0.05) <= of(0.02, gap=0.05, budget="1 per 10 nights")
    assert of(0.05, budget="1 per 9999 nights") <= of(0.05) <= of(0.05, budget="1 per 3 nights")


def test_another_life_of_incidents_can_be_tried(published: Any) -> None:
    sooner = judged(published, alerts={"recover_after": 1, "reopen_within": 0})
    events = [" ".join(i.event for i in one.now.incidents) for one in sooner]
    assert events[2:5] == ["opened", "ongoing", "recovered"]
    assert "reopened" not in events[8] and "opened" in events[8]


def test_what_is_no_page_can_be_one(published: Any) -> None:
    only_bias = judged(published, alerts={"pages": ["bias"]})
    assert {i.check for one in only_bias for i in one.now.incidents} == {"bias"}


def test_findings_come_back_as_they_were_judged(published: Any) -> None:
    config = published.config(windows=[1, 3], checks=CHECKS)
    results = published.model_results(config)
    entry = next(iter(results.log.latest().values()))
    evaluation = published.evaluate(entry.night, config)
    known = {(f.check, f.metric, f.column, *f.segment.values(), f.tolerance, f.window): f for f in evaluation.findings}
    again = [f for f in findings(results.readings(entry), config) if f.value is not None]
    assert len(again) > 5
    for found in again:
        name = (found.check, found.metric, found.column, *found.segment.values(), found.tolerance, found.window)
        assert (found.value, found.interval, found.n) == (known[name].value, known[name].interval, known[name].n)
        if found.check != "drift" and found.tolerance is not None:
            assert found.status == known[name].status


def test_nights_that_were_quarantined_stay_so(published: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results = published.model_results()
    monkeypatch.setattr(results, "readings", lambda entry: None)
    again = list(judge_again(published.config(windows=[1, 3], checks=CHECKS), results))
    assert [one.now for one in again] == [one.then for one in again]


def test_blindness_is_judged_as_it_was(benches: Any) -> None:
    bench = benches()
    config = bench.config(windows=[1, 3], checks=CHECKS, alerts={"blind_after": 2})
    for place, count in enumerate([600, 12, 9, 9, 9, 9, 600, 40]):
        night = str(FIRST.before(-place))
        bench.night(night, count=count)
        bench.evaluate(night, config)
    again = list(judge_again(config, bench.model_results(config)))
    assert "blind" in {i.check for one in again for i in one.then.incidents}
    assert [told(one.now) for one in again] == [told(one.then) for one in again]
    assert [one.now.blind_nights for one in again] == [one.then.blind_nights for one in again]
