"""The plan: what is to be told of an incident now, from what happened to it and what was told.

Pure. One event is one message, in the order of nights, with four exceptions:

- an incident that was over before anybody could be told of it is one message that tells both;
- what a mute withheld is told, once the mute is over, as it stands then;
- an ongoing incident is told in its thread, at most daily, and only as it is on its last night;
- what labels that came later withdraw is told once, in its thread, and nothing of it after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from nightproof.alert.due import Due
from nightproof.alert.told import Told
from nightproof.alert_sections import Severity, Trouble
from nightproof.verdict import PAGES, Event, Incident, Verdict

DAILY = timedelta(hours=20)
"""Shorter than a day: a nightly run is not always equally fast."""


ENDS: tuple[Event, ...] = ("recovered", "withdrawn")
"""Events after which there is nothing more to tell."""


@dataclass(frozen=True)
class Step:
    """What a due night says of one incident."""

    due: Due
    incident: Incident
    place: int
    """Where it stands in the night's verdict."""

    @property
    def event(self) -> Event:
        """What happened to it."""
        return self.incident.event


@dataclass(frozen=True)
class Item:
    """One message that is to be sent.

    Parameters
    ----------
    step
        The night as of which it tells.
    name
        The event's name in the incident's folder.
    covers
        Names of other events that it tells too.
    incident
        As it is told: its event may be another than on that night alone.
    loud
        Whether it may wake somebody.
    begun
        The night that it should have been told on, where it is told for the first time after its
        end; else ``None``.
    muted
        The event whose mute is over, where it is told as it stands since; else ``None``.
    """

    step: Step
    name: str
    incident: Incident
    covers: tuple[str, ...] = ()
    loud: bool = False
    begun: str | None = None
    muted: str | None = None

    @property
    def order(self) -> tuple[str, int, str]:
        """Nights rising; within a night, the worst first."""
        return (self.step.due.night, self.step.place, self.name)


def steps_of(verdicts: Sequence[tuple[Due, Verdict]]) -> dict[str, list[Step]]:
    """Each incident's steps, nights rising."""
    found: dict[str, list[Step]] = {}
    for due, verdict in sorted(verdicts, key=lambda pair: pair[0].night):
        for place, incident in enumerate(verdict.incidents):
            found.setdefault(incident.id, []).append(Step(due, incident, place))
    return found


def plan(steps: Sequence[Step], told: Told, *, severity: Callable[[Trouble], Severity], now: datetime) -> list[Item]:
    """What is to be told of one incident, in order.

    Parameters
    ----------
    steps
        Of its due nights, rising.
    told
        What was told of it.
    severity
        How loud a kind of trouble is.
    now
        For what is told at most daily.
    """
    steps = _standing(steps, told)
    items: list[Item] = []
    begun = bool(steps) and told.has_begun(steps[0].incident.opened)
    for episode in _episodes(steps):
        found = list(_continued(episode, told) if begun else _told_first(episode, told))
        items += found
        if not found and begun and episode[-1] is steps[-1] and _is_daily(episode[-1], told, now):
            items.append(Item(steps[-1], f"ongoing-{steps[-1].due.night}", steps[-1].incident))
        begun = False
    return [_with_loudness(item, severity) for item in items]


def _standing(steps: Sequence[Step], told: Told) -> list[Step]:
    """The steps that still say something: after the last night that was told of, and not of what was withdrawn.

    A night that is evaluated again is told whatever was told since: that is the point of it. What nights
    after it say of the same trouble was said before it was known that there was none.
    """
    kept: list[Step] = []
    is_gone = told.is_withdrawn
    for step in steps:
        is_late, is_told = step.due.night < told.until, _name(step) in told.names
        if step.event == "withdrawn":
            is_gone, skipped = True, is_told
        elif step.event == "reopened":
            skipped = is_late and (is_told or not is_gone)
            is_gone = False
        else:
            skipped = is_gone or is_late
        if not skipped:
            kept.append(step)
    return kept


def released(items: Sequence[Item], *, quiet: bool) -> list[Item]:
    """Of one incident's items those that need not wait: in quiet hours, pages and what comes before them."""
    if not quiet:
        return list(items)
    last = max((place for place, item in enumerate(items) if item.loud), default=-1)
    return list(items[: last + 1])


def events_of(items: Sequence[Item]) -> list[str]:
    """Every event that items tell, the ongoing left out: that goes without saying."""
    names = [name for item in items for name in (item.name, *item.covers)]
    return [name for name in names if not name.startswith("ongoing")]


def _episodes(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """From an opening to the end, again and again."""
    ends = 0
    numbered = []
    for step in steps:
        numbered.append((ends, step))
        ends += step.event in ENDS
    for _, group in groupby(numbered, key=lambda pair: pair[0]):
        yield [step for _, step in group]


def _told_first(episode: Sequence[Step], told: Told) -> Iterator[Item]:
    """Of trouble that nobody has been told of yet."""
    first, last = episode[0], episode[-1]
    if first.event in ENDS:
        # The end of what was never told is not told; that what was told as over was nothing, is.
        if first.event == "withdrawn" and told.names and _name(first) not in told.names:
            yield Item(first, _name(first), first.incident)
        return
    name = _opening(first, told)
    news = [step for step in episode[1:] if step.event != "ongoing"]
    rest = tuple(_name(step) for step in news)
    withheld = {name, *rest} & told.muted
    if last.event == "withdrawn":
        return  # there was nothing, and nobody was told that there was
    if last.event == "recovered":
        if not withheld:
            yield Item(last, name, last.incident, covers=rest, begun=first.due.night)
        return
    event: Event = "reopened" if name.startswith("reopened") else "worsened" if first.event == "worsened" else "opened"
    if withheld:
        yield Item(last, name, _as(last.incident, event), covers=rest, muted=min(withheld))
        return
    yield Item(first, name, _as(first.incident, event))
    yield from (Item(step, name, step.incident) for step, name in zip(news, rest, strict=True))


def _continued(episode: Sequence[Step], told: Told) -> Iterator[Item]:
    """Of trouble whose beginning was told."""
    named = [(step, _name(step)) for step in episode if step.event != "ongoing"]
    news = [(step, name) for step, name in named if name not in told.names]
    withheld = {name for _, name in news} & told.muted
    if not withheld:
        yield from (Item(step, name, step.incident) for step, name in news)
        return
    step, name = news[-1]
    as_it_stands = step if step.event in ENDS else episode[-1]
    covers = tuple(covered for _, covered in news[:-1])
    incident = _as(as_it_stands.incident, step.event)
    yield Item(as_it_stands, name, incident, covers=covers, muted=min(withheld))


def _opening(step: Step, told: Told) -> str:
    """The name that trouble is told by first: an ongoing one stands for the opening that nobody asked about."""
    if step.event != "ongoing":
        return _name(step)
    return f"reopened-{step.due.night}" if "opened" in told.names else "opened"


def _name(step: Step) -> str:
    # An incident opens once; anything else may happen to it on any night.
    return "opened" if step.event == "opened" else f"{step.event}-{step.due.night}"


def _as(incident: Incident, event: Event) -> Incident:
    return incident if incident.event == event else incident.model_copy(update={"event": event})


def _is_daily(step: Step, told: Told, now: datetime) -> bool:
    if step.event != "ongoing" or step.due.night <= told.until:
        return False
    return told.last_at is not None and now - told.last_at >= DAILY


def _with_loudness(item: Item, severity: Callable[[Trouble], Severity]) -> Item:
    loud = item.incident.event in PAGES and severity(item.incident.check) == "page"
    return replace(item, loud=loud)
