"""The fleet's page: every model that the viewer may read, the worst first."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from nightproof.board import FamilyState, FleetRow, Primary
from nightproof.dashboard.access import Viewer
from nightproof.dashboard.source import Fleet
from nightproof.dashboard.standing import SIGNS, Standing, stand_of
from nightproof.verdict import Incident


class View(BaseModel):
    """Base of what pages show and the API answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class FleetModel(View):
    """One model on the fleet's page."""

    model: str
    standing: Standing
    why: str
    silent_since: datetime | None
    description: str
    owner: str
    tags: tuple[str, ...]
    task: str
    night: str | None
    """The last night; null before the first."""
    evaluation_id: str | None
    headline: str
    version: str | None
    rows: int | None
    labelled: int | None
    validation: str | None
    failed: int
    primary: Primary | None
    performance: FamilyState | None
    drift: FamilyState | None
    bias: FamilyState | None
    business: FamilyState | None
    label_coverage: FamilyState | None
    data: FamilyState | None
    statuses: tuple[tuple[str, str], ...]
    incidents: tuple[Incident, ...]
    """Open ones."""


class FleetView(View):
    """The fleet's page."""

    at: datetime
    """When it was read."""
    models: tuple[FleetModel, ...]
    counts: dict[Standing, int]
    """Of all models that the viewer may read, whatever was asked for."""
    total: int
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    faults: dict[str, str]
    """Results roots that could not be read; empty for whoever may not read all models."""


class FleetQuery(View):
    """What was asked for."""

    q: str = ""
    owner: str = ""
    standing: Standing | Literal[""] = ""
    tag: str = ""


def fleet_view(fleet: Fleet, viewer: Viewer, query: FleetQuery, now: datetime) -> FleetView:
    """What a viewer sees of the fleet."""
    every = [_model(fleet, name, now) for name in fleet.places if viewer.may_read(name)]
    shown = sorted((m for m in every if _fits(m, query)), key=lambda m: (tuple(SIGNS).index(m.standing), m.model))
    return FleetView(
        at=fleet.at,
        models=tuple(shown),
        counts={name: sum(m.standing == name for m in every) for name in SIGNS},
        total=len(every),
        owners=tuple(sorted({m.owner for m in every if m.owner})),
        tags=tuple(sorted({tag for m in every for tag in m.tags})),
        faults=dict(fleet.faults) if viewer.readable is None else {},
    )


def _fits(model: FleetModel, query: FleetQuery) -> bool:
    text = f"{model.model} {model.description} {model.owner} {' '.join(model.tags)}".lower()
    return (
        all(word in text for word in query.q.lower().split())
        and query.owner in ("", model.owner)
        and query.standing in ("", model.standing)
        and (not query.tag or query.tag in model.tags)
    )


def _model(fleet: Fleet, name: str, now: datetime) -> FleetModel:
    place, row = fleet.places[name], fleet.rows.get(name)
    stand = stand_of(place, row, now)
    config = place.config
    known: FleetRow | None = row
    return FleetModel(
        model=name,
        standing=stand.standing,
        why=stand.why,
        silent_since=stand.silent_since,
        description=config.description if config else known.description if known else "",
        owner=config.owner if config else known.owner if known else "",
        tags=config.tags if config else known.tags if known else (),
        task=config.task if config else known.task if known else "",
        night=known.night if known else None,
        evaluation_id=known.evaluation_id if known else None,
        headline=known.headline if known else "",
        version=known.version if known else None,
        rows=known.rows if known else None,
        labelled=known.labelled if known else None,
        validation=known.validation if known else None,
        failed=known.failed if known else 0,
        primary=known.primary if known else None,
        performance=known.performance if known else None,
        drift=known.drift if known else None,
        bias=known.bias if known else None,
        business=known.business if known else None,
        label_coverage=known.label_coverage if known else None,
        data=known.data if known else None,
        statuses=known.statuses if known else (),
        incidents=known.open_incidents if known else (),
    )
