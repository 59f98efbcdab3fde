"""Tell: what is due of one model or of all, told from the record.

The nightly task tells what may be told at once; the fleet's DAG, or `nightproof alert`, tells the
rest: what waited for the end of quiet hours, and what Slack did not take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from nightproof.alert import (
    SLACK,
    Delivery,
    Draw,
    Due,
    Outbox,
    Read,
    Sender,
    SharedFaults,
    deliver,
)
from nightproof.alert.digest import DigestDue, DigestPost, digests
from nightproof.alert.notify import NotifierTarget, notify
from nightproof.alert.picture import PastNight, trend_of
from nightproof.alert.recent import recent, recent_head
from nightproof.alert.told import Told, read_told
from nightproof.alert.week import week_line
from nightproof.catalog import read_catalog
from nightproof.checks.finding import Findings
from nightproof.config import ModelConfig
from nightproof.errors import DataError, NightproofError, ObjectMissing, RecordError
from nightproof.evaluation import Evaluation
from nightproof.fleet import read_fleet
from nightproof.manifest import Manifest
from nightproof.message import Dashboard, DigestLine, Links, compose_digest
from nightproof.night import Night
from nightproof.pipeline import Ticket, read_evaluation
from nightproof.resources import Resources
from nightproof.snapshot import Snapshot
from nightproof.storage import Store, split_url
from nightproof.validation import Validation
from nightproof.verdict import Incident, Verdict

NotifiersOf = Callable[[ModelConfig], Sequence[NotifierTarget]]
"""The notifiers of a model, ready to be called; none where there is no Airflow to call them."""


def no_notifiers(_: ModelConfig) -> Sequence[NotifierTarget]:
    """Nobody but Slack is told."""
    return ()


def tell_night(
    evaluation: Evaluation,
    resources: Resources,
    *,
    models: Path,
    sender: Sender | None,
    links: Links,
    now: datetime,
    notifiers_of: NotifiersOf = no_notifiers,
) -> Delivery:
    """Tell of a night that has just been evaluated, and before it of earlier ones that are still due.

    Parameters
    ----------
    models
        Folder of the configs, for what the fleet shares.
    sender
        Slack; ``None`` where nobody is told by it.
    links
        Where the readers of its messages can look.
    """
    shared = shared_faults(models, resources, sender=sender)
    outbox = outbox_of(evaluation.config, resources, sender=sender, shared=shared)
    outbox.ask(Due.ask(str(evaluation.night), evaluation.id, links), evaluation.verdict)
    return tell([outbox], now=now, notifiers_of=notifiers_of)


def outbox_of(
    config: ModelConfig,
    resources: Resources,
    *,
    sender: Sender | None,
    shared: SharedFaults | None = None,
) -> Outbox:
    """A model's outbox over its record."""
    read, draw = read_due(config, resources), draw_course(config, resources)
    return Outbox(config, resources.results(config), read=read, sender=sender, shared=shared, draw=draw)


def draw_course(config: ModelConfig, resources: Resources) -> Draw:
    """Draws how an incident's metric went, from the last nights of the record."""

    def draw(incident: Incident, evaluation: Evaluation) -> bytes | None:
        from nightproof.chart import draw as draw_trend

        if incident.event == "ongoing":
            return None  # the thread has its picture
        results = resources.results(config)
        past = [PastNight(entry, results.readings(entry)) for entry in recent(results, resources.cache)]
        trend = trend_of(incident, evaluation, past)
        return draw_trend(trend) if trend is not None else None

    return draw


def tell(outboxes: Sequence[Outbox], *, now: datetime, notifiers_of: NotifiersOf = no_notifiers) -> Delivery:
    """Tell Slack and the notifiers what is due; what failed is in the result, and still due."""
    result = deliver([outbox for outbox in outboxes if outbox.config.alerts.slack], now=now)
    for outbox in outboxes:
        try:
            notifiers = notifiers_of(outbox.config)
            told = notify(outbox, notifiers, now=now)
            result.sent += told.sent
            result.failures += told.failures
            # Without Airflow, notifiers are still to be told.
            listed = len(notifiers) == len(outbox.config.alerts.notifiers)
            if listed:
                slack = [SLACK] if outbox.config.alerts.slack else []
                outbox.finish(now, [*slack, *(found.target for found in notifiers)])
        except NightproofError as error:
            result.failures.append(error)
    return result


def tell_fleet(
    models: Path,
    resources: Resources,
    *,
    sender: Sender | None,
    now: datetime,
    notifiers_of: NotifiersOf = no_notifiers,
) -> Delivery:
    """Tell what is due of all models of a folder that can be read, and the owners of their sources."""
    shared = shared_faults(models, resources, sender=sender)
    told_of = [found for found in readable(models) if found.alerts.slack or found.alerts.notifiers]
    outboxes = [outbox_of(found, resources, sender=sender, shared=shared) for found in told_of]
    result = tell(outboxes, now=now, notifiers_of=notifiers_of)
    if shared is not None:
        sent, failures = shared.tell_all()
        result.sent += sent
        result.failures += failures
    return result


def shared_faults(models: Path, resources: Resources, *, sender: Sender | None) -> SharedFaults | None:
    """The sources that the fleet of a folder of models shares, if it names any."""
    fleet = read_fleet(models)
    if not fleet.sources or sender is None:
        return None
    store, folder = fleet_place(models, resources)
    return SharedFaults(store, folder, sources=fleet.sources, sender=sender)


def fleet_place(models: Path, resources: Resources) -> tuple[Store, str]:
    """Store and key prefix of what belongs to no model: beside the first model's results by default."""
    given = read_fleet(models).results
    root, prefix = split_url(given or next(config.results_url for config in readable(models)))
    return resources.open_store(root), f"{prefix}fleet/"


def readable(models: Path) -> Iterable[ModelConfig]:
    """The configs of a folder that can be read; the others' own DAGs tell of them."""
    return (found for _, found in read_catalog(models) if isinstance(found, ModelConfig))


def ask_latest(outbox: Outbox, resources: Resources, dashboard: Dashboard | None = None) -> None:
    """Make a model's last published night due, as when its alert task had run.

    Parameters
    ----------
    dashboard
        Where the readers of its messages can look.
    """
    results = resources.results(outbox.config)
    entries = recent(results, resources.cache)
    if entries:
        last = entries[-1]
        dossier = results.dossier(last.night, last.evaluation_id)
        verdict = Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json"))
        manifest = Manifest.from_bytes(dossier.read("manifest.json"), name=dossier.url("manifest.json"))
        links = links_of(outbox.config.model, manifest, dossier.url(""), dashboard)
        outbox.ask(Due.ask(last.night, last.evaluation_id, links), verdict)


def links_of(model: str, manifest: Manifest, location: str, dashboard: Dashboard | None) -> Links:
    """Where the readers of a published night's messages can look, without an Airflow that ran it."""
    if dashboard is None:
        return Links(location)
    return dashboard.links(
        model,
        manifest.night,
        manifest.evaluation_id,
        location=location,
        report="report.html.gz" in manifest.files,
        data_docs="data_docs.html.gz" in manifest.files,
    )


def read_due(config: ModelConfig, resources: Resources) -> Read:
    """Puts the evaluations of due nights together, by the config that each was made with."""

    def read(due: Due) -> Evaluation:
        dossier = resources.results(config).dossier(due.night, due.evaluation_id)
        then = _config_then(config, dossier.find("manifest.json"), dossier.url("manifest.json"))
        ticket = Ticket(model=config.model, night=due.night, evaluation_id=due.evaluation_id, config=then.fingerprint)
        try:
            return read_evaluation(then, ticket, resources)
        except (DataError, RecordError, ObjectMissing):
            # What was counted is gone or of an older format: the verdict is told all the same.
            return Evaluation(
                config=then,
                night=Night.parse(due.night, then.data.label_delay),
                id=due.evaluation_id,
                snapshot=Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json")),
                validation=Validation.from_bytes(dossier.read("validation.json"), name=dossier.url("validation.json")),
                profile=None,
                baseline=None,
                findings=Findings.from_bytes(dossier.read("findings.json"), name=dossier.url("findings.json")).all,
                verdict=Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json")),
            )

    return read


def _config_then(config: ModelConfig, manifest: bytes | None, name: str) -> ModelConfig:
    """The config that an evaluation was made with, but for what says who is told."""
    if manifest is None:
        return config
    try:
        then = ModelConfig.model_validate(Manifest.from_bytes(manifest, name=name).config)
    except (RecordError, ValidationError):
        return config  # written by a version whose configs were others
    told = ("alerts", "owner", "description", "cost_center", "tags", "results", "engine")
    return then.model_copy(update={key: getattr(config, key) for key in told})


def tell_digests(
    models: Path,
    resources: Resources,
    *,
    sender: Sender | None,
    now: datetime,
    channel: str | None = None,
    dashboard: Dashboard | None = None,
) -> Delivery:
    """Post the digest of the week to each channel whose hour has come, unless it was posted.

    Parameters
    ----------
    channel
        The one to post to; all by default.
    dashboard
        Where its readers can look.
    """
    result = Delivery()
    due = [found for found in digests(list(readable(models)), now) if channel in (None, found.channel)]
    if not due or sender is None:
        return result
    store, folder = fleet_place(models, resources)
    for found in due:
        try:
            post = DigestPost(store, folder, found)
            if not post.is_told() and (lines := _lines(found, resources, dashboard)):
                message = compose_digest(lines, channel=found.channel, week=found.week, dashboard=dashboard)
                receipt = post.deliver(sender, message)
                result.sent += [receipt] if receipt else []
        except NightproofError as error:
            result.failures.append(error)
    return result


def _lines(due: DigestDue, resources: Resources, dashboard: Dashboard | None) -> list[DigestLine]:
    """The week of each model of a channel that has one."""
    lines = [_line(config, due.at, resources, dashboard) for config in due.models]
    return [line for line in lines if line is not None]


def _line(config: ModelConfig, at: datetime, resources: Resources, dashboard: Dashboard | None) -> DigestLine | None:
    results = resources.results(config)
    verdicts = [results.verdict(entry) for entry in recent(results, resources.cache)]

    def told(incident_id: str) -> Told:
        return read_told(results.store, f"{results.folder}alerts/{incident_id}/")

    head = recent_head(results, resources.cache)
    return week_line(config, verdicts, at=at, told=told, dashboard=dashboard, head=head)
