"""Nightproof's own rule on many runs at once: its package ``sequential``, and the life of its incidents.

What :mod:`nightproof.evidence` and :mod:`nightproof.incidents` do for one model and one night, done for all
runs of a cell side by side; a test holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from nightproof.evidence import OVERLAP
from nightproof.incidents import WORSE
from nightproof.metrics.estimate import Z95
from nightproof.sequential.budget import joined, rejected, weights
from nightproof.sequential.looks import REFERENCE_NIGHTS, WINDOWS, log_tail, look
from nightproof.sequential.nights import Nights
from nightproof.sequential.noise import CLUSTERED, noise

from benchmarks.alerts.incidents import RECOVERED_AFTER, Flags
from benchmarks.alerts.model import Floats
from benchmarks.alerts.series import Series

BY_THEMSELVES = ("calibration_error",)
"""Metrics whose nights are never averaged."""
MERGED_WINDOWS = (7, 28)
"""The config's windows beside the night."""
LONG = 10_000


def product(series: Series, budget: float) -> Flags:
    """Nights on which an incident opens, opens again or gets twice as bad, by run and night."""
    series = _rooted(series)
    share = weights(series.family)
    runs, count, k = series.value.shape
    nights = Nights(runs * k, count)
    lives = [_Life.begun(np.array(series.family) == family, runs) for family in dict.fromkeys(series.family)]
    found = np.zeros((runs, count), dtype=np.bool_)
    for night in range(count):
        usual, longest = np.ones((runs, k), dtype=np.bool_), np.zeros((runs, k))
        for life in lives:
            usual[:, life.own], longest[:, life.own] = ~life.is_open[:, None], life.since[:, None]
        harm = series.sign * series.value[:, night]
        columns = (harm, series.error[:, night], series.n[:, night])
        nights.add(*(column.ravel() for column in columns), usual=usual.ravel())
        log_p, size = _weighed(nights, series, night, longest)
        hit = rejected(log_p, share, min(OVERLAP * budget, 0.5))
        within = ~(harm - series.sign * series.reference > series.limit)
        for life in lives:
            found[:, night] |= life.night(hit, size, within)
    return found


@dataclass
class _Life:
    """The incidents of one family, run by run; see :mod:`nightproof.incidents`."""

    own: Flags
    is_open: Flags
    good: Floats
    shown: Flags
    worst: Floats
    since: Floats

    @classmethod
    def begun(cls, own: Flags, runs: int) -> _Life:
        nothing = np.zeros((runs, int(own.sum())), dtype=np.bool_)
        return cls(own, np.zeros(runs, dtype=np.bool_), np.zeros(runs), nothing, np.zeros(runs), np.full(runs, LONG))

    def night(self, hit: Flags, size: Floats, within: Flags) -> Flags:
        """Go on over a night; gives the runs in which it pages."""
        hit, within = hit[:, self.own], within[:, self.own]
        size = np.where(hit, size[:, self.own], 0.0).max(axis=1)
        bad = hit.any(axis=1)
        opened = bad & ~self.is_open
        self.shown |= hit
        self.good = np.where(np.where(self.shown, within, True).all(axis=1) & ~opened & self.is_open, self.good + 1, 0)
        worse = bad & self.is_open & (self.good == 0) & (size >= WORSE * self.worst)
        self.worst = np.where(opened | worse, size, self.worst)
        self.is_open |= opened
        over = self.is_open & (self.good >= RECOVERED_AFTER)
        self.since = np.where(over, 1, self.since + 1)
        self.is_open &= ~over
        self.shown &= ~over[:, None]
        return opened | worse


def _rooted(series: Series) -> Series:
    """The calibration error as the product tells it: the root of its square, with the arm of its interval towards 0."""
    place = series.name.index("calibration_error")

    def root(square: Floats) -> Floats:
        return np.sqrt(np.maximum(square, 0.0))

    def changed(values: Floats, put: Floats) -> Floats:
        copy = values.copy()
        copy[..., place] = put
        return copy

    def arm(square: Floats, error: Floats) -> Floats:
        return (root(square) - root(square - Z95 * error)) / Z95

    square, error = series.value[..., place], series.error[..., place]
    merged, merged_error = series.merged_value[..., place], series.merged_error[..., place]
    known, known_error = series.reference[:, place], series.reference_error[:, place]
    return replace(
        series,
        value=changed(series.value, root(square)),
        error=changed(series.error, arm(square, error)),
        merged_value=changed(series.merged_value, root(merged)),
        merged_error=changed(series.merged_error, arm(merged, merged_error)),
        reference=changed(series.reference, root(known)),
        reference_error=changed(series.reference_error, (root(known + Z95 * known_error) - root(known)) / Z95),
        limit=changed(series.limit, np.asarray(root(series.limit[place]))),
    )


def _weighed(nights: Nights, series: Series, night: int, longest: Floats) -> tuple[Floats, Floats]:
    """Logarithms of p-values through all looks, and the harm of the strongest in units of its limit."""
    runs, _, k = series.value.shape
    limit = np.broadcast_to(series.limit, (runs, k))
    reference = series.sign * series.reference
    averaged = np.array([name not in BY_THEMSELVES for name in series.name])
    looks: list[tuple[int, Floats]] = []
    harms: list[Floats] = []
    for window in WINDOWS:
        if window <= nights.count:
            told = look(
                nights,
                window,
                limit=(limit + reference).ravel(),
                reference_variance=(series.reference_error**2).ravel(),
                expected=limit.ravel(),
            )
            allowed = (window <= longest) & (averaged | (window == 1))
            looks.append((window, np.where(allowed, told.log_p.reshape(runs, k), 0.0)))
            harms.append(told.harm.reshape(runs, k))
    log_p = joined(looks)
    best = np.argmin(np.stack([found for _, found in looks]), axis=0)
    harm = np.take_along_axis(np.stack(harms), best[None], axis=0)[0]
    log_p = np.where(averaged, log_p, looks[0][1])
    merged = [found for found in _merged(nights, series, night, longest) if found is not None]
    for place in range(k):
        # Where nights are not averaged, or none of late tells, merged windows stand beside the night.
        through = [(window, told[:, place]) for window, told in merged]
        untold = ~np.isfinite(series.value[:, night, place])
        if through and not averaged[place]:
            log_p[:, place] = joined([(1, looks[0][1][:, place]), *through])
        elif through and untold.any():
            log_p[untold, place] = joined(through)[untold]
    return log_p, (harm + limit) / limit


def _merged(nights: Nights, series: Series, night: int, longest: Floats) -> Iterator[tuple[int, Floats] | None]:
    """Looks through merged windows, by run and series; none where a window has no more nights than a shorter one."""
    runs, _, k = series.value.shape
    limit = np.broadcast_to(series.limit, (runs, k))
    for place, window in enumerate(MERGED_WINDOWS):
        value, error = (part[:, place, night] for part in (series.merged_value, series.merged_error))
        usual = noise(nights, max(nights.count - window, 0), expected=limit.ravel())
        added = usual.of_mean(np.full(runs * k, float(window))) + usual.of_mean(np.full(runs * k, REFERENCE_NIGHTS))
        untold = ~np.isfinite(series.value[:, night])
        rows = (error**2 + series.reference_error**2) * (1.0 + CLUSTERED * untold)
        added, known = _of_others(series, added.reshape(runs, k), usual.freedom.reshape(runs, k), untold)
        whole = rows + added
        freedom = known * (whole / added) ** 2
        harm = series.sign * (value - series.reference) - limit
        told = np.isfinite(value) & np.isfinite(error) & (window <= longest)
        log_p = np.where(told, log_tail(np.where(told, harm, 0.0) / np.sqrt(np.where(told, whole, 1.0)), freedom), 0.0)
        yield (window, log_p) if told.any() else None


def _of_others(series: Series, added: Floats, freedom: Floats, untold: Flags) -> tuple[Floats, Floats]:
    """Where a night does not tell a series, the median of those of the same metric that it does tell."""
    metric = np.array([name.split(" ", maxsplit=1)[0] for name in series.name])
    both = []
    for values in (added, freedom):
        copy = values.copy()
        for place in np.flatnonzero(untold.any(axis=0)):
            others = np.where(untold, np.nan, values)[:, metric == metric[place]]
            some = untold[:, place] & np.isfinite(others).any(axis=1)
            copy[some, place] = np.nanmedian(others[some], axis=1)
        both.append(copy)
    return both[0], both[1]
