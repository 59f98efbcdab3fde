"""Routes of the incidents: across the fleet, of one model, and one in depth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.alert_sections import Trouble
from nightproof.dashboard.incident_pages.incident_shown import STATES
from nightproof.dashboard.incident_pages.incident_timeline import EVENTS
from nightproof.dashboard.incident_pages.incident_view import IncidentView, figure_of, incident_view
from nightproof.dashboard.incident_pages.incidents_view import (
    IncidentQuery,
    IncidentsView,
    asked_of,
    incidents_view,
    model_incidents_view,
)
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page

Asked = Annotated[IncidentQuery, Query()]
Model = Annotated[str, Path(max_length=80, description="Name of the model.")]
IncidentId = Annotated[str, Path(max_length=200, description="The incident's id, such as `performance-2013-12-14`.")]
_STATES = "Open, muted, those that ended (`recovered`, withdrawn ones among them), or all."
KINDS = {
    "performance": "Performance",
    "bias": "Bias",
    "business": "Business metric",
    "data": "Data",
    "drift": "Drift",
    "blind": "Too little data",
}
pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["incidents"])


@pages.get("/incidents")
def incidents(request: Request, viewer: Who) -> HTMLResponse:
    """Every incident of the fleet."""
    asked, odd = asked_of(request.query_params)
    view = _fleet(request, viewer, asked)
    return page(request, "incidents", view=view, asked=asked, odd=odd, model=None, STATES=STATES, KINDS=KINDS)


@pages.get("/models/{model}/incidents")
def model_incidents(request: Request, viewer: Who, model: Model) -> HTMLResponse:
    """Every incident that a model ever had."""
    viewer.check(model)
    asked, odd = asked_of({"state": "all", **request.query_params})
    view = _model(request, viewer, model, asked)
    return page(request, "incidents", view=view, asked=asked, odd=odd, model=model, STATES=STATES, KINDS=KINDS)


@pages.get("/models/{model}/incidents/{incident_id}")
def incident(request: Request, viewer: Who, model: Model, incident_id: IncidentId) -> HTMLResponse:
    """One incident in depth."""
    view = _one(request, viewer, model, incident_id)
    figure = figure_of(view.course) if view.course else None
    return page(request, "incident", view=view, figure=figure, model=model, STATES=STATES, KINDS=KINDS, EVENTS=EVENTS)


@api.get("/incidents", summary="Incidents of all models that you may read: the open ones, the worst first")
def fleet_incidents(request: Request, viewer: Who, asked: Asked) -> IncidentsView:
    """Those that ended are listed for as long as a model's last nights know them; a model's own list has all."""
    return _fleet(request, viewer, asked)


@api.get("/models/{model}/incidents", summary="All incidents that one model ever had")
def incidents_of_model(
    request: Request,
    viewer: Who,
    model: Model,
    state: Annotated[str, Query(pattern="^(open|muted|recovered|all)$", description=_STATES)] = "all",
    check: Annotated[Trouble | None, Query(description="Of this kind of trouble alone.")] = None,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000, description="Which hundred of them.")] = 1,
) -> IncidentsView:
    """Open ones first, then those that ended, the latest on top."""
    asked = IncidentQuery.model_validate({"state": state, "check": check or "", "page": number})
    return _model(request, viewer, model, asked)


@api.get("/models/{model}/incidents/{incident_id}", summary="One incident: causes, course, timeline, what was told")
def one_incident(request: Request, viewer: Who, model: Model, incident_id: IncidentId) -> IncidentView:
    """Why, since when, how its metric went, what happened night by night, and what was sent where."""
    return _one(request, viewer, model, incident_id)


def _fleet(request: Request, viewer: Viewer, asked: IncidentQuery) -> IncidentsView:
    state = request.app.state
    return incidents_view(state.source.fleet(), viewer, asked, state.clock())


def _model(request: Request, viewer: Viewer, model: str, asked: IncidentQuery) -> IncidentsView:
    viewer.check(model)
    source = request.app.state.source
    nights = source.nights(model)
    return model_incidents_view(source.place(model), nights.row, nights.lines(), asked, request.app.state.clock())


def _one(request: Request, viewer: Viewer, model: str, incident_id: str) -> IncidentView:
    viewer.check(model)
    source = request.app.state.source
    nights, results, place = source.nights(model), source.results(model), source.place(model)
    return incident_view(incident_id, nights, results, place, request.app.state.clock())
