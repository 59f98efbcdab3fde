"""The week's digest: one message a channel and ISO week, once its hour has come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nightproof.alert.claims import Claims, Receipt
from nightproof.alert.client import Sender
from nightproof.alert.post import Post, Where
from nightproof.clock import Weekly, week_of
from nightproof.config import ModelConfig
from nightproof.message import Message
from nightproof.storage import Store


@dataclass(frozen=True)
class DigestDue:
    """A channel's digest whose hour has come.

    Parameters
    ----------
    channel
        As the configs name it.
    week
        The ISO week in which it is sent, such as ``2026-W48``.
    at
        When it was due.
    models
        Whose people read the channel.
    """

    channel: str
    week: str
    at: datetime
    models: tuple[ModelConfig, ...]


def digests(configs: Sequence[ModelConfig], now: datetime) -> list[DigestDue]:
    """Every channel's digest of the current week, by channel.

    A channel of several models that disagree on the hour has its digest at the earliest of theirs.
    """
    readers: dict[str, list[tuple[Weekly, ModelConfig]]] = {}
    for config in configs:
        if config.alerts.slack is not None and (weekly := config.alerts.slack.weekly) is not None:
            readers.setdefault(config.alerts.slack.channel, []).append((weekly, config))
    found = []
    for channel, pairs in sorted(readers.items()):
        at = earliest([weekly for weekly, _ in pairs]).latest(now)
        found.append(DigestDue(channel, week_of(at), at, tuple(config for _, config in pairs)))
    return found


def earliest(hours: Sequence[Weekly]) -> Weekly:
    """The first hour of the week, Monday at midnight being its beginning."""
    return min(hours, key=lambda weekly: (weekly.weekday, weekly.at, weekly.zone.key))


class DigestPost:
    """One channel's digest of one week: told once.

    Parameters
    ----------
    store, folder
        The fleet's results; a key prefix that ends in a slash.
    due
        Which.
    """

    def __init__(self, store: Store, folder: str, due: DigestDue) -> None:
        self._store = store
        name = re.sub(r"[^A-Za-z0-9_-]", "", due.channel) or "channel"
        # Two channels may differ in letters that a key cannot hold.
        marked = name if f"#{name}" == due.channel or name == due.channel else f"{name}-{due.channel.encode().hex()}"
        self._stem = f"{folder}digests/{marked}/{due.week}"
        self._where = Where(due.channel)

    def is_told(self) -> bool:
        """Whether it was sent."""
        return Claims(self._store, self._stem).receipt() is not None

    def deliver(self, sender: Sender, message: Message) -> Receipt | None:
        """Send it unless it was sent; gives the receipt if this call sent it."""
        return Post(self._store, self._stem, sender=sender, where=self._where).deliver(lambda _: message)
