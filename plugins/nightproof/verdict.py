"""A verdict: what a night's findings come to, and the incidents that they open, keep or close."""

from __future__ import annotations

from typing import Literal

from nightproof.alert_sections import Trouble
from nightproof.record import Record

VerdictStatus = Literal["ok", "watch", "regression", "insufficient_data", "quarantined"]
Event = Literal["opened", "ongoing", "worsened", "recovered", "reopened", "withdrawn"]
"""`withdrawn`: labels that came later, or were corrected, show that there was nothing."""
CauseKind = Literal["data_fault", "new_version", "mix", "concept", "label_shift", "unknown"]
NEWS: tuple[Event, ...] = ("opened", "worsened", "recovered", "reopened", "withdrawn")
"""Events that somebody must be told of."""
PAGES: tuple[Event, ...] = ("opened", "worsened", "reopened")
"""Events that may wake somebody."""


class Cause(Record):
    """One thing that may have brought an incident about."""

    kind: CauseKind
    """`data_fault`: a column is broken; `new_version`: it began with another version of the model; `mix`: other rows
    than before; `concept`: rows like before mean something else; `label_shift`: the labels' rate moved alone."""
    text: str
    """A clause, without a full stop, such as `dep_delay is missing in 31.0 % of rows, 0.2 % on the baseline`."""
    share: float | None = None
    """Share of the harm that it explains, in [0, 1]; null where that cannot be told."""
    columns: tuple[str, ...] = ()
    """Columns that it names, the strongest first."""
    segment: dict[str, str] = {}
    """Rows that it is confined to; empty for all."""


class Incident(Record):
    """Something that went wrong, from the night it was first seen until the night it is over."""

    id: str
    """Stable through its life: what it is about and its first night, such as `performance-2013-12-14`."""
    event: Event
    """What happened to it on this night."""
    check: Trouble
    metric: str
    """The metric that shows it most strongly."""
    segment: dict[str, str]
    opened: str
    """The night on which it was first told."""
    findings: tuple[str, ...]
    """Subjects of what has regressed in it so far."""
    cause: str
    """One sentence for whoever is woken by it: what regressed and, where it can be told, why."""
    column: str | None = None
    """The column that its metric is about, if it is about one."""
    causes: tuple[Cause, ...] = ()
    """What may have brought it about, the likeliest first."""
    since: str = ""
    """The night from which on the harm is seen: the first of the window that shows it most strongly."""
    reference: str = "baseline"
    """What tonight was compared with: `baseline`, `trailing 28 nights`, `version 13`."""
    worst: float | None = None
    """The largest harm that it was told of, in units of its tolerance."""
    good_nights: int = 0
    """Nights in a row, tonight the last, on which all that it showed was within its tolerance."""
    families: tuple[Trouble, ...] = ()
    """What has regressed in it, `check` first: one cause is one incident."""
    ended: str | None = None
    """The night on which it was over; null while it is open."""

    @property
    def is_open(self) -> bool:
        """Whether it goes on after tonight."""
        return self.event not in ("recovered", "withdrawn")


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
    """The budget: the expected number of false pages a night that the config accepts."""
    incidents: tuple[Incident, ...]
    """Open ones, and those that ended on this night."""
    ended: tuple[Incident, ...] = ()
    """Those that ended of late: the same trouble may open them again, and no window reaches back over their end."""
    history: tuple[str, ...]
    """Evaluation ids of the earlier nights that this verdict stands on."""
    steps_left_out: tuple[str, ...] = ()
    """Steps that the caller asked to leave out, such as `validate` or `report`."""
    blind_nights: int = 0
    """Nights in a row, tonight the last, on which too little data was there to tell anything."""
    supersedes: str | None = None
    """The night's evaluation before this one, on fewer labels or other ones; null for its first."""

    @property
    def news(self) -> tuple[Incident, ...]:
        """Incidents that somebody must be told of: all but the ongoing ones."""
        return tuple(found for found in self.incidents if found.event in NEWS)
