"""Routes of the page that says how to ask the metrics table; no query is run here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page
from nightproof.dashboard.table_pages.table_snippets import TOOLS
from nightproof.dashboard.table_pages.table_view import TableQuery, TableView, asked_of, table_view

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["table"])


@pages.get("/table")
def table(request: Request, viewer: Who) -> HTMLResponse:
    """Where the metrics table lies, and code to ask it."""
    asked, odd = asked_of(request.query_params)
    return page(request, "table", view=_view(request, viewer, asked), odd=odd, TOOLS=TOOLS)


@api.get("/table", summary="Where the metrics tables lie, their columns, and code that asks them")
def tables(request: Request, viewer: Who, asked: Annotated[TableQuery, Query()]) -> TableView:
    """Of the models that you may read. The code is to be run on your machine, with your credentials."""
    return _view(request, viewer, asked)


def _view(request: Request, viewer: Viewer, asked: TableQuery) -> TableView:
    state = request.app.state
    return table_view(state.source.fleet(), viewer, asked, state.clock().date())
