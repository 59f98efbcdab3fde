"""Routes of the drift page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof import words
from nightproof.dashboard.drawing.charts import Figure, heat_map
from nightproof.dashboard.drift_pages.drift_view import (
    MEASURES,
    QUESTIONS,
    ColumnDrift,
    DriftQuery,
    DriftView,
    drift_view,
    used,
)
from nightproof.dashboard.drift_pages.feature_path import feature_path
from nightproof.dashboard.model_pages.model_span import OFFERED
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page
from nightproof.words import metric_title

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["drift"])
Model = Annotated[str, Path(max_length=80)]
Asked = Annotated[DriftQuery, Query()]
DRAWN = 60
"""Columns in the heat map; the table has all."""


@pages.get("/models/{model}/drift")
def drift(request: Request, viewer: Who, model: Model, asked: Asked) -> HTMLResponse:
    """Features by nights."""
    view = _view(request, viewer, model, asked)
    root = request.scope.get("root_path", "").rstrip("/")
    shown: dict[str, Any] = {"ranges": OFFERED, "measures": MEASURES, "question": QUESTIONS[view.measure]}
    return page(
        request,
        "drift",
        view=view,
        figure=_heat(view, root) if view.columns and view.nights else None,
        drawn=min(DRAWN, len(view.columns)),
        path=feature_path,
        **shown,
    )


@api.get("/models/{model}/drift")
def drift_of(request: Request, viewer: Who, model: Model, asked: Asked) -> DriftView:
    """One measure of drift for every column over the last nights, with intervals, rows and limits.

    `measure` is `psi` (the default), `missing_rate`, `unseen_rate`, `outside_rate` or `vanished_share`; `last` a
    number of nights, 90 unless asked.
    """
    return _view(request, viewer, model, asked)


def _view(request: Request, viewer: Viewer, model: str, asked: DriftQuery) -> DriftView:
    viewer.check(model)
    source = request.app.state.source
    return drift_view(source.nights(model), source.config(model), asked)


def _heat(view: DriftView, root: str) -> Figure:
    """The heat map; a cell that is beyond its limit has a mark as well as its colour."""
    columns = view.columns[:DRAWN]
    name, limit = metric_title(view.measure), 1.0
    if view.all_limits_alike:
        limit = next(x for column in columns for x in column.limit if x is not None)
        values = [column.value for column in columns]
    else:
        name, values = f"{name}: share of the tolerated rise", [_shares(column) for column in columns]
    links = [f"{root}{feature_path(view.model, column.column)}" for column in columns]
    figure = heat_map([c.column for c in columns], view.nights, values, title=name, limit=limit, links=links)
    figure["data"] += _marks(view, columns)
    figure["layout"] |= {"hovermode": "closest", "showlegend": True}
    return figure


def _shares(column: ColumnDrift) -> tuple[float | None, ...]:
    told = zip(column.value, column.baseline, column.limit, strict=True)
    return tuple(None if share is None else max(share, 0.0) for share in (used(*night) for night in told))


def _marks(view: DriftView, columns: tuple[ColumnDrift, ...]) -> list[Figure]:
    """A cross on each cell whose interval lies beyond its limit, a ring where only the value does."""
    places: dict[bool, tuple[list[str], list[int]]] = {True: ([], []), False: ([], [])}
    for place, column in enumerate(columns):
        for night, value, low, limit in zip(view.nights, column.value, column.low, column.limit, strict=True):
            if value is not None and limit is not None and value > limit:
                x, y = places[low is not None and low > limit]
                x.append(night)
                y.append(place)
    # Filled in the page's own colour and outlined in its ink: they stand out from a cell of any colour.
    size = 8 if len(view.nights) <= 100 else 4
    looks = {True: ("x", "Beyond its limit"), False: ("circle", "Beyond it, may be chance")}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": words.label(looks[sure][1]),
            "x": x,
            "y": y,
            "hoverinfo": "skip",
            "marker": {"symbol": looks[sure][0], "size": size, "color": "var(--paper)"}
            | {"line": {"width": 1, "color": "var(--ink)"}},
        }
        for sure, (x, y) in places.items()
        if x
    ]
