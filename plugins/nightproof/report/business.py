"""The business section: the team's own metrics through every window, in each group, and how far they moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.metric_sections import ROWS, Metric
from nightproof.report.block import Block, Chart, Section, Table, Text
from nightproof.report.chart import BASELINE, LINE, NIGHT, axis, layout
from nightproof.words import (
    NONE,
    STATUS,
    ends,
    label,
    markdown,
    metric_title,
    nights,
    number,
    plain,
    segment,
    signed,
)

CHARTS = 6
"""Metrics that are drawn; the table has them all."""
GROUPS = 40
"""Groups in the table, those that moved farthest in the harmful direction first."""


def section(evaluation: Evaluation) -> Section:
    """The team's own metrics beside their baseline; nothing for a model without any."""
    metrics = evaluation.config.metrics
    found = [f for f in evaluation.findings if f.check == "business" and f.metric in metrics]
    if not found:
        return Section("business", "Business", ())
    everyone, apart = [f for f in found if not f.segment], [f for f in found if f.segment]
    blocks: list[Block] = [Text(_words(metrics))]
    blocks += [_table([f for f in everyone if f.window == 1], metrics)]
    blocks += _windows(everyone, metrics)
    blocks += _charts(found, metrics)
    blocks += _groups(apart, metrics)
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("business", "Business", tuple(blocks), counts)


def _words(metrics: dict[str, Metric]) -> str:
    lines = [f"- **{markdown(metric_title(name))}**: {_definition(metric)}" for name, metric in metrics.items()]
    text = "The team's own metrics: each is the sum of one number of every row over the sum of another. "
    return f"{text}Each interval holds the true value 95 times in 100.\n\n" + "\n".join(lines)


def _definition(metric: Metric) -> str:
    if metric.source is not None or metric.python is not None:
        version = f", SHA-256 {metric.source.sha256[:12]}…" if metric.source else ""
        return f"by {markdown(metric.python)} in include/metrics/{markdown(metric.python)}.py{version}"
    over = "the number of rows" if metric.over in (None, ROWS) else f"the sum of {markdown(metric.over)}"
    return f"the sum of {markdown(metric.sum)} over {over}"


def _name(f: Finding, metrics: dict[str, Metric]) -> str:
    way = {"max_drop": " ↑", "max_rise": " ↓", None: ""}[metrics[f.metric].harm]
    return metric_title(f.metric) + way


def _tolerated(metric: Metric) -> str:
    if metric.harm is None:
        return NONE
    return f"{'drop' if metric.harm == 'max_drop' else 'rise'} of {metric.value:g}"


def _table(tonight: Sequence[Finding], metrics: dict[str, Metric]) -> Table:
    header = (
        "This night",
        "Value\n(95 % interval)",
        "Baseline",
        "Change\n(95 % interval)",
        "Tolerated",
        "Rows (n)",
        "Smallest change\nthis n can show",
        "Status",
    )
    rows = (
        (
            _name(f, metrics),
            f"{number(f.value)}{ends(f.interval)}",
            number(f.baseline),
            f"{signed(f.delta)}{ends(f.delta_interval)}",
            _tolerated(metrics[f.metric]),
            f"{f.n:,}",
            number(f.detectable),
            _status(f, metrics),
        )
        for f in _ordered(tonight, metrics)
    )
    return Table(header, tuple(rows))


def _status(f: Finding, metrics: dict[str, Metric]) -> str:
    if f.status == "insufficient_data":
        return f"{STATUS[f.status]}\n{plain(f.reason, 300)}"
    return STATUS[f.status] if metrics[f.metric].harm else "not judged: no tolerance"


def _ordered(found: Sequence[Finding], metrics: dict[str, Metric]) -> list[Finding]:
    order = list(metrics)
    return sorted(found, key=lambda f: order.index(f.metric))


def _windows(everyone: Sequence[Finding], metrics: dict[str, Metric]) -> list[Block]:
    windows = sorted({f.window for f in everyone})
    if len(windows) < 2:
        return []
    cells = {(f.metric, f.window): f"{number(f.value)}{ends(f.interval)}" for f in everyone}
    known = {f.metric: (_name(f, metrics), number(f.baseline)) for f in everyone}
    header = ("Through each window", "Baseline", *(nights(window) for window in windows), "Tolerated")
    rows = (
        (*known[name], *(cells.get((name, window), "") for window in windows), _tolerated(metrics[name]))
        for name in metrics
        if name in known
    )
    return [Table(header, tuple(rows))]


def _charts(found: Sequence[Finding], metrics: dict[str, Metric]) -> list[Block]:
    return [
        _chart(name, own, metrics[name])
        for name in list(metrics)[:CHARTS]
        if (own := [f for f in found if f.metric == name and f.value is not None and f.interval is not None])
    ]


def _chart(name: str, found: Sequence[Finding], metric: Metric) -> Chart:
    """Each window and each group as a point with its interval, beside its baseline."""
    shown = sorted((f for f in found if not f.segment), key=lambda f: f.window)
    shown += sorted((f for f in found if f.segment), key=lambda f: -f.n)[: 14 - len(shown)]
    names = [label(segment(f.segment), 34) if f.segment else nights(f.window) for f in shown]
    places = list(range(len(shown)))[::-1]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "baseline",
            "x": [f.baseline for f in shown],
            "y": places,
            "marker": {"color": BASELINE, "size": 11, "symbol": "diamond-open", "line": {"width": 2}},
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "these rows, 95 % interval",
            "x": [f.value for f in shown],
            "y": places,
            "marker": {"color": NIGHT, "size": 9},
            "error_x": _arms(shown),
            "text": [f"n = {f.n:,}" for f in shown],
        },
    ]
    x = axis(label(metric_title(name), 60))
    y = axis("", tickmode="array", tickvals=places, ticktext=names, range=[-0.7, len(shown) - 0.3])
    whole = next((f for f in shown if not f.segment), None)
    return Chart(plain(metric_title(name)), data, layout(x, y, **_limit(whole, metric)))


def _arms(shown: Sequence[Finding]) -> dict[str, Any]:
    above = [f.interval[1] - f.value for f in shown if f.interval is not None and f.value is not None]
    below = [f.value - f.interval[0] for f in shown if f.interval is not None and f.value is not None]
    return {"type": "data", "array": above, "arrayminus": below, "symmetric": False, "thickness": 1.5}


def _limit(whole: Finding | None, metric: Metric) -> dict[str, Any]:
    """A line where what is tolerated ends, for all rows."""
    if whole is None or whole.baseline is None or metric.harm is None:
        return {}
    x = whole.baseline + (metric.value if metric.harm == "max_rise" else -metric.value)
    stroke = {"color": LINE, "width": 2, "dash": "dash"}
    shape = {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": stroke}
    note = {"x": x, "yref": "paper", "y": 1, "yanchor": "bottom", "text": "tolerated for all rows", "showarrow": False}
    return {"shapes": [shape], "annotations": [note], "legend": {"orientation": "h", "x": 0, "y": -0.22}}


def _groups(apart: Sequence[Finding], metrics: dict[str, Metric]) -> list[Block]:
    if not apart:
        return []
    header = ("Where", "Metric", "Value\n(95 % interval)", "Baseline", "Change\n(95 % interval)", "Rows (n)", "Status")
    ranked = sorted(apart, key=lambda f: -_harm(f, metrics[f.metric]))
    rows = tuple(
        (
            segment(f.segment),
            _name(f, metrics),
            f"{number(f.value)}{ends(f.interval)}",
            number(f.baseline),
            f"{signed(f.delta)}{ends(f.delta_interval)}",
            f"{f.n:,}",
            STATUS[f.status] if f.tolerance is not None or f.status != "ok" else "not judged",
        )
        for f in ranked[:GROUPS]
    )
    more = f" The first {GROUPS} of {len(ranked):,}." if len(ranked) > GROUPS else ""
    text = f"### In each group\n\nEvidence of where, never a page of its own; the most harmful changes first.{more}"
    return [Text(text), Table(header, rows)]


def _harm(f: Finding, metric: Metric) -> float:
    """How far it moved in the harmful direction, in tolerances where there is one, else in shares of the baseline."""
    if f.delta is None:
        return float("-inf")
    if metric.harm is None:
        return abs(f.delta) / max(abs(f.baseline or 0.0), 1e-12) * 1e-6
    return (f.delta if metric.harm == "max_rise" else -f.delta) / metric.value
