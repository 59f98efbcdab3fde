"""One model's week, as its channel's digest has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from nightproof.alert.told import Told
from nightproof.alert_sections import Mute
from nightproof.config import ModelConfig
from nightproof.message import Dashboard, DigestIncident, DigestLine, DigestMute
from nightproof.verdict import PAGES, Incident, Verdict
from nightproof.words import subject

NIGHTS = 7
GIVEN_UP = timedelta(days=60)
"""A model whose last night is longer ago has been said to be silent for eight weeks, and is said no more."""


def nights_of(config: ModelConfig, at: datetime) -> tuple[date, date]:
    """The first and the last of the seven nights whose labels were due before a digest."""
    last = (at - config.data.label_delay).date() - timedelta(days=1)
    return last - timedelta(days=NIGHTS - 1), last


def week_line(
    config: ModelConfig,
    verdicts: Sequence[Verdict],
    *,
    at: datetime,
    told: Callable[[str], Told],
    dashboard: Dashboard | None = None,
    head: str | None = None,
) -> DigestLine | None:
    """A model's line; ``None`` where it was never evaluated, or not for so long that nobody waits for it.

    Parameters
    ----------
    config
        The model's.
    verdicts
        Of its last nights, rising.
    at
        When the digest was due.
    told
        What was told of an incident, by its id.
    dashboard
        Where the reader can look.
    head
        The head of its chain.
    """
    if not verdicts or at.date() - date.fromisoformat(verdicts[-1].night) > GIVEN_UP:
        return None
    first, last = nights_of(config, at)
    week = [verdict for verdict in verdicts if str(first) <= verdict.night <= str(last)]
    current = verdicts[-1]
    look = partial(dashboard.incident, config.model) if dashboard else None
    return DigestLine(
        model=config.model,
        owner=config.owner,
        status=week[-1].status if week else None,
        nights=len(week),
        open=tuple(_short(found, current.night, look) for found in current.incidents if found.is_open),
        opened=tuple(_short(found, night) for night, found in _with_event(week, "opened", "reopened")),
        recovered=tuple(_short(found, night) for night, found in _with_event(week, "recovered")),
        withdrawn=tuple(_short(found, night) for night, found in _with_event(week, "withdrawn")),
        muted=tuple(_muted(mute) for mute in config.alerts.mute if mute.is_active(at.date())),
        pages=_pages(config, week, told),
        budget=NIGHTS * config.alerts.false_alarms_per_night,
        link=dashboard.model(config.model) if dashboard else None,
        head=head,
    )


def _with_event(week: Sequence[Verdict], *events: str) -> list[tuple[str, Incident]]:
    return [(verdict.night, found) for verdict in week for found in verdict.incidents if found.event in events]


def _short(incident: Incident, night: str, look: Callable[[str], str] | None = None) -> DigestIncident:
    about = subject(incident.metric, incident.column, incident.segment)
    end = night if incident.is_open else incident.ended or night
    lasted = (date.fromisoformat(end) - date.fromisoformat(incident.opened)).days + incident.is_open
    link = look(incident.id) if look else None
    return DigestIncident(subject=about, opened=incident.opened, nights=max(lasted, 1), link=link)


def _muted(mute: Mute) -> DigestMute:
    named = {"check": mute.check, "metric": mute.metric, "column": mute.column}
    parts = [mute.incident or "", *(f"{name} {said}" for name, said in named.items() if said)]
    parts += [f"{name} is {value}" for name, value in (mute.segment or {}).items()]
    return DigestMute(what=", ".join(part for part in parts if part), until=mute.until, reason=mute.reason)


def _pages(config: ModelConfig, week: Sequence[Verdict], told: Callable[[str], Told]) -> int:
    """How many of the week's events were told as pages."""
    count = 0
    for verdict in week:
        for found in verdict.incidents:
            if found.event in PAGES and config.alerts.severity_of(found.check) == "page":
                name = "opened" if found.event == "opened" else f"{found.event}-{verdict.night}"
                count += name in told(found.id).receipts
    return count
