"""What was told of an incident, to whom: messages, what a mute withheld, and what is still to be told."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from nightproof.config import ModelConfig
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dossier import Dossier
from nightproof.errors import ObjectMissing
from nightproof.results import ModelResults
from nightproof.storage import ReadsInBulk

if TYPE_CHECKING:
    from nightproof.alert.claims import Receipt
    from nightproof.alert.plan import Item, Step
    from nightproof.alert.targets import Target

SHOWN = 60
"""Messages that are read; of more, replies that it still goes on are left out from the middle."""
_SAFE = re.compile(r"[\w-][\w.-]*")
_LAST = datetime.max.replace(tzinfo=UTC)
_SENT, _MUTED = ".sent.json", ".muted.json"


class SentMessage(View):
    """One message that somebody has."""

    event: str
    """What it tells, such as `opened` or `recovered-2013-12-17`."""
    also: tuple[str, ...]
    """Further events that it tells."""
    night: str
    """The night as of which it was told."""
    to: str
    """A Slack channel as the config named it then, or a notifier's class."""
    channel: str
    """The channel's id; empty for a notifier."""
    at: datetime | None
    """When it was sent."""
    text: str
    """What a phone's notification showed."""
    thread: str
    """Slack's name for the message that it replies to; empty for one of its own."""
    message: str
    """Slack's name for it."""


class WithheldMessage(View):
    """News that a mute kept back."""

    event: str
    night: str
    until: date
    reason: str


class WaitingMessage(View):
    """News that is still to be told."""

    event: str
    also: tuple[str, ...]
    night: str
    evaluation_id: str
    asked_at: datetime | None
    to: str
    loud: bool
    """Whether it goes out as a page."""
    why: str
    """Why it was not sent yet."""


class ToldView(View):
    """What was told of an incident."""

    sent: tuple[SentMessage, ...]
    """In the order in which they were sent."""
    left_out: int
    """Replies that it still goes on, which are not listed."""
    withheld: tuple[WithheldMessage, ...]
    waiting: tuple[WaitingMessage, ...]


NOTHING = ToldView(sent=(), left_out=0, withheld=(), waiting=())


def told_view(results: ModelResults, incident_id: str, config: ModelConfig | None, now: datetime) -> ToldView:
    """What was told of an incident; reads, and claims nothing.

    Parameters
    ----------
    results
        The model's.
    incident_id
        Which.
    config
        As it is now; without one, nobody is going to be told.
    now
        For what waits.
    """
    if not _SAFE.fullmatch(incident_id) or ".." in incident_id:
        return NOTHING  # no alert ever wrote such a folder
    folder = _Folder(results, incident_id)
    sent, left_out = folder.sent()
    waiting = tuple(_waiting(results, folder, config, now)) if config is not None else ()
    return ToldView(sent=sent, left_out=left_out, withheld=folder.withheld(), waiting=waiting)


class _Folder:
    """The folder of an incident's claims and receipts."""

    def __init__(self, results: ModelResults, incident_id: str) -> None:
        self.id = incident_id
        self.store = results.store
        self.key = f"{results.folder}alerts/{incident_id}/"
        self.names = sorted(found.key.removeprefix(self.key) for found in self.store.list(self.key))
        self._named: dict[str, str] = {}
        self._read: Callable[[str], bytes] = (
            self.store.bulk() if isinstance(self.store, ReadsInBulk) and len(self.names) > SHOWN else self.store.read
        )

    def sent(self) -> tuple[tuple[SentMessage, ...], int]:
        """Every message, and how many are left out."""
        from nightproof.alert.claims import Receipt

        every = [name.removesuffix(_SENT) for name in self.names if name.endswith(_SENT)]
        daily = [name for name in every if name.startswith("ongoing")]
        most = max(SHOWN - (len(every) - len(daily)), 4)
        dropped = set(daily[most // 2 : len(daily) - most // 2]) if len(daily) > most else set[str]()
        receipts = {
            name: Receipt.from_bytes(self._read(f"{self.key}{name}{_SENT}"), name=self.store.url(self.key + name))
            for name in every
            if name not in dropped
        }
        slack = {name: found for name, found in receipts.items() if found.ts and "." not in name}
        first = min(slack.values(), key=lambda found: _seconds(found.ts), default=None)
        # Replies are claimed by the channel's id: its name is that of the message that they hang on.
        for name, found in slack.items():
            if found.channel not in self._named and (channel := self._channel(name)):
                self._named[found.channel] = channel
        shown = [self._message(name, receipt, first) for name, receipt in receipts.items()]
        return tuple(sorted(shown, key=lambda found: (found.at or _LAST, found.event))), len(dropped)

    def withheld(self) -> tuple[WithheldMessage, ...]:
        """What a mute kept back."""
        from nightproof.alert.withhold import read_note

        found = []
        for name in (name.removesuffix(_MUTED) for name in self.names if name.endswith(_MUTED)):
            note = read_note(self.store, self.key, name)
            found.append(WithheldMessage(event=name, night=note.night, until=note.until, reason=note.reason))
        return tuple(sorted(found, key=lambda note: (note.night, note.event)))

    def _message(self, name: str, receipt: Receipt, first: Receipt | None) -> SentMessage:
        event, _, notifier = name.partition(".")
        own = first is None or notifier or name == "opened" or receipt.ts == first.ts
        return SentMessage(
            event=event,
            also=receipt.covers,
            night=receipt.night,
            to=receipt.channel if notifier else self._named.get(receipt.channel, receipt.channel),
            channel="" if notifier else receipt.channel,
            at=_at(receipt),
            # Slack's three entities mean nothing here.
            text=html.unescape(receipt.text),
            thread="" if own or first is None else first.ts,
            message=receipt.ts,
        )

    def _channel(self, name: str) -> str:
        """The channel as the config named it then: the claim has it, the receipt has Slack's id."""
        from nightproof.alert.claims import Claim

        claims = [n for n in self.names if n.startswith(f"{name}.claim-") and not n.endswith(".released.json")]
        if not claims:
            return ""
        raw = self._read(self.key + claims[-1])
        channel = Claim.from_bytes(raw, name=self.store.url(self.key + claims[-1])).channel
        return channel if channel.startswith("#") else ""

    def tries(self, stem: str) -> int:
        """How often somebody tried to tell an event."""
        return sum(n.startswith(f"{stem}.claim-") and not n.endswith(".released.json") for n in self.names)


def _waiting(results: ModelResults, folder: _Folder, config: ModelConfig, now: datetime) -> Iterator[WaitingMessage]:
    """What is due and not told, by the same plan that the alert goes by."""
    steps = _steps(results, folder.id)
    if not steps:
        return
    from nightproof.alert.plan import plan, released
    from nightproof.alert.told import read_told
    from nightproof.mute import find_mute

    mute = find_mute(config.alerts.mute, steps[-1].incident, now.astimezone(UTC).date())
    quiet = config.alerts.quiet.until(now) if config.alerts.quiet else None
    for target, to in _targets(config, steps[-1]):
        told = read_told(folder.store, folder.key, target=target.mark)
        planned = plan(steps, told, severity=config.alerts.severity_of, now=now)
        wanted = [item for item in planned if target.wants(item)]
        ready = released(wanted, quiet=quiet is not None)
        for item in wanted:
            if mute is not None:
                why = f"Withheld: muted until {mute.until}"
            elif item not in ready:
                why = f"Waits for the end of quiet hours, {quiet:%Y-%m-%d %H:%M %Z}"
            else:
                why = _unsent(folder.tries(f"{item.name}.{target.mark}" if target.mark else item.name))
            yield _waiting_message(item, to=to, why=why)


def _waiting_message(item: Item, *, to: str, why: str) -> WaitingMessage:
    due = item.step.due
    return WaitingMessage(
        event=item.name,
        also=item.covers,
        night=due.night,
        evaluation_id=due.evaluation_id,
        asked_at=_instant(due.asked_at),
        to=to,
        loud=item.loud,
        why=why,
    )


def _steps(results: ModelResults, incident_id: str) -> Sequence[Step]:
    """What due nights say of an incident."""
    from nightproof.alert.due import Due, DueNights
    from nightproof.alert.plan import steps_of
    from nightproof.verdict import Verdict

    found: dict[str, tuple[Due, Verdict]] = {}
    for due in DueNights(results).waiting():
        # Not one that the results keep: it would hold every file that was ever looked at.
        dossier = Dossier(results.store, f"{results.folder}{due.night}/{due.evaluation_id}/")
        try:
            verdict = Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json"))
        except ObjectMissing:
            continue
        found[due.night] = (due, verdict)
    return steps_of(list(found.values())).get(incident_id, [])


def _targets(config: ModelConfig, step: Step) -> Iterator[tuple[Target, str]]:
    from nightproof.alert.notify import target_of
    from nightproof.alert.targets import SLACK

    if config.alerts.slack is not None:
        yield SLACK, config.alerts.slack.channel_of(step.incident.check)
    for section in config.alerts.notifiers:
        yield target_of(section), section.class_


def _unsent(tries: int) -> str:
    if not tries:
        return "Not sent yet: the alert task, or the DAG nightproof_fleet, tells it next"
    times = "once" if tries == 1 else f"{tries} times"
    return f"Tried {times} and not taken; the DAG nightproof_fleet tries again every quarter of an hour"


def _at(receipt: Receipt) -> datetime | None:
    if receipt.ts and (seconds := _seconds(receipt.ts)):
        return datetime.fromtimestamp(seconds, UTC)
    return _instant(receipt.sent_at)


def _seconds(ts: str) -> float:
    try:
        found = float(ts)
    except ValueError:
        return 0.0
    return found if 0 < found < 32_503_680_000 else 0.0


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
