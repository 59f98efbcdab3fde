"""The fleet's DAG: what no model's night can tell by itself, every quarter of an hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowFailException

from nightproof.catalog import models_folder
from nightproof.errors import ConfigError
from nightproof.fleet import DAG_ID
from nightproof.operators.alert import dashboard
from nightproof.operators.connections import slack_sender
from nightproof.operators.failure import tell_failure
from nightproof.operators.night_operator import open_resources

START = datetime(2000, 1, 1, tzinfo=UTC)
_DOC = """# What is still to be told

Every quarter of an hour, for all models: messages that waited for the end of quiet hours, those that Slack did not
take, messages to the owners of sources that several models share, and each channel's weekly digest. Whatever the
models' own runs have told already is told by nobody again.
"""


class FleetOperator(BaseOperator):
    """Tell what is due of all models; returns the messages that were sent.

    Parameters
    ----------
    part
        ``alerts`` or ``digests``.
    models_folder
        Folder of the configs; by default ``NIGHTPROOF_MODELS`` or ``include/models``.
    aws_conn_id, slack_conn_id
        Airflow connections for object storage and for Slack.
    """

    template_fields: Sequence[str] = ("part", "models_folder", "aws_conn_id", "slack_conn_id")
    ui_color = "#e8edf7"

    def __init__(
        self,
        *,
        part: str = "alerts",
        models_folder: str | None = None,
        aws_conn_id: str = "aws_default",
        slack_conn_id: str = "slack_api_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.part = part
        self.models_folder = models_folder
        self.aws_conn_id = aws_conn_id
        self.slack_conn_id = slack_conn_id

    def execute(self, context: Context) -> list[str]:
        """See :func:`nightproof.tell.tell_fleet` and :func:`nightproof.tell.tell_digests`."""
        from nightproof.alert import raise_failures
        from nightproof.operators.notifiers import notifiers_of
        from nightproof.tell import readable, tell_digests, tell_fleet

        folder = Path(self.models_folder) if self.models_folder else models_folder()
        resources = open_resources(folder, self.aws_conn_id)
        told_by_slack = any(config.alerts.slack for config in readable(folder))
        sender = slack_sender(self.slack_conn_id) if told_by_slack else None
        now = datetime.now(UTC)
        try:
            if self.part == "digests":
                told = tell_digests(folder, resources, sender=sender, now=now, dashboard=dashboard())
            else:
                told = tell_fleet(
                    folder, resources, sender=sender, now=now, notifiers_of=lambda config: notifiers_of(config, context)
                )
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error
        for model, waiting in told.waiting.items():
            self.log.info("%d messages of %s wait for the end of quiet hours", waiting, model)
        raise_failures(told)
        return [receipt.text for receipt in told.sent]


def fleet_dag(folder: Path) -> DAG:
    """The DAG ``nightproof_fleet`` of a folder of models."""
    with DAG(
        dag_id=DAG_ID,
        description="Alerts that waited, shared causes, and the weekly digests",
        doc_md=_DOC,
        schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args={
            "owner": "nightproof",
            # The next run is never far.
            "retries": 2,
            "retry_delay": timedelta(minutes=1),
            "execution_timeout": timedelta(minutes=30),
            "on_failure_callback": tell_failure,
        },
        tags=["nightproof"],
    ) as dag:
        alerts = FleetOperator(task_id="alerts", part="alerts", models_folder=str(folder))
        digests = FleetOperator(task_id="digests", part="digests", models_folder=str(folder), trigger_rule="all_done")
        # What is new comes before what the week came to.
        alerts >> digests
    return dag
