"""Sparklines: thirty nights in the width of a word, as SVG that stands in the page, and in words.

Nothing in them is told by colour alone: harm is a dot, a night without a value a stroke on the ground line, and the
statuses of a strip have each a shape of their own. Whole units keep one below 1.2 kB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from markupsafe import Markup, escape

from nightproof import words
from nightproof.board import Primary
from nightproof.board.series import NOTHING, STATUS_CODES
from nightproof.dashboard.drawing.explain import reach_of
from nightproof.verdict import VerdictStatus

SLOTS = 30
"""Places for nights."""
STEP, HEIGHT, FLOOR = 5, 42, 38
"""Units between nights, of the drawing, and down to the ground line."""
WIDTH = SLOTS * STEP + 2
ROOM = 0.2
"""How far beyond values, baseline and limit the band may reach, as a share of their span: one night of few rows must
not flatten all others."""


class Spot(NamedTuple):
    """One night's place in the drawing; no value on a night that told none, or that did not come."""

    night: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    harm: bool = False


def sparkline(primary: Primary) -> Markup:
    """A model's primary metric over its last nights: line, 95 % band, baseline, limit, harm, and nights without it."""
    spots = list(_spots(primary))[-SLOTS:]
    levels = [primary.baseline, primary.limit]
    told = [v for v in (*(spot.value for spot in spots), *levels) if v is not None]
    if not told:
        return Markup("")
    height = _scale(told)
    offset = SLOTS - len(spots)
    placed = [((offset + i) * STEP + 3, spot) for i, spot in enumerate(spots)]
    drawn = (
        _path("band", "".join(_bands(placed, height))),
        _level("base", primary.baseline, height),
        _level("limit", primary.limit, height),
        _path("line", "".join(_lines(placed, height))),
        _path("gap", "".join(f"M{x} {FLOOR}v3" for x, spot in placed if spot.value is None)),
        _path("harm", "".join(f"M{x} {height(s.value)}h0" for x, s in placed if s.harm and s.value is not None)),
    )
    return _svg("spark", in_words(primary, spots), "".join(drawn))


def in_words(primary: Primary, spots: Sequence[Spot]) -> str:
    """What the drawing shows, for whoever does not see it."""
    told = [(spot.value, spot.night) for spot in spots if spot.value is not None]
    name = words.metric_title(primary.metric)
    if not told:
        return f"{name}: no value on the last {words.counted(len(spots), 'night')}"
    harm = [spot.night for spot in spots if spot.harm]
    worst, on = max(told) if primary.worse == "higher" else min(told)
    parts = [
        f"{name}, {told[0][1]} to {told[-1][1]}: {words.number(told[0][0])} to {words.number(told[-1][0])}",
        f"{'highest' if primary.worse == 'higher' else 'lowest'} {words.number(worst)} on {on}",
        "" if primary.baseline is None else f"baseline {words.number(primary.baseline)}",
        "" if primary.limit is None else f"limit {words.number(primary.limit)}",
        f"surely beyond it on {words.counted(len(harm), 'night')}" if harm else "",
        f"{words.counted(len(spots) - len(told), 'night')} without a value" if len(told) < len(spots) else "",
    ]
    return ", ".join(part for part in parts if part)


def strip(statuses: Sequence[tuple[str, VerdictStatus]]) -> Markup:
    """The statuses of the last nights as bars: the worse, the taller; hollow where the night could tell nothing."""
    if not statuses:
        return Markup("")
    shown = statuses[-SLOTS:]
    offset = SLOTS - len(shown)
    bars: dict[str, list[str]] = {}
    for place, (_, status) in enumerate(shown):
        bars.setdefault(status, []).append(f"M{(offset + place) * STEP + 3} 14{_BARS[status]}")
    drawn = "".join(_path(status, "".join(found)) for status, found in bars.items())
    count = Counter(status for _, status in shown)
    parts = [f"{count[name]} {words.STATUS[name].split(' ', 1)[1].lower()}" for name in _BARS if count[name]]
    bad = [night for night, status in shown if status in ("regression", "quarantined")]
    last = f"; the last bad one {bad[-1]}" if bad else ""
    return _svg("strip", f"Last {words.counted(len(shown), 'night')}: {', '.join(parts)}{last}", drawn, height=15)


_BARS: dict[VerdictStatus, str] = {
    "regression": "v-13",
    "quarantined": "h2v-10h-4v10h2",
    "watch": "v-7",
    "insufficient_data": "h2v-5h-4v5h2",
    "ok": "v-3",
}


def _spots(primary: Primary) -> Iterator[Spot]:
    """Nights in order, with an empty place for each that did not come: as many as usually lie between."""
    days = [date.fromisoformat(night).toordinal() for night in primary.night]
    usual = median(b - a for a, b in pairwise(days)) if len(days) > 2 else 1
    before: int | None = None
    for i, night in enumerate(primary.night):
        missing = round((days[i] - before) / usual) - 1 if before is not None and usual else 0
        yield from (Spot("") for _ in range(min(missing, SLOTS)))
        before = days[i]
        value = None if primary.status[i] == NOTHING else primary.value[i]
        low, high = primary.low[i], primary.high[i]
        sure = reach_of(low, high, primary.limit, primary.worse) == "beyond"
        yield Spot(night, value, low, high, sure or primary.status[i] == STATUS_CODES["regression"])


class _scale:  # noqa: N801  a function with a memory
    """Heights of values: the highest at the top."""

    def __init__(self, told: Sequence[float]) -> None:
        least, most = min(told), max(told)
        room = ROOM * (most - least) or abs(most) * ROOM or 1.0
        self._top, self._bottom = most + room, least - room

    def __call__(self, value: float | None) -> int:
        share = (self._top - (value or 0.0)) / (self._top - self._bottom)
        return round(2 + min(max(share, 0.0), 1.0) * (FLOOR - 4))


def _runs(placed: Iterable[tuple[int, Spot]], *, band: bool = False) -> Iterator[list[tuple[int, Spot]]]:
    """Stretches of nights that have a value, or an interval."""
    run: list[tuple[int, Spot]] = []
    for x, spot in placed:
        if spot.value is None or (band and (spot.low is None or spot.high is None)):
            if run:
                yield run
            run = []
        else:
            run.append((x, spot))
    if run:
        yield run


def _lines(placed: Iterable[tuple[int, Spot]], height: _scale) -> Iterator[str]:
    for run in _runs(placed):
        points = " ".join(f"{x} {height(spot.value)}" for x, spot in run)
        yield f"M{points}" if len(run) > 1 else f"M{points}h0"


def _bands(placed: Iterable[tuple[int, Spot]], height: _scale) -> Iterator[str]:
    for run in _runs(placed, band=True):
        there = [(x, height(spot.high)) for x, spot in run]
        back = [(x, height(spot.low)) for x, spot in reversed(run)]
        if len(run) == 1:
            there, back = [(x - 1, y) for x, y in there], [(x + 1, y) for x, y in back]
            there, back = [*there, (there[0][0] + 2, there[0][1])], [*back, (back[0][0] - 2, back[0][1])]
        yield "M" + " ".join(f"{x} {y}" for x, y in (*there, *back)) + "z"


def _level(kind: str, value: float | None, height: _scale) -> str:
    return "" if value is None else _path(kind, f"M0 {height(value)}H{WIDTH}")


def _path(kind: str, drawn: str) -> str:
    return f'<path class="{kind}" d="{drawn}"/>' if drawn else ""


def _svg(kind: str, said: str, drawn: str, *, height: int = HEIGHT) -> Markup:
    said = str(escape(words.plain(said, 400)))
    # Nothing but numbers and names from here is in what is drawn.
    return Markup(  # noqa: S704
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}" role="img"><title>{said}</title>{drawn}</svg>'
    )
