"""Pages with nothing injected and faults, held against the metrics that scikit-learn measures on the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.metric_names import HARM
from nightproof.verdict import Incident

from benchmarks.faults import measured
from benchmarks.faults.catalogue import NIGHTS
from benchmarks.faults.fault import Fault
from benchmarks.faults.score import Harm
from benchmarks.faults.season import Season, nights
from benchmarks.faults.told import Told


@dataclass(frozen=True)
class Explanation:
    """A page, and what the rows say.

    Parameters
    ----------
    night, event, subject, window
        What was told, and through how many nights it was seen.
    rows, value, interval
        What the rows of that window and segment say; ``None`` where no metric of the rows is meant.
    reference
        The same metric on the reference's rows.
    limit
        What the value may be: the reference moved by the tolerance, or the bias measure's own limit.
    is_true
        Whether the value is beyond the limit; ``None`` where it was not measured.
    cause
        What was told with it.
    """

    night: str
    event: str
    subject: str
    window: int
    cause: str
    rows: int = 0
    value: float | None = None
    interval: tuple[float, float] | None = None
    reference: float | None = None
    limit: float | None = None
    is_true: bool | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is beyond the limit."""
        if self.interval is None or self.limit is None or self.value is None or not self.is_true:
            return False
        low, high = self.interval
        return low > self.limit or high < self.limit


def explanations(stretch: Iterable[Told], season: Season, config: ModelConfig) -> list[Explanation]:
    """Every page of some nights."""
    known = list(stretch)
    quarantined = {told.night for told in known if told.verdict.status == "quarantined"}
    return [_explained(page, told, season, config, quarantined) for told in known for page in told.pages]


def harm(season: Season, fault: Fault, begins: date) -> Harm:
    """What a fault does to the metrics over its nights."""
    days = list(nights(begins, begins + timedelta(days=NIGHTS - 1)))
    without, broken = (
        pl.concat([of(day).scored for day in days]) for of in (season.night, lambda day: season.faulty(fault, day))
    )
    auc, brier = ((measured.metric(name, without), measured.metric(name, broken)) for name in ("roc_auc", "brier"))
    return Harm(roc_auc=auc, brier=brier)


def _explained(page: Incident, told: Told, season: Season, config: ModelConfig, quarantined: set[str]) -> Explanation:
    shown = _shown_by(page, told)
    last = date.fromisoformat(told.night)
    first = _first(page, shown, last)
    subject = shown.subject if shown else f"{page.metric} {dict(page.segment) or ''}".strip()
    plain = Explanation(told.night, page.event, subject, (last - first).days + 1, page.cause)
    rows = season.rows(first, last).filter(~pl.col("day").cast(pl.String).is_in(sorted(quarantined)))
    asked = _question(page, shown, season.reference, config)
    if asked is None or rows.is_empty():
        return plain
    value = asked.value(rows)
    return replace(
        plain,
        rows=_segment(rows, page.segment).height,
        value=value,
        interval=measured.interval(asked.value, rows),
        reference=asked.value(season.reference),
        limit=asked.limit,
        is_true=value < asked.limit if asked.falls else value > asked.limit,
    )


@dataclass(frozen=True)
class _Question:
    """What is asked of the rows: a measure, its limit, and whether harm lies below it."""

    value: Callable[[pl.DataFrame], float]
    limit: float
    falls: bool


def _shown_by(page: Incident, told: Told) -> Finding | None:
    """The finding that an incident was told on, where one of this night is."""
    about = (page.metric, page.column, page.segment)
    same = [f for f in told.findings if (f.metric, f.column, f.segment) == about]
    beyond = [f for f in same if f.status == "regression"]
    # As they are kept: the worst first, the night itself before longer windows.
    return next(iter(beyond or same), None)


def _first(page: Incident, shown: Finding | None, last: date) -> date:
    if page.since:
        return date.fromisoformat(page.since)
    return last - timedelta(days=(shown.window if shown else 1) - 1)


def _question(page: Incident, shown: Finding | None, reference: pl.DataFrame, config: ModelConfig) -> _Question | None:
    if page.check == "performance" and page.metric in measured.METRICS:
        return _performance(page, reference, config)
    if page.check == "bias" and page.metric in measured.GAPS and len(page.segment) == 1:
        return _bias(page, reference, config)
    if page.check == "data" and page.metric in measured.SHARES and page.column in reference.columns:
        return _data(page, shown, reference)
    return None


def _performance(page: Incident, reference: pl.DataFrame, config: ModelConfig) -> _Question:
    def value(rows: pl.DataFrame) -> float:
        return measured.metric(page.metric, _segment(rows, page.segment))

    held = {str(name): tolerance.value for name, tolerance in config.tolerances.items()}
    falls = next(way for name, way in HARM.items() if name == page.metric) == "max_drop"
    tolerance = held.get(page.metric, 0.0)
    return _Question(value, value(reference) + (-tolerance if falls else tolerance), falls)


def _bias(page: Incident, reference: pl.DataFrame, config: ModelConfig) -> _Question | None:
    [column] = page.segment
    largest = {column: str(reference[column].value_counts(sort=True)[column][0])}

    def value(rows: pl.DataFrame) -> float:
        return measured.gap(page.metric, _segment(rows, page.segment), _segment(rows, largest))

    bounds, then = config.checks.bias.limit(page.metric), value(reference)
    # A group that was beyond the limit when the model was accepted is news only where it is worse still.
    if bounds.min is not None:
        return _Question(value, min(bounds.min, then), falls=True)
    return None if bounds.max is None else _Question(value, max(bounds.max, then), falls=False)


def _data(page: Incident, shown: Finding | None, reference: pl.DataFrame) -> _Question:
    known = reference[str(page.column)]

    def value(rows: pl.DataFrame) -> float:
        return measured.SHARES[page.metric](rows[known.name], known)

    tolerance = shown.tolerance if shown and shown.tolerance else 0.0
    return _Question(value, value(reference) + tolerance, falls=False)


def _segment(rows: pl.DataFrame, segment: Mapping[str, str]) -> pl.DataFrame:
    return rows.filter(*(pl.col(column).cast(pl.String) == value for column, value in segment.items()))
