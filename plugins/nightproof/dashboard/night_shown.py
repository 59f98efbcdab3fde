"""The night that a page shows: the one that was asked for, or the last, and those around it."""

from __future__ import annotations

from datetime import date, timedelta

from nightproof.board import NightLine
from nightproof.checks.finding import Finding
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.past_nights import PastNights
from nightproof.errors import NightError, ObjectMissing
from nightproof.night import Night
from nightproof.verdict import VerdictStatus

AROUND = timedelta(days=62)
"""How far the night before or after may lie."""


class NightShown(View):
    """A night by its latest evaluation, with the ones before and after it."""

    night: str
    evaluation_id: str
    status: VerdictStatus
    headline: str
    rows: int | None
    labelled: int | None
    version: str | None
    previous: str | None
    """The night before that was evaluated."""
    next: str | None
    """The night after."""
    without: str
    """Why there are no numbers of it, in a sentence; empty where there are."""


def shown(past: PastNights, night: str) -> NightShown:
    """The night that was asked for; the last one where none was.

    Raises
    ------
    ObjectMissing
        If it is no night, or was not evaluated: the sentence says which nights were.
    """
    wanted = _night(night, past) if night else past.row.night
    around = past.lines(_moved(wanted, -AROUND), _moved(wanted, AROUND))
    place = next((i for i, line in enumerate(around) if line.night == wanted), None)
    if place is None:
        raise ObjectMissing(f"The night {wanted} was not evaluated. {_between(past)}")
    line = around[place]
    return NightShown(
        night=line.night,
        evaluation_id=line.evaluation_id,
        status=line.status,
        headline=line.headline,
        rows=line.rows,
        labelled=line.labelled,
        version=line.version,
        previous=around[place - 1].night if place else None,
        next=around[place + 1].night if place + 1 < len(around) else None,
        without=without(line),
    )


def without(line: NightLine) -> str:
    """Why an evaluation has no numbers; empty where it should have."""
    if line.status == "quarantined":
        return f"The night {line.night} was quarantined: its data failed validation, so nothing was computed on it."
    return ""


def findings_of(archive: Archive, night: NightShown) -> tuple[NightShown, tuple[Finding, ...]]:
    """A night's findings; where there are none, the night says why."""
    if night.without:
        return night, ()
    try:
        return night, archive.findings(night.night, night.evaluation_id)
    except ObjectMissing:
        why = f"Retention deleted the findings of the night {night.night}; its verdict and its series are kept."
        return night.model_copy(update={"without": why}), ()


def _night(text: str, past: PastNights) -> str:
    try:
        return str(Night.parse(text))
    except NightError as error:
        raise ObjectMissing(f"{error} {_between(past)}") from error


def _between(past: PastNights) -> str:
    return f"Nights from {past.row.first_night} to {past.row.night} were."


def _moved(night: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(night) + by).isoformat()
    except OverflowError:
        return night
