"""Readings: what one night says of each series that is, or could be, held against something.

They are a small part of a night's findings, kept apart because every later night reads them: how much
nights differ, what a policy would have paged, and the line of a chart all come from readings alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from nightproof.alert_sections import Trouble
from nightproof.checks.finding import Check, Finding, Interval
from nightproof.checks.held import ESTIMATED, limited
from nightproof.metric_names import HARM
from nightproof.record import Record

LABELS = ("label_coverage", "label_coverage_gap")
"""Metrics of how complete the labels are."""
DATA = ("missing_rate", "unseen_rate", "outside_rate", "vanished_share", "output_shift", *LABELS)
"""Metrics of the drift family that tell of broken data."""
DRIFT = ("psi",)
SeriesKey = tuple[Check, str, str | None, tuple[tuple[str, str], ...]]


class Reading(Record):
    """One series on one night; see :class:`~nightproof.checks.finding.Finding` for the fields."""

    check: Check
    metric: str
    column: str | None = None
    segment: dict[str, str] = {}
    window: int = 1
    value: float
    interval: Interval
    baseline: float | None = None
    delta_interval: Interval | None = None
    n: int

    @property
    def family(self) -> Trouble:
        """The trouble that it would be."""
        return family(self.check, self.metric)

    @cached_property
    def key(self) -> SeriesKey:
        """What names the series."""
        return key(self)


class Readings(Record):
    """All of a night's readings."""

    night: str
    version: str | None = None
    """The model's version that made most of its predictions; null where no column tells."""
    rows: int
    labelled: int
    troubled: tuple[Trouble, ...] = ()
    """Families with an open incident: the night does not tell how much nights usually differ in them."""
    all: tuple[Reading, ...]

    @cached_property
    def nightly(self) -> dict[SeriesKey, Reading]:
        """Those that the night by itself tells, by series."""
        return {reading.key: reading for reading in self.all if reading.window == 1}


def key(of: Reading | Finding) -> SeriesKey:
    """What names a series: the same on every night and through every window."""
    return of.check, of.metric, of.column, tuple(of.segment.items())


def family(check: Check, metric: str) -> Trouble:
    """The trouble that a finding would be: of the drift family, broken data is told from data that moved."""
    if check == "drift":
        return "data" if metric in DATA else "drift"
    return check


def readings(findings: Sequence[Finding]) -> tuple[Reading, ...]:
    """The readings among a night's findings.

    A series that the night alone cannot tell (a small group) is read through the longest window that can.
    """
    found: dict[object, Finding] = {}
    for finding in _told(findings):
        known = found.get(key(finding))
        if known is None or (known.window > 1 and (finding.window == 1 or finding.window > known.window)):
            found[key(finding)] = finding
    return tuple(
        Reading.model_validate(finding.model_dump(include=set(Reading.model_fields))) for finding in found.values()
    )


def _told(findings: Iterable[Finding]) -> Iterable[Finding]:
    for finding in findings:
        if finding.value is not None and finding.interval is not None and _can_be_held(finding):
            yield finding


def _can_be_held(finding: Finding) -> bool:
    if finding.check == "performance":
        return not finding.segment and finding.metric.removeprefix(ESTIMATED) in HARM
    if finding.check == "business":
        return not finding.segment
    if finding.check == "bias":
        return limited(finding.metric)
    return finding.metric in DATA or finding.metric in DRIFT
