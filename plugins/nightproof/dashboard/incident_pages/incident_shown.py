"""An incident as lists show it: what, since when, how bad, why, and who is told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from nightproof import words
from nightproof.alert_sections import Mute, Trouble
from nightproof.config import ModelConfig
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.place import Place
from nightproof.dashboard.standing import mute_of
from nightproof.verdict import Cause, Event, Incident

State = Literal["open", "muted", "recovered", "withdrawn"]
"""`muted`: it is open, and nobody is told of it; `withdrawn`: labels that came later show that there was nothing."""
STATES: dict[State, tuple[str, str, str]] = {
    "open": ("✖", "Open", "regression"),
    "muted": ("◐", "Muted", "insufficient_data"),
    "recovered": ("✔", "Recovered", "ok"),
    "withdrawn": ("↩", "Withdrawn", "idle"),
}
"""Each as a sign, a word and the colours of a status."""


class Addressee(View):
    """One of those who are told of an incident, by the config as it is now."""

    to: str
    """A Slack channel, or a notifier's class."""
    loud: bool
    """Whether it is told as a page, which may wake somebody; else as a notice."""


class IncidentShown(View):
    """One incident, as its last night saw it."""

    model: str
    owner: str
    id: str
    """Stable through its life."""
    what: str
    """What regressed, in words."""
    state: State
    check: Trouble
    families: tuple[Trouble, ...]
    """All that has regressed in it, `check` among them."""
    metric: str
    column: str | None
    segment: dict[str, str]
    """The rows that it is about; empty for all."""
    since: str
    """The night from which on the harm is seen."""
    opened: str
    """The night on which it was first told."""
    ended: str | None
    """The night on which it was over; null while it is open."""
    last: str
    """The last night that says anything of it."""
    evaluation_id: str | None
    """That night's evaluation; null where only the night's own page knows it."""
    nights: int
    """How many nights it is, or was, open."""
    worst: float | None
    """The largest harm that it was told of, in units of its tolerance."""
    event: Event
    """What happened to it on that night."""
    good_nights: int
    """Nights in a row on which all that it showed was within tolerance."""
    recover_after: int | None
    """Good nights in a row after which it is over; null where the model has no config here."""
    cause: str
    """One sentence: what regressed and, where it can be told, why."""
    causes: tuple[Cause, ...]
    """What may have brought it about, the likeliest first."""
    told: tuple[Addressee, ...]
    """Who is told of it, by the config as it is now; its own page says what was sent."""
    muted_until: date | None
    """The first day on which somebody is told of it again."""
    muted_by: str
    """What the mute names; empty where it is not muted."""
    mute_reason: str
    silent_since: datetime | None = None
    """When the model's next night was due, where its nights stopped: nobody knows how the incident stands now."""


def shown(
    incident: Incident,
    place: Place,
    *,
    model: str,
    owner: str,
    last: tuple[str, str | None],
    open_still: bool,
    day: date,
    silent_since: datetime | None = None,
) -> IncidentShown:
    """An incident as lists show it.

    Parameters
    ----------
    incident
        As its last night saw it.
    place
        The model's.
    model, owner
        Whose it is.
    last
        The last night that says anything of it, and that night's evaluation.
    open_still
        Whether it goes on after the model's last night.
    day
        On which mutes are looked up.
    silent_since
        When the model's next night was due, where none came.
    """
    mute = mute_of(place, incident, day) if open_still else None
    return IncidentShown(
        model=model,
        owner=owner,
        id=incident.id,
        what=what_of(incident),
        state=_state(incident, open_still=open_still, mute=mute),
        check=incident.check,
        families=incident.families or (incident.check,),
        metric=incident.metric,
        column=incident.column,
        segment=incident.segment,
        # What shows it most strongly may begin later than it did, once it has gone on for long.
        since=min(incident.since or incident.opened, incident.opened),
        opened=incident.opened,
        ended=None if open_still else incident.ended,
        last=last[0],
        evaluation_id=last[1],
        nights=_lasted(incident, last[0], open_still=open_still),
        worst=incident.worst,
        event=incident.event,
        good_nights=incident.good_nights,
        recover_after=place.config.alerts.recover_after if place.config else None,
        cause=incident.cause,
        causes=incident.causes,
        told=addressees(incident, place.config),
        muted_until=mute.until if mute else None,
        muted_by=named(mute) if mute else "",
        mute_reason=mute.reason if mute else "",
        silent_since=silent_since if open_still else None,
    )


def what_of(incident: Incident) -> str:
    """What an incident is about, in words."""
    if incident.metric == "validation":
        return "Data failed validation"
    if incident.check == "blind":
        return "Too little data to tell"
    return words.subject(incident.metric, incident.column, incident.segment)


def addressees(incident: Incident, config: ModelConfig | None) -> tuple[Addressee, ...]:
    """Who is told of an incident by a config; nobody where there is none."""
    if config is None:
        return ()
    alerts = config.alerts
    loud = alerts.severity_of(incident.check) == "page"
    slack = [alerts.slack.channel_of(incident.check)] if alerts.slack else []
    others = [n.class_.rpartition(".")[2] for n in alerts.notifiers if loud or n.severity == "notice"]
    return tuple(Addressee(to=to, loud=loud) for to in (*slack, *others))


def named(mute: Mute) -> str:
    """What a mute names, in words."""
    parts = [f"{name} {said}" for name in ("incident", "check", "metric", "column") if (said := getattr(mute, name))]
    return ", ".join([*parts, *(f"{column} is {value}" for column, value in (mute.segment or {}).items())])


def _state(incident: Incident, *, open_still: bool, mute: Mute | None) -> State:
    if open_still:
        return "muted" if mute else "open"
    return "withdrawn" if incident.event == "withdrawn" else "recovered"


def _lasted(incident: Incident, last: str, *, open_still: bool) -> int:
    """Nights from its opening on: with the last one while it is open, up to its end after that."""
    end = last if open_still else incident.ended or last
    try:
        days = (date.fromisoformat(end) - date.fromisoformat(incident.opened)).days
    except ValueError:
        return 1
    return max(days + open_still, 1)
