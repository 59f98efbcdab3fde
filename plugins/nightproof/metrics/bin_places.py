"""Where rows that are known by bin are taken to lie, and how far off that can be.

Both sides' rows are placed alike, so that equal histograms have no distance:

- within an inner bin, uniform;
- in the baseline's outermost bins, which reach as far as its farthest outlier, uniform over twice the
  mean excess of an exponential tail that continues the density of the bin beside it, from the inner
  edge on; over the whole bin if that is narrower;
- in an outermost bin in which the baseline has nothing, uniform over the current side's own range;
- beyond the baseline's range, in a bin that it shares with others, there are as many rows as the
  extremes prove: one, or all. Those are counted, and the rest is left to the range check.

No row can lie farther from its place than its bin reaches, which bounds the error of a mean distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nightproof.metrics.shift import Counts, Floats

Range = tuple[float, float]
"""Least and greatest finite value."""
OUTERMOST = 0.01
"""Least share of the baseline's rows in a bin that can be its outermost one; the few beyond are outliers."""


@dataclass(frozen=True)
class BinPlaces:
    """The line cut where the gap of two distribution functions bends.

    Parameters
    ----------
    slopes
        For each bin, the width over which its rows are spread, where the gap runs straight from one
        edge's to the next one's. Below the first edge and above the last it runs to 0.
    levels
        For each inner edge, the width on which no rows lie, so that the gap stays as at the edge.
    proved
        Mean distance that the extremes prove beyond that.
    reach
        The most by which the raw values' mean distance can differ from that of the places.
    """

    slopes: Floats
    levels: Floats
    proved: float
    reach: float

    @classmethod
    def of(
        cls,
        current: Counts,
        baseline: Counts,
        edges: Sequence[float],
        *,
        current_range: Range,
        baseline_range: Range,
    ) -> BinPlaces:
        """Place the rows of two histograms over the same bins; at least one edge."""
        spans = _Spans.of(current, baseline, np.asarray(edges, dtype=np.float64), current_range, baseline_range)
        n = int(current.sum())
        levels = (spans.start - spans.low)[1:] + (spans.high - spans.end)[:-1]
        proved = spans.proved(0, n) + spans.proved(len(current) - 1, n)
        return cls(spans.end - spans.start, levels, proved, spans.reach(current, baseline))

    def distance(self, gaps: Floats) -> Floats:
        """``integral |gap|`` from gaps at the inner edges (edges x cases)."""
        sizes = np.abs(gaps)
        if len(gaps) == 1:
            return np.asarray(self._weights @ sizes)
        # A straight line that crosses 0 encloses two triangles instead of a trapezium.
        lost = gaps[:-1] * gaps[1:]
        np.minimum(lost, 0.0, out=lost)
        both = sizes[:-1] + sizes[1:]
        both += 1e-300
        lost /= both
        return np.asarray(self._weights @ sizes + self.slopes[1:-1] @ lost)

    def integral(self, gaps: Floats) -> Floats:
        """The same with its sign."""
        return np.asarray(self._weights @ gaps)

    @cached_property
    def _weights(self) -> Floats:
        """Width that the gap at each edge stands for, by the trapezium rule."""
        return np.asarray(self.levels + (self.slopes[:-1] + self.slopes[1:]) / 2)


@dataclass(frozen=True)
class _Spans:
    """Each bin's bounds, and the part of it that its rows are spread over."""

    low: Floats
    high: Floats
    start: Floats
    end: Floats
    current_range: Range

    @classmethod
    def of(
        cls, current: Counts, baseline: Counts, edges: Floats, current_range: Range, baseline_range: Range
    ) -> _Spans:
        low = np.append(min(baseline_range[0], edges[0]), edges)
        high = np.append(edges, max(baseline_range[1], edges[-1]))
        # Where the baseline has nothing in an open bin, the current side says how far it goes.
        if baseline[0] == 0 and current[0]:
            low[0] = min(current_range[0], edges[0])
        if baseline[-1] == 0 and current[-1]:
            high[-1] = max(current_range[1], edges[-1])
        start, end = low.copy(), high.copy()
        if baseline[0] == 0 and current[0]:
            end[0] = np.clip(current_range[1], low[0], edges[0])
        if baseline[-1] == 0 and current[-1]:
            start[-1] = np.clip(current_range[0], edges[-1], high[-1])
        held = np.flatnonzero(baseline >= OUTERMOST * baseline.sum())
        if len(held) > 1:
            width = high - low
            first, second, fore, last = held[0], held[1], held[-2], held[-1]
            start[first] = end[first] - _tail(width[first], width[second], baseline[first] / baseline[second])
            end[last] = start[last] + _tail(width[last], width[fore], baseline[last] / baseline[fore])
        return cls(low, high, start, end, current_range)

    def proved(self, i: int, n: int) -> float:
        """Distance beyond an open bin's bound: of all rows to the nearest, and of one to the farthest."""
        near, far = self.current_range[1], self.current_range[0]
        bound, sign = (self.low[i], -1.0) if i == 0 else (self.high[i], 1.0)
        if sign > 0:
            near, far = far, near
        all_rows = max(0.0, sign * (near - bound))
        return float(all_rows + max(0.0, sign * (far - bound) - all_rows) / n)

    def reach(self, current: Counts, baseline: Counts) -> float:
        low, high = self.low.copy(), self.high.copy()
        bound = self._farthest(low, high, baseline)
        low[0], high[-1] = min(low[0], self.current_range[0]), max(high[-1], self.current_range[1])
        return bound + self._farthest(low, high, current)

    def _farthest(self, low: Floats, high: Floats, counts: Counts) -> float:
        """Greatest mean distance of rows in their bins from their places, uniform from start to end."""
        middle = (self.start + self.end) / 2
        return float(np.maximum(high - middle, middle - low) @ counts / counts.sum())


def _tail(width: float, beside: float, odds: float) -> float:
    """Twice the mean excess of an exponential tail that goes on with the density of the bin beside it."""
    return min(float(width), 2 * float(beside) * float(odds)) if beside > 0 else float(width)
