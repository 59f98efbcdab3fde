"""A trend as a small image: is tonight worse, by how much, and since when, seen in a second on a phone.

Drawn on a canvas of its own, never through ``pyplot``: no state is shared, so any thread may draw.
Colours are Okabe and Ito's, which colour-blind readers can tell apart [1]_; still, every one of
them stands beside a shape or a word. Letters come from the font that matplotlib ships, so that
equal trends give equal bytes wherever they are drawn.

References
----------
.. [1] M. Okabe and K. Ito, "Color Universal Design" (2002), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightproof.chart_layout import Scale, day, day_ticks, days_shown, rows, said, scale_of, spread
from nightproof.trend import Point, Trend
from nightproof.words import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NIGHTS = 30
"""Nights shown, tonight the last."""
INK, SOFT, FAINT, GROUND = "#1c1e26", "#585d6b", "#e3e6ec", "#ffffff"
BLUE, SKY, VERMILION, BLUSH = "#0072b2", "#bfdcec", "#c04800", "#fbeae0"
"""Okabe-Ito's blue and vermilion, the latter darker so that words can be read in it, and a tint of each."""
_INCHES, _DPI = (6.6, 3.1), 240
_COLOURS = 64
_PLOT = (0.095, 0.115, 0.6, 0.615)
"""Left, bottom, width and height of the plot as shares of the image; the rest is for words."""
_TITLE_LETTERS = 36
_TONIGHT_HEIGHT, _LABEL_HEIGHT = 0.43, 0.125
"""Of what is said beside the plot, as shares of its height."""


def draw(trend: Trend) -> bytes:
    """A PNG of the trend's last nights, some 1600 pixels wide, for a reader who sees it at half that size or less.

    Shown are the nightly values with their 95 % intervals, the baseline, the limit with its harmful
    side shaded, tonight's value in words, where another version of the model began, since when the
    incident is open, and the nights that have no value. Equal trends give equal bytes.

    Raises
    ------
    ValueError
        If the trend has no points at all: there is no tonight to show.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if trend.tonight is None:
        raise ValueError("a trend without points cannot be drawn")
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=GROUND)
    _Chart(trend.latest(NIGHTS), figure.add_axes(_PLOT)).draw()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return _png(canvas)


def _png(canvas: Any) -> bytes:
    """The canvas in a few colours, a third of the size; without the libraries' names, which would change the bytes."""
    import numpy as np
    from PIL import Image

    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image = BytesIO()
    drawn.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        image, "PNG", optimize=True
    )
    return image.getvalue()


class _Chart:
    """One trend on its axes. Across, a day is 1 and tonight is at 0; upwards is as the scale has it."""

    def __init__(self, trend: Trend, axes: Axes) -> None:
        assert trend.tonight is not None
        self.trend, self.axes = trend, axes
        self.tonight: Point = trend.tonight
        self.scale: Scale = scale_of(trend)
        self.days = days_shown(trend)
        self.ink = VERMILION if trend.is_harm(self.tonight.told) else BLUE
        axes.set_axis_off()
        axes.set_xlim(-self.days - 0.6, 0.9)
        axes.set_ylim(self.scale.low, self.scale.high)

    def draw(self) -> None:
        self.grid()
        self.limit()
        self.baseline()
        self.versions()
        self.history()
        self.without_value()
        self.incident()
        self.mark_tonight()
        self.title()
        self.labels()

    def grid(self) -> None:
        for place, text in self.scale.ticks:
            self.axes.axhline(place, color=FAINT, linewidth=1, zorder=1)
            shown = f"{100 * place:.6g} %" if self.trend.percent and not self.scale.power else text
            self.write(
                -0.013,
                (place - self.scale.low) / (self.scale.high - self.scale.low),
                shown,
                size=11.5,
                color=SOFT,
                ha="right",
                va="center",
            )
        for back in day_ticks(self.days):
            bold, color = (True, INK) if back == 0 else (False, SOFT)
            shown = day(self.tonight.date - timedelta(days=back))
            self.write(self.across(-back), -0.05, shown, size=11.5, bold=bold, color=color, ha="center", va="top")

    def limit(self) -> None:
        if self.trend.limit is None:
            return
        place, lower = self.scale.place(self.trend.limit), self.trend.worse == "lower"
        self.axes.axhspan(
            self.scale.low if lower else place, place if lower else self.scale.high, color=BLUSH, zorder=0
        )
        self.axes.axhline(place, color=VERMILION, linewidth=1.6, zorder=2)
        edge = 0.028 if lower else 0.972
        self.write(0.012, edge, "worse than tolerated", size=11, color=VERMILION, va="bottom" if lower else "top")

    def baseline(self) -> None:
        if self.trend.baseline is not None:
            place = self.scale.place(self.trend.baseline)
            self.axes.axhline(place, color=SOFT, linewidth=1.6, linestyle=(0, (5, 3)), zorder=3.5)

    def history(self) -> None:
        """Line, band and points; a night without a value breaks both line and band."""
        for run in _runs(self.trend.points):
            across = [self.day_of(point.night) for point in run]
            up = [self.scale.place(point.told or 0.0) for point in run]
            lows, highs = self.intervals(run)
            if len(run) == 1 and lows != highs:
                self.axes.vlines(across, lows, highs, color=SKY, linewidth=5, zorder=3)
            self.axes.fill_between(across, lows, highs, color=SKY, linewidth=0, zorder=3)
            self.axes.plot(across, up, color=BLUE, linewidth=2, marker="o", markersize=3.4, zorder=4)

    def intervals(self, run: list[Point]) -> tuple[list[float], list[float]]:
        found = [point.interval or (point.told or 0.0, point.told or 0.0) for point in run]
        cut = [[min(max(self.scale.place(end), self.scale.low), self.scale.high) for end in ends] for ends in found]
        return [low for low, _ in cut], [high for _, high in cut]

    def mark_tonight(self) -> None:
        """Larger than the others, a diamond if it is beyond the limit, with its whole interval."""
        value = self.tonight.told
        if value is None:
            return
        if self.tonight.interval is not None:
            low, high = (self.scale.place(end) for end in self.tonight.interval)
            self.axes.errorbar(
                [0],
                [(low + high) / 2],
                yerr=[(high - low) / 2],
                color=self.ink,
                elinewidth=2.4,
                capsize=5,
                capthick=2.4,
                zorder=6,
            )
        mark, size = ("D", 10.5) if self.trend.is_harm(value) else ("o", 11)
        place = self.scale.place(value)
        self.axes.plot([0], [place], mark, color=self.ink, markersize=size, mec=GROUND, mew=1.8, zorder=7)

    def versions(self) -> None:
        """A dotted line where another version began, with its name where there is room."""
        room = 2.0
        for night, name in sorted(self.trend.versions, reverse=True):
            at = self.day_of(night)
            if not -self.days <= at <= 0:
                continue
            self.axes.axvline(at, color=INK, linewidth=1.6, linestyle=(0, (1, 1.8)), zorder=2)
            if room - self.across(at) > 0.2:
                side = "left" if self.across(at) < 0.72 else "right"
                text = f" ▸ {plain(name, 16)}" if side == "left" else f"{plain(name, 16)} ▸ "
                self.write(self.across(at), 1.0, text, size=11, color=INK, ha=side, va="bottom")
                room = self.across(at)

    def without_value(self) -> None:
        """Nights without a value, at the foot of the plot: a cross if quarantined, a ring if there was no data."""
        for nights, mark, color in ((self.trend.quarantined, "x", INK), (self.trend.missing, "o", SOFT)):
            across = [at for night in nights if -self.days <= (at := self.day_of(night)) <= 0]
            self.axes.plot(
                across,
                [0.0] * len(across),
                mark,
                color=color,
                markersize=6.5,
                mfc=GROUND,
                mew=1.8,
                zorder=8,
                clip_on=False,
                transform=self.axes.get_xaxis_transform(),
            )

    def incident(self) -> None:
        """A bar along the foot since the night on which the incident opened."""
        if self.trend.opened is None:
            return
        start = max(self.day_of(self.trend.opened), -self.days)
        foot = self.axes.get_xaxis_transform()
        self.axes.plot(
            [start - 0.3, 0.3],
            [0, 0],
            color=VERMILION,
            linewidth=4,
            clip_on=False,
            transform=foot,
            zorder=5,
            solid_capstyle="butt",
        )

    def title(self) -> None:
        text = plain(self.trend.title, 72)
        size = max(17.0 * min(1.0, _TITLE_LETTERS / max(len(text), 1)), 10.5)
        self.write(-0.135, 1.315, text, size=size, bold=True, color=INK, va="center")
        parts = ["each night with its 95 % interval"]
        parts += [f"▬ open since {day(date.fromisoformat(self.trend.opened))}"] if self.trend.opened else []
        parts += ["× quarantined"] if any(-self.days <= self.day_of(n) <= 0 for n in self.trend.quarantined) else []
        parts += ["○ no value"] if self.trend.missing else []
        below = "  ·  ".join(parts)
        self.write(-0.135, 1.175, below, size=11 * min(1.0, 72 / len(below)), color=SOFT, va="center")

    def labels(self) -> None:
        """To the right of the plot, at the height of what each names: tonight, the baseline, the limit."""
        trend, value = self.trend, self.tonight.told
        names = [(trend.baseline, SOFT, trend.reference), (trend.limit, VERMILION, "limit")]
        lines = [(mark, color, name) for mark, color, name in names if mark is not None]
        wanted = [0.5 if value is None else self.scale.share(value), *(self.scale.share(mark) for mark, *_ in lines)]
        heights = [_TONIGHT_HEIGHT] + [_LABEL_HEIGHT] * len(lines)
        places = spread(wanted, heights, low=-0.06, high=1.14)
        for (mark, color, name), at, place in zip(lines, wanted[1:], places[1:], strict=True):
            self.leader(at, place, color)
            text = f"{plain(name, 18)} {said(mark, trend)}"
            self.write(1.05, place, text, size=12.5 * min(1.0, 20 / len(text)), color=color, va="center")
        if value is not None:
            self.leader(wanted[0], places[0] + 0.1, self.ink)
        self.say_tonight(places[0])

    def say_tonight(self, place: float) -> None:
        value, ends = self.tonight.told, self.tonight.interval
        text = "no value" if value is None else said(value, self.trend)
        size = 25.0 * min(1.0, 7 / len(text))
        self.write(
            1.05, place + 0.1, text, size=size, bold=True, color=SOFT if value is None else self.ink, va="center"
        )
        below = [f"{said(ends[0], self.trend)} to {said(ends[1], self.trend)}"] if ends else []
        below += [f"{day(self.tonight.date)}, {rows(self.tonight.n)}"]
        for line, words in enumerate(below):
            self.write(
                1.05, place - 0.06 - 0.11 * line, words, size=12 * min(1.0, 19 / len(words)), color=INK, va="center"
            )

    def leader(self, at: float, place: float, color: str) -> None:
        """A thin line from the plot's edge to the words that belong there."""
        self.axes.plot(
            [1.0, 1.04], [at, place], color=color, linewidth=1.2, clip_on=False, transform=self.axes.transAxes, zorder=2
        )

    def day_of(self, night: str) -> int:
        return (date.fromisoformat(night) - self.tonight.date).days

    def across(self, days: float) -> float:
        """A day as a share of the plot's width."""
        return (days + self.days + 0.6) / (self.days + 1.5)

    def write(
        self,
        across: float,
        up: float,
        text: str,
        *,
        size: float,
        color: str,
        bold: bool = False,
        ha: str = "left",
        va: str = "baseline",
    ) -> None:
        """Words at a place in shares of the plot. None of them is read as a formula: they may come from data."""
        known: dict[str, Any] = {"ha": ha, "va": va, "color": color, "parse_math": False, "usetex": False, "zorder": 9}
        font = _font(bold, size)
        self.axes.text(across, up, _drawable(text), transform=self.axes.transAxes, fontproperties=font, **known)


def _runs(points: tuple[Point, ...]) -> list[list[Point]]:
    """Points that have a value, in runs of nights without a gap."""
    runs: list[list[Point]] = []
    for point in points:
        if point.told is None:
            continue
        if runs and (point.date - runs[-1][-1].date).days == 1:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _font(bold: bool, size: float) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file(bold), size=size)


@cache
def _font_file(bold: bool) -> str:
    from matplotlib import get_data_path

    return str(Path(get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"))


@cache
def _letters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(_font_file(True)).get_charmap()) & frozenset(FT2Font(_font_file(False)).get_charmap())


def _drawable(text: str) -> str:
    """The same text with a box for each letter that the font lacks; the message beside it has the letter."""
    return "".join(letter if ord(letter) in _letters() else "□" for letter in text)
