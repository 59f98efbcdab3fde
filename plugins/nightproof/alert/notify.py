"""Further targets: Airflow's notifiers, each told an event once.

A claim goes before the call and a receipt comes after it, as for Slack. But no notifier can be
asked whether it has told something: after a crash between the two, the event is told again, for a
page that nobody got is worse than one that came twice (PagerDuty and the like merge those by
`{incident}`). A call that fails is tried again by the next run.
"""

from __future__ import annotations

import hashlib
import html
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nightproof.alert.claims import Claims, Receipt, utc_now
from nightproof.alert.outbox import Outbox
from nightproof.alert.plan import Item
from nightproof.alert.targets import Delivery, Target
from nightproof.alert_sections import Notifier
from nightproof.errors import AlertError
from nightproof.message import Message
from nightproof.placeholders import fill

Call = Callable[[Mapping[str, Any]], None]
"""Makes a notifier of its arguments and calls it."""


@dataclass(frozen=True)
class NotifierTarget:
    """A notifier of the config, and the way to call it.

    Parameters
    ----------
    section
        As the config has it.
    call
        Gets its arguments, texts filled in.
    """

    section: Notifier
    call: Call

    @property
    def target(self) -> Target:
        """Its mark and severity."""
        return target_of(self.section)


def target_of(section: Notifier) -> Target:
    """A notifier's mark: another class or other arguments are another notifier."""
    said = json.dumps([section.class_, section.arguments], sort_keys=True, default=str)
    name = section.class_.rpartition(".")[2]
    return Target(f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:8]}", section.severity)


def notify(outbox: Outbox, notifiers: Sequence[NotifierTarget], *, now: datetime) -> Delivery:
    """Tell a model's notifiers what is due, nights rising; one that fails stops no other."""
    result = Delivery()
    for notifier in notifiers:
        for item, waits in outbox.items(now, notifier.target):
            if waits:
                continue
            try:
                receipt = _tell(outbox, notifier, item)
            except AlertError as error:
                result.failures.append(error)
                break
            result.sent += [receipt] if receipt else []
        result.failures += outbox.problems()
    return result


def _tell(outbox: Outbox, notifier: NotifierTarget, item: Item) -> Receipt | None:
    claims = Claims(outbox.store, f"{outbox.folder(item.incident.id)}{item.name}.{notifier.target.mark}")
    while claims.receipt() is None:
        taken = claims.all()
        if taken and not claims.is_given_up(taken[-1]):
            time.sleep(1.0)
        elif claims.take(len(taken)):
            return _called(outbox, notifier, item, claims, number=len(taken))
    return None


def _called(outbox: Outbox, notifier: NotifierTarget, item: Item, claims: Claims, *, number: int) -> Receipt:
    try:
        message = outbox.write(item, outbox.read(item))
        _call(notifier, item, fill(notifier.section.arguments, _values(outbox, item, message)))
    except Exception:
        claims.release(number)
        raise
    receipt = Receipt(
        key=claims.key,
        channel=notifier.section.class_,
        ts="",
        text=message.text,
        night=item.step.due.night,
        covers=item.covers,
        sent_at=utc_now(),
    )
    claims.keep(receipt)
    return receipt


def _call(notifier: NotifierTarget, item: Item, arguments: Mapping[str, Any]) -> None:
    try:
        notifier.call(arguments)
    except Exception as error:
        # Without what it says: an address that it quotes may hold a token.
        raise AlertError(
            f"{notifier.section.class_} did not take {item.name} of {item.incident.id} ({type(error).__name__}). "
            "It is not lost: run the alert task again once this is mended."
        ) from error


def _values(outbox: Outbox, item: Item, message: Message) -> dict[str, str]:
    first = message.blocks[0] if message.blocks else {}
    title = first["text"]["text"] if first.get("type") == "header" else message.text
    return {
        "title": html.unescape(title),
        # Slack's three entities mean nothing elsewhere.
        "text": html.unescape(message.text),
        "model": outbox.config.model,
        "night": item.step.due.night,
        "incident": item.incident.id,
        "event": item.incident.event,
    }
