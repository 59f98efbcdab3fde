"""Incidents: the life of each in a period, and what was done: who was told, when, and what was muted and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nightproof.alert.claims import Receipt
from nightproof.alert.told import MUTED, SENT
from nightproof.alert.withhold import Withheld
from nightproof.audit.period import Period
from nightproof.errors import RecordError
from nightproof.results import ModelResults
from nightproof.verdict import Incident
from nightproof.words import subject


@dataclass(frozen=True)
class Event:
    """What happened to an incident on one night, by the evaluation that stands for it."""

    night: str
    event: str
    cause: str
    evaluation_id: str


@dataclass(frozen=True)
class Message:
    """What somebody was told, or was not."""

    event: str
    how: str
    """`told` or `muted`."""
    where: str
    """A Slack channel's id, or a notifier's class; empty for a mute."""
    at: str
    """UTC instant; of a mute, the day that it held until."""
    text: str
    """The message's summary, or the reason of the mute."""


@dataclass(frozen=True)
class Life:
    """One incident.

    Parameters
    ----------
    events
        What happened in the period; `ongoing` only where it is the first that the period sees.
    nights
        Nights of the period on which it was open.
    ended
        The night on which it was over; ``None`` while it is open.
    superseded
        What evaluations said that no longer stand.
    """

    id: str
    subject: str
    check: str
    opened: str
    ended: str | None
    nights: int
    causes: tuple[str, ...]
    events: tuple[Event, ...]
    messages: tuple[Message, ...]
    superseded: tuple[Event, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def lives(period: Period, results: ModelResults) -> list[Life]:
    """Every incident of a period, in the order in which they opened."""
    seen: dict[str, list[tuple[str, str, Incident]]] = {}
    old: dict[str, list[Event]] = {}
    for found in period.evaluated:
        for incident in found.verdict.incidents if found.verdict else ():
            if found.is_latest:
                seen.setdefault(incident.id, []).append((found.night, found.entry.evaluation_id, incident))
            elif incident.event != "ongoing":
                event = Event(found.night, incident.event, incident.cause, found.entry.evaluation_id)
                old.setdefault(incident.id, []).append(event)
    told = [
        _life(name, sorted(seen.get(name, []), key=lambda s: s[0]), old.get(name, []), results)
        for name in {**seen, **old}
    ]
    return sorted(told, key=lambda life: (life.opened, life.id))


def _life(name: str, seen: Sequence[tuple[str, str, Incident]], old: Sequence[Event], results: ModelResults) -> Life:
    messages = tuple(_messages(name, results))
    if not seen:
        first = old[0]
        return Life(name, first.cause, name.partition("-")[0], first.night, None, 0, (), (), messages, tuple(old))
    last = seen[-1][2]
    events = [
        Event(night, incident.event, incident.cause, evaluation)
        for place, (night, evaluation, incident) in enumerate(seen)
        if incident.event != "ongoing" or place == 0
    ]
    causes = max((incident.causes for _, _, incident in seen), key=len, default=())
    return Life(
        id=name,
        subject=subject(last.metric, last.column, last.segment),
        check=last.check,
        opened=last.opened,
        ended=last.ended,
        nights=sum(incident.is_open for _, _, incident in seen),
        causes=tuple(cause.text for cause in causes),
        events=tuple(events),
        messages=messages,
        superseded=tuple(old),
    )


def _messages(name: str, results: ModelResults) -> list[Message]:
    """By the receipts and the notes of mutes in the incident's folder."""
    folder, found = f"{results.folder}alerts/{name}/", []
    for stored in results.store.list(folder):
        file = stored.key.removeprefix(folder)
        event = file.split(".", 1)[0]
        try:
            if file.endswith(SENT):
                receipt = Receipt.from_bytes(results.store.read(stored.key), name=stored.key)
                where = receipt.channel if receipt.ts else f"notifier {receipt.channel}"
                found.append(Message(event, "told", where, receipt.sent_at, receipt.text))
            elif file.endswith(MUTED):
                note = Withheld.from_bytes(results.store.read(stored.key), name=stored.key)
                found.append(Message(event, "muted", "", str(note.until), note.reason))
        except RecordError as error:
            # Receipts are no part of the chain: one that cannot be read is said, and hides nothing else.
            found.append(Message(event, "unreadable", "", "", str(error)))
    return sorted(found, key=lambda message: (message.at, message.event, message.where))
