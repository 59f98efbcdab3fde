"""Series: one metric of one segment as the nights go by, held against what a config tolerates of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from nightproof.alert_sections import Trouble
from nightproof.checks.finding import Finding
from nightproof.checks.held import Held, held_by
from nightproof.config import ModelConfig
from nightproof.metrics.estimate import Z95
from nightproof.readings import Reading, Readings, SeriesKey, family, key
from nightproof.sequential.looks import WINDOWS, Look, look, look_back
from nightproof.sequential.nights import Floats, Nights
from nightproof.sequential.noise import MEMORY

LOOKED_BACK = max(WINDOWS) + MEMORY
"""Nights of readings that a verdict stands on."""


@dataclass(frozen=True)
class Series:
    """One series tonight: its finding through the shortest window that tells it, and what it is held against."""

    finding: Finding
    held: Held
    longer: tuple[Finding, ...] = ()
    """Its findings through merged windows."""

    @cached_property
    def key(self) -> SeriesKey:
        """What names it."""
        return key(self.finding)

    @cached_property
    def family(self) -> Trouble:
        """The trouble that it would be."""
        return family(self.finding.check, self.finding.metric)

    @property
    def nightly(self) -> bool:
        """Whether the night by itself tells it."""
        return self.finding.window == 1

    @cached_property
    def is_turned(self) -> bool:
        """Whether less is worse tonight of what may be harm in either direction: tonight's is looked into."""
        return self.finding.metric == "mean_error" and (self.finding.value or 0.0) < 0.0

    def told(self, of: Reading | Finding) -> tuple[float, float, float]:
        """Value, standard error and rows of one night, in units of harm: more is worse."""
        value, (low, high) = of.value, of.interval or (np.nan, np.nan)
        assert value is not None
        if self.is_turned:
            value, low, high = -value, -high, -low
        # The arm towards no harm, as a test of harm has it.
        arm = value - low if self.held.sign > 0 else high - value
        return self.held.sign * value, arm / Z95, float(of.n)

    def reference(self) -> tuple[float, float]:
        """What harm is counted from, in units of harm, and its sampling variance."""
        found = self.finding
        if not self.held.from_baseline or found.baseline is None or found.value is None:
            return 0.0, 0.0
        baseline = abs(found.baseline) if found.metric == "mean_error" else found.baseline
        _, error, _ = self.told(found)
        delta = found.value - found.baseline
        low, high = found.delta_interval or (delta, delta)
        arm = delta - low if self.held.sign > 0 else high - delta
        return self.held.sign * baseline, max((arm / Z95) ** 2 - error**2, 0.0)


def held_series(findings: Sequence[Finding], config: ModelConfig) -> list[Series]:
    """Every series among a night's findings that a config holds against something."""
    grouped: dict[object, list[Finding]] = {}
    held: dict[object, Held] = {}
    for finding in sorted(findings, key=lambda f: f.window):
        if finding.value is not None and finding.interval is not None and (bound := held_by(finding, config)):
            name = (*key(finding), bound.shown, bound.sign if bound.from_baseline else 0)
            grouped.setdefault(name, []).append(finding)
            held.setdefault(name, bound)
    return [Series(some[0], held[name], tuple(f for f in some if f.window > 1)) for name, some in grouped.items()]


@dataclass(frozen=True)
class History:
    """The nights of every series, tonight last, in units of harm.

    Parameters
    ----------
    series
        In the order of the columns of everything else.
    nights
        Values by night and calendar date; a date without readings tells nothing.
    limit, expected
        Harm that is tolerated, and the standard deviation between nights that is expected before any were seen.
    reference, reference_variance
        What harm is counted from, and its sampling variance.
    since_version
        Nights since another version of the model came, tonight included; 0 where none did of late.
    """

    series: Sequence[Series]
    nights: Nights
    limit: Floats
    expected: Floats
    reference: Floats
    reference_variance: Floats
    since_version: int

    @classmethod
    def of(cls, series: Sequence[Series], past: Sequence[Readings], night: date, *, version: str | None) -> History:
        """Lay the readings of the nights before ``night`` out by date."""
        known = {date.fromisoformat(found.night): found for found in past}
        known = {when: found for when, found in known.items() if 0 < (night - when).days < LOOKED_BACK}
        first = min(known, default=night)
        nights = Nights(len(series), (night - first).days + 1)
        for offset in range((night - first).days):
            _add(nights, series, known.get(first + timedelta(days=offset)))
        tonight = [s.told(s.finding) if s.nightly else _NOTHING for s in series]
        nights.add(*_columns(tonight), usual=np.ones(len(series), dtype=np.bool_))
        references = [s.reference() for s in series]
        return cls(
            series,
            nights,
            limit=np.array([s.held.limit for s in series]),
            expected=np.array([s.held.usual for s in series]),
            reference=np.array([value for value, _ in references]),
            reference_variance=np.array([variance for _, variance in references]),
            since_version=_since_version(known, night, version),
        )

    def looks(self, reference: str) -> Iterator[Look]:
        """Looks at the nights beside a reference, the shortest window first.

        Parameters
        ----------
        reference
            ``baseline``, ``trailing N nights`` or ``previous version``.
        """
        if reference == "baseline":
            for window in self._windows():
                yield look(
                    self.nights,
                    window,
                    limit=self.reference + self.limit,
                    reference_variance=self.reference_variance,
                    expected=self.expected,
                )
            return
        # A limit of the value itself says nothing of a change: there, the margin is what is tolerated.
        tolerated = np.array(
            [s.held.limit if s.held.from_baseline and s.held.limit else s.held.margin for s in self.series]
        )
        if reference == "previous version":
            pairs = [(self.since_version, max(WINDOWS))] if self.since_version else []
        else:
            pairs = [(window, int(reference.split()[1])) for window in self._windows()]
        for window, before in pairs:
            yield look_back(self.nights, window, before, limit=tolerated, expected=self.expected)

    def _windows(self) -> Iterator[int]:
        return (window for window in WINDOWS if window <= self.nights.count)


_NOTHING = (np.nan, np.nan, 0.0)


def _add(nights: Nights, series: Sequence[Series], readings: Readings | None) -> None:
    if readings is None:
        empty = np.full(len(series), np.nan)
        nights.add(empty, empty, np.zeros(len(series)), usual=np.zeros(len(series), dtype=np.bool_))
        return
    told = [_told(s, readings.nightly.get(s.key), readings) for s in series]
    nights.add(*_columns(told), usual=np.array([s.family not in readings.troubled for s in series]))


def _told(series: Series, reading: Reading | None, readings: Readings) -> tuple[float, float, float]:
    if reading is not None:
        return series.told(reading)
    # Values that vanish are a finding only on the nights on which they do.
    return (0.0, 0.0, float(readings.rows)) if series.finding.metric == "vanished_share" else _NOTHING


def _columns(told: Sequence[tuple[float, float, float]]) -> Iterator[Floats]:
    return iter(np.array(told, dtype=np.float64).reshape(len(told), 3).T)


def _since_version(known: Mapping[date, Readings], night: date, version: str | None) -> int:
    if version is None:
        return 0
    other = [when for when, found in known.items() if found.version not in (None, version)]
    since = (night - max(other)).days if other else 0
    return since if since <= max(WINDOWS) else 0
