"""Claims and receipts: whose turn it is to tell an event, and the proof that it was told."""

from __future__ import annotations

from datetime import UTC, datetime

from nightproof.errors import ObjectExists, ObjectMissing
from nightproof.record import Record
from nightproof.storage import Store

CLAIM_SECONDS = 300
"""A claim without a receipt that is younger than this belongs to somebody who is still at it."""
JSON = "application/json"


class Claim(Record):
    """Somebody's word that they are telling an event."""

    number: int
    claimed_at: str
    channel: str = ""
    """Where they would tell it: a config may name another by the time that somebody looks for it."""


class Receipt(Record):
    """The word of whoever was told that they have it."""

    key: str
    channel: str
    """A Slack channel's id, or a notifier's class."""
    ts: str
    """Slack's name for the message; empty for a notifier."""
    text: str
    night: str = ""
    """The night as of which it was told."""
    covers: tuple[str, ...] = ()
    """Other events of the incident that the same message told."""
    sent_at: str = ""
    """UTC instant, ISO 8601."""


class Claims:
    """The claims and the receipt of one event for one of those who are told.

    Parameters
    ----------
    store
        Of the results.
    stem
        Key of the event; ``.claim-000.json`` and ``.sent.json`` are put behind it.
    """

    def __init__(self, store: Store, stem: str) -> None:
        self._store = store
        self._stem = stem

    @property
    def key(self) -> str:
        """The event's name, the same for everybody."""
        return self._store.url(self._stem)

    def receipt(self) -> Receipt | None:
        """The receipt, if the event was told."""
        name = f"{self._stem}.sent.json"
        try:
            return Receipt.from_bytes(self._store.read(name), name=self._store.url(name))
        except ObjectMissing:
            return None

    def keep(self, receipt: Receipt) -> None:
        """Leave the receipt; the first one stays."""
        self._create("sent", receipt)

    def all(self) -> list[Claim]:
        """Every claim so far, in order."""
        listed = [found.key for found in self._store.list(f"{self._stem}.claim-")]
        claims = [key for key in listed if not key.endswith(".released.json")]
        return [Claim.from_bytes(self._store.read(key), name=self._store.url(key)) for key in claims]

    def take(self, number: int, *, channel: str = "") -> bool:
        """Claim the turn of that number; ``False`` if somebody else has it."""
        return self._create(f"claim-{number:03d}", Claim(number=number, claimed_at=utc_now(), channel=channel))

    def release(self, number: int) -> None:
        """Give a turn up, so that whoever retries need not wait for it to grow old."""
        self._create(f"claim-{number:03d}.released", Claim(number=number, claimed_at=utc_now()))

    def is_given_up(self, claim: Claim) -> bool:
        """Whether nobody is at it any more."""
        age = datetime.now(UTC) - datetime.fromisoformat(claim.claimed_at)
        return age.total_seconds() > CLAIM_SECONDS or self._exists(f"claim-{claim.number:03d}.released")

    def _exists(self, name: str) -> bool:
        try:
            self._store.head(f"{self._stem}.{name}.json")
        except ObjectMissing:
            return False
        return True

    def _create(self, name: str, record: Record) -> bool:
        try:
            self._store.create(f"{self._stem}.{name}.json", record.to_bytes(), content_type=JSON)
        except ObjectExists:
            return False
        return True


def utc_now() -> str:
    """Now, as it is written into records."""
    return datetime.now(UTC).isoformat(timespec="seconds")
