"""The chart of the bias section: impact ratios with their intervals, the limit and equal treatment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightproof.checks.finding import Finding
from nightproof.report.bias_groups import ORDER, Group
from nightproof.report.block import Chart
from nightproof.report.chart import LINE, axis, layout, places, rule
from nightproof.sections import Bias
from nightproof.words import STATUS, label

DRAWN = 20
"""Groups in the picture: those with the lowest impact ratios; the table has more."""
WIDEST = 5.0
"""Intervals that reach beyond this ratio run off the picture."""
_MARKS = {
    "ok": ("#0072B2", "circle"),
    "watch": ("#E69F00", "triangle-up"),
    "regression": ("#D55E00", "x"),
    "insufficient_data": ("#888888", "circle-open"),
}


def impact_ratios(groups: Sequence[Group], settings: Bias) -> Chart | None:
    """The lowest impact ratios; ``None`` where no group has one to show."""
    ratios = [(group.name, group.found["impact_ratio"]) for group in groups if "impact_ratio" in group.found]
    known = sorted(((g, f) for g, f in ratios if f.value is not None), key=lambda pair: (pair[1].value, pair[0]))
    if not known:
        return None
    drawn = known[:DRAWN][::-1]
    data = [trace for status in ORDER if (trace := _marks(drawn, status))]
    title = "Impact ratio" if len(drawn) == len(known) else f"Impact ratio, the {DRAWN} lowest"
    return Chart(title, data, _frame(drawn, settings), half=False)


def _frame(drawn: Sequence[tuple[str, Finding]], settings: Bias) -> dict[str, Any]:
    """Axes, and the lines of the limits and of equal treatment."""
    limits = [x for x in (settings.impact_ratio.min, settings.impact_ratio.max) if x]
    lines = [rule(1.0, "equal", dash="dot"), *(rule(x, f"limit {x:g}") for x in limits)]
    top = max(f.interval[1] for _, f in drawn if f.interval)
    x = axis("Impact ratio, with its 95 % interval", range=[0, min(max(1.3, top * 1.03), WIDEST)])
    y = axis("", **places([label(group, 24) for group, _ in drawn]), range=[-0.6, len(drawn) - 0.4])
    return layout(
        x,
        y,
        shapes=[shape for shape, _ in lines],
        annotations=[note for _, note in lines],
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
        height=170 + 34 * max(len(drawn), 3),
        showlegend=True,
    )


def _marks(drawn: Sequence[tuple[str, Finding]], status: str) -> dict[str, Any] | None:
    own = [(place, f) for place, (_, f) in enumerate(drawn) if f.status == status and f.value is not None]
    if not own:
        return None
    color, symbol = _MARKS[status]
    values = [round(f.value or 0.0, 4) for _, f in own]
    spans = [f.interval or (0.0, 0.0) for _, f in own]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [round(high - value, 4) for value, (_, high) in zip(values, spans, strict=True)],
        "arrayminus": [round(value - low, 4) for value, (low, _) in zip(values, spans, strict=True)],
        "thickness": 2,
        "width": 5,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "name": STATUS[status],
        "x": values,
        "y": [place for place, _ in own],
        "text": [f"n = {f.n:,}" for _, f in own],
        "error_x": error | {"color": color},
        "marker": {"color": color, "symbol": symbol, "size": 11, "line": {"color": LINE, "width": 1}},
    }
