"""Routes of the fleet's page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.fleet_pages import fleet_cells
from nightproof.dashboard.fleet_pages.fleet_query import FleetQuery, asked_of
from nightproof.dashboard.fleet_pages.fleet_view import (
    FleetModel,
    FleetStamp,
    FleetView,
    fleet_model,
    fleet_stamp,
    fleet_view,
)
from nightproof.dashboard.serving.access import Who
from nightproof.dashboard.serving.render import page
from nightproof.dashboard.source import Fleet

Asked = Annotated[FleetQuery, Query()]
Model = Annotated[str, Path(max_length=80, description="The model's name, as its config has it.")]
pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["fleet"])


@pages.get("/")
def fleet(request: Request, viewer: Who) -> HTMLResponse:
    """Every model in a row."""
    asked, misread = asked_of(request.query_params)
    now = _now(request)
    view = fleet_view(_fleet(request), viewer, asked, now)
    return page(request, "fleet", view=view, asked=asked, misread=misread, at=now, cells=fleet_cells)


@api.get("/models")
def models(request: Request, viewer: Who, asked: Asked) -> FleetView:
    """Every model that you may read, the worst first, a page at a time."""
    return fleet_view(_fleet(request), viewer, asked, _now(request))


@api.get("/models/{model}", responses={404: {"description": "There is no such model, or you may not read it."}})
def model(request: Request, viewer: Who, model: Model) -> FleetModel:
    """One model: how it stands, and its last night."""
    viewer.check(model)
    return fleet_model(_fleet(request), viewer, model, _now(request))


@api.get("/fleet/stamp")
def stamp(request: Request, viewer: Who) -> FleetStamp:
    """A short text that changes when a night comes, or a model's standing changes: ask it often, it costs little."""
    return fleet_stamp(_fleet(request), viewer, _now(request))


def _fleet(request: Request) -> Fleet:
    found: Fleet = request.app.state.source.fleet()
    return found


def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now
