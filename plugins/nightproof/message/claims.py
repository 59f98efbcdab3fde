"""What a finding says, in a sentence that is read at 3 a.m."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.message.blocks import plain
from nightproof.verdict import Incident
from nightproof.words import number, percent

RATES = (
    "missing_rate",
    "unseen_rate",
    "outside_rate",
    "vanished_share",
    "new_distinct_share",
    "error_rate",
    "label_coverage",
    "label_coverage_gap",
)
"""Metrics that are shares of rows, and read best as percentages."""


def value(finding: Finding, of: float | None) -> str:
    """A number of a finding, in its metric's unit."""
    if of is not None and finding.metric in RATES:
        return percent(of).replace("-", "−")
    return number(of)


def change(finding: Finding, of: float | None) -> str:
    """How far a number moved, without its sign; shares of rows move by points of a percentage."""
    if of is not None and finding.metric in RATES:
        return f"{100 * abs(of):.1f} points"
    return number(None if of is None else abs(of))


def between(finding: Finding, interval: tuple[float, float] | None) -> str:
    """The interval in brackets, or nothing."""
    return f" ({value(finding, interval[0])} to {value(finding, interval[1])})" if interval else ""


def subject(finding: Finding) -> str:
    """What a finding is about, and through how many nights."""
    window = f" over {finding.window} nights" if finding.window > 1 else ""
    return plain(finding.subject, 200) + window


def moves(finding: Finding) -> bool:
    """Whether it is held to how far it moved, not to where it is."""
    return finding.delta is not None and finding.check != "bias" and finding.metric != "psi"


def claim(finding: Finding) -> str:
    """What is wrong and by how much: a clause for the first line."""
    if not moves(finding) or finding.delta is None:
        return f"{subject(finding)} is {value(finding, finding.value)}"
    way = "fell" if finding.delta < 0 else "rose"
    return f"{subject(finding)} {way} by {change(finding, finding.delta)} to {value(finding, finding.value)}"


def proof(finding: Finding) -> str:
    """How sure that is, and what would have been tolerated: a sentence below the claim."""
    if moves(finding) and finding.delta is not None and finding.delta_interval is not None:
        tolerated = f"tolerated is {change(finding, finding.tolerance)}"
        if finding.delta_interval[0] * finding.delta_interval[1] < 0:
            return tolerated.capitalize()
        low, high = sorted(abs(end) for end in finding.delta_interval)
        return f"With 95 % confidence by {change(finding, low)} to {change(finding, high)}; {tolerated}"
    limit = "worth a look is" if finding.metric == "psi" else "the limit is"
    limited = f"{limit} {value(finding, finding.tolerance)}"
    return f"With 95 % confidence {_ends(finding)}; {limited}" if finding.interval else limited.capitalize()


def _ends(finding: Finding) -> str:
    assert finding.interval is not None
    return f"{value(finding, finding.interval[0])} to {value(finding, finding.interval[1])}"


def line(finding: Finding) -> str:
    """A finding beside the first: one line of a list."""
    before = f", {plain(finding.reference)} {value(finding, finding.baseline)}" if finding.baseline is not None else ""
    return (
        f"• {subject(finding)} *{value(finding, finding.value)}*{between(finding, finding.interval)}{before}"
        f", n = {finding.n:,}"
    )


def evidence(finding: Finding) -> str:
    """What moved beside it, in a few words."""
    text = finding.subject
    return f"{plain(text[:1].lower() + text[1:])} {value(finding, finding.value)}"


def main_finding(incident: Incident, findings: Sequence[Finding]) -> Finding | None:
    """The finding that shows an incident most strongly, through the shortest window that has it."""
    about = [
        found
        for found in findings
        if (found.metric, found.column, found.segment) == (incident.metric, incident.column, incident.segment)
    ]
    about = about or [
        found for found in findings if (found.metric, found.segment) == (incident.metric, incident.segment)
    ]
    ranked = sorted(
        about,
        key=lambda f: (f.value is None, f.status != "regression", f.reference != incident.reference, f.window),
    )
    return ranked[0] if ranked else None


def others(incident: Incident, findings: Sequence[Finding], main: Finding | None) -> list[Finding]:
    """What else has regressed in an incident, each subject once."""
    found = {f.subject: f for f in reversed(findings) if f.status == "regression" and f.subject in incident.findings}
    kept = [f for f in findings if found.get(f.subject) is f]
    return [f for f in kept if main is None or f.subject != main.subject]
