"""Charts: Plotly figures as plain data, which ``static/charts.js`` draws in the browser.

A figure is ``{"data": [...], "layout": {...}, "words": "...", "table": {...}}``: what is drawn, the same in a sentence,
and the same as a table, for whoever cannot see it or has no script. Plotly itself is never imported here.

Three things are left to ``charts.js``, so that a year of nights stays small: colours are names of tokens
(``var(--series)``), looked up when the chart is drawn; nights are told by their first one and a step; and a trace with
``told`` (ends of intervals, rows, statuses) gets its band, its marks and its hover texts there. Text from data is
escaped here, by :func:`~nightproof.words.label`: Plotly takes tags and links in every text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightproof import words
from nightproof.dashboard.drawing.chart_layout import (
    BASELINE,
    DASHES,
    DAY_MS,
    LIMIT,
    PALETTE,
    SOFT,
    Figure,
    days_between,
    days_of,
    later,
    named_line,
    nights_layout,
    note,
    shape,
    stroke,
)
from nightproof.dashboard.drawing.chart_table import digits, is_rate, listed, number_of, table, told_rows, told_words
from nightproof.dashboard.drawing.group_charts import Bins, Interval, bars_with_intervals, calibration, histogram_pair
from nightproof.dashboard.past_nights import PastSeries

COLUMNS = ("var(--band)", "var(--series)", "var(--second)", "var(--warn)")
"""Of columns that stand before one another: the later ones are darker."""

__all__ = [
    "Bins",
    "Figure",
    "Interval",
    "Marks",
    "bars_with_intervals",
    "calibration",
    "columns_by_night",
    "heat_map",
    "histogram_pair",
    "is_rate",
    "lines",
    "trend",
]


@dataclass(frozen=True)
class Marks:
    """What happened to a model, beside its numbers.

    Parameters
    ----------
    versions
        Nights from which on another version answered, with its name.
    incidents
        First and last night of each incident, and what it is.
    quarantined
        Nights whose data was not evaluated.
    """

    versions: Sequence[tuple[str, str]] = ()
    incidents: Sequence[tuple[str, str, str]] = ()
    quarantined: Sequence[str] = ()


def trend(
    series: PastSeries,
    name: str,
    *,
    first: str,
    last: str,
    percent: bool = False,
    marks: Marks | None = None,
    large: bool = True,
    most: int | None = None,
) -> Figure:
    """One series: its 95 % band, baseline and limit, nights by their status, versions, incidents and quarantine.

    Parameters
    ----------
    series
        The series; nights that it lacks are gaps.
    name
        As the chart calls it; may come from data.
    first, last
        Nights that the chart spans, both included.
    percent
        Whether it is a share, shown in per cent.
    marks
        What happened to the model meanwhile.
    large
        Whether there is room for a legend and axis titles.
    most
        Nights in its table, the last ones; all of them where it is not given.
    """
    held = [
        *_steps("Baseline", [(p.night, p.told.baseline) for p in series.points], last, BASELINE, "dot"),
        *_steps("Limit", [(p.night, p.told.limit) for p in series.points], last, LIMIT, "dash"),
    ]
    layout = nights_layout(first, last, title=name if large else "", percent=percent) | {"showlegend": large}
    data = [
        *held,
        _told(series, name, first, last, percent=percent),
        *_mark(layout, marks or Marks(), first, last, named=large),
    ]
    return {
        "data": data,
        "layout": layout,
        "words": told_words(series, name, percent=percent),
        "table": told_rows([(name, series)], percent=percent, most=most),
    }


def lines(
    several: Sequence[tuple[str, PastSeries]],
    *,
    first: str,
    last: str,
    percent: bool = False,
    title: str = "",
    bands: bool = True,
    marks: Marks | None = None,
) -> Figure:
    """Several series on one axis, told apart by colour and dash.

    Parameters
    ----------
    several
        Each with the name that the legend has.
    first, last
        Nights that the chart spans, both included.
    percent
        Whether they are shares, shown in per cent.
    title
        Of the value axis.
    bands
        Whether the 95 % intervals are drawn as well as told.
    marks
        What happened to the model meanwhile.
    """
    layout = nights_layout(first, last, title=title, percent=percent) | {"showlegend": True}
    data = [
        _told(series, name, first, last, percent=percent, place=place, band=bands)
        for place, (name, series) in enumerate(several)
    ]
    return {
        "data": [*data, *_mark(layout, marks or Marks(), first, last)],
        "layout": layout,
        "words": " ".join(told_words(series, name, percent=percent) for name, series in several),
        "table": told_rows(several, percent=percent),
    }


def columns_by_night(
    several: Sequence[tuple[str, Sequence[float | None]]],
    *,
    first: str,
    title: str,
    stacked: bool = False,
    line: tuple[str, Sequence[float | None]] | None = None,
) -> Figure:
    """Counts by night as columns, from the night ``first`` on.

    Parameters
    ----------
    several
        Name and one count a night, ``None`` where there was no night.
    title
        Of the value axis.
    stacked
        Whether they add up; else each stands before the one before it.
    line
        A count that is drawn as a line over them.
    """
    length = max([len(values) for _, values in several], default=0)
    layout = nights_layout(first, later(first, length - 1), title=title)
    layout |= {"barmode": "stack" if stacked else "overlay", "bargap": 0.15, "showlegend": True}
    layout["yaxis"]["rangemode"] = "tozero"
    data: list[Figure] = [
        _by_night(first, values)
        | {"type": "bar", "name": words.label(name), "marker": {"color": COLUMNS[place % len(COLUMNS)]}, "count": True}
        for place, (name, values) in enumerate(several)
    ]
    every = list(several)
    if line is not None:
        every.append(line)
        data.append(_by_night(first, line[1]) | named_line(line[0], "var(--ink)", "solid") | {"count": True})
    rows = [
        [later(first, i), *(listed(values[i]) for _, values in every)]
        for i in range(length)
        if any(values[i] is not None for _, values in every)
    ]
    said = "; ".join(f"{name} {listed(values[-1])}" for name, values in every if values)
    return {
        "data": data,
        "layout": layout,
        "words": f"{words.counted(len(rows), 'night')} to {later(first, length - 1)}. On the last: {said}.",
        "table": table(["Night", *(name for name, _ in every)], rows),
    }


def heat_map(
    rows: Sequence[str],
    nights: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    title: str,
    limit: float,
    links: Sequence[str] = (),
) -> Figure:
    """A grid of features by nights, the darker the further from the baseline; full colour is three times the limit.

    Parameters
    ----------
    rows
        Names down the side, the first on top; may come from data.
    nights
        Nights that the columns stand for, rising; those between them are empty columns.
    values
        Of each row one a night; ``None`` is left empty.
    title
        What is shown.
    limit
        What is worth a look: there the colour turns.
    links
        Of each row where a click leads, below the page's origin.
    """
    places = _places(nights)
    length = (places[-1] + 1) if places else 0
    grid = [_spread(places, row, length) for row in values]
    most = 3 * limit
    data = {
        "type": "heatmap",
        "x0": nights[0] if nights else None,
        "dx": DAY_MS,
        "y": list(range(len(rows))),
        "z": grid,
        "zmin": 0,
        "zmax": number_of(most),
        "colorscale": [
            [0, "var(--wash)"],
            [0.333, "var(--band)"],
            [0.334, "var(--bad-wash)"],
            [1, "var(--bad)"],
        ],
        "colorbar": {
            "thickness": 10,
            "tickvals": [0, number_of(limit), number_of(most)],
            "ticktext": ["0", f"{limit:g}", f"≥ {most:.3g}"],
        },
        "rows": [words.label(name, 60) for name in rows],
        "of": words.label(title, 60),
        "xgap": 0.5,
        "ygap": 1,
    }
    if links:
        data["links"] = list(links)
    layout = nights_layout(nights[0], nights[-1]) if nights else {}
    layout["yaxis"] = {
        "tickvals": list(range(len(rows))),
        "ticktext": [words.label(name, 22) for name in rows],
        "autorange": "reversed",
        "type": "linear",
        "showgrid": False,
    }
    over = sum(value is not None and value > limit for row in values for value in row)
    return {
        "data": [data],
        "layout": layout,
        "words": f"{title} of {words.counted(len(rows), 'row')} over {words.counted(len(nights), 'night')}: "
        f"{words.counted(over, 'cell')} above {limit:g}.",
        "height": max(160, 60 + 20 * len(rows)),
    }


def _told(
    series: PastSeries, name: str, first: str, last: str, *, percent: bool, place: int = 0, band: bool = True
) -> Figure:
    """A series as one trace; ``charts.js`` adds its band, its marks and its hover texts."""
    by_night = {point.night: point.told for point in series.points if first <= point.night <= last}
    told = [by_night.get(day) for day in days_of(first, last)]
    return _by_night(first, [t and t.value for t in told]) | {
        "type": "scatter",
        "mode": "lines+markers",
        "name": words.label(name),
        "line": stroke(PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)], 1.8),
        "told": {
            "low": digits([t and t.low for t in told]),
            "high": digits([t and t.high for t in told]),
            "n": [t and t.n for t in told],
            "status": "".join(t.status if t else "-" for t in told),
            "percent": percent,
            "band": band,
        },
    }


def _by_night(first: str, values: Sequence[float | None]) -> Figure:
    return {"x0": first, "dx": DAY_MS, "y": digits(values)}


def _steps(name: str, values: Sequence[tuple[str, float | None]], last: str, colour: str, dash: str) -> list[Figure]:
    """A line that is told where it changes, and holds until then."""
    x: list[str] = []
    y: list[float | None] = []
    for night, value in values:
        if not y or number_of(value) != y[-1]:
            x.append(_eve(night))
            y.append(number_of(value))
    if not any(value is not None for value in y):
        return []
    x.append(f"{min(last, values[-1][0])} 12:00")
    y.append(y[-1])
    trace = {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "hoverinfo": "skip"}
    return [trace | {"line": stroke(colour, dash) | {"shape": "hv"}}]


def _eve(night: str) -> str:
    """Half a day before a night, where its part of the axis begins."""
    return f"{later(night, -1)} 12:00"


def _mark(layout: Figure, marks: Marks, first: str, last: str, *, named: bool = True) -> list[Figure]:
    """What happened, onto a layout, versions with their names where there is room; gives what tells of it on hover."""
    shapes, notes, traces = [], [], []
    for since, until, what in marks.incidents:
        begin, end = max(since, first), min(until, last)
        if begin <= end:
            shapes.append(
                shape(x0=_eve(begin), x1=f"{end} 12:00", y0=0, y1=1, yref="paper")
                | {"fillcolor": "var(--bad-wash)", "opacity": 0.7, "line": {"width": 0}}
            )
            traces.append((begin, 0.97, f"✖ Incident since {since}: {words.label(what, 60)}", "triangle-down", LIMIT))
    shown, apart = first, max(1, days_between(first, last) // 8)
    for night, version in marks.versions:
        if first <= night <= last:
            shapes.append(shape(x0=night, x1=night, y0=0, y1=1, yref="paper") | {"line": stroke(SOFT, "dot", 1)})
            traces.append((night, 0.9, f"Version {words.label(version)} from here on", "diamond-open", SOFT))
            if named and (shown == first or days_between(shown, night) >= apart):
                notes.append(note(words.label(version, 14), x=night, y=1, yref="paper"))
                shown = night
    traces += [
        (night, 0.04, "■ Quarantined: its data failed validation", "square", SOFT)
        for night in marks.quarantined
        if first <= night <= last
    ]
    layout |= {"shapes": shapes, "annotations": notes}
    return [_happened(traces)] if traces else []


def _happened(marks: Sequence[tuple[str, float, str, str, str]]) -> Figure:
    """Marks on an axis of their own, from 0 at the bottom to 1 at the top."""
    night, height, text, symbol, colour = (list(column) for column in zip(*marks, strict=True))
    return {
        "type": "scatter",
        "mode": "markers",
        "yaxis": "y2",
        "showlegend": False,
        "x": night,
        "y": height,
        "text": text,
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": symbol, "size": 8, "color": colour},
    }


def _places(nights: Sequence[str]) -> list[int]:
    return [days_between(nights[0], night) for night in nights]


def _spread(places: Sequence[int], values: Sequence[float | None], length: int) -> list[float | None]:
    row: list[float | None] = [None] * length
    for place, value in zip(places, values, strict=True):
        row[place] = number_of(value)
    return row
