"""Charts' laws: nothing from data is markup, gaps stay gaps, and the table beside a chart has the same numbers."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nightproof.board.series import Told
from nightproof.dashboard.drawing import charts
from nightproof.dashboard.drawing.charts import Bins, Figure, Interval, Marks
from nightproof.dashboard.past_nights import PastSeries, SeriesPoint
from nightproof.dashboard.serving import plotly_js
from nightproof.dashboard.serving.render import as_json

EVIL = '<a href="javascript:alert(1)">x</a></script>&<br>'
NIGHTS = ("2024-02-27", "2024-02-28", "2024-03-02", "2024-03-05")
SPAN = {"first": "2024-02-26", "last": "2024-03-06"}


def made(
    nights: tuple[str, ...] = NIGHTS, *, limits: tuple[float | None, ...] = (), statuses: str = "", metric: str = "psi"
) -> PastSeries:
    """A series that was told on some nights."""
    points = []
    for place, night in enumerate(nights):
        value = 0.1 + place / 7
        limit = limits[place] if limits else 0.2
        told = Told(value, value - 0.01, value + 0.01, 1000 + place, 0.15, limit, (statuses or "o" * 99)[place])
        points.append(SeriesPoint(night, told))
    return PastSeries(("drift", metric, None, ()), "higher", tuple(points))


MARKS = Marks(
    versions=[("2024-02-28", EVIL)], incidents=[("2024-01-01", "2024-03-02", EVIL)], quarantined=["2024-03-01"]
)


def every_kind(name: str) -> list[Figure]:
    """A figure of each kind, of things that are called so."""
    return [
        charts.trend(made(), name, **SPAN, marks=MARKS),
        charts.lines([(name, made()), (f"{name} again", made())], **SPAN, title=name, marks=MARKS),
        charts.columns_by_night([(name, [1, None, 2])], first="2024-03-01", title=name, line=(name, [3, 4, 5])),
        charts.histogram_pair([name, name], [0.5, 0.5], [0.1, 0.9], title=name, names=(name, "Baseline")),
        charts.heat_map([name, name], ["2024-03-01"], [[0.1], [None]], title=name, limit=0.1),
        charts.bars_with_intervals([Interval(name, 0.7, 0.6, 0.8, 90, 0.9)], title=name, limit=0.8),
        charts.calibration([Bins(name, (0.1, 0.9), (0.2, 0.8), (50, 60))]),
    ]


@pytest.mark.parametrize("place", range(7))
def test_no_text_from_data_is_markup_in_a_chart(place: int) -> None:
    figure = every_kind(EVIL)[place]
    drawn = json.dumps([figure["data"], figure["layout"]])
    assert "<a" not in drawn and "</" not in drawn.replace("</extra>", "")
    assert "&lt;a" in drawn


@pytest.mark.parametrize("place", range(7))
def test_a_figure_is_data_that_a_page_can_hold(place: int) -> None:
    figure = every_kind(EVIL)[place]
    text = str(as_json({"data": figure["data"], "layout": figure["layout"]}))
    assert "<" not in text and json.loads(text)["data"] == json.loads(json.dumps(figure["data"]))
    assert figure["words"]


def colours(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in colours(part, name)]
    if isinstance(value, list):
        return [found for part in value for found in colours(part, key)]
    return [value] if isinstance(value, str) and "color" in key else []


@pytest.mark.parametrize("place", range(7))
def test_colours_are_tokens_of_the_style_sheet(place: int) -> None:
    style = (Path(charts.__file__).parents[1] / "static" / "style.css").read_text("utf-8")
    found = colours(every_kind("x")[place])
    assert all(colour.startswith("var(--") for colour in found)
    assert all(f"{colour[4:-1]}:" in style for colour in found)


def test_nights_without_a_number_are_gaps() -> None:
    figure = charts.trend(made(), "PSI", **SPAN)
    [told] = [trace for trace in figure["data"] if "told" in trace]
    assert told["x0"] == "2024-02-26"
    assert [value is not None for value in told["y"]] == [c == "x" for c in ".xx..x..x."]
    assert {len(told["y"])} == {len(told["told"][name]) for name in ("low", "high", "n", "status")} == {10}
    assert told["told"]["status"] == "-oo--o--o-"


def test_a_chart_has_no_night_that_its_span_has_not() -> None:
    figure = charts.trend(made(), "PSI", first="2024-03-01", last="2024-03-02", marks=MARKS)
    [told] = [trace for trace in figure["data"] if "told" in trace]
    assert told["y"] == [None, pytest.approx(0.1 + 2 / 7, rel=1e-4)]
    [span] = figure["layout"]["shapes"]
    assert (span["x0"], span["x1"]) == ("2024-02-29 12:00", "2024-03-02 12:00")


def test_numbers_have_no_more_digits_than_a_chart_shows() -> None:
    draw = random.Random(3)
    values = [draw.uniform(-1, 1) * 10 ** draw.randint(-8, 8) for _ in range(200)]
    shown = charts.columns_by_night([("x", values)], first="2024-01-01", title="x")["data"][0]["y"]
    assert all(len(f"{abs(value):e}".split("e")[0].rstrip("0")) <= 6 for value in shown)
    assert shown == pytest.approx(values, rel=1e-4)


def test_a_limit_that_changes_is_told_where_it_does() -> None:
    figure = charts.trend(made(limits=(0.2, 0.2, 0.3, None)), "PSI", **SPAN)
    [limit] = [trace for trace in figure["data"] if trace["name"] == "Limit"]
    assert limit["x"] == ["2024-02-26 12:00", "2024-03-01 12:00", "2024-03-04 12:00", "2024-03-05 12:00"]
    assert limit["y"] == [0.2, 0.3, None, None]
    without = charts.trend(made(limits=(None,) * 4), "PSI", **SPAN)
    assert not [trace for trace in without["data"] if trace["name"] == "Limit"]


def test_the_table_has_the_numbers_of_the_chart_the_last_night_first() -> None:
    table = charts.trend(made(), "PSI", **SPAN)["table"]
    assert [row[0] for row in table["rows"]] == list(reversed(NIGHTS))
    assert table["rows"][-1] == ["2024-02-27", "0.100", "0.090 to 0.110", "1,000"]
    assert all(len(row) == len(table["columns"]) for row in table["rows"])


def test_a_table_that_was_cut_says_so() -> None:
    table = charts.trend(made(), "PSI", **SPAN, most=3)["table"]
    assert [row[0] for row in table["rows"]] == list(reversed(NIGHTS[1:]))
    assert "last 3 of 4 nights" in table["cut"]
    assert "cut" not in charts.trend(made(), "PSI", **SPAN, most=4)["table"]


def test_a_share_is_told_in_per_cent() -> None:
    figure = charts.trend(made(metric="missing_rate"), "Missing", **SPAN, percent=True)
    assert figure["table"]["rows"][-1][1] == "10.0 %"
    assert "%" in figure["layout"]["yaxis"]["tickformat"]
    assert charts.is_rate("accuracy") and charts.is_rate("estimated_accuracy") and not charts.is_rate("roc_auc")


def test_words_tell_the_last_night_the_extremes_and_the_regressions() -> None:
    said = charts.trend(made(statuses="orro"), "PSI", **SPAN)["words"]
    assert "0.529 (0.519 to 0.539, n = 1,003) on 2024-03-05" in said
    assert "between 0.100 (2024-02-27)" in said and "2 nights regressed" in said
    assert "no night" in charts.trend(made(()), "PSI", **SPAN)["words"]


def test_labels_that_are_alike_once_cut_stay_apart() -> None:
    long = ["a" * 60 + str(i) for i in range(3)]
    figure = charts.histogram_pair(long, [0.2, 0.3, 0.5], [0.1, 0.1, 0.8], title="x")
    assert all(trace["x"] == [0, 1, 2] for trace in figure["data"])
    assert charts.bars_with_intervals([Interval(n, 1.0) for n in long], title="x")["data"][-1]["y"] == [0, 1, 2]


def test_two_distributions_differ_by_more_than_colour_and_hatching_hides_no_bar() -> None:
    bars = [trace["marker"] for trace in charts.histogram_pair(["a"], [1.0], [1.0], title="x")["data"]]
    assert len({bar["pattern"]["shape"] for bar in bars}) == len({bar["color"] for bar in bars}) == 2
    # Plotly's own way, to replace, would leave the hatching alone, in the colour of the paper.
    assert all(bar["pattern"]["fillmode"] == "overlay" for bar in bars)


def test_a_heat_map_keeps_nights_in_their_places() -> None:
    figure = charts.heat_map(["x"], ["2024-02-28", "2024-03-01"], [[0.5, 0.7]], title="PSI", limit=0.1)
    assert figure["data"][0]["z"] == [[0.5, None, 0.7]]
    assert "2 cells above 0.1" in figure["words"]
    assert charts.heat_map([], [], [], title="PSI", limit=0.1)["data"][0]["z"] == []


def test_series_differ_by_more_than_colour() -> None:
    figure = charts.lines([(str(i), made()) for i in range(4)], **SPAN)
    assert len({trace["line"]["dash"] for trace in figure["data"]}) == 4


# --- Plotly's script --------------------------------------------------------------------------------------------


@pytest.fixture
def script(ask: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    app = FastAPI()
    app.include_router(plotly_js.pages)
    return lambda path, **how: ask(app, path, **how)


def installed() -> bytes:
    found = util.find_spec("plotly")
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_bytes()


def test_the_installed_script_is_served_packed_and_for_ever(script: Callable[..., httpx.Response]) -> None:
    name = f"/static/plotly-{metadata.version('plotly')}.js"
    assert script("/static/plotly.js").headers["Location"] == name
    answer = script(name, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert int(answer.headers["Content-Length"]) < len(installed()) / 2
    assert answer.content == installed()


def test_who_takes_nothing_packed_gets_it_unpacked(script: Callable[..., httpx.Response]) -> None:
    answer = script(f"/static/{plotly_js.plotly_file()}", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content == installed() == gzip.decompress(plotly_js._packed())


def test_another_version_is_not_there(published: Any, ask: Callable[..., httpx.Response]) -> None:
    assert ask(published.app(), "/static/plotly-0.0.1.js").status_code == 404


def test_plotly_is_never_imported() -> None:
    code = (
        "import sys\nfrom nightproof.dashboard.drawing import charts\n"
        "from nightproof.dashboard.model_pages import model_page\n"
        "from nightproof.dashboard.serving import plotly_js\nplotly_js._packed()\n"
        "print([name for name in ('plotly', 'numpy', 'scipy', 'polars') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
