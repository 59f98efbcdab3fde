"""Routes of a night's page: its latest evaluation, a pinned one, the latest night, and an Airflow run's."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_pages.findings_table import FAMILIES, WORST, FindingsQuery, FindingsView
from nightproof.dashboard.night_pages.night_record import Found, find, read_papers
from nightproof.dashboard.night_pages.night_view import NightView, findings_of, night_view
from nightproof.dashboard.night_pages.run_view import run_view
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import HEADERS, page
from nightproof.errors import ObjectMissing

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["nights"])

Model = Annotated[str, Path(max_length=80)]
NightName = Annotated[str, Path(max_length=40, description="UTC day, YYYY-MM-DD")]
EvaluationId = Annotated[str, Path(max_length=40)]
RunId = Annotated[str, Path(max_length=400)]


class NightQuery(FindingsQuery):
    """What of a night was asked for."""

    check: str = ""
    """`1`: hold every byte of the evaluation against the chain."""


Asked = Annotated[NightQuery, Query()]
AskedFindings = Annotated[FindingsQuery, Query()]


@pages.get("/models/{model}/latest")
def latest(request: Request, viewer: Who, model: Model) -> RedirectResponse:
    """The model's latest night."""
    viewer.check(model)
    return _to(request, model, request.app.state.source.row(model).night)


@pages.get("/models/{model}/nights/{night}")
def night(request: Request, viewer: Who, model: Model, night: NightName, asked: Asked) -> HTMLResponse:
    """A night by its latest evaluation."""
    return _page(request, _found(request, viewer, model, night), asked)


@pages.get("/models/{model}/nights/{night}/{evaluation_id}")
def evaluation(
    request: Request, viewer: Who, model: Model, night: NightName, evaluation_id: EvaluationId, asked: Asked
) -> HTMLResponse:
    """One evaluation of a night."""
    return _page(request, _found(request, viewer, model, night, evaluation_id), asked, pinned=True)


@pages.get("/models/{model}/runs/{run_id:path}")
def run(request: Request, viewer: Who, model: Model, run_id: RunId, asked: Asked) -> HTMLResponse:
    """The night of an Airflow run; how far it has come, where it is not published yet."""
    viewer.check(model)
    source = request.app.state.source
    source.place(model)
    named: str | None = request.app.state.night_of_run(model, run_id)
    if named is not None:
        try:
            return _page(request, find(source, model, named), asked, run_id=run_id)
        except ObjectMissing:
            pass
    return page(request, "run", view=run_view(source, model, run_id, named))


@api.get("/models/{model}/nights/{night}")
def night_told(request: Request, viewer: Who, model: Model, night: NightName, asked: Asked) -> NightView:
    """A night by its latest evaluation, with one page of its findings."""
    return _view(request, _found(request, viewer, model, night), asked)


@api.get("/models/{model}/nights/{night}/findings")
def findings(request: Request, viewer: Who, model: Model, night: NightName, asked: AskedFindings) -> FindingsView:
    """Findings of a night's latest evaluation, the worst first."""
    return findings_of(read_papers(_found(request, viewer, model, night)), asked)


@api.get("/models/{model}/nights/{night}/{evaluation_id}")
def evaluation_told(
    request: Request, viewer: Who, model: Model, night: NightName, evaluation_id: EvaluationId, asked: Asked
) -> NightView:
    """One evaluation of a night, with one page of its findings."""
    return _view(request, _found(request, viewer, model, night, evaluation_id), asked)


@api.get("/models/{model}/nights/{night}/{evaluation_id}/findings")
def evaluation_findings(
    request: Request, viewer: Who, model: Model, night: NightName, evaluation_id: EvaluationId, asked: AskedFindings
) -> FindingsView:
    """Findings of one evaluation of a night, the worst first."""
    return findings_of(read_papers(_found(request, viewer, model, night, evaluation_id)), asked)


def _found(request: Request, viewer: Viewer, model: str, night: str, evaluation_id: str | None = None) -> Found:
    viewer.check(model)
    return find(request.app.state.source, model, night, evaluation_id)


def _view(request: Request, found: Found, asked: NightQuery) -> NightView:
    state = request.app.state
    return night_view(state.source, found, read_papers(found), asked, at=state.clock(), checked=asked.check == "1")


class Around(View):
    """What the page needs beside its view."""

    asked: NightQuery
    pinned: bool
    """Whether the address names the evaluation, and not the night alone."""
    run_id: str | None
    families: tuple[str, ...] = FAMILIES
    statuses: tuple[str, ...] = WORST


def _page(
    request: Request, found: Found, asked: NightQuery, *, pinned: bool = False, run_id: str | None = None
) -> HTMLResponse:
    around = Around(asked=asked, pinned=pinned, run_id=run_id)
    return page(request, "night", view=_view(request, found, asked), around=around)


def _to(request: Request, model: str, night: str) -> RedirectResponse:
    root = request.scope.get("root_path", "").rstrip("/")
    asked = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{root}/models/{quote(model, safe='')}/nights/{night}{asked}", 307, headers=HEADERS)
