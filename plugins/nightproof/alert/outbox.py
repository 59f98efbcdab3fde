"""The outbox: what one model's people are still to be told.

Nothing is kept beside the record to say what is pending: it follows from the verdicts of the due
nights and from the receipts, each time anew. So a worker that crashes, a second one, and a Slack
that is back after hours all go on from the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from nightproof.alert.claims import Receipt
from nightproof.alert.client import Sender
from nightproof.alert.due import Due, DueNights
from nightproof.alert.plan import Item, Step, events_of, plan, released, steps_of
from nightproof.alert.post import Post, Where
from nightproof.alert.shared import SharedFaults
from nightproof.alert.targets import SLACK, Target
from nightproof.alert.told import read_told
from nightproof.alert.withhold import read_note, withhold
from nightproof.alert_sections import Mute, Trouble
from nightproof.config import ModelConfig
from nightproof.errors import AlertError, ObjectMissing
from nightproof.evaluation import Evaluation
from nightproof.message import Message, compose
from nightproof.mute import find_mute
from nightproof.results import ModelResults
from nightproof.verdict import Incident, Verdict

Read = Callable[[Due], Evaluation]
"""Puts the evaluation of a due night together."""
Draw = Callable[[Incident, Evaluation], bytes | None]
"""Draws the chart of an incident, if there is one to draw."""


log = logging.getLogger(__name__)


class Outbox:
    """One model's due nights, and what is still to be told of them.

    Parameters
    ----------
    config, results
        The model's.
    read
        Puts the evaluation of a due night together, once its message is to be written.
    sender
        Slack; ``None`` where nobody is told by it.
    draw
        Draws charts.
    shared
        The sources that models share.
    """

    def __init__(
        self,
        config: ModelConfig,
        results: ModelResults,
        *,
        read: Read,
        sender: Sender | None = None,
        draw: Draw | None = None,
        shared: SharedFaults | None = None,
    ) -> None:
        self.config = config
        self.store = results.store
        self._results = results
        self._nights = DueNights(results)
        self._read = read
        self._sender = sender
        self._draw = draw
        self._shared = shared
        self._dues: list[Due] | None = None
        self._steps: dict[str, list[Step]] = {}
        self._known: dict[str, Verdict] = {}
        self._looked_up: set[tuple[str, str]] = set()
        self._upstreams: dict[tuple[str, str], str] = {}
        self._problems: list[AlertError] = []

    def ask(self, due: Due, verdict: Verdict) -> None:
        """Make a night due; one without incidents only takes the place of an earlier evaluation of it."""
        if verdict.incidents or any(found.night == due.night for found in self._nights.open()):
            self._nights.add(due)
            self._known[due.name] = verdict
        self._dues = None

    @property
    def steps(self) -> dict[str, list[Step]]:
        """Each incident's steps over the due nights."""
        if self._dues is None:
            due = self._nights.open()
            read = [(found, verdict) for found in due if (verdict := self._verdict(found)) is not None]
            self._dues, self._steps = [found for found, _ in read], steps_of(read)
        return self._steps

    def folder(self, incident_id: str) -> str:
        """Where an incident's claims and receipts lie; a key prefix that ends in a slash."""
        return f"{self._results.folder}alerts/{incident_id}/"

    def mute_of(self, incident: Incident, now: datetime) -> Mute | None:
        """The mute that withholds an incident."""
        return find_mute(self.config.alerts.mute, incident, now.astimezone(UTC).date())

    def items(self, now: datetime, target: Target = SLACK) -> list[tuple[Item, bool]]:
        """What a target is to be told, nights rising, each with whether it waits for the end of quiet hours."""
        quiet = self.config.alerts.quiet is not None and self.config.alerts.quiet.until(now) is not None
        found: list[tuple[Item, bool]] = []
        for incident_id, steps in self.steps.items():
            folder = self.folder(incident_id)
            told = read_told(self.store, folder, target=target.mark)
            planned = plan(steps, told, severity=self.config.alerts.severity_of, now=now)
            if planned and (mute := self.mute_of(steps[-1].incident, now)):
                withhold(self.store, folder, set(events_of(planned)) - told.muted, mute, night=steps[-1].due.night)
                continue
            wanted = [item for item in map(self._upstream, planned) if target.wants(item)]
            ready = released(wanted, quiet=quiet)
            found += [(item, item not in ready) for item in wanted]
        return sorted(found, key=lambda pair: pair[0].order)

    def channel_of(self, item: Item) -> str:
        """The channel that an item is told in."""
        assert self.config.alerts.slack is not None
        return self.config.alerts.slack.channel_of(item.incident.check)

    def send(self, item: Item) -> Receipt | None:
        """Send one message, unless it was sent; gives the receipt if this call sent it."""
        assert self._sender is not None
        folder = self.folder(item.incident.id)
        evaluation = self._read(item.step.due)
        where = Where(
            channel=self.channel_of(item),
            # What opens an incident stands by itself, whatever was told before it.
            thread=None if item.name == "opened" else read_told(self.store, folder).first,
            broadcast=item.incident.event != "ongoing",
            night=item.step.due.night,
            covers=item.covers,
        )
        post = Post(self.store, f"{folder}{item.name}", sender=self._sender, where=where)
        draw = self._draw
        return post.deliver(
            lambda chart: self.write(item, evaluation, chart=chart),
            draw=(lambda: _drawn(draw, item.incident, evaluation)) if draw else None,
            title=f"{item.incident.metric} of {self.config.model} night by night",
        )

    def read(self, item: Item) -> Evaluation:
        """The evaluation that an item tells of."""
        return self._read(item.step.due)

    def write(self, item: Item, evaluation: Evaluation, *, chart: str | None = None) -> Message:
        """The message of an item."""
        slack = self.config.alerts.slack
        mention = slack.mention if slack and item.loud else None
        if (item.incident.id, item.name) in self._upstreams:
            evaluation = _as_notice(evaluation, item.incident.check)
        message = compose(item.incident, evaluation, item.step.due.links, chart=chart, mention=mention)
        for line in self._lines(item):
            message = _with_line(message, line)
        return message

    def _lines(self, item: Item) -> list[str]:
        """What an item says beside its message: why it comes late, and who else knows."""
        lines = []
        if item.begun is not None:
            lines.append(f"Told late: it opened on {item.begun} and was over before anybody could be told.")
        if item.muted is not None:
            note = read_note(self.store, self.folder(item.incident.id), item.muted)
            lines.append(f"It was muted until {note.until}: {note.reason}")
        if upstream := self._upstreams.get((item.incident.id, item.name)):
            lines.append(upstream)
        return lines

    def finish(self, now: datetime, targets: Collection[Target]) -> None:
        """Say of each due night that nothing is left to tell of it that it is done."""
        left: set[str] = set()
        for steps in self.steps.values():
            if any(self._is_left(steps, target, now) for target in targets):
                left |= {step.due.name for step in steps}
        for due in self._dues or []:
            if due.name not in left:
                self._nights.done(due)

    def problems(self) -> list[AlertError]:
        """What a source's owner could not be told, once."""
        found, self._problems = self._problems, []
        return found

    def _is_left(self, steps: Sequence[Step], target: Target, now: datetime) -> bool:
        told = read_told(self.store, self.folder(steps[0].incident.id), target=target.mark)
        planned = plan(steps, told, severity=self.config.alerts.severity_of, now=now)
        if not planned or self.mute_of(steps[-1].incident, now):
            return bool(events_of(planned))
        return bool(events_of([item for item in map(self._upstream, planned) if target.wants(item)]))

    def _verdict(self, due: Due) -> Verdict | None:
        """What a due night came to; ``None`` where its evaluation is gone."""
        if due.name in self._known:
            return self._known[due.name]
        dossier = self._results.dossier(due.night, due.evaluation_id)
        try:
            return Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json"))
        except ObjectMissing:
            return None

    def _upstream(self, item: Item) -> Item:
        """The item as a notice, where the owner of the source that broke it is told."""
        if self._shared is None or item.incident.event not in ("opened", "worsened", "reopened"):
            return item
        key = (item.incident.id, item.name)
        if key not in self._looked_up:
            self._looked_up.add(key)
            due = item.step.due
            try:
                page = due.links.incident(item.incident.id) or due.report or due.run
                told = self._shared.join(self.config.model, item.incident, due.night, report=page)
            except AlertError as error:
                # The owner is still to be told; the model's own people are told as if there were none.
                self._problems.append(error)
            else:
                self._upstreams |= {key: told} if told else {}
        return replace(item, loud=item.loud and key not in self._upstreams)


def _as_notice(evaluation: Evaluation, check: Trouble) -> Evaluation:
    """The evaluation under a config that wakes nobody for a kind of trouble."""
    alerts = evaluation.config.alerts
    quiet = alerts.model_copy(update={"severity": {**alerts.severity, check: "notice"}})
    return replace(evaluation, config=evaluation.config.model_copy(update={"alerts": quiet}))


def _drawn(draw: Draw, incident: Incident, evaluation: Evaluation) -> bytes | None:
    try:
        return draw(incident, evaluation)
    except Exception:
        # Whatever goes wrong with a picture, its message is worth more.
        log.exception("The message goes without its chart: it could not be drawn.")
        return None


def _with_line(message: Message, line: str) -> Message:
    """A message with a line below it."""
    element = {"type": "plain_text", "text": line}
    return replace(message, blocks=[*message.blocks, {"type": "context", "elements": [element]}])
