"""What a mute withholds: the note that it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from nightproof.alert.claims import JSON
from nightproof.alert.told import MUTED
from nightproof.alert_sections import Mute
from nightproof.errors import ObjectExists
from nightproof.record import Record
from nightproof.storage import Store


class Withheld(Record):
    """The note that an event was not told, and why."""

    until: date
    reason: str
    night: str


def withhold(store: Store, folder: str, names: Iterable[str], mute: Mute, *, night: str) -> None:
    """Note that events were not told: when the mute is over, they are told as things stand then.

    Parameters
    ----------
    store, folder
        The incident's folder.
    names
        The events.
    mute, night
        Why, and on which night.
    """
    note = Withheld(until=mute.until, reason=mute.reason, night=night).to_bytes()
    for name in names:
        try:
            store.create(f"{folder}{name}{MUTED}", note, content_type=JSON)
        except ObjectExists:
            continue


def read_note(store: Store, folder: str, name: str) -> Withheld:
    """The note that an event was not told."""
    key = f"{folder}{name}{MUTED}"
    return Withheld.from_bytes(store.read(key), name=store.url(key))
