"""Routes of the API about itself: a page for people, the OpenAPI document for programs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from nightproof.dashboard.api_pages.api_view import api_view, examples_of
from nightproof.dashboard.api_pages.openapi import document
from nightproof.dashboard.serving.access import Who
from nightproof.dashboard.serving.refusals import API
from nightproof.dashboard.serving.render import page

pages = APIRouter(include_in_schema=False)


@pages.get("/api")
def endpoints(request: Request, viewer: Who) -> HTMLResponse:
    """Every endpoint, what it answers, and how it is asked."""
    state, root = request.app.state, _root(request)
    made = document(request.app, root)
    groups = api_view(made, examples_of(state.source.fleet(), viewer))
    # Where the server is asked for by a name, examples have it: they are to be pasted.
    origin = f"{request.url.scheme}://{request.url.netloc}"
    in_airflow = state.login is not None
    return page(request, "api", groups=groups, origin=origin, document=f"{API}/openapi.json", in_airflow=in_airflow)


@pages.get(f"{API}/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(document(request.app, _root(request)))


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")
