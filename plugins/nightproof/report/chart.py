"""Charts of the report as plain Plotly data: no template, no background, so any theme suits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NIGHT = "#0072B2"
BASELINE = "#E69F00"
"""From Okabe and Ito's palette, which colour-blind readers can tell apart; they differ in lightness too."""
LINE = "rgba(128,128,128,0.75)"
GRID = "rgba(128,128,128,0.22)"
CLEAR = "rgba(0,0,0,0)"
HEIGHT = 430
"""Evidently gives a chart of half a page's width 450 pixels."""


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """An axis with a title and a quiet grid."""
    base = {
        "title": {"text": title, "standoff": 12},
        "gridcolor": GRID,
        "zeroline": False,
        "automargin": True,
    }
    return base | settings


def layout(x: dict[str, Any], y: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """What all charts share."""
    base = {
        "xaxis": x,
        "yaxis": y,
        "height": HEIGHT,
        "margin": {"l": 60, "r": 24, "t": 48, "b": 60},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"size": 13},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hoverlabel": {"font": {"size": 13}},
    }
    return base | settings


def places(names: Sequence[str]) -> dict[str, Any]:
    """Ticks that name the places 0, 1, …: equal or number-like names stay apart, as given."""
    return {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": list(names)}


def line(name: str, x: Sequence[float], y: Sequence[float], **settings: Any) -> dict[str, Any]:
    """A line trace."""
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y)} | settings


def rule(x: float, text: str, dash: str = "dash") -> tuple[dict[str, Any], dict[str, Any]]:
    """A vertical line through the whole chart, and its name above it."""
    stroke = {"color": LINE, "width": 2, "dash": dash}
    shape = {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": stroke}
    side = "right" if x < 1 else "left"  # two lines near 1 have room for both names
    note = {"x": x, "xanchor": side, "yref": "paper", "y": 1, "yanchor": "bottom", "text": text}
    return shape, note | {"showarrow": False}
