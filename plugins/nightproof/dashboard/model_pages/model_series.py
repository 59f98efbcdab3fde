"""A model's nights and series as the API answers with them: lists beside one another, a year in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from nightproof.board import NightLine
from nightproof.board.series import NOTHING, Told, Worse
from nightproof.checks.finding import Check
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.model_pages.model_span import Span, SpanQuery
from nightproof.dashboard.past_nights import PastNights, PastSeries

ABSENT = Told(None, None, None, 0, None, None, NOTHING)


class SeriesQuery(SpanQuery):
    """Which series, of which nights."""

    check: Check | None = None
    """Of this check alone."""
    metric: Annotated[str | None, Field(max_length=200)] = None
    """Of this metric alone."""
    column: Annotated[str | None, Field(max_length=200)] = None
    """Of this column alone."""


class NightsView(View):
    """Nights of a model, by their latest evaluations."""

    model: str
    span: Span | None
    """Null before the first night."""
    nights: tuple[NightLine, ...]
    """Rising."""


class SeriesColumns(View):
    """One series; each list has one entry for each of the view's nights."""

    check: Check
    metric: str
    column: str | None
    segment: dict[str, str]
    """The group of rows that it is about; empty for all."""
    worse: Worse | None
    """On which side harm is; null where it is evidence alone."""
    value: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    """Ends of the 95 % interval."""
    n: tuple[int, ...]
    baseline: tuple[float | None, ...]
    limit: tuple[float | None, ...]
    """The value beyond which harm is more than is tolerated."""
    status: str
    """One character a night: `o` ok, `w` watch, `r` regression, `i` too little data, `-` not told."""


class SeriesView(View):
    """Series of a model over some nights."""

    model: str
    span: Span | None
    nights: tuple[str, ...]
    """Those that were evaluated, rising."""
    series: tuple[SeriesColumns, ...]


def nights_view(model: str, past: PastNights | None, span: Span | None) -> NightsView:
    """A model's nights from one to another."""
    lines = past.lines(span.first, span.last) if past and span else []
    return NightsView.model_construct(model=model, span=span, nights=tuple(lines))


def series_view(model: str, past: PastNights | None, span: Span | None, asked: SeriesQuery) -> SeriesView:
    """A model's series from one night to another: of a check, a metric and a column, or of all of them."""
    if past is None or span is None:
        return SeriesView(model=model, span=span, nights=(), series=())
    nights = [line.night for line in past.lines(span.first, span.last)]
    found = [
        _columns(one, nights)
        for one in past.series(span.first, span.last, check=asked.check)
        if asked.metric in (None, one.key[1]) and asked.column in (None, one.key[2])
    ]
    return SeriesView.model_construct(model=model, span=span, nights=tuple(nights), series=tuple(found))


def _columns(series: PastSeries, nights: Sequence[str]) -> SeriesColumns:
    by_night = {point.night: point.told for point in series.points}
    value, low, high, n, baseline, limit, status = zip(*(by_night.get(night, ABSENT) for night in nights), strict=True)
    check, metric, column, segment = series.key
    return SeriesColumns.model_construct(
        check=check,
        metric=metric,
        column=column,
        segment=dict(segment),
        worse=series.worse,
        value=value,
        low=low,
        high=high,
        n=n,
        baseline=baseline,
        limit=limit,
        status="".join(status),
    )
