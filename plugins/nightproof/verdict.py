"""A verdict: what a night's findings come to, and the incidents that they open, keep or close."""

from __future__ import annotations

from typing import Literal

from nightproof.record import Record

VerdictStatus = Literal["ok", "watch", "regression", "insufficient_data", "quarantined"]
Event = Literal["opened", "ongoing", "worsened", "recovered"]


class Incident(Record):
    """Something that went wrong, from the night it was first seen until the night it is over."""

    id: str
    """Stable through its life: check and first night, such as `performance-2013-12-14`."""
    event: Event
    """What happened to it on this night."""
    check: str
    """The family: `performance`, `bias`, or `data` for a quarantined night."""
    metric: str
    """The metric that shows it most strongly."""
    segment: dict[str, str]
    opened: str
    """The night on which it was first seen."""
    findings: tuple[str, ...]
    """Subjects of what has regressed in it so far."""
    cause: str
    """One sentence for whoever is woken by it."""


class Verdict(Record):
    """The answer to a night's one question."""

    model: str
    night: str
    status: VerdictStatus
    headline: str
    """One sentence: what is wrong, by how much, or that nothing is."""
    regressions: int
    watches: int
    insufficient: int
    """Findings that too little data left open."""
    findings: int
    false_alarm_level: float
    """The probability of a false page that was spent on this night."""
    incidents: tuple[Incident, ...]
    """Open ones, and those that ended on this night."""
    history: tuple[str, ...]
    """Evaluation ids of the earlier nights that this verdict stands on."""
    steps_left_out: tuple[str, ...] = ()
    """Steps that the caller asked to leave out, such as `validate` or `report`."""

    @property
    def news(self) -> tuple[Incident, ...]:
        """Incidents that somebody must be told of: all but the ongoing ones."""
        return tuple(found for found in self.incidents if found.event != "ongoing")
