"""Routes of the slices page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.archive import Archive
from nightproof.dashboard.drawing.charts import Figure, Interval, bars_with_intervals
from nightproof.dashboard.drawing.explain import tip_of_finding
from nightproof.dashboard.drift_pages.feature_path import feature_path
from nightproof.dashboard.group_pages.slices_view import SlicesView, slices_view
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.render import page
from nightproof.words import label, segment

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["slices"])
Model = Annotated[str, Path(max_length=80)]
Text = Annotated[str, Query(max_length=80)]
DRAWN = 20
_CODES = {True: "w", False: "-"}


@pages.get("/models/{model}/slices")
def slices(request: Request, viewer: Who, model: Model, night: Text = "", window: Text = "") -> HTMLResponse:
    """Where the model got worse."""
    view = _view(request, viewer, model, night=night, window=window)
    figure = _changes(view) if view.found else None
    return page(request, "slices", view=view, figure=figure, tip=tip_of_finding, path=feature_path, segment=segment)


@api.get("/models/{model}/slices")
def slices_of(request: Request, viewer: Who, model: Model, night: Text = "", window: Text = "") -> SlicesView:
    """The slices of a night by what each adds to the model's loss, and which columns explain its change.

    `window` is 1, 7 or 28 nights merged; longer ones than 1 are computed for the answer.
    """
    return _view(request, viewer, model, night=night, window=window)


def _view(request: Request, viewer: Viewer, model: str, *, night: str, window: str) -> SlicesView:
    viewer.check(model)
    source = request.app.state.source
    return slices_view(source.nights(model), Archive(source.results(model)), night=night, window=window)


def _changes(view: SlicesView) -> Figure:
    """How far each slice's loss rose, the most harmful on top; right of 0 is worse."""
    groups = []
    for found in view.found[:DRAWN]:
        low, high = found.finding.delta_interval or (None, None)
        name = segment(found.finding.segment)
        groups.append(Interval(name, found.finding.delta, low, high, found.finding.n, None, _CODES[found.is_sure]))
    figure = bars_with_intervals(
        groups, title="Rise of the mean loss beside the baseline", limit=0.0, limit_name="As before"
    )
    names = [
        label(" × ".join(f"{column} {value}" for column, value in found.finding.segment.items()), 38)
        for found in view.found
    ]
    figure["layout"]["yaxis"]["ticktext"] = names[:DRAWN]
    return {**figure, "table": None}
