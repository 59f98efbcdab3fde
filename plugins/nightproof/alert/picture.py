"""The picture of an incident: how its metric went, night by night, up to the night that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from nightproof.checks.finding import Finding
from nightproof.checks.held import held_by
from nightproof.evaluation import Evaluation
from nightproof.manifest import LogEntry
from nightproof.message.claims import RATES, main_finding
from nightproof.readings import Reading, Readings, key
from nightproof.trend import Point, Trend
from nightproof.verdict import Incident


@dataclass(frozen=True)
class PastNight:
    """One night of the log, and what it read; ``None`` where it was quarantined or is of an older format."""

    entry: LogEntry
    readings: Readings | None


def trend_of(incident: Incident, evaluation: Evaluation, past: Sequence[PastNight]) -> Trend | None:
    """The trend of an incident's metric; ``None`` where there is no number to draw.

    Parameters
    ----------
    incident, evaluation
        What is told, of which night.
    past
        The nights of the log, rising; those after the evaluation's are left out.
    """
    main = main_finding(incident, evaluation.findings)
    held = held_by(main, evaluation.config) if main is not None else None
    if main is None or held is None or main.value is None or not isfinite(main.value):
        return None
    tonight = str(evaluation.night)
    nights = [night for night in past if night.entry.night < tonight]
    counted_from = main.baseline if held.from_baseline else 0.0
    limit = None if counted_from is None else counted_from + held.sign * held.limit
    return Trend(
        title=f"{main.subject} of {evaluation.config.model}",
        points=(*_points(main, nights), _point(tonight, _of_the_night(main, evaluation.findings))),
        worse="higher" if held.sign > 0 else "lower",
        percent=main.metric in RATES,
        baseline=main.baseline,
        reference=main.reference,
        limit=limit,
        opened=incident.opened,
        versions=_versions(nights),
        quarantined=tuple(night.entry.night for night in nights if night.entry.status == "quarantined"),
    )


def _of_the_night(main: Finding, findings: Sequence[Finding]) -> Finding:
    """The same series through the shortest window: what shows an incident may be the mean of several nights."""
    same = [f for f in findings if key(f) == key(main) and f.reference == "baseline" and f.value is not None]
    return min(same, key=lambda f: f.window, default=main)


def _points(main: Finding, nights: Sequence[PastNight]) -> list[Point]:
    wanted = key(main)
    return [
        _point(night.entry.night, found)
        for night in nights
        for found in (night.readings.all if night.readings else ())
        if key(found) == wanted
    ]


def _point(night: str, found: Reading | Finding) -> Point:
    low, high = found.interval or (None, None)
    return Point(night, found.value, low, high, found.n)


def _versions(nights: Sequence[PastNight]) -> tuple[tuple[str, str], ...]:
    """Nights on which another version answered than on the night before, with its name."""
    told = [(night.entry.night, night.readings.version) for night in nights if night.readings]
    known = [(night, version) for night, version in told if version is not None]
    return tuple(now for before, now in pairwise(known) if before[1] != now[1])
