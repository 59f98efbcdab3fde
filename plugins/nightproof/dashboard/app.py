"""The dashboard as an application: its pages, its API, and the nights' reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from nightproof import __version__
from nightproof.dashboard import fleet_page, sandboxed
from nightproof.dashboard.access import Access, everybody, guard
from nightproof.dashboard.render import asset, failure
from nightproof.dashboard.source import Source
from nightproof.errors import NightproofError, ObjectMissing

API = "/api/v1"
Clock = Callable[[], datetime]


def create_app(source: Source, access: Access = everybody, *, clock: Clock = lambda: datetime.now(UTC)) -> FastAPI:
    """The dashboard.

    Parameters
    ----------
    source
        What it shows.
    access
        A FastAPI dependency that gives the :class:`~nightproof.dashboard.access.Viewer`, or refuses the request.
    clock
        Tells the time, in UTC.
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
    for made in (fleet_page, sandboxed):
        app.include_router(made.pages)
    for made in (fleet_page,):
        app.include_router(made.api, prefix=API)
    app.include_router(_static())
    app.add_exception_handler(NightproofError, _refused)
    return app


def _static() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: Annotated[str, Path(max_length=80)]) -> Response:
        """A style sheet or a script of the dashboard: nobody's data."""
        content, kind = asset(name)
        return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=300"})

    return router


def _refused(request: Request, error: Exception) -> Response:
    """What could not be shown, as a page or, to a program, as JSON."""
    assert isinstance(error, NightproofError)
    if API in request.url.path:
        status = 404 if isinstance(error, ObjectMissing) else 503
        return JSONResponse({"detail": str(error)}, status_code=status)
    return failure(request, error)


__all__ = ["API", "create_app"]
