"""The fleet's page: every model that the viewer may read, the worst first."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from pydantic import BaseModel, ConfigDict

from nightproof.board import FamilyState, FleetRow, Primary
from nightproof.dashboard.due import first
from nightproof.dashboard.fleet_pages.fleet_query import FleetQuery, Sort
from nightproof.dashboard.fleet_pages.open_incident import OpenIncident, open_incident
from nightproof.dashboard.kept import Kept
from nightproof.dashboard.place import Place
from nightproof.dashboard.serving.access import NO_MODEL, Viewer
from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.source import Fleet
from nightproof.dashboard.standing import SIGNS, Stand, Standing, stand_of, worst_first
from nightproof.errors import ObjectMissing
from nightproof.snapshot import LabelState
from nightproof.verdict import VerdictStatus


class View(BaseModel):
    """Base of what pages show and the API answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class FleetModel(View):
    """One model on the fleet's page."""

    model: str
    standing: Standing
    why: str
    """One sentence; of a broken config all its faults, a line each."""
    silent_since: datetime | None
    """When its next night was due, where that is overdue."""
    comes: datetime | None
    """Of a model without a night: when its first can be evaluated."""
    has_config: bool
    """Whether a config of it is there that can be read."""
    unread: bool
    """Whether its newest night cannot be read now, so that what is told is of an older one."""
    description: str
    owner: str
    cost_center: str | None
    tags: tuple[str, ...]
    task: str
    nights: int
    """How many nights have been evaluated."""
    night: str | None
    """The last night; null before the first."""
    evaluation_id: str | None
    evaluated_at: str | None
    labels: LabelState | None
    """Whether labels of the last night may still come."""
    headline: str
    version: str | None
    rows: int | None
    labelled: int | None
    validation: str | None
    failed: int
    """Expectations that failed on the last night."""
    primary: Primary | None
    change: float | None
    """By how much the primary metric of the last night is worse than its baseline, in units of what is tolerated."""
    performance: FamilyState | None
    drift: FamilyState | None
    bias: FamilyState | None
    business: FamilyState | None
    label_coverage: FamilyState | None
    data: FamilyState | None
    statuses: tuple[tuple[str, VerdictStatus], ...]
    incidents: tuple[OpenIncident, ...]
    """Open ones, the worst first; muted ones last."""


class FleetView(View):
    """The fleet's page."""

    at: datetime
    """When it was read."""
    stamp: str
    """Changes when a night comes, or a model's standing changes."""
    models: tuple[FleetModel, ...]
    """Those of this page."""
    matching: int
    """All that fit what was asked for."""
    page: int
    pages: int
    counts: dict[Standing, int]
    """Of all models that the viewer may read, whatever was asked for."""
    total: int
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    faults: dict[str, str]
    """Results roots that could not be read; empty for whoever may not read all models."""


class FleetStamp(View):
    """Whether there is something new to see."""

    stamp: str


@dataclass(frozen=True, eq=False)
class Line:
    """What is needed of a model to place it among the others."""

    model: str
    place: Place
    row: FleetRow | None
    unread: bool
    stand: Stand
    text: str
    owner: str
    tags: tuple[str, ...]
    bad: float
    """How bad it is among those of its standing: the larger, the worse."""
    change: float | None


def fleet_view(fleet: Fleet, viewer: Viewer, query: FleetQuery, now: datetime) -> FleetView:
    """What a viewer sees of the fleet.

    Only the models of the page are told in full: of a thousand others no more than what places them.
    """
    every = _lines(fleet, viewer, now)
    fitting = sorted(_fitting(every, query), key=ORDERS[query.sort])
    pages = max(1, ceil(len(fitting) / query.per))
    page = min(query.page, pages)
    shown = fitting[(page - 1) * query.per : page * query.per]
    count = Counter(line.stand.standing for line in every)
    return FleetView.model_construct(
        at=fleet.at,
        stamp=_stamp(every),
        models=tuple(_told(line, now) for line in shown),
        matching=len(fitting),
        page=page,
        pages=pages,
        counts={name: count[name] for name in SIGNS},
        total=len(every),
        owners=tuple(sorted({line.owner for line in every if line.owner})),
        tags=tuple(sorted({tag for line in every for tag in line.tags})),
        faults={redacted(url): redacted(why) for url, why in fleet.faults.items()} if viewer.readable is None else {},
    )


def fleet_model(fleet: Fleet, viewer: Viewer, model: str, now: datetime) -> FleetModel:
    """One model as the fleet's page has it; raises ``ObjectMissing`` for one that the viewer may not read."""
    viewer.check(model)
    if model not in fleet.places:
        raise ObjectMissing(NO_MODEL)
    return _told(_line(fleet, model, now), now)


def fleet_stamp(fleet: Fleet, viewer: Viewer, now: datetime) -> FleetStamp:
    """Whether there is something new for a viewer to see."""
    return FleetStamp(stamp=_stamp(_lines(fleet, viewer, now)))


def _lines(fleet: Fleet, viewer: Viewer, now: datetime) -> list[Line]:
    return [_line(fleet, name, now) for name in fleet.places if viewer.may_read(name)]


KEPT = 5000
"""Models of which something is kept: more than any fleet has that is looked at."""
_LINES: Kept[Line] = Kept(KEPT)
_STANDS: Kept[Stand] = Kept(KEPT)
_TOLD: Kept[FleetModel] = Kept(KEPT)


def _line(fleet: Fleet, name: str, now: datetime) -> Line:
    """A model's line: the same one as long as its row, its config and its standing are the same."""
    place, row = fleet.places[name], fleet.rows.get(name)
    unread = place.results_url in fleet.faults or bool(place.unread)
    minute = now.replace(second=0, microsecond=0)
    stand = _STANDS.get(name, (row, place, unread, minute), lambda: stand_of(place, row, now, unread=unread))
    return _LINES.get(name, (row, place, unread, stand), lambda: _placed(name, place, row, stand, unread=unread))


def _placed(name: str, place: Place, row: FleetRow | None, stand: Stand, *, unread: bool) -> Line:
    told: Any = place.config or row
    owner, tags = (told.owner, told.tags) if told else ("", ())
    text = f"{name} {told.description if told else ''} {owner} {' '.join(tags)}".lower()
    change = change_of(row.primary) if row else None
    bad = _bad(row, stand, change)
    return Line(name, place, row, unread, stand, text, owner, tags, bad=bad, change=change)


def _bad(row: FleetRow | None, stand: Stand, change: float | None) -> float:
    if stand.standing == "silent" and stand.silent_since is not None:
        return -stand.silent_since.timestamp()
    if row is not None and row.open_incidents:
        return max(incident.worst or 0.0 for incident in row.open_incidents)
    return change or 0.0


def change_of(primary: Primary | None) -> float | None:
    """By how much a primary metric's last value is worse than its baseline, in units of what is tolerated."""
    if primary is None or not primary.value or primary.baseline is None:
        return None
    value = primary.value[-1]
    if value is None or primary.limit is None or primary.limit == primary.baseline:
        return None
    return (value - primary.baseline) / (primary.limit - primary.baseline)


def _in_order(line: Line) -> tuple[object, ...]:
    return line.stand.order, -line.bad, line.model


ORDERS: Mapping[Sort, Callable[[Line], Any]] = {
    "standing": _in_order,
    "name": lambda line: line.model,
    "night": lambda line: (line.row is not None, line.row.night if line.row else "", line.model),
    "change": lambda line: (line.change is None, -(line.change or 0.0), line.model),
}


def _fitting(every: Iterable[Line], query: FleetQuery) -> list[Line]:
    wanted = query.q.lower().split()
    return [
        line
        for line in every
        if query.owner in ("", line.owner)
        and query.standing in ("", line.stand.standing)
        and (not query.tag or query.tag in line.tags)
        and all(word in line.text for word in wanted)
    ]


def _stamp(every: Iterable[Line]) -> str:
    told = [f"{line.model} {line.row.entries if line.row else 0} {line.stand.standing}" for line in every]
    return f"{zlib.crc32(chr(10).join(sorted(told)).encode()):08x}"


def _told(line: Line, now: datetime) -> FleetModel:
    comes = _comes(line, now)
    return _TOLD.get(line.model, (line, comes, now.date()), lambda: _in_full(line, comes, now))


def _in_full(line: Line, comes: datetime | None, now: datetime) -> FleetModel:
    place, row = line.place, line.row
    config = place.config
    return FleetModel.model_construct(
        model=line.model,
        standing=line.stand.standing,
        why=line.stand.why,
        silent_since=line.stand.silent_since,
        comes=comes,
        has_config=config is not None,
        unread=line.unread,
        description=config.description if config else row.description if row else "",
        owner=line.owner,
        cost_center=config.cost_center if config else row.cost_center if row else None,
        tags=line.tags,
        task=config.task if config else row.task if row else "",
        change=line.change,
        incidents=_incidents(line, now),
        **_of_row(row),
    )


_OF_ROW = (
    *("nights", "night", "evaluation_id", "evaluated_at", "labels", "headline", "version", "rows", "labelled"),
    *("validation", "failed", "primary", "performance", "drift", "bias", "business", "label_coverage", "data"),
    "statuses",
)
_NO_ROW: Mapping[str, Any] = dict.fromkeys(_OF_ROW) | {"nights": 0, "headline": "", "failed": 0, "statuses": ()}


def _of_row(row: FleetRow | None) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in _OF_ROW} if row else _NO_ROW


def _comes(line: Line, now: datetime) -> datetime | None:
    config = line.place.config
    if line.stand.standing != "new" or config is None:
        return None
    coming = first(config.schedule, config.data.label_delay, now.replace(minute=0, second=0, microsecond=0))
    return coming.due if coming else None


def _incidents(line: Line, now: datetime) -> tuple[OpenIncident, ...]:
    if line.row is None:
        return ()
    found = [open_incident(i, line.row, line.place, now.date()) for i in worst_first(line.row.open_incidents)]
    return tuple(sorted(found, key=lambda shown: shown.muted_until is not None))
