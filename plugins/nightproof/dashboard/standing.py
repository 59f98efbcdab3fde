"""How a model stands now: its last night's verdict, its open incidents, and whether its nights still come.

A verdict says how a night was; whether it still says anything depends on the clock. A model whose nights stopped is
silent, however good its last night was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from nightproof.alert_sections import Mute
from nightproof.board import FleetRow
from nightproof.dashboard.due import Coming, coming, delay_of
from nightproof.dashboard.place import Place
from nightproof.mute import find_mute
from nightproof.verdict import Incident

Standing = Literal[
    "incident",
    "regression",
    "broken",
    "silent",
    "quarantined",
    "unread",
    "blind",
    "muted",
    "watch",
    "ok",
    "new",
    "retired",
]
"""The worst first.

`incident`: something regressed and is open; `regression`: its last night regressed, and no incident is open for it;
`broken`: its config cannot be read, so no night is evaluated; `silent`: its nights stopped; `quarantined`: its last
night's data failed validation; `unread`: its results cannot be read now; `blind`: too little data to tell;
`muted`: incidents are open, all of them muted; `watch`: worth a look; `new`: no night has been evaluated yet;
`retired`: its config is gone, and its nights stopped with it.
"""
SIGNS: dict[Standing, tuple[str, str]] = {
    "incident": ("✖", "Incident open"),
    "regression": ("✖", "Regression"),
    "broken": ("⚠", "Config broken"),
    "silent": ("◌", "Silent"),
    "quarantined": ("■", "Quarantined"),
    "unread": ("?", "Not readable"),
    "blind": ("○", "Too little data"),
    "muted": ("◐", "Muted"),
    "watch": ("▲", "Watch"),
    "ok": ("✔", "OK"),
    "new": ("·", "No night yet"),
    "retired": ("⊘", "Retired"),
}
"""Each as a sign and words: nothing is told by colour alone."""
ORDER: dict[Standing, int] = {name: place for place, name in enumerate(SIGNS)}
GRACE = timedelta(hours=6)
"""How long after the next night was to be evaluated a model is not yet silent."""
SKEW = timedelta(hours=1)
"""How far a worker's clock may run ahead of this one before it is not believed."""


@dataclass(frozen=True)
class Stand:
    """A model's standing.

    Parameters
    ----------
    standing
        In one word.
    why
        One sentence, from the night's headline or from the clock.
    silent_since
        When the next night was due, in UTC; ``None`` while nights come. A model can have an incident open and be
        silent: both are told.
    """

    standing: Standing
    why: str
    silent_since: datetime | None = None

    @property
    def order(self) -> int:
        """Place from the worst on."""
        return ORDER[self.standing]


def stand_of(place: Place, row: FleetRow | None, now: datetime, *, unread: bool = False) -> Stand:
    """How a model stands at an instant.

    Parameters
    ----------
    place
        Its config and results.
    row
        Its row; ``None`` where no night of it is on the board.
    now
        UTC.
    unread
        Whether its results root could not be read just now.
    """
    if place.fault:
        return Stand("broken", _without_folder(place.fault))
    if row is None and (unread or place.unread):
        return Stand("unread", "Its results cannot be read now, so nothing is known of its nights.")
    if row is None:
        return Stand("new", "No night has been evaluated yet.")
    since = silent_since(place, row, now)
    if place.gone and since is not None:
        return Stand("retired", f"Its config is gone, so no night is evaluated any more. On its last: {row.headline}")
    loud = [i for i in row.open_incidents if mute_of(place, i, now.date()) is None]
    if worst := worst_first([i for i in loud if _kind(i, row) == "incident"]):
        return Stand("incident", worst[0].cause, since)
    if row.status == "regression" and not row.open_incidents:
        return Stand("regression", row.headline, since)
    if since is not None:
        return Stand("silent", _silence(row, since), since)
    if loud:
        kinds = {_kind(i, row): i for i in reversed(loud)}
        kind: Standing = "quarantined" if "quarantined" in kinds else "blind"
        return Stand(kind, kinds[kind].cause)
    if row.open_incidents:
        return Stand("muted", worst_first(row.open_incidents)[0].cause)
    return Stand(_OF_NIGHT.get(row.status, "watch"), row.headline)


def _kind(incident: Incident, row: FleetRow) -> Standing:
    """What an open incident makes of a model: one that is nothing but the quarantine of its last night has its name."""
    if incident.check == "blind":
        return "blind"
    only_validation = incident.metric == "validation" and set(incident.families) <= {"data"}
    return "quarantined" if only_validation and row.status == "quarantined" else "incident"


_OF_NIGHT: dict[str, Standing] = {
    "ok": "ok",
    "watch": "watch",
    "insufficient_data": "blind",
    "quarantined": "quarantined",
}


def _without_folder(fault: str) -> str:
    """A config's faults with the file's name alone: where it lies on the server is nobody's business."""
    folder = fault.partition(" has ")[0].rpartition("/")[0]
    return fault.replace(f"{folder}/", "") if folder else fault


def _silence(row: FleetRow, since: datetime) -> str:
    return f"No night has come after {row.night}; the next was due on {since:%Y-%m-%d %H:%M} UTC."


def worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    """Incidents by their harm in units of the tolerance; then those that have been open for longest."""
    return sorted(incidents, key=lambda i: (-(i.worst or 0.0), i.since or i.opened, i.id))


def mute_of(place: Place, incident: Incident, day: date) -> Mute | None:
    """The mute that holds for an incident; ``None`` where somebody is told of it."""
    mutes = place.config.alerts.mute if place.config else ()
    return find_mute(mutes, incident, day) if mutes else None


def silent_since(place: Place, row: FleetRow, now: datetime) -> datetime | None:
    """When the night after a model's last was due; ``None`` while it is not overdue.

    Silence goes by when nights are *evaluated*: nights of long ago that are replayed now are no silence. After a night
    was published the next one comes as much later as the schedule and the labels' delay have them apart. It is not
    waited for longer than the run would wait for its data: labels that come late publish a night again, and do not
    make up for the next one. Where the schedule was changed since, the later of both dues counts.
    """
    dues = [_due(row, found, place, now) for found in _coming(place, row)]
    due = max(dues, default=None)
    return due if due is not None and now > due + GRACE else None


def _coming(place: Place, row: FleetRow) -> list[Coming]:
    ways = {(row.schedule, delay_of(row.label_delay))}
    if place.config is not None:
        ways.add((place.config.schedule, place.config.data.label_delay))
    return [found for schedule, delay in ways if (found := coming(schedule, row.night, delay)) is not None]


def _due(row: FleetRow, next_night: Coming, place: Place, now: datetime) -> datetime:
    wait = place.config.data.wait if place.config is not None else WAIT
    at_most = next_night.due + wait
    evaluated = _instant(row.evaluated_at)
    if evaluated is None or evaluated > now + SKEW:
        return at_most  # a clock that cannot be believed does not excuse a model for ever
    after = evaluated + next_night.step
    return min(after, at_most) if evaluated < at_most else after


WAIT = timedelta(hours=12)
"""How long a run waits for its data where no config is there to say it; the config's own default."""


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
