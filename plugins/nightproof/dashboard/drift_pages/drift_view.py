"""The drift page: every feature by every night, how far it is beyond its limit, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from nightproof.board import NightLine
from nightproof.board.series import NOTHING, Told
from nightproof.config import ModelConfig
from nightproof.dashboard.drawing.explain import reach, tip_of_series
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.model_pages.model_span import Span, SpanQuery, span_of
from nightproof.dashboard.night_shown import without
from nightproof.dashboard.past_nights import PastNights, PastSeries
from nightproof.errors import ObjectMissing

Measure = Literal["psi", "missing_rate", "unseen_rate", "outside_rate", "vanished_share"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
QUESTIONS: dict[Measure, str] = {
    "psi": "Did its distribution move away from the baseline's?",
    "missing_rate": "Is it missing in more rows?",
    "unseen_rate": "Does it have values that the baseline does not know?",
    "outside_rate": "Does it lie outside the baseline's range?",
    "vanished_share": "Did values of the baseline vanish?",
}
Reach = Literal["beyond", "across", "within", ""]
"""Where the interval lies of the limit: wholly beyond it, across it, within it; empty where there is none."""


class DriftQuery(SpanQuery):
    """What was asked for."""

    measure: Annotated[str, Field(max_length=40)] = ""
    """One of `psi` (the default), `missing_rate`, `unseen_rate`, `outside_rate`, `vanished_share`."""


class ColumnNight(View):
    """One column's measure on one night."""

    night: str
    value: float | None
    low: float | None
    high: float | None
    """Ends of the 95 % interval."""
    n: int
    baseline: float | None
    limit: float | None
    status: str
    """Its code: `o` ok, `w` watch, `r` regression, `i` too little data."""
    reach: Reach
    is_beyond: bool
    """Whether the value itself is beyond the limit, be it by chance or not."""
    tip: str
    """What the number says of itself; empty in a series."""


class Sign(View):
    """Another measure of a column that is beyond its limit on the night shown."""

    measure: Measure
    now: ColumnNight


class ColumnDrift(View):
    """One column over the nights."""

    column: str
    role: Literal["output", "label", "feature"]
    now: ColumnNight | None
    """On the night shown; null where it was not told."""
    signs: tuple[Sign, ...]
    beyond: int
    """Nights of the range on which the value was beyond the limit."""
    told: int
    """Nights of the range that tell it."""
    since: str | None
    """First night of the run beyond the limit that still goes on; null where it is within."""
    value: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n: tuple[int | None, ...]
    limit: tuple[float | None, ...]
    baseline: tuple[float | None, ...]
    status: str
    """One character a night, `-` where it was not told."""


class DriftView(View):
    """The drift page."""

    model: str
    measure: Measure
    span: Span
    nights: tuple[str, ...]
    """Nights of the range that were evaluated, rising: each list of a column has one entry a night."""
    night: str
    """The night shown: the last of the range that has values."""
    columns: tuple[ColumnDrift, ...]
    """The furthest beyond its limit on that night first."""
    without: tuple[tuple[str, str], ...]
    """Nights without values, each with the reason in a sentence."""
    all_limits_alike: bool
    """Whether every column has the same limit on every night."""


def drift_view(past: PastNights, config: ModelConfig | None, asked: DriftQuery) -> DriftView:
    """Every column of the drift family over some nights.

    Raises
    ------
    ObjectMissing
        If there is no such measure: the sentence lists those that there are.
    NightError
        If there are no such nights.
    """
    chosen, span = _measure(asked.measure), span_of(asked, past.row)
    lines, found = past.lines(span.first, span.last), past.series(span.first, span.last, check="drift")
    every = [series for series in found if series.key[1] in MEASURES and series.key[2] and not series.key[3]]
    told = {night for series in every for night in series.nights}
    night = max(told, default=past.row.night)
    tonight = _tonight(past, night)
    nights = tuple(line.night for line in lines)
    shown = [series for series in every if series.key[1] == chosen]
    columns = [_column(series, nights, tonight.get(series.key[2] or "", {}), config) for series in shown]
    limits = {limit for series in shown for limit in series.column("limit")}
    return DriftView(
        model=past.row.model,
        measure=chosen,
        span=span,
        nights=nights,
        night=night,
        columns=tuple(sorted(columns, key=_order)),
        without=tuple((line.night, _why(line)) for line in lines if line.night not in told),
        all_limits_alike=len(limits) == 1 and None not in limits,
    )


def _tonight(past: PastNights, night: str) -> dict[str, dict[Measure, ColumnNight]]:
    """What one night tells of each column, by measure."""
    found: dict[str, dict[Measure, ColumnNight]] = {}
    for series in past.series(night, night, check="drift"):
        measure = next((m for m in MEASURES if m == series.key[1]), None)
        if measure is not None and series.key[2] and not series.key[3]:
            found.setdefault(series.key[2], {})[measure] = column_night(series, night, series.points[-1].told)
    return found


def column_night(series: PastSeries, night: str, told: Told, *, tip: bool = True) -> ColumnNight:
    """One night of a column's series."""
    return ColumnNight(
        night=night,
        value=told.value,
        low=told.low,
        high=told.high,
        n=told.n,
        baseline=told.baseline,
        limit=told.limit,
        status=told.status,
        reach=reach(told, series.worse),
        is_beyond=is_beyond(told),
        tip=tip_of_series(series.key, told, worse=series.worse, night=night) if tip else "",
    )


def is_beyond(told: Told) -> bool:
    """Whether a value of the drift family is beyond its limit, be it by chance or not: more is always worse there."""
    return told.value is not None and told.limit is not None and told.value > told.limit


def since(series: PastSeries, night: str) -> str | None:
    """First night of the run beyond the limit that holds on a night; nights that tell nothing do not end a run."""
    run = None
    for name, value, limit in zip(series.nights, series.column("value"), series.column("limit"), strict=True):
        if name <= night and value is not None:
            run = (run or name) if limit is not None and value > limit else None
    return run


def _measure(text: str) -> Measure:
    found = next((m for m in MEASURES if m == (text or "psi")), None)
    if found is None:
        raise ObjectMissing(f"There is no measure {text[:40]!r} of drift. There are {', '.join(MEASURES)}.")
    return found


def _column(
    series: PastSeries, nights: Sequence[str], tonight: Mapping[Measure, ColumnNight], config: ModelConfig | None
) -> ColumnDrift:
    chosen, place = series.key[1], {night: i for i, night in enumerate(series.nights)}

    def spread(name: str) -> tuple[float | None, ...]:
        told = series.column(name)
        return tuple(told[place[night]] if night in place else None for night in nights)

    value, limit = spread("value"), spread("limit")
    now = next((found for measure, found in tonight.items() if measure == chosen), None)
    return ColumnDrift(
        column=series.key[2] or "",
        role=role_of(series.key[2] or "", config),
        now=now,
        signs=tuple(Sign(measure=m, now=n) for m, n in tonight.items() if m != chosen and n.is_beyond),
        beyond=sum(v is not None and x is not None and v > x for v, x in zip(value, limit, strict=True)),
        told=sum(v is not None for v in value),
        since=since(series, now.night) if now else None,
        value=value,
        low=spread("low"),
        high=spread("high"),
        n=tuple(None if n is None else int(n) for n in spread("n")),
        limit=limit,
        baseline=spread("baseline"),
        status="".join(series.status[place[night]] if night in place else NOTHING for night in nights),
    )


def role_of(column: str, config: ModelConfig | None) -> Literal["output", "label", "feature"]:
    """What a column is to the model, by its config as it is now."""
    if config is not None and column in config.columns.outputs:
        return "output"
    return "label" if config is not None and column == config.columns.label else "feature"


def used(value: float | None, baseline: float | None, limit: float | None) -> float | None:
    """How much of what is tolerated a value used up: 1 is the limit."""
    if value is None or limit is None:
        return None
    counted_from = baseline or 0.0
    room = limit - counted_from
    return (value - counted_from) / room if room else None


def _order(column: ColumnDrift) -> tuple[bool, bool, float, str]:
    now = column.now
    share = used(now.value, now.baseline, now.limit) if now else None
    sure = now is not None and now.reach == "beyond"
    return not sure, not (now is not None and now.is_beyond), -(share if share is not None else -1e9), column.column


def _why(line: NightLine) -> str:
    return without(line) or f"The night {line.night} has no numbers of drift: retention deleted its findings."
