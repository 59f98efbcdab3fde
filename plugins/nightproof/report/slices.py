"""The slices section: where the model is worse than it was."""

from __future__ import annotations

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.report.block import Section, Table, Text
from nightproof.report.headline import metric_name, tolerance
from nightproof.words import STATUS, ends, number, segment, signed

SHOWN = 40
"""Rows of the table, the worst first."""
_ORDER = ("regression", "watch", "insufficient_data", "ok")


def section(evaluation: Evaluation) -> Section:
    """Metrics of this night by slice; empty where the config names none."""
    found = [f for f in evaluation.findings if f.check == "performance" and f.segment]
    if not found:
        return Section("slices", "", ())
    # Findings come worst first; within a status, what got worse most comes first.
    ordered = sorted(found, key=lambda f: (_ORDER.index(f.status), f.tolerance is None, -abs(f.delta or 0.0)))
    text = "Slices of the night, the worst first. A slice is evidence for the night's verdict and wakes nobody."
    if len(ordered) > SHOWN:
        text += f" The first {SHOWN} of {len(ordered):,}."
    header = ("Slice", "Metric", "Rows (n)", "Value\n(95 % interval)", "Baseline", "Change\n(95 % interval)")
    rows = tuple(_row(f) for f in ordered[:SHOWN])
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("slices", "Slices", (Text(text), Table((*header, "Tolerated", "Status"), rows)), counts)


def _row(f: Finding) -> tuple[str, ...]:
    judged = f.tolerance is not None or f.status != "ok"
    return (
        segment(f.segment),
        metric_name(f.metric),
        f"{f.n:,}",
        f"{number(f.value)}{ends(f.interval)}",
        number(f.baseline),
        f"{signed(f.delta)}{ends(f.delta_interval)}",
        tolerance(f),
        STATUS[f.status] if judged else "not judged: no tolerance",
    )
