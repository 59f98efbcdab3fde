"""Missing labels: what is broken where the labels themselves regressed."""

from __future__ import annotations

from nightproof.checks.finding import Finding
from nightproof.verdict import Cause
from nightproof.words import percent, plain, segment

METRICS = ("label_coverage", "label_coverage_gap")


def missing_labels(worst: Finding) -> Cause | None:
    """The fault that label coverage tells of by itself; ``None`` for a finding of another metric."""
    if worst.metric not in METRICS or worst.value is None:
        return None
    column = plain(worst.column or "the label")
    if worst.metric == "label_coverage":
        usual = "" if worst.baseline is None else f", {percent(1.0 - worst.baseline)} on nights of the same age"
        text = f"{column} is missing in {percent(1.0 - worst.value)} of rows{usual}"
    else:
        usual = "" if worst.baseline is None else f", usually by {100 * worst.baseline:.1f} points"
        where = f"where {segment(worst.segment)}, {column} is missing more often than in all rows"
        text = f"{where}, by {100 * worst.value:.1f} points{usual}"
    return Cause(kind="data_fault", text=text, segment=worst.segment, columns=(worst.column or "",))
