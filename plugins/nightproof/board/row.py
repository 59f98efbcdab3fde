"""A row of the fleet: one model in one line, with its last nights and its open incidents."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.board.month import Month
from nightproof.board.night_line import NightLine
from nightproof.board.series import NOTHING, Told, Worse, worst
from nightproof.config import ModelConfig
from nightproof.metric_names import METRICS_OF
from nightproof.readings import LABELS, SeriesKey, family
from nightproof.record import Record
from nightproof.sections import duration_text
from nightproof.snapshot import LabelState
from nightproof.verdict import Incident, VerdictStatus

SHOWN = 30
"""Nights that a row shows."""
KEPT_INCIDENTS = 20
"""Incidents that ended of late and stay on the row."""


class Primary(Record):
    """The metric that a model is known by, over its last nights."""

    metric: str
    worse: Worse | None
    night: tuple[str, ...]
    value: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n: tuple[int, ...]
    status: str
    """As in :class:`~nightproof.board.month.Series`."""
    baseline: float | None
    """Of the last night."""
    limit: float | None
    """Of the last night."""


class FamilyState(Record):
    """How one family stood on the last night: its worst number."""

    status: str
    """Its status code; `-` where nothing was told."""
    metric: str | None = None
    column: str | None = None
    segment: dict[str, str] = {}
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    baseline: float | None = None
    limit: float | None = None
    worse: Worse | None = None
    """On which side of the limit harm is."""
    watches: int = 0
    """Series of the family that are worth a look, or regressed."""
    series: int = 0
    """Series of the family that were told."""


class FleetRow(Record):
    """One model on the fleet's page, as of so much of its log."""

    model: str
    entries: int
    """Entries of the log that this covers."""
    description: str
    owner: str
    cost_center: str | None
    tags: tuple[str, ...]
    task: str
    schedule: str
    """Cron expression, in UTC."""
    label_delay: str
    """How long after a night its labels are waited for, such as `1d`."""
    first_night: str
    nights: int
    night: str
    """The last night."""
    evaluation_id: str
    status: VerdictStatus
    headline: str
    labels: LabelState
    evaluated_at: str
    rows: int | None
    labelled: int | None
    version: str | None
    validation: str
    failed: int
    regressions: int
    watches: int
    blind_nights: int
    primary: Primary | None
    performance: FamilyState
    drift: FamilyState
    bias: FamilyState
    business: FamilyState
    label_coverage: FamilyState
    data: FamilyState
    statuses: tuple[tuple[str, VerdictStatus], ...]
    """Night and status of the last nights, rising."""
    incidents: tuple[Incident, ...]
    """Open ones first, the latest first; then those that ended of late."""
    versions: tuple[tuple[str, str], ...]
    """Nights from which on another version answered, among the last, with its name."""
    months: dict[str, int]
    """Every month that the model has nights in, and how much of the log its object covers: up to its last entry."""

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Incidents that go on after the last night."""
        return tuple(found for found in self.incidents if found.is_open)


def row_of(
    model: str,
    config: ModelConfig | None,
    recent: Sequence[Month],
    *,
    entries: int,
    months: dict[str, int],
    nights: Sequence[str],
) -> FleetRow:
    """The row of a model.

    Parameters
    ----------
    model
        Its name.
    config
        As it was on the last night; ``None`` where it can no longer be read.
    recent
        Its last months, rising; at least one with a night.
    entries
        Of the log, that they cover.
    months
        As the row has them.
    nights
        All that have been evaluated, rising.
    """
    lines = [line for month in recent for line in month.nights]
    last, month = lines[-1], recent[-1]
    shown = lines[-SHOWN:]
    here = {s.key: (s.worse, s.at(-1)) for s in month.series}
    states = {name: _state(name, here) for name in ("performance", "drift", "bias", "business", "labels", "data")}
    named = [(line.night, line.version) for line in shown if line.version]
    return FleetRow(
        model=model,
        entries=entries,
        description=config.description if config else "",
        owner=config.owner if config else "",
        cost_center=config.cost_center if config else None,
        tags=config.tags if config else (),
        task=config.task if config else "",
        schedule=config.schedule if config else "0 4 * * *",
        label_delay=duration_text(config.data.label_delay) if config else "0s",
        first_night=nights[0],
        nights=len(nights),
        night=last.night,
        evaluation_id=last.evaluation_id,
        status=last.status,
        headline=last.headline,
        labels=last.labels,
        evaluated_at=last.evaluated_at,
        rows=last.rows,
        labelled=last.labelled,
        version=last.version,
        validation=last.validation,
        failed=last.failed,
        regressions=last.regressions,
        watches=last.watches,
        blind_nights=last.blind_nights,
        primary=_primary(config, recent),
        performance=states["performance"],
        drift=states["drift"],
        bias=states["bias"],
        business=states["business"],
        label_coverage=states["labels"],
        data=states["data"],
        statuses=tuple((line.night, line.status) for line in shown),
        incidents=_incidents(lines),
        versions=tuple(now for i, now in enumerate(named) if i and named[i - 1][1] != now[1]),
        months=months,
    )


def _incidents(lines: Sequence[NightLine]) -> tuple[Incident, ...]:
    """Each incident as its last night saw it: open ones first, the latest first."""
    seen = {found.id: found for line in lines for found in line.incidents}
    still = {found.id for found in lines[-1].incidents if found.is_open}
    found = sorted(seen.values(), key=lambda i: (i.opened, i.id), reverse=True)
    ended = [i for i in found if i.id not in still]
    return (*(i for i in found if i.id in still), *ended[:KEPT_INCIDENTS])


def _family(key: SeriesKey) -> str:
    check, metric, _, _ = key
    return "labels" if metric in LABELS else family(check, metric)


def _state(name: str, here: dict[SeriesKey, tuple[Worse | None, Told]]) -> FamilyState:
    told = {key: told for key, (_, told) in here.items() if told.status != NOTHING and _family(key) == name}
    if not told:
        return FamilyState(status=NOTHING)
    code = worst([found.status for found in told.values()])
    alike = [(key, found) for key, found in told.items() if found.status == code]
    (check, metric, column, segment), found = max(alike, key=lambda pair: _harm(pair[0], pair[1], here[pair[0]][0]))
    return FamilyState(
        status=code,
        metric=metric,
        column=column,
        segment=dict(segment),
        value=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        baseline=found.baseline,
        limit=found.limit,
        worse=here[check, metric, column, segment][0],
        watches=sum(other.status in "wr" for other in told.values()),
        series=len(told),
    )


def _harm(key: SeriesKey, told: Told, worse: Worse | None) -> tuple[bool, bool, bool, float]:
    """By which the worst of a family is found: what is surely beyond its limit, then by the least that it may be."""
    whole = not key[3]
    if told.limit is None or told.low is None or told.high is None or worse is None:
        return False, False, whole, 0.0
    sign = 1 if worse == "higher" else -1
    least = min(sign * told.low, sign * told.high) - sign * told.limit
    return True, least > 0, whole, least / (abs(told.limit - (told.baseline or 0.0)) or abs(told.limit) or 1.0)


def _primary(config: ModelConfig | None, recent: Sequence[Month]) -> Primary | None:
    every = {s.metric: s for month in recent for s in month.series if s.check == "performance" and not s.column}
    judged = config.tolerances if config else {}
    order = [*(METRICS_OF[config.task] if config else ()), *every]
    metric = next((m for m in order if m in judged and m in every), next((m for m in order if m in every), None))
    if metric is None:
        return None
    wanted = every[metric].key
    nights = [
        (line.night, *month.by_key[wanted].at(place))
        for month in recent
        if wanted in month.by_key
        for place, line in enumerate(month.nights)
    ][-SHOWN:]
    night, value, low, high, n, baseline, limit, status = zip(*nights, strict=True)
    return Primary(
        metric=metric,
        worse=every[metric].worse,
        night=night,
        value=value,
        low=low,
        high=high,
        n=n,
        status="".join(status),
        baseline=baseline[-1],
        limit=limit[-1],
    )
