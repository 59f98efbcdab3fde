"""Routes of the fleet's page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.access import Viewer, Who
from nightproof.dashboard.fleet_view import FleetQuery, FleetView, fleet_view
from nightproof.dashboard.render import page

Asked = Annotated[FleetQuery, Query()]
pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["fleet"])


@pages.get("/")
def fleet(request: Request, viewer: Who, asked: Asked) -> HTMLResponse:
    """Every model in a row."""
    return page(request, "fleet", view=_view(request, viewer, asked), asked=asked)


@api.get("/models")
def models(request: Request, viewer: Who, asked: Asked) -> FleetView:
    """Every model that you may read, the worst first."""
    return _view(request, viewer, asked)


def _view(request: Request, viewer: Viewer, asked: FleetQuery) -> FleetView:
    state = request.app.state
    return fleet_view(state.source.fleet(), viewer, asked, state.clock())
