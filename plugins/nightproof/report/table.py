"""The long table that the report runs on: one row a finding, an expectation or a section's count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.report.block import Section
from nightproof.validation import Expectation
from nightproof.words import STATUS, markdown, nights, plain

COUNT = "count"
"""The metric that every section has; its drawing hangs on it."""


class Key(NamedTuple):
    """What is measured: the parameters of one of Evidently's metrics, the same every night."""

    section: str
    name: str
    window: int = 1
    by: str = ""


class Row(NamedTuple):
    """One value of a metric, with its test result where it is held against something."""

    key: Key
    label: str
    value: float | None
    baseline: float | None = None
    status: str = ""
    """A finding's status; empty where nothing is judged."""
    title: str = ""
    reason: str = ""
    """Markdown."""


def rows(evaluation: Evaluation, sections: Iterable[Section]) -> list[Row]:
    """The whole table, section by section."""
    parts = {section.key: _counts(section) for section in sections}
    for row in tested(evaluation):
        parts.setdefault(row.key.section, []).append(row)
    return [row for part in parts.values() for row in part]


def tested(evaluation: Evaluation) -> list[Row]:
    """Findings, worst first, then expectations, failed ones first."""
    expected = sorted(evaluation.validation.expectations, key=lambda e: e.success)
    return [*(_finding(f) for f in evaluation.findings), *(_expectation(e) for e in expected)]


def _counts(section: Section) -> list[Row]:
    counts = section.counts or {"blocks": float(len(section.blocks))}
    return [Row(Key(section.key, COUNT), name, count) for name, count in counts.items()]


def section_of(f: Finding) -> str:
    """Key of the section that tells of a finding."""
    if f.check != "performance":
        return f.check
    if f.segment:
        return "slices"
    if f.metric.startswith(("estimated_", "backtest_")):
        return "estimated"
    return "explanation" if f.metric.startswith("change") else "performance"


def _finding(f: Finding) -> Row:
    section = section_of(f)
    by = "column" if f.column else " and ".join(plain(name) for name in f.segment)
    label = f.column or " / ".join(f.segment.values()) or "all rows"
    judged = f.tolerance is not None or f.status != "ok"
    return Row(
        Key(section, f.metric, f.window, by),
        plain(label),
        f.value,
        f.baseline,
        status=f.status if judged else "",
        title=f"{STATUS[f.status]}: {f.subject}, {nights(f.window)}",
        reason=markdown(f.reason, 400),
    )


def _expectation(e: Expectation) -> Row:
    label = plain(f"{e.type} of {e.column}" if e.column else e.type)
    status = "ok" if e.success else "regression" if e.severity == "critical" else "watch"
    sign = STATUS[status].split()[0]
    return Row(
        Key("validation", "unexpected_percent", by="expectation"),
        label,
        e.unexpected_percent,
        status=status,
        title=f"{sign} {'Holds' if e.success else 'Failed'}: {label}",
        reason=markdown(e.observed or "", 200),
    )
