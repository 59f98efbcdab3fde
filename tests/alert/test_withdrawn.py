"""What later labels withdraw is told once, in its thread, and is the last word; what they open is told once."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.alert.plan import Step, events_of, plan

from .conftest import NOON, Teller, incident
from .test_plan import SEVERITY, World, lives, step

DAY = timedelta(days=1)
OPENED = "2024-03-01"


def withdrawn(night: str = OPENED, opened: str = OPENED) -> Any:
    text = "Withdrawn: on the labels known by 2024-03-05 (100 of 100 rows; 40 before) ROC AUC is within its tolerance."
    return incident("performance", "withdrawn", opened, ended=night, cause=text)


def revise(teller: Teller, *incidents: Any, night: str = OPENED, version: int = 1) -> None:
    teller.night(night, *incidents, version=version)


def test_it_is_told_in_the_thread_and_in_the_channel_and_never_again(teller: Teller) -> None:
    teller.life("performance", "opened ongoing")
    teller.tell()
    revise(teller, withdrawn())
    teller.tell()
    first, last = teller.slack.messages
    assert teller.events == ["opened", f"withdrawn-{OPENED}"]
    assert last["thread_ts"] == first["ts"] and last["reply_broadcast"]
    assert "↩️ Withdrawn: quiet, 2024-03-01" in last["text"]
    assert "On the labels known by 2024-03-05 (100 of 100 rows; 40 before) ROC AUC is within its tolerance" in str(
        last["blocks"]
    )
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_it_is_told_though_later_nights_were_told_and_ends_what_they_say(teller: Teller) -> None:
    teller.life("performance", "opened ongoing worsened")
    teller.tell()
    teller.night("2024-03-04", incident("performance", "ongoing", OPENED))
    revise(teller, withdrawn())
    teller.tell(NOON + 5 * DAY)
    assert teller.events == ["opened", "worsened-2024-03-03", f"withdrawn-{OPENED}"]
    # A night that was evaluated before it was known.
    teller.night("2024-03-05", incident("performance", "worsened", OPENED))
    assert teller.tell(NOON + 9 * DAY).sent == []
    assert teller.open_nights == 0


def test_what_nobody_was_told_of_is_not_withdrawn_in_public(teller: Teller) -> None:
    teller.life("performance", "opened ongoing")
    revise(teller, withdrawn())
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_what_was_told_as_over_is_withdrawn_too(teller: Teller) -> None:
    teller.life("performance", "opened")
    teller.tell()
    teller.night("2024-03-02", incident("performance", "recovered", OPENED))
    teller.tell()
    revise(teller, withdrawn())
    teller.tell()
    assert teller.events == ["opened", "recovered-2024-03-02", f"withdrawn-{OPENED}"]
    assert teller.tell().sent == []


def test_an_incident_that_both_evaluations_have_is_told_once(teller: Teller) -> None:
    teller.life("performance", "opened ongoing")
    teller.tell()
    revise(teller, incident("performance", "opened", OPENED))
    assert teller.tell(NOON + 3 * DAY).sent == []
    assert teller.open_nights == 0


def test_what_later_labels_open_is_told_once(teller: Teller) -> None:
    teller.night(OPENED)
    teller.night("2024-03-02")
    revise(teller, incident("performance", "opened", OPENED))
    teller.night("2024-03-03", incident("performance", "ongoing", OPENED))
    teller.tell()
    assert teller.events == ["opened"]
    teller.night("2024-03-04", incident("performance", "ongoing", OPENED))
    teller.tell()
    assert teller.events == ["opened"]


def test_what_was_withdrawn_and_comes_again_is_told_again_in_its_thread(teller: Teller) -> None:
    teller.life("performance", "opened")
    teller.tell()
    teller.night("2024-03-02", incident("performance", "worsened", OPENED))
    teller.tell()
    revise(teller, withdrawn())
    teller.tell()
    revise(teller, incident("performance", "reopened", OPENED), version=2)
    teller.tell()
    assert teller.events == ["opened", "worsened-2024-03-02", f"withdrawn-{OPENED}", f"reopened-{OPENED}"]
    assert teller.slack.messages[-1]["thread_ts"] == teller.slack.messages[0]["ts"]
    teller.night("2024-03-03", incident("performance", "recovered", OPENED))
    teller.tell()
    assert teller.events[-1] == "recovered-2024-03-03"


def test_the_week_says_what_was_withdrawn(teller: Teller) -> None:
    from nightproof.alert.told import Told
    from nightproof.alert.week import week_line
    from nightproof.verdict import Verdict

    due = teller.night("2024-03-13", withdrawn("2024-03-13", "2024-03-13"))
    verdict: Verdict = teller.evaluations[due.evaluation_id].verdict
    at = NOON.replace(day=18)
    line = week_line(teller.config, [verdict], at=at, told=lambda _: Told({}))
    assert line is not None
    assert [found.opened for found in line.withdrawn] == ["2024-03-13"]
    assert line.open == ()


@given(life=lives(), cut=st.integers(0, 13), takes=st.lists(st.integers(0, 2), min_size=16, max_size=16))
def test_the_last_word_on_what_was_withdrawn_is_that_it_was(life: list[str], cut: int, takes: list[int]) -> None:
    """Whatever was told when the night was evaluated again, and however often telling fails."""
    life = [event for event in life if event != "-"]
    first = life[: life.index("reopened")] if "reopened" in life else life
    world, steps = World(), list[Step]()
    for number, event in enumerate(first[:cut] or first[:1]):
        steps.append(step(event, number))
        world.tell(steps, takes[number])
    was_told = bool(world.told.names)
    found = step("withdrawn", 0)
    after = [found, *steps[1:], *(step(event, cut + n) for n, event in enumerate(first[cut:]) if event != "recovered")]
    for take in [*takes, 9, 9]:
        world.tell(after, take)
    assert events_of(plan(after, world.told, severity=SEVERITY, now=NOON)) == []
    names = [item.name for item in world.sent]
    assert len(names) == len(set(names))
    assert (bool(world.sent) and world.sent[-1].incident.event == "withdrawn") == was_told


@pytest.mark.parametrize("at", range(0, 24, 3))
@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_while_it_is_told_loses_and_doubles_nothing(teller: Teller, at: int, after: bool) -> None:
    from .conftest import Crash, PowerCut

    teller.life("performance", "opened ongoing")
    teller.tell()
    revise(teller, withdrawn())
    with contextlib.suppress(PowerCut):
        teller.tell(crash=Crash(at, after=after))
    teller.tell()
    assert teller.events == ["opened", f"withdrawn-{OPENED}"]
