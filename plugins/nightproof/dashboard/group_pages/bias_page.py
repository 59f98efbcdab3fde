"""Routes of the bias page."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.board.series import STATUS_CODES
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.drawing.charts import Figure, Interval, bars_with_intervals, is_rate, trend
from nightproof.dashboard.drawing.explain import tip_of_finding
from nightproof.dashboard.group_pages.bias_view import (
    ORDER,
    BiasQuery,
    BiasView,
    Group,
    Grouping,
    bias_view,
    followed,
    said_of,
)
from nightproof.dashboard.past_nights import PastSeries
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page
from nightproof.words import metric_title

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["bias"])
Model = Annotated[str, Path(max_length=80)]
Asked = Annotated[BiasQuery, Query()]
DRAWN = 30
"""Groups in a chart: the reference, then the worst; the table has all."""
WIDEST = 3.0
"""Where the axis of an impact ratio ends: the ratio of a few rows may be anything."""


@pages.get("/models/{model}/bias")
def bias(request: Request, viewer: Who, model: Model, asked: Asked) -> HTMLResponse:
    """The groups of a night."""
    view = _view(request, viewer, model, asked)
    past = request.app.state.source.nights(model)
    last = min(view.shown.next or view.shown.night, past.row.night)

    def link(**changes: Any) -> str:
        """The page with something else chosen."""
        now = {"night": view.shown.night, "window": view.window, "measure": view.measure}
        return urlencode({**now, "column": view.column, "group": view.group} | changes)

    return page(
        request,
        "bias",
        view=view,
        said=said_of(view),
        four_fifths=[_ratios(grouping) for grouping in view.groupings],
        chosen=[_chosen(grouping, view.measure) for grouping in view.groupings],
        trends=[
            (metric, trend(of, metric_title(metric), first=_first(of, view.first), last=last, percent=is_rate(metric)))
            for metric, of in followed(view, past)
        ],
        tip=tip_of_finding,
        link=link,
        drawn=DRAWN,
        widest=WIDEST,
    )


@api.get("/models/{model}/bias")
def bias_of(request: Request, viewer: Who, model: Model, asked: Asked) -> BiasView:
    """The groups of each protected column on a night, through one window: one measure, impact ratio, parities.

    `measure` is one of those that the answer lists, `window` the nights that are merged.
    """
    return _view(request, viewer, model, asked)


def _view(request: Request, viewer: Viewer, model: str, asked: BiasQuery) -> BiasView:
    viewer.check(model)
    source = request.app.state.source
    return bias_view(source.nights(model), Archive(source.results(model)), asked)


def _first(series: PastSeries, first: str) -> str:
    return max(first, series.points[0].night)


def _worst(grouping: Grouping) -> list[Group]:
    """So many groups as are drawn: the reference, then the worst, in the order of the table."""
    ranked = sorted(grouping.groups, key=lambda g: (not g.is_reference, *_status(g)))
    kept = {group.name for group in ranked[:DRAWN]}
    return [group for group in grouping.groups if group.name in kept]


def _status(group: Group) -> tuple[int, int]:
    told = [f for f in (group.impact_ratio, group.chosen) if f is not None]
    return min((ORDER.index(f.status) for f in told), default=9), -max((f.n for f in told), default=0)


def _ratios(grouping: Grouping) -> Figure | None:
    """Impact ratios beside the four fifths, and beside the config's own limit where that is another one."""
    groups = [group for group in _worst(grouping) if group.impact_ratio is not None]
    if not groups:
        return None
    figure = bars_with_intervals(
        [_interval(group, "impact_ratio") for group in groups],
        title="Impact ratio",
        limit=0.8,
        limit_name="Four fifths",
    )
    highest = max((g.impact_ratio.interval or (0, 1))[1] for g in groups if g.impact_ratio)
    figure["layout"]["xaxis"]["range"] = [0, min(max(highest * 1.05, 1.3), WIDEST)]
    own = {group.impact_ratio.tolerance for group in groups if group.impact_ratio} - {None, 0.8}
    for value, name in [(1.0, "Served alike"), *((limit, "The config's limit") for limit in own)]:
        figure["layout"]["shapes"].append(
            {"type": "line", "x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
            | {"line": {"color": "var(--soft)", "dash": "dot", "width": 1.4}, "name": name}
        )
    return {**figure, "table": None}


def _chosen(grouping: Grouping, measure: str) -> Figure | None:
    groups = [group for group in _worst(grouping) if group.chosen is not None]
    if not groups or measure == "impact_ratio":
        return None
    limits = {group.chosen.tolerance for group in groups if group.chosen} - {None}
    figure = bars_with_intervals(
        [_interval(group, "chosen") for group in groups],
        title=metric_title(measure),
        limit=limits.pop() if len(limits) == 1 else None,
        percent=is_rate(measure),
    )
    return {**figure, "table": None}


def _interval(group: Group, of: str) -> Interval:
    f = getattr(group, of)
    low, high = f.interval or (None, None)
    name = f"{group.name} (reference)" if group.is_reference else group.name
    status = STATUS_CODES[f.status] if f.tolerance is not None else "-"
    return Interval(name, f.value, low, high, f.n, f.baseline, status)
