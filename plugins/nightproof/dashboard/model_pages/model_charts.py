"""The charts of a model's page, made of its past nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightproof import words
from nightproof.board import NightLine
from nightproof.dashboard.drawing.chart_layout import days_between, later
from nightproof.dashboard.drawing.chart_table import cut
from nightproof.dashboard.drawing.charts import Figure, Marks, columns_by_night, is_rate, lines, trend
from nightproof.dashboard.model_pages.model_span import Span
from nightproof.dashboard.model_pages.model_view import incidents, is_performance, last_told, metric_order, versions
from nightproof.dashboard.past_nights import PastNights, PastSeries
from nightproof.readings import SeriesKey

ROWS_SMALL = 60
"""Nights in the table of a small chart; the API has all."""
MOST_OWN = 12
"""The team's own metrics that are drawn; the API has all."""


@dataclass(frozen=True)
class Captioned:
    """A chart with what it is called."""

    metric: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class ModelCharts:
    """What is drawn; ``None`` and empty where there is nothing to draw.

    Parameters
    ----------
    primary, others
        The metric that the model is known by, and the other ones that labels tell.
    estimated
        Metrics estimated without labels beside those that labels told later.
    calibration
        The calibration error.
    coverage, arrival
        The share of rows with a label, and rows and labels by night.
    failed
        Expectations that failed by night.
    business
        The team's own metrics.
    left_out
        How many of those are not drawn.
    """

    primary: Captioned | None = None
    others: tuple[Captioned, ...] = ()
    estimated: tuple[Captioned, ...] = ()
    calibration: Captioned | None = None
    coverage: Captioned | None = None
    arrival: Captioned | None = None
    failed: Captioned | None = None
    business: tuple[Captioned, ...] = ()
    left_out: int = 0


def model_charts(past: PastNights, span: Span, task: str) -> ModelCharts:
    """The charts of a model's page.

    Parameters
    ----------
    past
        Its nights.
    span
        Those of them that are shown.
    task
        The model's, which orders its metrics.
    """
    shown = past.lines(span.first, span.last)
    if not shown:
        return ModelCharts()
    span = on_record(span, past)
    marks = marks_of(shown)
    every = {series.key[1]: series for series in past.series(span.first, span.last, check="performance")}
    measured = sorted((s for s in every.values() if is_performance(s)), key=lambda s: metric_order(task, s.key[1]))
    known = past.row.primary.metric if past.row.primary else None
    if known not in every and measured:
        known = measured[0].key[1]
    own = past.series(span.first, span.last, check="business")
    own = [series for series in own if not series.key[3]]
    return ModelCharts(
        primary=_trend(every[known], span, marks) if known in every else None,
        others=tuple(
            _trend(s, span, marks, large=False) for s in measured if s.key[1] not in (known, "calibration_error")
        ),
        estimated=tuple(_estimated(every, span, marks, task)),
        calibration=_trend(every["calibration_error"], span, marks) if "calibration_error" in every else None,
        coverage=_coverage(past, shown, span, marks),
        arrival=_arrival(shown, span),
        failed=_failed(shown, span),
        business=tuple(_trend(series, span, marks, large=False) for series in own[:MOST_OWN]),
        left_out=max(0, len(own) - MOST_OWN),
    )


def on_record(span: Span, past: PastNights) -> Span:
    """The part of a span that the record covers: charts do not begin with months of nothing."""
    first, last = max(span.first, past.row.first_night), min(span.last, past.row.night)
    return span.model_copy(update={"first": first, "last": last, "nights": days_between(first, last) + 1})


def marks_of(shown: Sequence[NightLine]) -> Marks:
    """What happened to a model on some nights: versions, incidents, quarantine."""
    spans = []
    for incident in incidents(shown):
        open_on = [line.night for line in shown if any(i.id == incident.id and i.is_open for i in line.incidents)]
        if open_on:
            spans.append((incident.since or incident.opened, open_on[-1], words.metric_title(incident.metric)))
    return Marks(
        versions=versions(shown),
        incidents=spans,
        quarantined=[line.night for line in shown if line.status == "quarantined"],
    )


def _trend(series: PastSeries, span: Span, marks: Marks, *, large: bool = True) -> Captioned:
    metric = series.key[1]
    name = words.metric_title(metric)
    first, last, percent = span.first, span.last, is_rate(metric)
    most = None if large else ROWS_SMALL
    figure = trend(series, name, first=first, last=last, percent=percent, marks=marks, large=large, most=most)
    return Captioned(metric, name, figure)


def _estimated(every: dict[str, PastSeries], span: Span, marks: Marks, task: str) -> list[Captioned]:
    """What would have been said without labels, beside what labels said."""
    found = []
    for metric, series in sorted(every.items(), key=lambda pair: metric_order(task, pair[0])):
        told = _without_labels(metric, every)
        if told is not None and is_performance(series):
            name = words.metric_title(metric)
            figure = lines(
                [("Realised", series), ("Estimated", told)],
                first=span.first,
                last=span.last,
                percent=is_rate(metric),
                title=name,
                marks=marks,
            )
            found.append(Captioned(metric, f"{name}, estimated without labels and realised with them", figure))
    return found


def _without_labels(metric: str, every: dict[str, PastSeries]) -> PastSeries | None:
    parts = [every[name] for name in (f"estimated_{metric}", f"backtest_{metric}") if name in every]
    if not parts:
        return None
    # A night has one of the two: the back-test where its labels came.
    by_night = {point.night: point for part in parts for point in part.points}
    key: SeriesKey = ("performance", f"estimated_{metric}", None, ())
    return PastSeries(key, None, tuple(by_night[night] for night in sorted(by_night)))


def _coverage(past: PastNights, shown: Sequence[NightLine], span: Span, marks: Marks) -> Captioned | None:
    keys = [s.key for s in last_told(past, shown) if s.key[1] == "label_coverage" and not s.key[3]]
    return _trend(past.one(keys[0], span.first, span.last), span, marks, large=False) if keys else None


def _by_night(shown: Sequence[NightLine], span: Span, of: str) -> list[float | None]:
    values = {line.night: getattr(line, of) for line in shown}
    return [values.get(later(span.first, i)) for i in range(span.nights)]


def _arrival(shown: Sequence[NightLine], span: Span) -> Captioned:
    columns = [("Rows", _by_night(shown, span, "rows")), ("With a label", _by_night(shown, span, "labelled"))]
    figure = columns_by_night(columns, first=span.first, title="Rows")
    return Captioned("rows", "Rows and labels by night", _shortened(figure))


def _failed(shown: Sequence[NightLine], span: Span) -> Captioned | None:
    if not any(line.failed for line in shown):
        return None
    figure = columns_by_night([("Failed", _by_night(shown, span, "failed"))], first=span.first, title="Expectations")
    return Captioned("failed", "Expectations that failed, by night", _shortened(figure))


def _shortened(figure: Figure) -> Figure:
    rows = figure["table"]["rows"]
    return figure | {"table": cut(figure["table"] | {"rows": rows[-ROWS_SMALL:][::-1]}, len(rows))}
