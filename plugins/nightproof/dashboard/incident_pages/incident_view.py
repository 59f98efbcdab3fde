"""One incident in depth: why, since when, how its metric went, what happened, and what was sent where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nightproof import words
from nightproof.board import FleetRow, NightLine
from nightproof.board.series import Told, Worse
from nightproof.checks.finding import Check
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.fleet_pages.open_incident import open_incident
from nightproof.dashboard.incident_pages.incident_shown import IncidentShown, what_of
from nightproof.dashboard.incident_pages.incident_timeline import Moment, timeline
from nightproof.dashboard.incident_pages.incident_told import ToldView, told_view
from nightproof.dashboard.incident_pages.incidents_view import last_seen, shown_of
from nightproof.dashboard.past_nights import PastNights, PastSeries, SeriesPoint
from nightproof.dashboard.place import Place
from nightproof.errors import ObjectMissing
from nightproof.mute import lines_to_mute
from nightproof.results import ModelResults
from nightproof.verdict import Incident

if TYPE_CHECKING:
    from nightproof.readings import SeriesKey

BEFORE, AFTER = 28, 7
"""Nights that its metric is shown before it began, and after it was over."""


class CourseNight(View):
    """The metric on one night."""

    night: str
    value: float | None
    low: float | None
    high: float | None
    """Ends of the 95 % interval."""
    n: int
    """Rows that it stands on."""
    baseline: float | None
    limit: float | None
    """Beyond it, harm is more than is tolerated."""
    status: str
    """`o` ok, `w` watch, `r` regression, `i` too little data."""


class Course(View):
    """How the metric that shows the incident most strongly went."""

    name: str
    check: Check
    metric: str
    column: str | None
    segment: dict[str, str]
    worse: Worse | None
    """On which side harm is; null where it is evidence alone."""
    first: str
    last: str
    nights: tuple[CourseNight, ...]
    """Rising; nights on which it was not told are left out."""
    incidents: tuple[tuple[str, str, str], ...]
    """First and last night of each incident that the stretch touches, and what it is."""
    versions: tuple[tuple[str, str], ...]
    """Nights from which on another version answered, with its name."""
    quarantined: tuple[str, ...]
    """Nights whose data failed validation."""


class IncidentView(View):
    """One incident."""

    incident: IncidentShown
    findings: tuple[str, ...]
    """All that has regressed in it so far."""
    reference: str
    """What it was compared with."""
    evidence: tuple[str, ...]
    """What there is to believe it by, each a clause; of open ones."""
    over: tuple[str, ...]
    """How to tell whether it is over, in sentences."""
    course: Course | None
    """Null where no night tells its metric, as of data that failed validation."""
    timeline: tuple[Moment, ...]
    """What happened to it, the oldest first."""
    told: ToldView
    mute_lines: str | None
    """What to paste under `alerts.mute` of the model's config; null where it is over, or muted already."""


def incident_view(
    incident_id: str, nights: PastNights, results: ModelResults, place: Place, now: datetime
) -> IncidentView:
    """One incident of a model.

    Parameters
    ----------
    incident_id
        Which.
    nights, results, place
        The model's.
    now
        UTC.

    Raises
    ------
    ObjectMissing
        If no night of the model knows it.
    """
    row, lines = nights.row, nights.lines()
    seen = last_seen(lines)
    if incident_id not in seen:
        raise ObjectMissing(f"No night of {row.model} knows this incident. {_help(seen)}")
    incident, line = seen[incident_id]
    found = shown_of(incident, line, place, row, now)
    is_open = found.state in ("open", "muted")
    return IncidentView(
        incident=found,
        findings=incident.findings,
        reference=incident.reference,
        evidence=open_incident(incident, row, place, now.date()).evidence if is_open else (),
        over=tuple(_over(found, row)),
        course=_course(incident, found, nights, lines),
        timeline=timeline(incident_id, lines),
        told=told_view(results, incident_id, place.config, now),
        mute_lines=lines_to_mute(incident_id, now.date()) if found.state == "open" else None,
    )


def figure_of(course: Course) -> dict[str, Any]:
    """The chart of a course."""
    from nightproof.dashboard.drawing import charts

    points = tuple(
        SeriesPoint(p.night, Told(p.value, p.low, p.high, p.n, p.baseline, p.limit, p.status)) for p in course.nights
    )
    key: SeriesKey = (course.check, course.metric, course.column, tuple(course.segment.items()))
    marks = charts.Marks(versions=course.versions, incidents=course.incidents, quarantined=course.quarantined)
    return charts.trend(
        PastSeries(key, course.worse, points),
        course.name,
        first=course.first,
        last=course.last,
        percent=charts.is_rate(course.metric),
        marks=marks,
    )


def _help(seen: dict[str, tuple[Incident, NightLine]]) -> str:
    if not seen:
        return "The model has had no incident yet."
    latest = sorted(seen, key=lambda name: seen[name][0].opened, reverse=True)[:3]
    return f"An evaluation may have been taken back since. The latest are {', '.join(words.plain(n) for n in latest)}."


def _over(incident: IncidentShown, row: FleetRow) -> Sequence[str]:
    """How to tell whether it is over; what is over already says so."""
    if incident.state == "withdrawn":
        return ["It was withdrawn: labels that came later, or were corrected, show that there was nothing."]
    if incident.state == "recovered":
        ended = f"on {incident.ended}" if incident.ended else f"after {incident.last}, the last night that knows it"
        return [f"It was over {ended}.", "The same trouble soon after opens the same incident again."]
    said = [_needed(incident)]
    if incident.silent_since is not None:
        since = f"{incident.silent_since:%Y-%m-%d %H:%M} UTC"
        said.insert(0, f"Nobody knows now: no night has come since {row.night}; the next was due on {since}.")
    elif incident.good_nights:
        said.insert(0, f"It may be ending: {words.counted(incident.good_nights, 'good night')} in a row so far.")
    else:
        said.insert(0, f"No: the last night, {row.night}, was no good night.")
    return [*said, "Nobody closes it by hand: nights do, and those who were told of it are told of its end."]


def _needed(incident: IncidentShown) -> str:
    if incident.check == "blind":
        return "It is over with the first night that has enough labelled rows to tell."
    nights = words.counted(incident.recover_after, "good night") if incident.recover_after else "some good nights"
    good = "data passes validation and " if "data" in incident.families else ""
    return f"It is over after {nights} in a row: nights on which {good}all that it showed is within its tolerance."


def _course(incident: Incident, shown: IncidentShown, nights: PastNights, lines: Sequence[NightLine]) -> Course | None:
    first = _moved(shown.since, -BEFORE)
    is_open = shown.state in ("open", "muted")
    last = nights.row.night if is_open else min(_moved(shown.ended or shown.last, AFTER), nights.row.night)
    series = _series(incident, nights, first, last)
    if series is None:
        return None
    check, metric, column, segment = series.key
    within = [line for line in lines if first <= line.night <= last]
    return Course(
        name=words.subject(metric, column, dict(segment)),
        check=check,
        metric=metric,
        column=column,
        segment=dict(segment),
        worse=series.worse,
        first=max(first, lines[0].night),
        last=last,
        nights=tuple(CourseNight(night=point.night, **point.told._asdict()) for point in series.points),
        incidents=tuple(_span(found, line, last) for found, line in last_seen(within).values()),
        versions=tuple(_versions(within)),
        quarantined=tuple(line.night for line in within if line.status == "quarantined"),
    )


def _series(incident: Incident, nights: PastNights, first: str, last: str) -> PastSeries | None:
    """The series that the incident's metric is, by whichever family told it."""
    wanted = (incident.metric, incident.column, dict(incident.segment))
    for series in nights.series(first, last):
        _, metric, column, segment = series.key
        if (metric, column, dict(segment)) == wanted and any(p.told.value is not None for p in series.points):
            return series
    return None


def _span(incident: Incident, line: NightLine, last: str) -> tuple[str, str, str]:
    end = last if incident.is_open else incident.ended or line.night
    return min(incident.since or incident.opened, incident.opened), end, what_of(incident)


def _versions(lines: Sequence[NightLine]) -> list[tuple[str, str]]:
    named = [(line.night, line.version) for line in lines if line.version]
    return [now for i, now in enumerate(named) if i and named[i - 1][1] != now[1]]


def _moved(night: str, days: int) -> str:
    try:
        return str(date.fromisoformat(night) + timedelta(days=days))
    except (ValueError, OverflowError):
        return night
