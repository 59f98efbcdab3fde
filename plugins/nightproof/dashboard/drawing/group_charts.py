"""Charts of one night: groups, bins and distributions, without an axis of nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightproof import words
from nightproof.dashboard.drawing.chart_layout import (
    BASELINE,
    DASHES,
    LIMIT,
    PALETTE,
    SOFT,
    Figure,
    named_line,
    note,
    shape,
    stroke,
    value_format,
)
from nightproof.dashboard.drawing.chart_table import Cells, digits, listed, shown, table


@dataclass(frozen=True)
class Interval:
    """One group's value: its interval and the rows that it stands on."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    baseline: float | None = None
    status: str = "-"
    """Its code, as on the board."""


@dataclass(frozen=True)
class Bins:
    """A reliability diagram: of each bin its mean score, its share of positives and its rows."""

    name: str
    score: Sequence[float] = field(default=())
    share: Sequence[float] = field(default=())
    rows: Sequence[float] = field(default=())


def histogram_pair(
    labels: Sequence[str],
    tonight: Sequence[float],
    baseline: Sequence[float],
    *,
    title: str,
    names: tuple[str, str] = ("Tonight", "Baseline"),
) -> Figure:
    """Two distributions side by side, bin by bin.

    Parameters
    ----------
    labels
        Bins or categories, in order; may come from data.
    tonight, baseline
        Share of the rows in each, 0 to 1.
    title
        What the bins are of; may come from data.
    names
        What the two are called.
    """
    # Labels that are alike once they are cut would fall on one place: places are numbers, and labels their names.
    shown = [words.label(text) for text in labels]
    places = list(range(len(shown)))
    axis = {
        "tickvals": places,
        "ticktext": shown,
        "type": "linear",
        "showgrid": False,
        "title": {"text": words.label(title, 60)},
    }
    data = [
        {
            "type": "bar",
            "name": words.label(name),
            "x": places,
            "y": digits(values),
            "text": shown,
            "textposition": "none",
            "marker": {"color": colour, "pattern": _hatched(shape)},
            "hovertemplate": f"%{{text}}<br>{words.label(name)} %{{y:.2%}}<extra></extra>",
        }
        for name, values, colour, shape in (
            (names[0], tonight, "var(--series)", ""),
            (names[1], baseline, "var(--idle)", "/"),
        )
    ]
    gaps = sorted(zip(labels, tonight, baseline, strict=True), key=lambda bin_: -abs(bin_[1] - bin_[2]))
    said = "; ".join(f"{words.plain(text)}: {a:.1%}, {b:.1%}" for text, a, b in gaps[:3])
    return {
        "data": data,
        "layout": {
            "barmode": "group",
            "bargap": 0.2,
            "showlegend": True,
            "xaxis": axis,
            "yaxis": {"tickformat": ",.1~%", "title": {"text": "Share of rows"}, "rangemode": "tozero"},
        },
        "words": f"{words.plain(title)}. The largest differences ({names[0]}, {names[1]}): {said}.",
        "table": table(
            [words.plain(title), *names],
            [[words.plain(t), f"{a:.2%}", f"{b:.2%}"] for t, a, b in zip(labels, tonight, baseline, strict=True)],
        ),
    }


def bars_with_intervals(
    groups: Sequence[Interval],
    *,
    title: str,
    limit: float | None = None,
    limit_name: str = "Limit",
    percent: bool = False,
) -> Figure:
    """Groups, each by its value and 95 % interval, beside a limit such as four fifths.

    Parameters
    ----------
    groups
        The first on top; names may come from data.
    title
        Of the value axis.
    limit
        Drawn as a line across.
    limit_name
        What the line is called.
    percent
        Whether values are shares, shown in per cent.
    """
    places = list(range(len(groups)))
    names = [words.label(group.name) for group in groups]
    data: list[Figure] = []
    if any(group.baseline is not None for group in groups):
        marker = {"symbol": "line-ns-open", "size": 12, "color": BASELINE, "line": {"width": 2}}
        data.append(
            {"x": digits([g.baseline for g in groups]), "y": places, "name": "Baseline", "marker": marker}
            | {"type": "scatter", "mode": "markers", "hoverinfo": "skip"}
        )
    # An interval without a value, as a group has that only its bounds are known of, is drawn from its middle.
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Value, 95 % interval",
            "x": digits([group.value for group in groups]),
            "y": places,
            "told": {
                "low": digits([group.low for group in groups]),
                "high": digits([group.high for group in groups]),
                "n": [group.n for group in groups],
                "status": "".join(group.status for group in groups),
                "percent": percent,
                "names": names,
            },
            "marker": {"color": "var(--series)", "size": 9},
        }
    )
    layout: Figure = {
        "showlegend": True,
        "xaxis": {"title": {"text": words.label(title, 60)}} | value_format(percent),
        "yaxis": {"tickvals": places, "ticktext": names, "range": [len(groups) - 0.4, -0.6], "type": "linear"},
        "hovermode": "closest",
    }
    if limit is not None:
        layout["shapes"] = [shape(x0=limit, x1=limit, y0=0, y1=1, yref="paper") | {"line": stroke(LIMIT, "dash")}]
        layout["annotations"] = [note(f"{limit_name} {shown(limit, percent=percent)}", x=limit, y=1, yref="paper")]
    cells: list[Cells] = [
        [words.plain(g.name), *(shown(v, percent=percent) for v in (g.value, g.low, g.high)), listed(g.n)]
        for g in groups
    ]
    return {
        "data": data,
        "layout": layout,
        "words": f"{words.plain(title)} of {words.counted(len(groups), 'group')}"
        + (f", beside {limit_name} {shown(limit, percent=percent)}." if limit is not None else "."),
        "table": table(["Group", "Value", "Low", "High", "n"], cells),
        "height": 90 + 34 * len(groups),
    }


def calibration(curves: Sequence[Bins]) -> Figure:
    """Reliability diagrams: what was predicted against what happened, a point a bin; the diagonal is perfect."""
    data: list[Figure] = [
        {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": "Perfect", "hoverinfo": "skip"}
        | {"line": stroke(SOFT, "dot")}
    ]
    cells: list[Cells] = []
    for place, bins in enumerate(curves):
        name = words.label(bins.name)
        data.append(
            named_line(bins.name, PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)])
            | {
                "mode": "lines+markers",
                "x": digits(bins.score),
                "y": digits(bins.share),
                "customdata": digits(bins.rows),
                "hovertemplate": f"{name}<br>Predicted %{{x:.1%}}, happened %{{y:.1%}}"
                "<br>n = %{customdata:,.0f}<extra></extra>",
            }
        )
        cells += [
            [words.plain(bins.name), f"{x:.1%}", f"{y:.1%}", f"{n:,.0f}"]
            for x, y, n in zip(bins.score, bins.share, bins.rows, strict=True)
        ]
    axis = {"tickformat": ",.0%", "range": [-0.02, 1.02]}
    return {
        "data": data,
        "layout": {
            "showlegend": True,
            "hovermode": "closest",
            "xaxis": axis | {"title": {"text": "Mean score of the bin"}},
            "yaxis": axis | {"title": {"text": "Share of positives"}},
        },
        "words": "Of each bin of scores the mean score and the share of rows that came out positive: "
        "on the diagonal they agree.",
        "table": table(["Curve", "Mean score", "Share of positives", "n"], cells),
    }


def _hatched(shape: str) -> Figure:
    """How bars are hatched: two distributions differ by this as well as by colour."""
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "var(--paper)", "fgopacity": 0.8, "size": 6}
