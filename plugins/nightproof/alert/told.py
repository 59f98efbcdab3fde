"""What somebody has been told of an incident, by the receipts that lie in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from nightproof.alert.claims import Receipt
from nightproof.storage import Store

SENT = ".sent.json"
MUTED = ".muted.json"


@dataclass(frozen=True)
class Told:
    """What one of those who are told has heard of an incident.

    Parameters
    ----------
    receipts
        By the names of their events.
    muted
        Names of events that a mute withheld.
    """

    receipts: dict[str, Receipt]
    muted: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every event that was told, by a message of its own or another's."""
        return frozenset(self.receipts) | {name for found in self.receipts.values() for name in found.covers}

    @property
    def until(self) -> str:
        """The latest night that was told of; empty where nothing was."""
        own = [found.night for found in self.receipts.values()]
        return max([*own, *(night_of(name) for name in self.names)], default="")

    @property
    def first(self) -> Receipt | None:
        """The message that its thread hangs on."""
        sent = [found for found in self.receipts.values() if found.ts]
        return min(sent, key=lambda found: float(found.ts), default=None)

    @property
    def last_at(self) -> datetime | None:
        """When something of it was told last."""
        sent = [float(found.ts) for found in self.receipts.values() if found.ts]
        return datetime.fromtimestamp(max(sent), UTC) if sent else None

    @property
    def is_withdrawn(self) -> bool:
        """Whether the last thing that was told of it is that there was nothing.

        By when it was told: the night that was evaluated again lies before others that were told of.
        """
        withdrawn = [_sent(found) for name, found in self.receipts.items() if name.startswith("withdrawn-")]
        again = [_sent(found) for name, found in self.receipts.items() if name.startswith("reopened-")]
        return bool(withdrawn) and max(withdrawn) >= max(again, default=withdrawn[0])

    def has_begun(self, opened: str) -> bool:
        """Whether it was told of as open, and not yet of its end.

        Parameters
        ----------
        opened
            The night on which the incident opened first.
        """
        open_nights = [opened if name == "opened" else night_of(name) for name in self.names if _is_open(name)]
        ends = [night_of(name) for name in self.names if name.startswith("recovered-")]
        if self.is_withdrawn:
            return False
        return bool(open_nights) and (not ends or max(open_nights) > max(ends))


def read_told(store: Store, folder: str, *, target: str = "") -> Told:
    """What lies in an incident's folder.

    Parameters
    ----------
    store, folder
        The folder; a key prefix that ends in a slash.
    target
        A notifier's mark, or empty for Slack.
    """
    names = [found.key.removeprefix(folder) for found in store.list(folder)]
    ending = f".{target}{SENT}" if target else SENT
    sent = [name for name in names if name.endswith(ending) and name.removesuffix(ending).count(".") == 0]
    receipts = {
        name.removesuffix(ending): Receipt.from_bytes(store.read(folder + name), name=store.url(folder + name))
        for name in sent
    }
    return Told(receipts, frozenset(name.removesuffix(MUTED) for name in names if name.endswith(MUTED)))


def _sent(receipt: Receipt) -> float:
    """When it was told, in seconds since 1970."""
    if receipt.ts:
        return float(receipt.ts)
    return datetime.fromisoformat(receipt.sent_at).timestamp() if receipt.sent_at else 0.0


def night_of(name: str) -> str:
    """The night in an event's name; empty for `opened`, which has none."""
    return name.partition("-")[2]


def _is_open(name: str) -> bool:
    return name.partition("-")[0] in ("opened", "worsened", "reopened")
