"""The commands that tell: what is due of one model or of all, and a channel's weekly digest."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightproof.catalog import find_model, models_folder
from nightproof.errors import AlertError

if TYPE_CHECKING:
    from nightproof.alert import Delivery, Sender
    from nightproof.evaluation import Evaluation
    from nightproof.resources import Resources

Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]


def alert(
    model: Annotated[str | None, typer.Argument(help="Name of a model; all of the folder by default.")] = None,
    models: Models = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines, one line a message.")] = False,
) -> None:
    """Tell Slack what is due: what it did not take, what waited, and the last night as it stands."""
    from nightproof.alert import raise_failures
    from nightproof.message import dashboard_of_environment
    from nightproof.tell import ask_latest, outbox_of, readable, shared_faults, tell, tell_fleet

    folder = models or models_folder()
    configs = [find_model(model, folder)] if model else list(readable(folder))
    resources, sender, now = _resources(folder), _sender(), datetime.now(UTC)
    shared = shared_faults(folder, resources, sender=sender)
    outboxes = [outbox_of(found, resources, sender=sender, shared=shared) for found in configs if found.alerts.slack]
    for outbox in outboxes:
        ask_latest(outbox, resources, dashboard_of_environment())
    told = tell(outboxes, now=now) if model else tell_fleet(folder, resources, sender=sender, now=now)
    _say(told, as_json=as_json)
    raise_failures(told)


def digest(
    channel: Annotated[str | None, typer.Option("--channel", help="One channel; all by default.")] = None,
    models: Models = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines, one line a message.")] = False,
) -> None:
    """Post the week's digest of each channel whose hour has come, unless it was posted."""
    from nightproof.alert import raise_failures
    from nightproof.message import dashboard_of_environment
    from nightproof.tell import tell_digests

    folder, dashboard = models or models_folder(), dashboard_of_environment()
    resources, sender, now = _resources(folder), _sender(), datetime.now(UTC)
    told = tell_digests(folder, resources, sender=sender, now=now, channel=channel, dashboard=dashboard)
    _say(told, as_json=as_json)
    raise_failures(told)


def tell_evaluation(evaluation: Evaluation, resources: Resources, folder: Path) -> None:
    """Tell Slack of a night that was just evaluated, and of what was due before it.

    Raises
    ------
    AlertError
        If Slack did not take a message.
    """
    from nightproof.alert import client_from_environment, raise_failures
    from nightproof.manifest import Manifest
    from nightproof.message import dashboard_of_environment
    from nightproof.tell import links_of, tell_night

    config = evaluation.config
    if config.alerts.slack is None:
        return
    sender = client_from_environment()
    if sender is None:
        if evaluation.verdict.news:
            print("Slack was not told: SLACK_BOT_TOKEN is not set.", file=sys.stderr)
        return
    dossier = resources.results(config).dossier(str(evaluation.night), evaluation.id)
    manifest = Manifest.from_bytes(dossier.read("manifest.json"), name=dossier.url("manifest.json"))
    links = links_of(config.model, manifest, dossier.url(""), dashboard_of_environment())
    now = datetime.now(UTC)
    told = tell_night(evaluation, resources, models=folder, sender=sender, links=links, now=now)
    _say(told, as_json=False)
    raise_failures(told)


def _say(told: Delivery, *, as_json: bool) -> None:
    for receipt in told.sent:
        if as_json:
            line: dict[str, Any] = {"channel": receipt.channel, "ts": receipt.ts, "text": receipt.text}
            print(json.dumps(line), flush=True)
        else:
            print(f"Slack was told: {receipt.text}", file=sys.stderr)
    for model, waiting in told.waiting.items():
        if waiting:
            messages = "1 message waits" if waiting == 1 else f"{waiting} messages wait"
            print(f"{model}: {messages} for the end of quiet hours.", file=sys.stderr)


def _sender() -> Sender:
    from nightproof.alert import client_from_environment

    sender = client_from_environment()
    if sender is None:
        raise AlertError("Slack cannot be told: SLACK_BOT_TOKEN is not set.")
    return sender


def _resources(folder: Path) -> Resources:
    from nightproof.cache import Cache, default_folder
    from nightproof.catalog import suites_folder
    from nightproof.resources import Resources

    return Resources(cache=Cache(default_folder()), suites=suites_folder(folder))
