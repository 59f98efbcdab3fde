"""The incidents' page: across the fleet, or all that one model ever had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, get_args
from urllib.parse import urlencode

from pydantic import Field, ValidationError

from nightproof.alert_sections import Trouble
from nightproof.board import FleetRow, NightLine
from nightproof.dashboard.fleet import Fleet
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.incident_pages.incident_shown import IncidentShown, shown
from nightproof.dashboard.place import Place
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.standing import silent_since
from nightproof.verdict import Incident

Asked = Literal["open", "muted", "recovered", "all"]
PER = 100
Text = Annotated[str, Field(max_length=200)]


class IncidentQuery(View):
    """What was asked for."""

    state: Asked = "open"
    """`open`: those that somebody is told of; `muted`: open, and nobody is told; `recovered`: those that ended of late,
    withdrawn ones among them; `all`."""
    owner: Text = ""
    """Of this owner's models alone."""
    check: Trouble | Literal[""] = ""
    """Of this kind of trouble alone."""
    model: Text = ""
    """Of this model alone."""
    q: Text = ""
    """Words that its model, subject, cause or id must have, all of them."""
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Which hundred of them; beyond the last, the last."""

    def link(self, **changes: object) -> str:
        """The query of an address that asks the same but for some things."""
        wanted = self.model_copy(update={"page": 1, **changes})
        fields = type(self).model_fields.items()
        told = {name: getattr(wanted, name) for name, about in fields if getattr(wanted, name) != about.default}
        return f"?{urlencode(told)}" if told else ""


class IncidentsView(View):
    """Incidents: open ones first, the worst on top; then those that ended of late."""

    at: datetime
    """When it was read."""
    incidents: tuple[IncidentShown, ...]
    counts: dict[Asked, int]
    """By state, of all that fit the other filters."""
    total: int
    """How many fit, on all pages."""
    page: int
    pages: int
    models: int
    """Models that you may read."""
    owners: tuple[str, ...]
    """Of models that you may read."""
    faults: dict[str, str]
    """Results roots that could not be read; empty for whoever may not read all models."""


def asked_of(given: Mapping[str, str]) -> tuple[IncidentQuery, tuple[str, ...]]:
    """What an address asks for, and a clause for each part of it that was not understood and is left out."""
    known = {name: value for name, value in given.items() if name in IncidentQuery.model_fields}
    try:
        return IncidentQuery.model_validate(known), ()
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors(include_url=False)}
    said = tuple(f"{name} = {known[name][:60]!r}{_allowed(name)}" for name in known if name in wrong)
    return IncidentQuery.model_validate({k: v for k, v in known.items() if k not in wrong}), said


def incidents_view(fleet: Fleet, viewer: Viewer, query: IncidentQuery, now: datetime) -> IncidentsView:
    """What a viewer sees of the fleet's incidents."""
    readable = [name for name in fleet.places if viewer.may_read(name)]
    every = [found for name in readable for found in _of_row(fleet.places[name], fleet.rows.get(name), now)]
    owners = {_owner(fleet.places[name], fleet.rows.get(name)) for name in readable}
    every_one = viewer.readable is None
    faults = {redacted(url): redacted(why) for url, why in fleet.faults.items()} if every_one else {}
    return _listed(every, query, at=fleet.at, models=len(readable), owners=owners, faults=faults)


def model_incidents_view(
    place: Place, row: FleetRow, lines: Sequence[NightLine], query: IncidentQuery, now: datetime
) -> IncidentsView:
    """All incidents that one model ever had.

    Parameters
    ----------
    place, row
        The model's.
    lines
        All its nights, rising.
    query
        What was asked for; its model is this one.
    now
        UTC.
    """
    every = [shown_of(found, line, place, row, now) for found, line in last_seen(lines).values()]
    owner = _owner(place, row)
    return _listed(every, query.model_copy(update={"model": ""}), at=now, models=1, owners={owner}, faults={})


def last_seen(lines: Iterable[NightLine]) -> dict[str, tuple[Incident, NightLine]]:
    """Each incident as the last night that says anything of it has it."""
    return {found.id: (found, line) for line in lines for found in line.incidents}


def shown_of(incident: Incident, line: NightLine, place: Place, row: FleetRow, now: datetime) -> IncidentShown:
    """An incident of a model's nights as lists show it."""
    goes_on = line.night == row.night or incident.id in {found.id for found in row.open_incidents}
    return shown(
        incident,
        place,
        model=row.model,
        owner=_owner(place, row),
        last=(line.night, line.evaluation_id),
        open_still=incident.is_open and goes_on,
        day=now.date(),
        silent_since=silent_since(place, row, now),
    )


def _of_row(place: Place, row: FleetRow | None, now: datetime) -> Iterator[IncidentShown]:
    """The incidents that a row has; of those that ended, the night on which they did is the last that knows them."""
    if row is None:
        return
    since = silent_since(place, row, now)
    for incident in row.incidents:
        still = incident.is_open
        last = row.night if still else incident.ended or incident.opened
        evaluation_id = row.evaluation_id if last == row.night else None
        yield shown(
            incident,
            place,
            model=row.model,
            owner=_owner(place, row),
            last=(last, evaluation_id),
            open_still=still,
            day=now.date(),
            silent_since=since,
        )


def _owner(place: Place, row: FleetRow | None) -> str:
    return place.config.owner if place.config else row.owner if row else ""


def _listed(
    every: Iterable[IncidentShown],
    query: IncidentQuery,
    *,
    at: datetime,
    models: int,
    owners: set[str],
    faults: dict[str, str],
) -> IncidentsView:
    fits = [found for found in every if _fits(found, query)]
    wanted = sorted((found for found in fits if _is(found, query.state)), key=_order)
    pages = max(1, -(-len(wanted) // PER))
    page = min(query.page, pages)
    return IncidentsView(
        at=at,
        incidents=tuple(wanted[(page - 1) * PER : page * PER]),
        counts={state: sum(_is(found, state) for found in fits) for state in get_args(Asked)},
        total=len(wanted),
        page=page,
        pages=pages,
        models=models,
        owners=tuple(sorted(owner for owner in owners if owner)),
        faults=faults,
    )


def _is(incident: IncidentShown, state: Asked) -> bool:
    if state == "recovered":
        return incident.state in ("recovered", "withdrawn")
    return state in ("all", incident.state)


def _fits(incident: IncidentShown, query: IncidentQuery) -> bool:
    text = f"{incident.model} {incident.what} {incident.cause} {incident.id} {incident.owner}".lower()
    return (
        all(word in text for word in query.q.lower().split())
        and query.owner in ("", incident.owner)
        and query.model in ("", incident.model)
        and (not query.check or query.check in incident.families)
    )


def _order(incident: IncidentShown) -> tuple[int, float, str]:
    place = ("open", "muted", "recovered", "withdrawn").index(incident.state)
    if place < 2:
        return place, -(incident.worst or 0.0), f"{incident.since} {incident.model} {incident.id}"
    try:
        ended = datetime.fromisoformat(incident.ended or incident.last).toordinal()
    except ValueError:
        ended = 0
    return 2, -ended, f"{incident.model} {incident.id}"


def _allowed(name: str) -> str:
    choices = {"state": get_args(Asked), "check": get_args(Trouble)}.get(name)
    if choices:
        return f" (one of {', '.join(choices)})"
    return " (a number from 1 on)" if name == "page" else " (too long)"
