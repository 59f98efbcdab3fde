"""Evidence: what tonight and the nights before it say together, series by series, within the budget.

A series is one metric of one segment as the nights go by, held against one reference. Its nights are
looked at through windows of 1 to 28 nights (:mod:`nightproof.sequential`); a series that single nights
cannot tell (a small group), and a metric whose nights do not average to its value on all their rows, is
looked at through the config's merged windows instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from nightproof.alert_sections import Trouble
from nightproof.checks.finding import Finding
from nightproof.checks.held import change_of
from nightproof.config import ModelConfig
from nightproof.metrics.estimate import Z95, Estimate
from nightproof.readings import Readings
from nightproof.sequential.budget import joined, rejected, weights
from nightproof.sequential.looks import REFERENCE_NIGHTS, Look, log_tail
from nightproof.sequential.nights import Bools, Floats
from nightproof.sequential.noise import CLUSTERED, noise
from nightproof.series import LOOKED_BACK, History, Series, held_series

Integers = npt.NDArray[np.int64]
OVERLAP = 4.0
"""How much of the budget a night may spend beyond its own share: neighbouring nights look through the same
nights, so that a stretch of chance is one page and not one a night. Measured in docs/benchmarks.md."""
SURE = 0.05
"""Level at which what does not page is shown as surely moved."""
MERGED = (
    "calibration_error",
    "r2",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity",
    "equalised_odds",
    "predictive_parity",
)
"""Metrics that few rows push one way, or that rows of several nights tell differently from each night: their
nights are never averaged."""


@dataclass(frozen=True)
class Seen:
    """What a series shows most strongly.

    Parameters
    ----------
    series
        Which.
    reference
        What it was compared with.
    window
        Nights of the look that shows it most strongly, tonight the last.
    value, error
        The metric's mean through that look and its standard error, how nights differ included.
    n
        Rows.
    harm
        Harm beyond what is tolerated.
    spread
        Standard error of ``harm``.
    log_p
        Logarithm of the p-value through all looks.
    tonight
        Harm beyond what is tolerated tonight alone; NaN where the night alone does not tell.
    rejected
        Whether it is a regression within the budget; for a family that does not page, whether it is
        surely beyond at 5 %.
    """

    series: Series
    reference: str
    window: int
    value: float
    error: float
    n: int
    harm: float
    spread: float
    log_p: float
    tonight: float
    rejected: bool

    @property
    def size(self) -> float:
        """Harm, what is tolerated included, in units of the margin."""
        return (self.harm + self.series.held.margin) / self.series.held.margin


def weigh(
    findings: Sequence[Finding],
    past: Sequence[Readings],
    *,
    config: ModelConfig,
    night: date,
    version: str | None = None,
    ended: Mapping[Trouble, date],
) -> list[Seen]:
    """Weigh every series that a config holds against something.

    Parameters
    ----------
    findings
        Tonight's, through all windows.
    past
        Readings of earlier nights, rising.
    config
        For tolerances, limits, the budget and the references.
    night
        Tonight.
    version
        The model's version tonight, where a column tells.
    ended
        When the last incident of a family was over: no look reaches back over it.
    """
    series = held_series(findings, config)
    if not series:
        return []
    history = History.of(series, past, night, version=version)
    longest = np.array([(night - ended[s.family]).days if s.family in ended else LOOKED_BACK for s in series])
    every = [found for r in config.alerts.references if (found := _weighed(history, r, longest)).looks]
    if not every:
        return []
    told = _told(np.stack([found.log_p for found in every]), series, config)
    return [
        replace(best, rejected=bool(told[row, place]))
        for row, found in enumerate(every)
        for place in range(len(series))
        if (best := found.best(place)) is not None
    ]


def _told(log_p: Floats, series: Sequence[Series], config: ModelConfig) -> Bools:
    """Which entries of references by series are rejected, those that page at the budget and the rest at 5 %."""
    found = np.zeros(log_p.shape, dtype=np.bool_)
    pages = np.array([s.family in config.alerts.pages for s in series])
    for which, level in ((pages, OVERLAP * config.alerts.false_alarms_per_night), (~pages, SURE)):
        if which.any():
            share = weights([s.family for s, kept in zip(series, which, strict=True) if kept]) / len(log_p)
            flat = log_p[:, which].ravel()
            found[:, which] = rejected(flat, np.tile(share, len(log_p)), min(level, 0.5)).reshape(len(log_p), -1)
    return found


@dataclass(frozen=True)
class _Weighed:
    """All series beside one reference."""

    history: History
    reference: str
    looks: Sequence[Look]
    allowed: Bools
    """Which looks are for which series, looks by series."""
    merged: Mapping[int, Sequence[Seen]]
    """What the merged windows of some series show, by the series' place."""
    log_p: Floats

    def best(self, place: int) -> Seen | None:
        """The look that shows a series most strongly; ``None`` where none is for it."""
        own = [_seen(self, look, place) for look, kept in zip(self.looks, self.allowed[:, place], strict=True) if kept]
        found = min([*own, *self.merged.get(place, ())], key=lambda seen: seen.log_p, default=None)
        if found is None:
            return None
        return replace(found, log_p=float(self.log_p[place]), tonight=self._tonight(place))

    def _tonight(self, place: int) -> float:
        """Harm of the night alone, counted from where its looks count it."""
        nights, first = self.history.nights, self.looks[0]
        alone = nights.pooled(nights.count - 1, nights.count)
        if not self.history.series[place].nightly or alone.n[place] <= 0.0:
            return math.nan
        return float(alone.value[place] - (first.pooled.value[place] - first.harm[place]))


def _weighed(history: History, reference: str, longest: Integers) -> _Weighed:
    looks = list(history.looks(reference))
    if not looks:
        return _Weighed(history, reference, (), np.zeros((0, 0), dtype=np.bool_), {}, np.zeros(0))
    windows = np.array([look.window for look in looks])
    allowed = windows[:, None] <= longest
    allowed[windows > 1] &= [s.nightly and s.finding.metric not in MERGED for s in history.series]
    merged = _merged(history, longest) if reference == "baseline" else {}
    looked = np.stack([look.log_p for look in looks])
    log_p = joined(list(zip(windows.tolist(), np.where(allowed, looked, 0.0), strict=True)))
    for place, some in merged.items():
        own = [(1, looked[0, place])] if history.series[place].nightly else []
        log_p[place] = joined([*own, *((seen.window, np.array(seen.log_p)) for seen in some)])
    return _Weighed(history, reference, looks, allowed, merged, log_p)


def _seen(weighed: _Weighed, look: Look, place: int) -> Seen:
    series = weighed.history.series[place]
    return Seen(
        series=series,
        reference=weighed.reference,
        window=look.window,
        value=float(look.pooled.value[place]) * series.held.sign * (-1.0 if series.is_turned else 1.0),
        error=float(np.sqrt(look.pooled.variance[place])),
        n=int(look.pooled.n[place]),
        harm=float(look.harm[place]),
        spread=float(look.spread[place]),
        log_p=float(look.log_p[place]),
        tonight=np.nan,
        rejected=False,
    )


def _merged(history: History, longest: Integers) -> dict[int, list[Seen]]:
    """What merged windows show of the series that nights by themselves, or their mean, do not tell."""
    wanted = {
        place: [f for f in series.longer if f.window <= longest[place]]
        for place, series in enumerate(history.series)
        if series.longer and (not series.nightly or series.finding.metric in MERGED)
    }
    windows = {f.window for some in wanted.values() for f in some}
    usual = {window: _usual(history, window) for window in windows}
    return {
        place: [
            _through(history.series[place], f, float(usual[f.window][0][place]), float(usual[f.window][1][place]))
            for f in some
        ]
        for place, some in wanted.items()
        if some
    }


def _usual(history: History, window: int) -> tuple[Floats, Floats]:
    """Variance that nights add to a window's value and its reference, and its degrees of freedom.

    Where single nights do not tell a series, those of the same metric that they do tell stand for it.
    """
    found = noise(history.nights, max(history.nights.count - window, 0), expected=history.expected)
    added = found.of_mean(np.full(len(history.series), float(window)))
    added += found.of_mean(np.full(len(history.series), REFERENCE_NIGHTS))
    freedom = found.freedom.copy()
    for place, series in enumerate(history.series):
        alike = [
            other
            for other, s in enumerate(history.series)
            if s.nightly and (s.finding.check, s.finding.metric) == (series.finding.check, series.finding.metric)
        ]
        if not series.nightly and alike:
            added[place], freedom[place] = np.median(added[alike]), np.median(freedom[alike])
    return added, freedom


def _through(series: Series, finding: Finding, added: float, freedom: float) -> Seen:
    """A merged window as a look."""
    assert finding.value is not None and finding.interval is not None
    harm = series.held.harm(Estimate(finding.value, *finding.interval, finding.n), change_of(finding))
    # Nights that are not told cannot show how clustered their rows are.
    clustered = 0.0 if series.nightly else CLUSTERED
    rows = (1.0 + clustered) * ((harm.change.value - harm.change.low) / Z95) ** 2
    spread = float(np.sqrt(rows + added))
    told = harm.change.value - harm.limit
    known = freedom * ((rows + added) / added) ** 2 if added > 0.0 else 1e9
    return Seen(
        series=series,
        reference="baseline",
        window=finding.window,
        value=finding.value,
        error=float(np.sqrt(rows)),
        n=finding.n,
        harm=told,
        spread=spread,
        log_p=float(log_tail(np.array(told / max(spread, 1e-150)), np.array(min(known, 1e9)))),
        tonight=np.nan,
        rejected=False,
    )
