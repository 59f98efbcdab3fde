"""What charts are laid out with: colours by the names of their tokens, lines, notes, and an axis of nights."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from nightproof import words

Figure = dict[str, Any]
"""What the macro ``chart`` takes."""
DAY_MS = 86_400_000
SOFT, BASELINE, LIMIT = "var(--soft)", "var(--idle)", "var(--bad)"
PALETTE = ("var(--series)", "var(--second)", "var(--good)", "var(--warn)", "var(--bad)", "var(--accent)")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Lines differ by these as well as by colour."""


def named_line(name: str, colour: str, dash: str) -> Figure:
    """A line that the legend names."""
    return {"type": "scatter", "mode": "lines", "name": words.label(name), "line": stroke(colour, dash, 1.8)}


def stroke(colour: str, dash: str, width: float = 1.4) -> Figure:
    """How a line is drawn."""
    return {"color": colour, "dash": dash, "width": width}


def nights_layout(first: str, last: str, *, title: str = "", percent: bool = False) -> Figure:
    """Axes of a chart whose places are nights."""
    # Half a day on either side: the first and the last night are nights like any other.
    span = [f"{later(first, -1)} 12:00", f"{last} 12:00"]
    yaxis: Figure = value_format(percent)
    if title:
        yaxis["title"] = {"text": words.label(title, 40)}
    return {"nights": days_between(first, last) + 1, "xaxis": {"type": "date", "range": span}, "yaxis": yaxis}


def value_format(percent: bool) -> Figure:
    """How the values of an axis are written."""
    return {"tickformat": ",.1~%"} if percent else {}


def shape(**given: Any) -> Figure:
    """A line or a span behind the chart."""
    return {"type": "line" if given["x0"] == given["x1"] else "rect", "layer": "below"} | given


def note(text: str, **given: Any) -> Figure:
    """A text in the chart, already escaped."""
    where = {"showarrow": False, "xanchor": "left", "yanchor": "bottom", "font": {"size": 11}}
    return {"text": text} | where | given


def later(night: str, days: int) -> str:
    """The night so many days later."""
    return (date.fromisoformat(night) + timedelta(days=days)).isoformat()


@lru_cache(maxsize=64)
def days_of(first: str, last: str) -> tuple[str, ...]:
    """Every night from one to another, both included."""
    start = date.fromisoformat(first)
    return tuple((start + timedelta(days=i)).isoformat() for i in range(days_between(first, last) + 1))


def days_between(first: str, last: str) -> int:
    """Days from a night to a later one."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
