"""How a model stands now: its last night's verdict, its open incidents, and whether its nights still come.

A verdict says how a night was; whether it still says anything depends on the clock. A model whose nights stopped is
silent, however good its last night was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from nightproof.alert_sections import Mute
from nightproof.board import FleetRow
from nightproof.dashboard.source import Place
from nightproof.mute import find_mute
from nightproof.verdict import Incident

Standing = Literal["broken", "incident", "silent", "quarantined", "blind", "muted", "watch", "ok", "new"]
"""The worst first.

`broken`: its config cannot be read, so no night is evaluated; `incident`: something regressed and is open; `silent`:
its nights stopped; `quarantined`: its last night's data failed validation; `blind`: too little data to tell;
`muted`: incidents are open, all of them muted; `watch`: worth a look; `new`: no night has been evaluated yet.
"""
SIGNS: dict[Standing, tuple[str, str]] = {
    "broken": ("⚠", "Config broken"),
    "incident": ("✖", "Incident open"),
    "silent": ("◌", "Silent"),
    "quarantined": ("■", "Quarantined"),
    "blind": ("○", "Too little data"),
    "muted": ("◐", "Muted"),
    "watch": ("▲", "Watch"),
    "ok": ("✔", "OK"),
    "new": ("·", "No night yet"),
}
"""Each as a sign and words: nothing is told by colour alone."""
GRACE = timedelta(hours=6)
"""How long after the next night was to be evaluated a model is not yet silent."""


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
        When the next night was due, in UTC; ``None`` while nights come.
    """

    standing: Standing
    why: str
    silent_since: datetime | None = None

    @property
    def order(self) -> int:
        """Place from the worst on."""
        return tuple(SIGNS).index(self.standing)


def stand_of(place: Place, row: FleetRow | None, now: datetime) -> Stand:
    """How a model stands at an instant.

    Parameters
    ----------
    place
        Its config and results.
    row
        Its row; ``None`` where no night of it is on the board.
    now
        UTC.
    """
    if place.fault:
        return Stand("broken", place.fault)
    if row is None:
        return Stand("new", "No night has been evaluated yet.")
    since = silent_since(row, now)
    open_incidents = row.open_incidents
    unmuted = [i for i in open_incidents if mute_of(place, i, now.date()) is None]
    if unmuted:
        return Stand("incident", unmuted[0].cause, since)
    if since is not None:
        return Stand("silent", f"No night since {row.night}; the next was due on {since:%Y-%m-%d %H:%M} UTC.", since)
    if open_incidents:
        return Stand("muted", open_incidents[0].cause)
    return Stand(_OF_NIGHT.get(row.status, "watch"), row.headline)


_OF_NIGHT: dict[str, Standing] = {
    "ok": "ok",
    "watch": "watch",
    "regression": "incident",
    "insufficient_data": "blind",
    "quarantined": "quarantined",
}


def mute_of(place: Place, incident: Incident, day: date) -> Mute | None:
    """The mute that holds for an incident; ``None`` where somebody is told of it."""
    mutes = place.config.alerts.mute if place.config else ()
    return find_mute(mutes, incident, day)


def silent_since(row: FleetRow, now: datetime) -> datetime | None:
    """When the night after a model's last was due; ``None`` while it is not overdue.

    A night is published once a tick of its schedule, whichever night it is of: after the last publication the next
    tick must bring another, and has :data:`GRACE` for it.
    """
    due = _next_tick(row.schedule, datetime.fromisoformat(row.evaluated_at))
    return due if now > due + GRACE else None


@lru_cache(maxsize=4096)
def _next_tick(schedule: str, after: datetime) -> datetime:
    from croniter import croniter

    found: datetime = croniter(schedule, after.astimezone(UTC)).get_next(datetime)
    return found
