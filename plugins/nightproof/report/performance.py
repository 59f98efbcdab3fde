"""The performance section: every metric through every window, and a binary model's four pictures of the night."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.metric_names import METRICS_OF, Task
from nightproof.metrics.calibration import reliability
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.rates import wilson
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles import Profile
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.sums import Outcomes, Scores
from nightproof.report.block import Block, Chart, Section, Table, Text
from nightproof.report.chart import BASELINE, LINE, NIGHT, axis, layout, line
from nightproof.report.headline import metric_name, tolerance
from nightproof.report.table import section_of
from nightproof.report.task_pictures import class_table, error_histogram
from nightproof.words import NONE, STATUS, ends, nights, number, percent, plain, signed

POINTS = 200
"""Points that a ROC curve is drawn with."""
_UNIT = [-0.02, 1.02]


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """How good the model is, beside its baseline."""
    found = [f for f in evaluation.findings if section_of(f) == "performance"]
    text = (
        "Is the model still as good as its baseline? ↑ means that higher is better, ↓ that lower is better. "
        "Each interval holds the true value 95 times in 100."
    )
    blocks: list[Block] = [Text(text)] if found else []
    if tonight := _table([f for f in found if f.window == 1]):
        blocks.append(tonight)
    if windows := _windows(found):
        blocks.append(windows)
    blocks += PICTURES[profile.spec.task.kind](profile, baseline)
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("performance", "Performance", tuple(blocks), counts)


def _metrics(found: Sequence[Finding]) -> list[str]:
    """Metrics in the order of their task, whatever order their findings have."""
    known = list(dict.fromkeys(f.metric for f in found))
    order = [name for names in METRICS_OF.values() for name in names]
    return sorted(known, key=lambda name: order.index(name) if name in order else len(order))


def _table(tonight: Sequence[Finding]) -> Table | None:
    by_metric = {f.metric: f for f in tonight}
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
    rows = tuple(_row(by_metric[name]) for name in _metrics(tonight))
    return Table(header, rows) if rows else None


def _row(f: Finding) -> tuple[str, ...]:
    status = "not judged: no tolerance" if f.status == "ok" and f.tolerance is None else STATUS[f.status]
    return (
        metric_name(f.metric),
        f"{number(f.value)}{ends(f.interval)}",
        number(f.baseline),
        f"{signed(f.delta)}{ends(f.delta_interval)}",
        tolerance(f),
        f"{f.n:,}",
        number(f.detectable),
        f"{status}\n{plain(f.reason, 300)}" if f.status == "insufficient_data" else status,
    )


def _windows(found: Sequence[Finding]) -> Table | None:
    windows = sorted({f.window for f in found})
    if len(windows) < 2:
        return None
    cells = {(f.metric, f.window): _cell(f) for f in found}
    known = {f.metric: number(f.baseline) for f in found}
    held = {f.metric: tolerance(f) for f in found if f.tolerance is not None}
    header = ("Through each window", "Baseline", *(nights(window) for window in windows), "Tolerated")
    rows = tuple(
        (
            metric_name(name),
            known[name],
            *(cells.get((name, window), "") for window in windows),
            held.get(name, NONE),
        )
        for name in _metrics(found)
    )
    return Table(header, rows)


def _cell(f: Finding) -> str:
    sign = "" if f.tolerance is None and f.status == "ok" else STATUS[f.status].split()[0] + " "
    return f"{sign}{number(f.value)}{ends(f.interval)}"


def _charts(profile: Profile, baseline: Profile) -> list[Block]:
    labelled = profile.outcomes().labelled
    if labelled == 0:
        return [Text("No row has a label yet, so there is nothing to draw.")]
    charts: list[Block] = [_reliability(profile.scores, baseline.scores)]
    missing = "positive" if profile.outcomes().positives == 0 else "negative"
    if 0 < profile.outcomes().positives < labelled:
        charts.append(_roc(profile.scores, baseline.scores))
    charts += [_by_class(profile.scores), _confusion(profile.outcomes(), baseline.outcomes())]
    if len(charts) < 4:
        charts.append(Text(f"No labelled row is {missing}, so there is no ROC curve."))
    return charts


def _reliability(scores: Scores, known: Scores) -> Chart:
    data = [line("perfectly calibrated", [0, 1], [0, 1], line={"color": LINE, "dash": "dash"})]
    for name, color, symbol, counted in (
        ("baseline", BASELINE, "square", known),
        ("this night", NIGHT, "circle", scores),
    ):
        if len(counted.cells):
            data.append(_calibrated(name, counted, color=color, symbol=symbol))
    x = axis("Predicted probability (mean of the bin)", range=_UNIT)
    y = axis("Share that is positive", range=_UNIT)
    return Chart("Reliability: is a 30 % chance right 30 % of the time?", data, layout(x, y))


def _calibrated(name: str, scores: Scores, *, color: str, symbol: str) -> dict[str, Any]:
    bins = reliability(scores)
    above, below = [], []
    for share, rows in zip(bins.share, bins.rows, strict=True):
        known = wilson(round(share * rows), int(rows))
        above.append(0.0 if isinstance(known, Unknown) else round(known.high - known.value, 4))
        below.append(0.0 if isinstance(known, Unknown) else round(known.value - known.low, 4))
    error = {"type": "data", "array": above, "arrayminus": below, "symmetric": False, "thickness": 1.5}
    return line(
        name,
        _rounded(bins.score),
        _rounded(bins.share),
        mode="lines+markers",
        line={"color": color, "width": 2},
        marker={"color": color, "size": 9, "symbol": symbol},
        error_y=error,
        text=[f"{int(rows):,} rows" for rows in bins.rows],
    )


def _rounded(values: npt.NDArray[Any]) -> list[float]:
    return [round(float(value), 4) for value in values]


def _roc(scores: Scores, known: Scores) -> Chart:
    data = [line("chance", [0, 1], [0, 1], line={"color": LINE, "dash": "dash"})]
    for name, color, dash, counted in (
        ("baseline", BASELINE, "dot", known),
        ("this night", NIGHT, "solid", scores),
    ):
        area = roc_auc(counted)
        if not isinstance(area, Unknown):
            x, y = _curve(counted)
            stroke = {"color": color, "width": 3, "dash": dash}
            data.append(line(f"{name}: area {number(area.value)}", x, y, line=stroke))
    x_axis = axis("False-positive rate", range=_UNIT)
    return Chart("ROC curve", data, layout(x_axis, axis("True-positive rate", range=_UNIT)))


def _curve(scores: Scores) -> tuple[list[float], list[float]]:
    """False- and true-positive rates as the threshold falls, thinned evenly along the curve."""
    false = np.concatenate([[0], np.cumsum(scores.negatives[::-1])]) / scores.negatives.sum()
    true = np.concatenate([[0], np.cumsum(scores.positives[::-1])]) / scores.positives.sum()
    walked = (false + true) / 2
    kept = np.unique(np.searchsorted(walked, np.linspace(0, 1, POINTS)).clip(0, len(walked) - 1))
    return _rounded(false[kept]), _rounded(true[kept])


def _by_class(scores: Scores) -> Chart:
    bins = np.minimum((centre_of(scores.cells) * 20).astype(np.int64), 19)
    middles = [round(0.05 * i + 0.025, 3) for i in range(20)]
    names = [f"{0.05 * i:.2f} to {0.05 * (i + 1):.2f}" for i in range(20)]
    data = []
    for name, color, pattern, counts in (
        ("label 0", BASELINE, "", scores.negatives),
        ("label 1", NIGHT, "/", scores.positives),
    ):
        total = int(counts.sum())
        if total:
            shares = np.bincount(bins, weights=counts, minlength=20) / total
            data.append(
                {
                    "type": "bar",
                    "name": f"{name} ({total:,} rows)",
                    "x": middles,
                    "y": _rounded(shares),
                    "text": names,
                    "textposition": "none",
                    "marker": {
                        "color": color,
                        "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6},
                    },
                }
            )
    x = axis("Score (bins of 0.05)", range=[0, 1])
    y = axis("Share of the rows with that label", tickformat=".0%", rangemode="tozero")
    return Chart("Scores of this night by true label", data, layout(x, y, bargap=0.1))


def _confusion(now: Outcomes, then: Outcomes) -> Chart:
    data: list[dict[str, Any]] = []
    titles = []
    for place, (name, rows) in enumerate((("This night", now), ("Baseline", then))):
        if rows.labelled:
            suffix = "" if place == 0 else "2"
            data.append(_matrix(rows, f"x{suffix}", f"y{suffix}"))
            note = {"text": f"{name} (n = {rows.labelled:,.0f})", "xref": "paper", "yref": "paper", "y": 1.0}
            middle = {"x": 0.22 if place == 0 else 0.78, "xanchor": "center", "yanchor": "bottom"}
            titles.append(note | middle | {"showarrow": False, "font": {"size": 14}})
    x, y = axis("Predicted", domain=[0, 0.44], fixedrange=True), axis("True label", fixedrange=True)
    right = axis("Predicted", domain=[0.56, 1], anchor="y2", fixedrange=True)
    matched = axis("", anchor="x2", showticklabels=False, fixedrange=True)
    drawn = layout(x, y, xaxis2=right, yaxis2=matched, annotations=titles)
    return Chart("Confusion matrix, in shares of the labelled rows", data, drawn)


def _matrix(rows: Outcomes, x: str, y: str) -> dict[str, Any]:
    cells = [[rows.tn, rows.fp], [rows.fn, rows.tp]]
    names = [["true negatives", "false positives"], ["false negatives", "true positives"]]
    shares = [[count / rows.labelled for count in line] for line in cells]
    text = [
        [f"<b>{percent(share)}</b><br>{count:,.0f} rows<br>{name}" for share, count, name in zip(*line, strict=True)]
        for line in zip(shares, cells, names, strict=True)
    ]
    return {
        "type": "heatmap",
        "x": ["negative", "positive"],
        "y": ["negative", "positive"],
        "z": [[round(share, 4) for share in line] for line in shares],
        "text": text,
        "texttemplate": "%{text}",
        "hoverinfo": "text",
        "colorscale": [[0, "#f1f6fa"], [1, "#0072B2"]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "xaxis": x,
        "yaxis": y,
    }


PICTURES: dict[Task, Callable[[Profile, Profile], list[Block]]] = {
    "binary": _charts,
    "multiclass": lambda profile, baseline: class_table(profile),
    "regression": error_histogram,
    "ranking": lambda profile, baseline: [],
}
"""What is drawn below the tables."""
