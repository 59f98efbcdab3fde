"""Is the holdout still like live traffic? Its profile beside that of the last nights, under the baseline's bins.

A holdout that is not must not be validated on: what is measured there is how good a model was for rows that no
longer come. Three things make it stale. The first two must lie beyond what chance explains at 95 %:

* a column whose population stability index has its whole interval above ``checks.drift.min_effect``;
* a metric that the live model has on the holdout otherwise than in live traffic, by more than its tolerance in
  ``checks.performance``: validating there would mislead by more than the config lets a model change;
* age: a last night too far behind production, which needs no statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

import numpy as np
import polars as pl

from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.errors import DataError, ObjectMissing
from nightproof.holdout.materialise import read_rows
from nightproof.holdout.version import HoldoutVersion, holdout_of
from nightproof.holdout.versions import Versions
from nightproof.manifest import LogEntry
from nightproof.metric_names import MetricName
from nightproof.metrics import performance
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.psi import psi
from nightproof.metrics.rates import wilson
from nightproof.metrics.shift import Counts
from nightproof.night import Night
from nightproof.profiles import Profile, ProfileSpec, collect, merge
from nightproof.record import Record
from nightproof.resources import Resources
from nightproof.sections import duration_text
from nightproof.words import counted

LIVE_NIGHTS = 28
"""Nights that live traffic is read from: four of every weekday."""


class Measured(Record):
    """A value with its 95 % interval, or why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int
    why: str = ""

    @classmethod
    def of(cls, found: Estimate | Unknown) -> Measured:
        """From a metric."""
        if isinstance(found, Unknown):
            return cls(n=found.n, why=found.why)
        return cls(value=found.value, low=found.low, high=found.high, n=found.n)


class Shifted(Record):
    """How far one column of the holdout lies from live traffic."""

    column: str
    psi: Measured
    """Population stability index, corrected for the bias of small samples."""


class Compared(Record):
    """One metric on the holdout and on the last nights, both of the live model."""

    metric: str
    holdout: Measured
    live: Measured


class Freshness(Record):
    """What a version is worth today; `<version>.drift.json` as of when it was made."""

    model: str
    version: int
    status: Literal["fresh", "stale", "unknown"]
    because: tuple[str, ...]
    """Each reason not to validate on it, or why that cannot be told."""
    live_from: str | None = None
    live_to: str | None = None
    live_nights: int = 0
    """Nights between those two that were counted by this baseline, and not quarantined."""
    age_days: int | None = None
    """Days from the holdout's last night to the last night of live traffic."""
    rows: int = 0
    """Rows of the version that could be read."""
    labels: tuple[Compared, ...] = ()
    """Share of positive labels of a binary model."""
    drift: tuple[Shifted, ...] = ()
    """Worst first; outputs, inputs and the label."""
    performance: tuple[Compared, ...] = ()


def freshness(config: ModelConfig, resources: Resources, version: HoldoutVersion) -> Freshness:
    """Hold a version against the last nights of its model's log.

    Raises
    ------
    StoreError
        If object storage fails.
    """
    live = _live_entries(resources.results(config).log.latest())
    base = {"model": config.model, "version": version.number}
    if not live:
        return Freshness(status="unknown", because=("no night has been evaluated and not quarantined",), **base)
    spec = spec_of(config, resources, live[-1].baseline_id)
    now = _merged(config, resources, live, spec)
    held = profile_of(config, resources, version, live[-1].baseline_id, spec)
    shifts, compared = _shifts(held, now), _performance(held, now)
    age = (date.fromisoformat(live[-1].night) - date.fromisoformat(version.nights[-1].night)).days
    reasons = [*_old(config, age), *_moved(config, shifts), *_other_performance(config, compared)]
    doubts = [f"{found.column}: {found.psi.why}" for found in shifts if found.psi.why]
    few = not reasons and len(doubts) == len(shifts)
    return Freshness(
        status="stale" if reasons else "unknown" if few else "fresh",
        because=tuple(reasons or (doubts[:1] if few else [])),
        live_from=live[0].night,
        live_to=live[-1].night,
        live_nights=len(live),
        age_days=age,
        rows=held.rows,
        labels=tuple(_labels(held, now)),
        drift=tuple(shifts),
        performance=tuple(compared),
        **base,
    )


def store_freshness(config: ModelConfig, resources: Resources, found: Freshness) -> None:
    """Leave it beside its version, for whoever reads the store; the first stands."""
    Versions(resources.results(config)).write(f"{found.version:09d}.drift.json", found.to_bytes())


def _live_entries(latest: dict[str, LogEntry]) -> list[LogEntry]:
    """The last nights that can be compared: counted by one baseline, and not quarantined."""
    good = [entry for entry in latest.values() if entry.status != "quarantined"]
    if not good:
        return []
    first = str(Night.parse(good[-1].night).before(LIVE_NIGHTS - 1))
    return [entry for entry in good if entry.night >= first and entry.baseline_id == good[-1].baseline_id]


def spec_of(config: ModelConfig, resources: Resources, baseline: str | None) -> ProfileSpec:
    """What a stored baseline counts, by which bins."""
    results = resources.results(config)
    dossier = Dossier(results.store, f"{results.baselines}{baseline}/")
    return ProfileSpec.from_bytes(dossier.read("spec.json"), name=dossier.url("spec.json"))


def latest_spec(config: ModelConfig, resources: Resources) -> ProfileSpec:
    """That of the last night that was not quarantined.

    Raises
    ------
    DataError
        If there is none.
    """
    live = _live_entries(resources.results(config).log.latest())
    if not live:
        raise DataError(f"No night of {config.model} has been evaluated and not quarantined.")
    return spec_of(config, resources, live[-1].baseline_id)


def _merged(config: ModelConfig, resources: Resources, live: Sequence[LogEntry], spec: ProfileSpec) -> Profile:
    results = resources.results(config)
    found = []
    for entry in live:
        try:
            found.append(results.profile(entry.night, entry.evaluation_id, spec))
        except ObjectMissing:
            continue  # it was kept for a while only
    return merge(found)


def profile_of(
    config: ModelConfig, resources: Resources, version: HoldoutVersion, baseline: str | None, spec: ProfileSpec
) -> Profile:
    """The profile of a version's rows: counts and no values, stored beside it, counted when first asked for."""
    versions = Versions(resources.results(config))
    name = f"{version.number:09d}.profile.{baseline}.parquet"
    raw = versions.find(name)
    if raw is None:
        rows = read_rows(config, resources, version.number)
        raw = profile_rows(rows.table, spec).to_bytes()
        versions.write(name, raw)
    return Profile.from_bytes(raw, spec=spec, name=versions.url(name))


def profile_rows(table: pl.DataFrame, spec: ProfileSpec) -> Profile:
    """Count rows that are in memory."""
    with TemporaryDirectory(prefix="nightproof-holdout-") as folder:
        path = Path(folder) / "rows.parquet"
        table.write_parquet(path)
        return collect([path], [], spec)


# --- Reasons ----------------------------------------------------------------------------------------------


def _old(config: ModelConfig, age: int) -> list[str]:
    kept = holdout_of(config)
    allowed = kept.max_age + config.data.matures_after
    if timedelta(days=age) <= allowed:
        return []
    return [
        (
            f"its last night is {counted(age, 'day')} older than the last night of production; with labels final after "
            f"{duration_text(config.data.matures_after)}, {duration_text(kept.max_age)} more are allowed: update it"
        )
    ]


def _moved(config: ModelConfig, shifts: Sequence[Shifted]) -> list[str]:
    limit = config.checks.drift.min_effect
    return [
        f"{found.column} has moved since: its PSI against live traffic is {found.psi.value:.2g} "
        f"({found.psi.low:.2g} to {found.psi.high:.2g}), above {limit:g}"
        for found in shifts
        if found.psi.low is not None and found.psi.low > limit
    ]


def _other_performance(config: ModelConfig, compared: Sequence[Compared]) -> list[str]:
    reasons = []
    for found in compared:
        tolerance = config.tolerances.get(cast("MetricName", found.metric))
        if tolerance is None or found.holdout.value is None or found.live.value is None:
            continue
        change = difference(_estimate(found.holdout), _estimate(found.live))
        if change.low > tolerance.value or change.high < -tolerance.value:
            reasons.append(
                f"the live model has a {found.metric} of {found.holdout.value:.3f} on it and of "
                f"{found.live.value:.3f} in live traffic: {change.value:+.3f} ({change.low:+.3f} to "
                f"{change.high:+.3f}), where {tolerance.value:g} is tolerated"
            )
    return reasons


def _estimate(found: Measured) -> Estimate:
    assert found.value is not None and found.low is not None and found.high is not None
    return Estimate(found.value, found.low, found.high, found.n)


# --- What is compared -------------------------------------------------------------------------------------


def _labels(held: Profile, now: Profile) -> list[Compared]:
    if held.spec.task.kind != "binary":
        return []
    rates = []
    for profile in (held, now):
        rows = profile.outcomes()
        rates.append(Measured.of(wilson(rows.positives, rows.labelled, nothing="no row has a label yet")))
    return [Compared(metric="label_rate", holdout=rates[0], live=rates[1])]


def _shifts(held: Profile, now: Profile) -> list[Shifted]:
    spec = held.spec
    columns = dict.fromkeys((*spec.outputs, *spec.numeric, *spec.categorical))
    found = [Shifted(column=name, psi=_psi(held.bins(name), now.bins(name))) for name in columns]
    classes = _classes(held), _classes(now)
    if spec.label not in columns and classes[0] is not None and classes[1] is not None:
        found.append(Shifted(column=spec.label, psi=_psi(classes[0], classes[1])))
    return sorted(found, key=lambda shift: (-(shift.psi.value if shift.psi.value is not None else -1.0), shift.column))


def _psi(held: Counts, now: Counts) -> Measured:
    found = psi(held, now)
    return Measured.of(found if isinstance(found, Unknown) else found.estimate)


def _classes(profile: Profile) -> Counts | None:
    """Labelled rows by class."""
    if profile.spec.task.kind == "binary":
        rows = profile.outcomes()
        return np.rint([rows.labelled - rows.positives, rows.positives]).astype(np.int64)
    if profile.spec.task.kind == "multiclass":
        counts: Counts = np.rint(profile.confusion().sum(axis=1)).astype(np.int64)
        return counts
    return None


def _performance(held: Profile, now: Profile) -> list[Compared]:
    return [
        Compared(metric=name, holdout=Measured.of(metric(held)), live=Measured.of(metric(now)))
        for name, metric in performance(held).items()
    ]
