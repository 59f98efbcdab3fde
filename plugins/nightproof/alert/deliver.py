"""Deliver: what all outboxes hold for Slack, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nightproof.alert.outbox import Outbox
from nightproof.alert.plan import Item
from nightproof.alert.targets import Delivery
from nightproof.errors import AlertError, NightproofError, SlackUnavailable


def deliver(outboxes: Sequence[Outbox], *, now: datetime) -> Delivery:
    """Tell Slack what is due: nights rising, over all models; a channel that fails is told no more.

    So what a channel hears is in order, however many nights an outage lasted. What fails is in the
    result, and stops neither the other channels nor, where it is storage, the other models.
    """
    result, stopped, tried = Delivery(), set[str](), set[tuple[str, ...]]()
    pending = {outbox: _ready(outbox, now, result) for outbox in outboxes}
    while found := _next(pending, stopped, tried):
        outbox, item, channel = found
        tried.add(_mark(outbox, item))
        try:
            receipt = outbox.send(item)
        except SlackUnavailable as error:
            result.failures.append(error)
            break
        except AlertError as error:
            result.failures.append(error)
            stopped.add(channel)
        except NightproofError as error:
            result.failures.append(error)
            pending[outbox] = []
        else:
            result.sent += [receipt] if receipt else []
            # Another worker may have told other things meanwhile.
            pending[outbox] = _ready(outbox, now, result)
    return result


def _ready(outbox: Outbox, now: datetime, result: Delivery) -> list[Item]:
    try:
        items = outbox.items(now)
    except NightproofError as error:
        result.failures.append(error)
        return []
    result.failures += outbox.problems()
    result.waiting[outbox.config.model] = sum(waits for _, waits in items)
    return [item for item, waits in items if not waits]


def _next(
    pending: dict[Outbox, list[Item]], stopped: set[str], tried: set[tuple[str, ...]]
) -> tuple[Outbox, Item, str] | None:
    """The earliest item of a channel that has taken everything so far."""
    found = [
        (item.order, outbox.config.model, outbox, item, channel)
        for outbox, items in pending.items()
        for item in items
        if (channel := outbox.channel_of(item)) not in stopped and _mark(outbox, item) not in tried
    ]
    first = min(found, key=lambda entry: entry[:2], default=None)
    return None if first is None else first[2:]


def _mark(outbox: Outbox, item: Item) -> tuple[str, ...]:
    return (outbox.config.model, item.incident.id, item.name, *item.covers)
