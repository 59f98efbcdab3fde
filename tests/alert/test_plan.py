"""The plan as a law: every event once, in order, however often and wherever telling it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from nightproof.alert.claims import Receipt
from nightproof.alert.due import Due
from nightproof.alert.plan import Item, Step, events_of, plan, released
from nightproof.alert.told import Told
from nightproof.alert_sections import Alerts
from nightproof.message import Links
from nightproof.night import Night

from .conftest import NOON, incident

FIRST = Night.parse("2024-01-01")
SEVERITY = Alerts().severity_of


@st.composite
def lives(draw: Callable[..., str]) -> list[str]:
    """What happens to an incident, night by night: it opens, goes on, ends, and may come back."""
    events, is_open = ["opened"], True
    for _ in range(draw(st.integers(0, 12))):
        choices = ["ongoing", "ongoing", "worsened", "recovered"] if is_open else ["-", "reopened"]
        event = draw(st.sampled_from(choices))
        events.append(event)
        is_open = event not in ("recovered", "-")
    return events


def step(event: str, number: int) -> Step:
    night = str(FIRST.before(-number))
    due = Due.ask(night, f"{number:016x}", Links(location="memory://"))
    return Step(due, incident("performance", event, str(FIRST)), 0)


class World:
    """Receipts as they come to be, and the messages in the order in which they were sent."""

    def __init__(self) -> None:
        self.told = Told({})
        self.sent: list[Item] = []
        self._numbers = count(1)

    def tell(self, steps: list[Step], most: int, now: datetime = NOON) -> None:
        """Tell at most so many: then Slack is down, or the power is."""
        for item in plan(steps, self.told, severity=SEVERITY, now=now)[:most]:
            self.sent.append(item)
            night = item.step.due.night
            ts = f"{NOON.timestamp() + next(self._numbers):.6f}"
            receipt = Receipt(key=item.name, channel="C", ts=ts, text="", night=night, covers=item.covers)
            self.told = Told({**self.told.receipts, item.name: receipt}, self.told.muted)


def name_of(event: str, number: int) -> str:
    return "opened" if event == "opened" else f"{event}-{FIRST.before(-number)}"


@given(life=lives(), takes=st.lists(st.integers(0, 3), min_size=13, max_size=13))
def test_every_event_is_told_once_and_in_order_whatever_fails_when(life: list[str], takes: list[int]) -> None:
    world, steps = World(), list[Step]()
    for number, event in enumerate(life):
        if event != "-":
            steps.append(step(event, number))
        world.tell(steps, takes[number % len(takes)])
    for _ in range(len(steps) + 1):
        world.tell(steps, 1)
    news = [name_of(event, number) for number, event in enumerate(life) if event not in ("ongoing", "-")]
    told = [name for item in world.sent for name in (item.name, *item.covers) if not name.startswith("ongoing")]
    assert sorted(told) == sorted(news), "each once"
    nights = [item.step.due.night for item in world.sent]
    assert nights == sorted(nights), "in the order of nights"
    assert events_of(plan(steps, world.told, severity=SEVERITY, now=NOON)) == []
    last = next(event for event in reversed(life) if event != "-")
    assert (world.sent[-1].incident.event == "recovered") == (last == "recovered"), "the last word is true"


@given(life=lives(), asked=st.sets(st.integers(0, 12)))
def test_whatever_nights_are_asked_about_the_last_word_is_true(life: list[str], asked: set[int]) -> None:
    world = World()
    steps = [step(event, number) for number, event in enumerate(life) if event != "-" and number in asked]
    for _ in range(len(steps) + 1):
        world.tell(steps, 1)
    names = [item.name for item in world.sent]
    assert len(names) == len(set(names))
    if steps and steps[-1].event != "recovered":
        assert world.sent[-1].incident.is_open
    elif world.sent:
        assert world.sent[-1].incident.event == "recovered"


@given(life=lives(), cut=st.integers(0, 12))
def test_what_a_mute_withheld_is_told_once_as_it_stands_or_not_at_all(life: list[str], cut: int) -> None:
    steps = [step(event, number) for number, event in enumerate(life) if event != "-"]
    world = World()
    world.tell(steps[:cut], 99)
    before = len(world.sent)
    withheld = events_of(plan(steps, world.told, severity=SEVERITY, now=NOON))
    world.told = Told(world.told.receipts, frozenset(withheld))
    world.tell(steps, 99)
    after = world.sent[before:]
    assert len(after) <= 1 + sum(step.event == "recovered" for step in steps)
    assert events_of(plan(steps, world.told, severity=SEVERITY, now=NOON)) == []
    if steps[-1].event != "recovered" and withheld:
        assert after[-1].step is steps[-1] and after[-1].incident.is_open
    # What was never told of is not told of once it is over.
    assert all(item.incident.is_open or before for item in after)


@given(life=lives())
def test_in_quiet_hours_only_pages_and_what_comes_before_them_go(life: list[str]) -> None:
    steps = [step(event, number) for number, event in enumerate(life) if event != "-"]
    items = plan(steps, Told({}), severity=SEVERITY, now=NOON)
    assert released(items, quiet=False) == items
    go = released(items, quiet=True)
    assert items[: len(go)] == go
    assert not go or go[-1].loud
    assert not any(item.loud for item in items[len(go) :])


def test_the_ongoing_is_told_at_most_daily_by_the_clock() -> None:
    world = World()
    world.tell([step("opened", 0)], 1)
    for hours, heard in ((1, 1), (19, 1), (21, 2), (22, 2)):
        world.tell([step("opened", 0), step("ongoing", 1)], 9, NOON + timedelta(hours=hours))
        assert len(world.sent) == heard
    assert NOON.tzinfo is UTC
