"""A feature's page: what it looks like on a night beside the baseline, how far it moved, and since when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from nightproof.board.series import NOTHING, Told
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.drift_pages.distribution import Distribution, distribution
from nightproof.dashboard.drift_pages.drift_view import MEASURES, ColumnNight, Measure, column_night, role_of, since
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.model_pages.model_span import SpanQuery, span_of
from nightproof.dashboard.night_shown import NightShown, findings_of, shown
from nightproof.dashboard.past_nights import PastNights, PastSeries
from nightproof.errors import ObjectMissing
from nightproof.words import plain

_ORDER = ("regression", "watch", "insufficient_data", "ok")


class MeasureSeries(View):
    """One measure of the column over the nights."""

    measure: Measure
    since: str | None
    """First night of the run beyond the limit that holds on the night shown."""
    now: ColumnNight | None
    """On the night shown."""
    nights: tuple[ColumnNight, ...]


class FeatureView(View):
    """A feature's page."""

    model: str
    column: str
    role: Literal["output", "label", "feature"]
    shown: NightShown
    last: int
    first: str
    baseline_id: str | None
    distribution: Distribution | None
    without: str
    """Why there is no distribution, in a sentence; empty where there is one."""
    findings: tuple[Finding, ...]
    """All that the drift family told of the column on the night, the worst first."""
    series: tuple[MeasureSeries, ...]
    is_weighed_by_time: bool
    """Whether the PSI weighs the baseline to the night's mix of weekdays and hours."""


def feature_view(
    past: PastNights, archive: Archive, config: ModelConfig | None, *, column: str, night: str, last: str
) -> FeatureView:
    """One column on one night.

    Raises
    ------
    ObjectMissing
        If nothing of the model is told of such a column, or the night was not evaluated.
    """
    span = span_of(SpanQuery(last=last), past.row).nights
    night_shown, every = findings_of(archive, shown(past, night))
    first = (date.fromisoformat(night_shown.night) - timedelta(days=span - 1)).isoformat()
    found = tuple(sorted((f for f in every if _is_of(f, column)), key=lambda f: _ORDER.index(f.status)))
    series = [(m, past.one(("drift", m, column, ()), first, past.row.night)) for m in MEASURES]
    told = [(measure, of) for measure, of in series if of.points]
    if not found and not told:
        raise ObjectMissing(f"No night of {past.row.model} tells of a column {plain(column)!r}. {_known(past)}")
    baseline_id, drawn, without, weighed = _drawn(archive, night_shown, column)
    return FeatureView(
        model=past.row.model,
        column=column,
        role=role_of(column, config),
        shown=night_shown,
        last=span,
        first=first,
        baseline_id=baseline_id,
        distribution=drawn,
        without=without,
        findings=found,
        series=tuple(_series(measure, of, night_shown.night) for measure, of in told),
        is_weighed_by_time=weighed,
    )


def series_of(view: FeatureView, past: PastNights) -> list[tuple[Measure, PastSeries]]:
    """The series of the page, as charts take them."""
    return [(s.measure, past.one(("drift", s.measure, view.column, ()), view.first)) for s in view.series]


def _is_of(finding: Finding, column: str) -> bool:
    return finding.check == "drift" and finding.column == column and finding.window == 1 and not finding.segment


def _known(past: PastNights) -> str:
    columns = {s.key[2] for s in past.series(past.row.night, check="drift") if s.key[2] and s.key[1] == "psi"}
    named = [plain(name) for name in sorted(columns)[:20]]
    return f"There are {', '.join(named)}{' and more' if len(columns) > 20 else ''}." if named else ""


def _drawn(archive: Archive, night: NightShown, column: str) -> tuple[str | None, Distribution | None, str, bool]:
    """The distributions and the baseline's id, or why there are none."""
    if night.status == "quarantined":
        return None, None, night.without, False
    try:
        name = archive.manifest(night.night, night.evaluation_id).baseline_id
        if name is None:
            return None, None, "The night was compared with no baseline.", False
        baseline = archive.baseline(name)
    except ObjectMissing:
        return None, None, "The baseline of this night is no longer stored.", False
    try:
        profile = archive.profile(night.night, night.evaluation_id, baseline.spec)
    except ObjectMissing:
        return name, None, f"Retention deleted the profile of the night {night.night}, so its bins are gone.", False
    weighed = baseline.spec.time is not None
    drawn = distribution(column, profile, baseline.profile)
    return name, drawn, "" if drawn else "This column is not counted by bins, so it has no distribution.", weighed


def _series(measure: Measure, series: PastSeries, night: str) -> MeasureSeries:
    told = {point.night: point.told for point in series.points}
    return MeasureSeries(
        measure=measure,
        since=since(series, night),
        now=column_night(series, night, told[night]) if _has(told.get(night)) else None,
        nights=tuple(column_night(series, point.night, point.told, tip=False) for point in series.points),
    )


def _has(told: Told | None) -> bool:
    return told is not None and told.status != NOTHING
