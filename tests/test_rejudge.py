"""Re-judging as laws over verdicts made at random; stories through the pipeline are in ``test_revise``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.alert_sections import Alerts
from nightproof.incidents import is_remembered, may_reopen
from nightproof.past import Past
from nightproof.rejudge import BEGUN, Late, Revision, as_known, rejudged
from nightproof.verdict import Incident, Verdict

FIRST = date(2024, 3, 1)
FAMILIES = ("performance", "bias", "data")


def night(number: int) -> str:
    return str(FIRST + timedelta(days=number))


def incident(family: str, event: str, opened: int, **changes: Any) -> Incident:
    said: dict[str, Any] = {
        "id": f"{family}-{night(opened)}",
        "event": event,
        "check": family,
        "metric": "roc_auc",
        "segment": {},
        "opened": night(opened),
        "findings": (family,),
        "cause": f"{family} is bad.",
        "families": (family,),
    }
    return Incident.model_validate(said | changes)


def verdict(number: int, *incidents: Incident, status: str = "ok", **changes: Any) -> Verdict:
    said: dict[str, Any] = {
        "model": "m",
        "night": night(number),
        "status": status,
        "headline": "Said.",
        "regressions": 0,
        "watches": 0,
        "insufficient": 0,
        "findings": 3,
        "false_alarm_level": 0.01,
        "incidents": incidents,
        "history": (),
    }
    return Verdict.model_validate(said | changes)


@st.composite
def of_a_night(draw: Callable[..., Any], number: int = 5) -> Verdict:
    """A night's verdict: of each family an incident of that night, of an earlier one, or none."""
    events = {family: draw(st.sampled_from(["none", "opened", "ongoing", "reopened"])) for family in FAMILIES}
    some = [
        incident(family, event, number if event == "opened" else number - 2)
        for family, event in events.items()
        if event != "none"
    ]
    return verdict(number, *some, status=draw(st.sampled_from(["ok", "watch", "regression"])))


def revision(superseded: Verdict, *later: Verdict) -> Revision:
    return Revision("e0", superseded, later, known_at="2024-03-20T04:00:00+00:00", rows=100, labelled=90)


@given(old=of_a_night(), new=of_a_night())
def test_each_incident_is_there_once_and_none_that_was_begun_is_lost(old: Verdict, new: Verdict) -> None:
    found = rejudged(new, revision(old))
    names = [i.id for i in found.incidents]
    assert len(names) == len(set(names))
    assert {i.id for i in old.incidents if i.event in BEGUN} <= set(names)
    assert {family for i in new.incidents for family in i.families} <= {
        family for i in found.incidents if i.is_open for family in i.families
    }
    assert found.supersedes == "e0"


@given(old=of_a_night())
def test_an_evaluation_that_says_the_same_withdraws_nothing(old: Verdict) -> None:
    found = rejudged(old, revision(old))
    assert [(i.id, i.event, i.cause) for i in found.incidents] == [(i.id, i.event, i.cause) for i in old.incidents]


@given(new=of_a_night())
def test_a_first_evaluation_stays_as_it_is(new: Verdict) -> None:
    assert rejudged(new, None) is new


@given(nights=st.lists(st.integers(0, 4), max_size=6))
def test_what_goes_on_by_itself_is_what_some_later_night_was_not_good_for(nights: list[int]) -> None:
    """Of nights after it, each tells how many were good in a row."""
    opened = incident("data", "opened", 5)
    good, later = 0, []
    for place, is_good in enumerate(nights, start=1):
        good = good + 1 if is_good else 0
        later.append(verdict(5 + place, incident("data", "ongoing", 5, good_nights=good)))
    found = rejudged(verdict(5), revision(verdict(5, opened), *later))
    [kept] = found.incidents
    assert kept.is_open == (0 in nights)


@pytest.mark.parametrize("status", ["quarantined", "insufficient_data"])
def test_what_the_new_evaluation_cannot_tell_is_not_withdrawn(status: str) -> None:
    found = rejudged(verdict(5, status=status), revision(verdict(5, incident("performance", "opened", 5))))
    assert [i.event for i in found.incidents] == ["opened"]


def test_what_was_withdrawn_is_not_remembered_as_over() -> None:
    gone = incident("data", "withdrawn", 5, ended=night(5))
    assert not may_reopen(gone, FIRST + timedelta(days=6), Alerts())
    assert not is_remembered(gone, FIRST + timedelta(days=6), Alerts())
    assert Past(verdict(5, gone)).ended() == {}
    assert Past(verdict(5, gone.model_copy(update={"event": "recovered"}))).ended() != {}


# --- What the next night stands on ----------------------------------------------------------------------------


@given(previous=of_a_night(8))
def test_without_revisions_the_night_before_is_as_it_was(previous: Verdict) -> None:
    assert as_known(previous, [], blind_nights=0) is previous


@given(previous=of_a_night(8), old=of_a_night(), new=of_a_night())
def test_a_withdrawn_incident_is_dropped_and_a_new_one_adopted(previous: Verdict, old: Verdict, new: Verdict) -> None:
    revised = rejudged(new, revision(old))
    found = as_known(previous, [Late(revised, old)], blind_nights=0)
    withdrawn = {i.id for i in revised.incidents if i.event == "withdrawn"}
    fresh = {i.id for i in revised.incidents if i.event in BEGUN} - {i.id for i in old.incidents}
    before = {i.id for i in previous.incidents}
    assert {i.id for i in found.incidents} == (before - withdrawn) | fresh
    assert all(i.event == "ongoing" for i in found.incidents if i.id in fresh - before)
    kept = {i.id: i for i in found.incidents}
    assert all(kept[i.id] == i for i in previous.incidents if i.id in kept)


@given(previous=of_a_night(8), first=st.tuples(of_a_night(4), of_a_night(4)), second=of_a_night(6))
def test_a_revision_that_is_known_twice_says_nothing_more(
    previous: Verdict, first: tuple[Verdict, Verdict], second: Verdict
) -> None:
    late = [Late(rejudged(first[1], revision(first[0])), first[0]), Late(rejudged(second, revision(second)), second)]
    once = as_known(previous, late, blind_nights=0)
    assert {i.id for i in as_known(once, late, blind_nights=0).incidents} == {i.id for i in once.incidents}


def test_a_reopening_that_is_withdrawn_leaves_the_first_end_as_it_was() -> None:
    over = incident("data", "recovered", 0, ended=night(2))
    reopened = over.model_copy(update={"event": "reopened", "ended": None})
    old = verdict(5, reopened)
    new = rejudged(verdict(5, ended=(over,)), revision(old))
    assert [i.event for i in new.incidents] == ["withdrawn"]
    previous = verdict(6, reopened.model_copy(update={"event": "ongoing"}))
    found = as_known(previous, [Late(new, old)], blind_nights=0)
    assert found.incidents == ()
    assert found.ended == (over,)
