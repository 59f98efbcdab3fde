"""Charts as static SVG: a metric night by night with its interval, its baseline and what is tolerated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor, log10

from markupsafe import Markup, escape

from nightproof.trend import Point, Trend
from nightproof.words import number

WIDTH, HEIGHT = 960, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 118, 12, 34


@dataclass(frozen=True)
class _Scale:
    first: date
    last: date
    low: float
    high: float

    def x(self, night: date) -> float:
        days = max((self.last - self.first).days, 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * (night - self.first).days / days

    def y(self, value: float) -> float:
        held = min(max(value, self.low), self.high)
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - held) / (self.high - self.low)


def trend_svg(trend: Trend, *, first: date, last: date) -> Markup:
    """Draw a metric over a period; it reads without colours, and without the text around it.

    Parameters
    ----------
    trend
        Nights without a value are gaps.
    first, last
        The period, both nights included.

    Returns
    -------
    Markup
        One ``svg`` element without scripts or links; empty where no night has a value.
    """
    told = [point for point in trend.points if point.told is not None]
    if not told:
        return Markup("")
    scale = _scale(told, trend, first, last)
    worst = min(told, key=lambda p: p.told or 0.0) if trend.worse == "lower" else max(told, key=lambda p: p.told or 0.0)
    summary = f"{trend.title}: {len(told)} nights, from {number(told[0].told)} to {number(told[-1].told)}"
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="trend" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(summary)}; the worst was {number(worst.told)} on {worst.night}</title>",
        *_grid(scale),
        *(_run(run, scale) for run in _runs(told)),
        *_marks(trend, scale),
        *_points(told, trend, scale),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704  every text in it is escaped above


def _scale(told: Sequence[Point], trend: Trend, first: date, last: date) -> _Scale:
    values = sorted(value for point in told for value in (point.told, *(point.interval or ())) if value is not None)
    # A few nights of hardly any rows must not flatten all others: the widest ends may leave the picture.
    cut = len(values) // 100
    values = values[cut : len(values) - cut]
    values += [mark for mark in (trend.baseline, trend.limit) if mark is not None]
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    return _Scale(first, last, low - room, high + room)


def _grid(scale: _Scale) -> list[str]:
    parts = []
    for value in _ticks(scale.low, scale.high):
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    days = (scale.last - scale.first).days
    step = next((step for step in (1, 2, 7, 14, 28, 56, 112, 182, 365) if days / step <= 9), 730)
    for offset in range(0, days + 1, step):
        night = scale.first + timedelta(days=offset)
        text = (
            f'<text class="tick" x="{scale.x(night):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{night:%d %b}</text>'
        )
        parts.append(text)
    return parts


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 4
    size = 10.0 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    start = int(low // step) + 1
    return [round(step * place, 12) for place in range(start, int(high // step) + 1)]


def _runs(told: Sequence[Point]) -> list[list[Point]]:
    """Nights without a gap between them."""
    runs: list[list[Point]] = []
    for point in told:
        if runs and (point.date - runs[-1][-1].date).days == 1:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _run(run: Sequence[Point], scale: _Scale) -> str:
    spans = [(scale.x(p.date), p.interval) for p in run if p.interval is not None]
    if len(run) == 1:
        bars = [
            f'<line class="arm" x1="{x:.1f}" x2="{x:.1f}" y1="{scale.y(low):.1f}" y2="{scale.y(high):.1f}"/>'
            for x, (low, high) in spans
        ]
        return "".join(bars)
    upper = [f"{x:.1f},{scale.y(high):.1f}" for x, (_, high) in spans]
    lower = [f"{x:.1f},{scale.y(low):.1f}" for x, (low, _) in reversed(spans)]
    line = " ".join(f"{scale.x(p.date):.1f},{scale.y(p.told or 0.0):.1f}" for p in run)
    return f'<polygon class="band" points="{" ".join([*upper, *lower])}"/><polyline class="line" points="{line}"/>'


def _marks(trend: Trend, scale: _Scale) -> list[str]:
    found = [("baseline", trend.baseline, "baseline"), ("limit", trend.limit, "tolerated to")]
    parts: list[str] = []
    taken: list[float] = []
    for name, value, words in found:
        if value is None:
            continue
        y = scale.y(value)
        at = (
            y + 4
            if all(abs(y + 4 - other) >= 13 for other in taken)
            else taken[-1] + (13 if y >= taken[-1] - 4 else -13)
        )
        taken.append(at)
        parts.append(f'<line class="{name}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="mark" x="{WIDTH - RIGHT + 6}" y="{at:.1f}">{words} {number(value)}</text>')
    return parts


def _points(told: Sequence[Point], trend: Trend, scale: _Scale) -> list[str]:
    parts = []
    for point in told:
        x, y, value = scale.x(point.date), scale.y(point.told or 0.0), number(point.told)
        if trend.is_harm(point.told):
            arms = f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7"
            parts.append(f'<path class="harm" d="{arms}"><title>{point.night}: {value}, beyond</title></path>')
        else:
            parts.append(
                f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"><title>{point.night}: {value}</title></circle>'
            )
    return parts
