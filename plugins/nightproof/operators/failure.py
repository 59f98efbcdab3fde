"""Tell the model's channel that a run failed: a model that nobody looked at must not look well."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from nightproof.config import ModelConfig
from nightproof.errors import AlertError, ConfigError
from nightproof.operators.alert import run_page
from nightproof.operators.connections import slack_sender

log = logging.getLogger(__name__)


def tell_failure(context: Context) -> None:
    """Airflow's ``on_failure_callback`` of every task: one message when its retries are used up.

    Goes to the channel of the model's config; where that cannot be read, to the channel that the
    broken file names, or to ``NIGHTPROOF_ALERT_CHANNEL``.
    """
    from nightproof.alert import post_notice
    from nightproof.message import compose_failure

    task = context["task"]
    channel = _channel(task)
    if channel is None:
        log.warning("Nobody was told of this failure: no Slack channel is configured.")
        return
    night = str(getattr(task, "night", None) or context.get("ds") or context["run_id"])
    problem = str(context.get("exception") or "unknown")
    model = str(getattr(task, "model", task.dag_id))
    message = compose_failure(model, night, step=task.task_id, problem=problem, run=run_page(context))
    try:
        post_notice(slack_sender(str(getattr(task, "slack_conn_id", "slack_api_default"))), channel, message)
    except (AlertError, AirflowException) as error:
        # Without the traceback: it may quote the request, and so the token.
        log.error("Slack was not told of this failure: %s", error)  # noqa: TRY400


def _channel(task: object) -> str | None:
    try:
        config = task.read_config()  # type: ignore[attr-defined]
    except (ConfigError, AttributeError):
        return broken_channel(getattr(task, "path", None)) or os.environ.get("NIGHTPROOF_ALERT_CHANNEL")
    assert isinstance(config, ModelConfig)
    return config.alerts.slack.channel if config.alerts.slack else None


def broken_channel(path: str | None) -> str | None:
    """The channel that a broken config names, if that much of it can be read."""
    from nightproof.alert_sections import Slack
    from nightproof.yaml_source import read_yaml

    if path is None:
        return None
    try:
        return Slack.model_validate(read_yaml(Path(path)).value("alerts", "slack")).channel
    except (ConfigError, ValueError):
        return None
