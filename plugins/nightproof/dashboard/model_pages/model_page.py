"""Routes of a model's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from nightproof.dashboard.drawing.charts import is_rate
from nightproof.dashboard.fleet_pages.fleet_view import FleetModel, fleet_model
from nightproof.dashboard.model_pages.calendar_view import calendar, missing
from nightproof.dashboard.model_pages.calibration_view import CalibrationView, calibration_view
from nightproof.dashboard.model_pages.model_charts import ModelCharts, model_charts
from nightproof.dashboard.model_pages.model_series import NightsView, SeriesQuery, SeriesView, nights_view, series_view
from nightproof.dashboard.model_pages.model_span import MOST, OFFERED, Span, SpanQuery, span_of
from nightproof.dashboard.model_pages.model_view import ModelOverview, model_overview
from nightproof.dashboard.past_nights import PastNights
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.refusals import refused
from nightproof.dashboard.serving.render import page
from nightproof.errors import NightError, ObjectMissing
from nightproof.sections import duration_text

pages, api = APIRouter(include_in_schema=False), APIRouter(tags=["model"])
Model = Annotated[str, Path(max_length=80)]
Asked = Annotated[SpanQuery, Query()]
NightText = Annotated[str, Query(max_length=20)]
OWN_METRICS = """metrics:
  latency_ms_mean: {sum: latency_ms, over: count, max_rise: 20}   # mean latency of a prediction
  failed_share: {sum: failed, over: count, max_rise: 0.01}        # predictions that ended in an error
  cost_per_prediction: {sum: cost_usd, over: count}               # no tolerance: shown, not judged
"""
"""What a model's config takes to have latency, errors and cost on its page."""


@dataclass(frozen=True)
class Looked:
    """A model as somebody looks at it.

    Parameters
    ----------
    head
        As the fleet has it.
    past
        Its nights; ``None`` before the first.
    span
        Those of them that were asked for.
    """

    head: FleetModel
    past: PastNights | None
    span: Span | None


@pages.get("/models/{model}")
def model_page(request: Request, viewer: Who, model: Model, asked: Asked) -> Response:
    """How a model stands, whether to believe it, and its nights."""
    try:
        looked = _look(request, viewer, model, asked)
    except NightError as error:
        return _not_understood(request, error)
    root = request.scope.get("root_path", "").rstrip("/")
    lines = looked.past.lines(looked.span.first, looked.span.last) if looked.past and looked.span else []
    return page(
        request,
        "model",
        view=_overview(request, looked),
        calendar=calendar(lines),
        evaluated=len(lines),
        missing=missing(lines),
        label_delay=_label_delay(request, looked),
        charts=_charts(looked),
        airflow=f"{root.rpartition('/')[0]}/dags/" if root else "",
        offered=OFFERED,
        most=MOST,
        own_metrics=OWN_METRICS,
        is_rate=is_rate,
    )


@pages.get("/models/{model}/calibration")
def calibration_page(request: Request, viewer: Who, model: Model, night: NightText = "") -> HTMLResponse:
    """The calibration curve of a night, by itself: it is made of the night's profile, which takes a moment to read."""
    return page(request, "calibration", model=model, view=_curve(request, viewer, model, night))


@api.get("/models/{model}/overview")
def overview(request: Request, viewer: Who, model: Model, asked: Asked) -> ModelOverview:
    """How a model stands, what there is to believe it by, and its last nights: what its page shows."""
    return _overview(request, _look_for_program(request, viewer, model, asked))


@api.get("/models/{model}/nights")
def nights(request: Request, viewer: Who, model: Model, asked: Asked) -> NightsView:
    """Night by night what its latest evaluation came to, from one night to another; the last 90 unless asked."""
    looked = _look_for_program(request, viewer, model, asked)
    return nights_view(model, looked.past, looked.span)


@api.get("/models/{model}/series")
def series(
    request: Request,
    viewer: Who,
    model: Model,
    asked: Annotated[SeriesQuery, Query()],
) -> SeriesView:
    """Series by night: values, 95 % intervals, rows, baselines, limits and statuses, as lists beside `nights`."""
    looked = _look_for_program(request, viewer, model, asked)
    return series_view(model, looked.past, looked.span, asked)


@api.get("/models/{model}/calibration")
def calibration(request: Request, viewer: Who, model: Model, night: NightText = "") -> CalibrationView:
    """The calibration curve of a night, the last one unless asked, beside that of its baseline."""
    return _curve(request, viewer, model, night)


def _look(request: Request, viewer: Viewer, model: str, asked: SpanQuery) -> Looked:
    viewer.check(model)
    source = request.app.state.source
    fleet = source.fleet()
    head = fleet_model(fleet, viewer, model, request.app.state.clock())
    if model not in fleet.rows:
        return Looked(head, None, None)
    past = source.nights(model)
    return Looked(head, past, span_of(asked, past.row))


def _label_delay(request: Request, looked: Looked) -> str:
    config = request.app.state.source.config(looked.head.model)
    return duration_text(config.data.label_delay) if config else looked.past.row.label_delay if looked.past else ""


def _look_for_program(request: Request, viewer: Viewer, model: str, asked: SpanQuery) -> Looked:
    try:
        return _look(request, viewer, model, asked)
    except NightError as error:
        raise HTTPException(422, str(error)) from error


def _overview(request: Request, looked: Looked) -> ModelOverview:
    state = request.app.state
    place = state.source.place(looked.head.model)
    return model_overview(looked.head, place, looked.past, looked.span, state.clock())


def _charts(looked: Looked) -> ModelCharts:
    if looked.past is None or looked.span is None:
        return ModelCharts()
    return model_charts(looked.past, looked.span, looked.head.task)


def _curve(request: Request, viewer: Viewer, model: str, night: str) -> CalibrationView:
    viewer.check(model)
    source = request.app.state.source
    past: PastNights = source.nights(model)
    line = past.line(night or past.row.night)
    if line is None:
        raise ObjectMissing(f"The night {night} of {model} was not evaluated.")
    return calibration_view(source.results(model), line)


def _not_understood(request: Request, error: NightError) -> Response:
    return refused(request, 422, "This address cannot be understood", str(error))
