"""The dashboard as an application: its pages, its API, and the nights' reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request, Response

from nightproof import __version__
from nightproof.dashboard.api_pages import api_page
from nightproof.dashboard.compare_pages import compare_page
from nightproof.dashboard.drift_pages import drift_page, feature_page
from nightproof.dashboard.fleet_pages import fleet_page
from nightproof.dashboard.group_pages import bias_page, slices_page
from nightproof.dashboard.incident_pages import incidents_page
from nightproof.dashboard.model_pages import model_page
from nightproof.dashboard.night_pages import downloads, night_page, sandboxed
from nightproof.dashboard.serving import plotly_js
from nightproof.dashboard.serving.access import Access, everybody, guard
from nightproof.dashboard.serving.answers import Answers
from nightproof.dashboard.serving.refusals import API, Login, add_refusals
from nightproof.dashboard.serving.render import asset
from nightproof.dashboard.serving.runs import NightOfRun, night_named
from nightproof.dashboard.source import Source
from nightproof.dashboard.table_pages import table_page

Clock = Callable[[], datetime]
_PAGES = (
    fleet_page.pages,
    model_page.pages,
    drift_page.pages,
    feature_page.pages,
    bias_page.pages,
    slices_page.pages,
    compare_page.pages,
    incidents_page.pages,
    night_page.pages,
    downloads.pages,
    sandboxed.pages,
    table_page.pages,
    api_page.pages,
    plotly_js.pages,
)
"""In the order in which they are asked: files of known names come before any name."""
_ANSWERS = (
    fleet_page.api,
    model_page.api,
    drift_page.api,
    feature_page.api,
    bias_page.api,
    slices_page.api,
    compare_page.api,
    incidents_page.api,
    night_page.api,
    table_page.api,
)


def create_app(
    source: Source,
    access: Access = everybody,
    *,
    clock: Clock = lambda: datetime.now(UTC),
    login: Login | None = None,
    night_of_run: NightOfRun = night_named,
) -> FastAPI:
    """The dashboard.

    Parameters
    ----------
    source
        What it shows.
    access
        A FastAPI dependency that gives the viewer (:mod:`nightproof.dashboard.serving.access`), or refuses the request.
    clock
        Tells the time, in UTC.
    login
        Where a browser is sent whose user is not known; without it, it is told so.
    night_of_run
        Which night an Airflow run was of.
    """
    app = FastAPI(
        title="Nightproof",
        version=__version__,
        description="What the pages of the dashboard show, as JSON.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[guard(access)],
    )
    app.state.source, app.state.clock = source, clock
    app.state.login, app.state.night_of_run = login, night_of_run
    for router in (*_PAGES, _static()):
        app.include_router(router)
    for router in _ANSWERS:
        app.include_router(router, prefix=API)
    add_refusals(app)
    app.add_middleware(Answers)
    return app


def _static() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    def static(request: Request, name: Annotated[str, Path(max_length=80)]) -> Response:
        """A style sheet or a script of the dashboard: nobody's data."""
        content, kind = asset(name)
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"Cache-Control": "public, max-age=300", "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    return router


__all__ = ["API", "create_app"]
