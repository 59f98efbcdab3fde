"""An incident's timeline: what happened to it, night by night, quiet stretches folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from nightproof import words
from nightproof.board import NightLine
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.verdict import Event, Incident, VerdictStatus

EVENTS: dict[Event, tuple[str, str]] = {
    "opened": ("●", "Opened"),
    "worsened": ("▲", "Worsened"),
    "ongoing": ("│", "Went on"),
    "recovered": ("✔", "Recovered"),
    "reopened": ("↻", "Reopened"),
    "withdrawn": ("↩", "Withdrawn"),
}
"""Each as a sign and a word."""


class TimelineNight(View):
    """One night of a stretch."""

    night: str
    evaluation_id: str
    status: VerdictStatus
    good_nights: int
    """Good nights in a row by then."""


class Moment(View):
    """What happened to an incident on a night, or over a stretch of nights on which nothing did."""

    event: Event
    first: str
    last: str
    said: str
    """In a sentence."""
    nights: tuple[TimelineNight, ...]
    """Each with its evaluation, rising; none where the evaluation that saw it was superseded."""


def timeline(incident_id: str, lines: Sequence[NightLine]) -> tuple[Moment, ...]:
    """What happened to an incident, the oldest first.

    Parameters
    ----------
    incident_id
        Which.
    lines
        The model's nights, rising, each as its latest evaluation has it.
    """
    seen = [(line, found) for line in lines for found in line.incidents if found.id == incident_id]
    if not seen:
        return ()
    first, opened = seen[0][1], seen[0][1].opened
    moments = [_moment(list(group)) for group in _stretches(seen)]
    if first.event not in ("opened", "reopened") and all(line.night > opened for line, _ in seen):
        said = "By an evaluation of that night that a later one has taken the place of."
        moments.insert(0, Moment(event="opened", first=opened, last=opened, said=said, nights=()))
    return tuple(moments)


def _stretches(
    seen: Iterable[tuple[NightLine, Incident]],
) -> Iterable[list[tuple[NightLine, Incident]]]:
    for event, group in groupby(seen, key=lambda pair: pair[1].event):
        stretch = list(group)
        if event == "ongoing":
            yield stretch
        else:
            yield from ([pair] for pair in stretch)


def _moment(stretch: Sequence[tuple[NightLine, Incident]]) -> Moment:
    (first, _), (last, incident) = stretch[0], stretch[-1]
    nights = tuple(
        TimelineNight(night=line.night, evaluation_id=line.evaluation_id, status=line.status, good_nights=i.good_nights)
        for line, i in stretch
    )
    said = _said([line for line, _ in stretch], incident)
    return Moment(event=incident.event, first=first.night, last=last.night, said=said, nights=nights)


def _said(lines: Sequence[NightLine], incident: Incident) -> str:
    if incident.event == "ongoing":
        return _went_on(lines, incident)
    if incident.event == "recovered":
        good = f" after {words.counted(incident.good_nights, 'good night')} in a row" if incident.good_nights else ""
        return f"Everything that it showed is within tolerance{good}."
    if incident.event == "worsened" and incident.worst is not None:
        return f"{incident.worst:,.1f} times its tolerance. {incident.cause}"
    return incident.cause


def _went_on(lines: Sequence[NightLine], incident: Incident) -> str:
    if len(lines) == 1 and incident.good_nights:
        return f"A good night, {incident.good_nights} in a row."
    bad = sum(line.status == "regression" for line in lines)
    unseen = sum(line.status in ("quarantined", "insufficient_data") for line in lines)
    parts = [f"{words.counted(bad, 'night')} regressed"] if bad else []
    parts += [f"{words.counted(unseen, 'night')} could not tell"] if unseen else []
    if incident.good_nights:
        parts.append(f"at the end {words.counted(incident.good_nights, 'good night')} in a row")
    return f"{words.counted(len(lines), 'night')}" + (f": {', '.join(parts)}." if parts else ", none of them news.")
