"""The chart: right where it can be measured, small, the same every time, and unmoved by what data brings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from itertools import pairwise
from math import inf, nan

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.chart import BLUE, BLUSH, GROUND, INK, NIGHTS, SOFT, VERMILION, draw
from nightproof.chart_layout import HARM_ROOM, day, day_ticks, days_shown, said, scale_of, spread
from nightproof.trend import Point, Trend
from PIL import Image

LAST = date(2013, 12, 14)
ANY_SIZE = st.floats(allow_nan=True, allow_infinity=True)


def points(*values: float | None, width: float = 0.01, n: int = 8412) -> tuple[Point, ...]:
    """One a night, the last on 14 December."""
    nights = [str(LAST - timedelta(days=back)) for back in range(len(values))][::-1]
    return tuple(
        Point(night, value, None if value is None else value - width, None if value is None else value + width, n)
        for night, value in zip(nights, values, strict=True)
    )


def trend(*values: float | None, **changes: object) -> Trend:
    found = Trend("ROC AUC of flight_delay", points(*values), "lower", baseline=0.835, limit=0.815)
    return replace(found, **changes)  # type: ignore[arg-type]


HEALTHY = [0.83, 0.84, 0.835, 0.84, 0.832, 0.836] * 5
FELL = trend(*HEALTHY[:-1], 0.7, opened="2013-12-14", versions=(("2013-12-10", "version 14"),))
CASES = {
    "fell": FELL,
    "healthy": trend(*HEALTHY),
    "rose": trend(0.16, 0.165, 0.3, worse="higher", baseline=0.166, limit=0.176),
    "one point": trend(0.7),
    "no value tonight": trend(0.83, None, quarantined=("2013-12-14",)),
    "no value at all": trend(None, baseline=None, limit=None),
    "gaps": trend(0.83, None, 0.84, None, None, 0.82, quarantined=("2013-12-11",)),
    "not finite": trend(0.83, nan, inf, -inf, 0.82),
    "constant": trend(0.835, 0.835, baseline=0.835, limit=0.835),
    "zero": trend(0.0, 0.0, baseline=0.0, limit=None),
    "huge": trend(1e300, 1.1e300, 1.79e308, worse="higher", baseline=1e300, limit=1.2e300),
    "tiny": trend(1e-300, 5e-324, baseline=1e-300, limit=None),
    "negative": trend(-12.5, -80.0, worse="lower", baseline=-10.0, limit=-20.0),
    "far apart": trend(1e-9, 1e9, -1e9, baseline=0.0),
    "percent": trend(0.002, 0.31, worse="higher", percent=True, baseline=0.002, limit=0.052),
    "long names": trend(0.8, 0.7, title="Impact ratio " * 40, reference="reference " * 9, unit="parsecs"),
    "hostile": trend(0.8, title="$\\frac{x}{$ <b>売上</b> \u202e\x00", versions=(("2013-12-14", "$v^{1"),)),
    "old version": trend(0.8, 0.81, versions=(("2001-01-01", "1"), ("2013-12-14", "2")), opened="2001-01-01"),
    "no interval": trend(0.8, points=(Point("2013-12-13", 0.8), Point("2013-12-14", 0.7, nan, 0.8, 12))),
}


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def near(png: bytes, colour: str) -> np.ndarray:
    """Which pixels have a colour, about."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.abs(pixels(png) - wanted).max(axis=2) < 12


@pytest.mark.parametrize("name", list(CASES))
def test_a_chart_is_a_small_png_and_the_same_every_time(name: str) -> None:
    png = draw(CASES[name])
    assert png == draw(CASES[name])
    assert png.startswith(b"\x89PNG") and len(png) < 60_000
    width, height = Image.open(BytesIO(png)).size
    assert 1500 <= width <= 1700 and 600 <= height <= 800


def test_a_chart_says_nothing_of_when_and_by_what_it_was_drawn() -> None:
    assert Image.open(BytesIO(draw(FELL))).info.keys() <= {"dpi"}


def test_a_trend_without_points_is_refused() -> None:
    with pytest.raises(ValueError, match="without points"):
        draw(trend())


@settings(max_examples=12, deadline=None)
@given(values=st.lists(st.none() | ANY_SIZE, min_size=1, max_size=5), limit=ANY_SIZE, text=st.text(max_size=30))
def test_whatever_the_numbers_and_words_are_a_chart_is_drawn(values: list[float], limit: float, text: str) -> None:
    assert draw(trend(*values, limit=limit, title=text, reference=text, unit=text))


def test_harm_is_drawn_in_its_colour_where_it_is() -> None:
    """Tonight's mark is at the right, and below the limit's line, as the pixels have it."""
    png = draw(trend(*HEALTHY[:-1], 0.7))
    marked = near(png, VERMILION)
    assert marked.sum() > near(draw(trend(*HEALTHY)), VERMILION).sum() + 500
    shaded = near(png, BLUSH)
    upper = draw(replace(FELL, worse="higher", limit=0.9))
    assert np.nonzero(shaded)[0].mean() > np.nonzero(near(upper, BLUSH))[0].mean(), "below is lower than above"
    assert near(draw(trend(0.8, limit=None)), BLUSH).sum() == 0


def test_a_night_without_a_value_breaks_the_line() -> None:
    whole, broken = trend(*[0.83] * 9), trend(0.83, 0.83, 0.83, None, None, None, 0.83, 0.83, 0.83)
    assert near(draw(broken), BLUE).sum() < near(draw(whole), BLUE).sum()


def test_only_the_last_nights_are_shown() -> None:
    many = trend(*[0.83] * 100)
    assert draw(many) == draw(replace(many, points=many.points[-NIGHTS:]))


def test_words_from_data_are_no_formula() -> None:
    """A formula's dollars are not drawn; here they are, so that the pictures differ."""
    assert draw(trend(0.8, title="$x$")) != draw(trend(0.8, title="x"))


def test_drawing_leaves_no_trace_and_waits_with_its_imports() -> None:
    before = dict(mpl.rcParams)
    draw(FELL)
    assert dict(mpl.rcParams) == before
    code = (
        "import sys, nightproof.chart, nightproof.message; assert 'matplotlib' not in sys.modules; "
        "from nightproof.trend import *; nightproof.chart.draw(Trend('t', (Point('2013-12-14', 1.0),), 'lower')); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("words", [INK, SOFT, BLUE, VERMILION])
@pytest.mark.parametrize("ground", [GROUND, BLUSH])
def test_words_stand_out_from_their_ground(words: str, ground: str) -> None:
    """Contrast of 4.1 at least: WCAG 2.2 asks 4.5 of small text, 3 of large; what is on the blush is large."""
    low, high = sorted([luminance(words), luminance(ground)])
    assert (high + 0.05) / (low + 0.05) >= (4.5 if ground == GROUND else 4.1)


# --- Where things go --------------------------------------------------------------------------------------


@given(
    labels=st.lists(st.tuples(st.floats(-1, 2), st.floats(0.05, 0.3)), min_size=1, max_size=3),
)
def test_labels_do_not_overlap_and_stay_inside(labels: list[tuple[float, float]]) -> None:
    wanted, heights = [at for at, _ in labels], [height for _, height in labels]
    places = spread(wanted, heights, low=0.0, high=1.0)
    spans = sorted((place - h / 2, place + h / 2) for place, h in zip(places, heights, strict=True))
    assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(spans))
    assert spans[0][0] >= -1e-9 and spans[-1][1] <= 1 + 1e-9


def test_labels_with_room_are_where_they_are_wanted() -> None:
    assert spread([0.9, 0.1, 0.5], [0.1, 0.1, 0.1], low=0.0, high=1.0) == [0.9, 0.1, 0.5]


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9),
    limit=st.floats(-1e6, 1e6),
    worse=st.sampled_from(["lower", "higher"]),
)
def test_every_value_and_the_limit_are_on_the_axis(values: list[float], limit: float, worse: str) -> None:
    found = replace(trend(*values), limit=limit, worse=worse, baseline=None)  # type: ignore[arg-type]
    scale = scale_of(found)
    assert scale.low < scale.high
    assert all(0.0 <= scale.share(value) <= 1.0 for value in [*values, limit])
    beyond = scale.share(limit) if worse == "lower" else 1.0 - scale.share(limit)
    assert beyond >= HARM_ROOM - 1e-6, "the words there have room"


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_ticks_rise_and_are_told_apart(values: list[float]) -> None:
    scale = scale_of(trend(*values, limit=None, baseline=None))
    places = [place for place, _ in scale.ticks]
    assert 2 <= len(places) <= 9
    assert places == sorted(set(places))
    assert all(scale.low <= place <= scale.high for place in places)
    assert len({text for _, text in scale.ticks}) == len(places)


@pytest.mark.parametrize(
    ("value", "percent", "unit", "text"),
    [
        (0.565, False, "", "0.565"),
        (0.31, True, "", "31.0 %"),
        (15800.0, False, "€", "15,800 €"),
        (1.2e-9, False, "", "1.2e−9"),
        (-2.1e300, False, "", "−2.1e300"),
        (0.0, False, "", "0.000"),
    ],
)
def test_a_value_is_written_as_a_reader_wants_it(value: float, percent: bool, unit: str, text: str) -> None:
    assert said(value, trend(0.8, percent=percent, unit=unit)) == text


def test_days_are_words_and_tonight_is_always_one_of_them() -> None:
    assert day(LAST) == "14 Dec"
    for count in range(1, 40):
        back = day_ticks(days_shown(trend(*[0.8] * count)))
        assert back[0] == 0 and 3 <= len(back) <= 7


# --- The noun ---------------------------------------------------------------------------------------------


def test_nights_without_a_value_are_missing_unless_they_are_quarantined() -> None:
    found = trend(0.83, None, 0.84, None, 0.82, quarantined=("2013-12-13",))
    assert found.missing == ("2013-12-11",)
    assert trend().missing == () and trend().tonight is None


def test_a_value_that_is_not_finite_is_none() -> None:
    assert Point("2013-12-14", nan).told is None and Point("2013-12-14", inf, 0.0, 1.0).interval is None
    assert Point("2013-12-14", 0.5, 0.4, nan).interval is None
    assert Point("2013-12-14", 0.5, 0.6, 0.4).interval == (0.4, 0.6)


@pytest.mark.parametrize(
    ("worse", "value", "harm"), [("lower", 0.8, True), ("lower", 0.82, False), ("higher", 0.82, True)]
)
def test_harm_is_beyond_the_limit(worse: str, value: float, harm: bool) -> None:
    assert trend(0.8, worse=worse).is_harm(value) is harm
    assert not trend(0.8, limit=None).is_harm(value)
    assert not trend(0.8).is_harm(None)
