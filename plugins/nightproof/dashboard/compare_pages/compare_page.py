"""Routes of the comparison page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.archive import Archive
from nightproof.dashboard.compare_pages.chosen_nights import ALLOWED, MOST
from nightproof.dashboard.compare_pages.compare_view import CompareView, asked_or_first, compare_view, suggestions
from nightproof.dashboard.compare_pages.difference import SIGNS
from nightproof.dashboard.drawing.charts import Figure, histogram_pair
from nightproof.dashboard.drift_pages.distribution import Distribution
from nightproof.dashboard.drift_pages.feature_path import feature_path
from nightproof.dashboard.serving.access import Who
from nightproof.dashboard.serving.render import page
from nightproof.errors import NightError
from nightproof.words import segment

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["compare"])
Model = Annotated[str, Path(max_length=80)]
Choice = Annotated[str, Query(max_length=220)]


@pages.get("/models/{model}/compare")
def compare(request: Request, viewer: Who, model: Model, a: Choice = "", b: Choice = "") -> HTMLResponse:
    """Any nights beside any others; where they cannot be compared, the form says why."""
    viewer.check(model)
    source = request.app.state.source
    past = source.nights(model)
    one, other = asked_or_first(past, a, b)
    view, fault = None, ""
    try:
        view = compare_view(past, Archive(source.results(model)), a=a, b=b)
    except NightError as error:
        fault = str(error)
    return page(
        request,
        "compare",
        status=422 if fault else 200,
        model=model,
        a=one,
        b=other,
        fault=fault,
        found=view.comparison if view else None,
        offered=suggestions(past),
        drawn=[(column, made, _pair(column, made)) for column, made in view.comparison.distributions] if view else [],
        allowed=ALLOWED,
        most=MOST,
        signs=SIGNS,
        path=feature_path,
        segment=segment,
    )


@api.get("/models/{model}/compare")
def compare_of(request: Request, viewer: Who, model: Model, a: Choice = "", b: Choice = "") -> CompareView:
    """Two choices of nights beside each other, every difference with its interval, its rows and what it means.

    Each of `a` and `b` is a night (`2013-10-23`), a window (`2013-10-01..2013-10-07`), `trailing 28 nights`, a model
    version (`version:2013-04-01`) or `baseline`; at most 60 nights a side, all counted under one baseline.
    """
    viewer.check(model)
    source = request.app.state.source
    return compare_view(source.nights(model), Archive(source.results(model)), a=a, b=b)


def _pair(column: str, made: Distribution) -> Figure:
    bins = made.bins
    return histogram_pair(
        [bin_.name for bin_ in bins],
        [bin_.now_share for bin_ in bins],
        [bin_.then_share for bin_ in bins],
        title=column,
        names=("A", "B"),
    )
