"""Routes of a feature's page; a name that cannot stand in a path comes as ``?column=``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.archive import Archive
from nightproof.dashboard.drawing.charts import Figure, histogram_pair, is_rate, trend
from nightproof.dashboard.drawing.explain import tip_of_finding
from nightproof.dashboard.drift_pages.distribution import Distribution
from nightproof.dashboard.drift_pages.feature_path import feature_path
from nightproof.dashboard.drift_pages.feature_view import FeatureView, feature_view, series_of
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page
from nightproof.words import metric_title

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["drift"])
Model = Annotated[str, Path(max_length=80)]
Text = Annotated[str, Query(max_length=80)]
Last = Annotated[str, Query(max_length=20)]
Column = Annotated[str, Query(max_length=200)]


@pages.get("/models/{model}/features")
def feature_by_query(
    request: Request, viewer: Who, model: Model, column: Column, night: Text = "", last: Last = ""
) -> HTMLResponse:
    """One column on one night."""
    return _page(request, viewer, model, column=column, night=night, last=last)


@pages.get("/models/{model}/features/{column:path}")
def feature(
    request: Request, viewer: Who, model: Model, column: str, night: Text = "", last: Last = ""
) -> HTMLResponse:
    """One column on one night."""
    return _page(request, viewer, model, column=column, night=night, last=last)


@api.get("/models/{model}/features")
def feature_of(
    request: Request, viewer: Who, model: Model, column: Column, night: Text = "", last: Last = ""
) -> FeatureView:
    """One column: its distribution on a night beside the baseline's, its drift findings, and its series.

    `column` is a feature, an output or the label; `night` the last one unless asked; `last` a number of nights.
    """
    return _view(request, viewer, model, column=column, night=night, last=last)


def _view(request: Request, viewer: Viewer, model: str, *, column: str, night: str, last: str) -> FeatureView:
    viewer.check(model)
    source = request.app.state.source
    past, archive = source.nights(model), Archive(source.results(model))
    return feature_view(past, archive, source.config(model), column=column, night=night, last=last)


def _page(request: Request, viewer: Viewer, model: str, *, column: str, night: str, last: str) -> HTMLResponse:
    view = _view(request, viewer, model, column=column, night=night, last=last)
    past = request.app.state.source.nights(model)
    return page(
        request,
        "feature",
        view=view,
        figure=_bins(view, view.distribution) if view.distribution and view.distribution.bins else None,
        trends=[
            (measure, trend(of, metric_title(measure), first=view.first, last=past.row.night, percent=is_rate(measure)))
            for measure, of in series_of(view, past)
        ],
        path=feature_path,
        tip=tip_of_finding,
    )


def _bins(view: FeatureView, drawn: Distribution) -> Figure:
    figure = histogram_pair(
        [bin_.name for bin_ in drawn.bins],
        [bin_.now_share for bin_ in drawn.bins],
        [bin_.then_share for bin_ in drawn.bins],
        title=f"{view.column}, {'bins' if drawn.kind == 'number' else 'values'}",
        names=(view.shown.night, "Baseline"),
    )
    # The page has its own table of the same, with the rows.
    return {**figure, "table": None}
