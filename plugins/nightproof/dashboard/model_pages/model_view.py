"""A model's page: how it stands, whether to believe it, and its nights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from nightproof.board import NightLine
from nightproof.board.series import STATUS_CODES, Told, Worse
from nightproof.checks.finding import Check
from nightproof.dashboard.drawing.explain import tip_of_series
from nightproof.dashboard.fleet_pages.fleet_view import FleetModel, View
from nightproof.dashboard.model_pages.believe import Statement, statements
from nightproof.dashboard.model_pages.model_span import Span
from nightproof.dashboard.past_nights import PastNights, PastSeries
from nightproof.dashboard.place import Place
from nightproof.metric_names import METRICS_OF
from nightproof.readings import DATA, LABELS, family
from nightproof.verdict import Incident, VerdictStatus

SHOWN = 30
"""Nights in the page's table; the calendar has all."""
WORST = 6
"""Numbers of drift, and of bias, that the page names."""
STATUS_OF = {code: status for status, code in STATUS_CODES.items()}


class Number(View):
    """One series as a night told it."""

    check: Check
    metric: str
    column: str | None
    segment: dict[str, str]
    worse: Worse | None
    night: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    baseline: float | None
    limit: float | None
    status: str

    @classmethod
    def of(cls, series: PastSeries) -> Number:
        """The last that a series told."""
        (check, metric, column, segment), point = series.key, series.points[-1]
        told = point.told._asdict() | {"status": STATUS_OF.get(point.told.status, "")}
        return cls(
            check=check,
            metric=metric,
            column=column,
            segment=dict(segment),
            worse=series.worse,
            night=point.night,
            **told,
        )

    @property
    def tip(self) -> str:
        """What it says of itself."""
        told = Told(
            self.value, self.low, self.high, self.n, self.baseline, self.limit, STATUS_CODES.get(self.status, "")
        )
        key = (self.check, self.metric, self.column, tuple(self.segment.items()))
        return tip_of_series(key, told, worse=self.worse, night=self.night)


class ModelOverview(View):
    """What a model's page shows, beside its charts; `/series` has the numbers of those."""

    at: datetime
    """When it was read."""
    head: FleetModel
    span: Span | None
    """Null before the first night."""
    statuses: dict[VerdictStatus, int]
    """Nights of the span by status."""
    believe: tuple[Statement, ...]
    performance: tuple[Number, ...]
    """Each metric as its last night told it, the most telling first."""
    drift: tuple[Number, ...]
    """What moved furthest on the last night that was evaluated, the worst first."""
    bias: tuple[Number, ...]
    """What is closest to its limit, or furthest beyond it, the worst first."""
    business: tuple[Number, ...]
    """The team's own metrics."""
    labels: dict[str, int]
    """Nights of the span by `final` and `provisional`, and those that were evaluated `again`."""
    validation: dict[str, int]
    """Nights of the span by how their validation came out."""
    versions: tuple[tuple[str, str], ...]
    """Nights from which on another version answered, with its name."""
    incidents: tuple[Incident, ...]
    """Those that were seen in the span, as they were seen last; the latest first."""
    latest: tuple[NightLine, ...]
    """The last nights of the span, the latest first."""


def model_overview(
    head: FleetModel, place: Place, past: PastNights | None, span: Span | None, now: datetime
) -> ModelOverview:
    """What a model's page shows.

    Parameters
    ----------
    head
        As the fleet has it.
    place
        Where its config lies.
    past, span
        Its nights, and those of them that are shown; ``None`` before the first.
    now
        UTC.
    """
    lines = past.lines(span.first, span.last) if past and span else []
    told = last_told(past, lines) if past else []
    performance = [Number.of(series) for series in told if is_performance(series)]
    return ModelOverview(
        at=now,
        head=head,
        span=span,
        statuses=dict(Counter(line.status for line in lines)),
        believe=tuple(statements(head, place, past, lines)),
        performance=tuple(sorted(performance, key=lambda number: metric_order(head.task, number.metric))),
        drift=_worst(series for series in told if series.key[0] == "drift" and _moved(series)),
        bias=_worst(series for series in told if series.key[0] == "bias"),
        business=tuple(Number.of(series) for series in told if series.key[0] == "business"),
        labels={
            "final": sum(line.labels == "final" for line in lines),
            "provisional": sum(line.labels == "provisional" for line in lines),
            "again": sum(line.evaluations > 1 for line in lines),
        },
        validation=dict(Counter(line.validation for line in lines)),
        versions=versions(lines),
        incidents=incidents(lines),
        latest=tuple(reversed(lines[-SHOWN:])),
    )


def last_told(past: PastNights, lines: Sequence[NightLine]) -> list[PastSeries]:
    """Every series as the last night with numbers told it; none where no night has any."""
    night = next((line.night for line in reversed(lines) if line.status != "quarantined"), None)
    return past.series(night, night) if night else []


def is_performance(series: PastSeries) -> bool:
    """Whether a series is a metric of the model itself, measured on labels."""
    check, metric, column, segment = series.key
    return check == "performance" and not column and not segment and not metric.startswith(("estimated_", "backtest_"))


def metric_order(task: str, metric: str) -> tuple[int, str]:
    """Place of a metric among those of its task, the most telling first."""
    known: tuple[str, ...] = next((names for name, names in METRICS_OF.items() if name == task), ())
    return (known.index(metric) if metric in known else len(known)), metric


def versions(lines: Sequence[NightLine]) -> tuple[tuple[str, str], ...]:
    """Nights from which on another version answered than on the night with one before."""
    named = [(line.night, line.version) for line in lines if line.version]
    return tuple(now for i, now in enumerate(named) if i and named[i - 1][1] != now[1])


def incidents(lines: Sequence[NightLine]) -> tuple[Incident, ...]:
    """Incidents of some nights, each as its last night saw it; the latest first."""
    seen = {found.id: found for line in lines for found in line.incidents}
    return tuple(sorted(seen.values(), key=lambda found: (found.opened, found.id), reverse=True))


def _moved(series: PastSeries) -> bool:
    check, metric, _, segment = series.key
    return not segment and metric not in LABELS and (family(check, metric) == "drift" or metric in DATA)


def _worst(series: Iterable[PastSeries]) -> tuple[Number, ...]:
    """Those that are judged, by status and then by how much of what is tolerated they used."""
    numbers = [Number.of(one) for one in series if one.points[-1].told.limit is not None]
    return tuple(sorted(numbers, key=_badness)[:WORST])


def _badness(number: Number) -> tuple[int, float, str]:
    order = {"regression": 0, "watch": 1, "ok": 2, "insufficient_data": 3}
    return order.get(number.status, 4), -used(number), f"{number.metric} {number.column} {number.segment}"


def used(number: Number) -> float:
    """How much of what is tolerated a number used: 1 at its limit, more beyond it; 0 where that cannot be told."""
    if number.value is None or number.limit is None:
        return 0.0
    sign = 1.0 if number.worse == "higher" else -1.0
    start = number.baseline if number.baseline is not None and sign * (number.limit - number.baseline) > 0 else None
    if start is None:
        start = 0.0 if sign > 0 else 1.0
    room = sign * (number.limit - start)
    return sign * (number.value - start) / room if room > 0 else 0.0
