"""The last step of a night: tell whoever must know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk import conf as airflow_conf
from airflow.sdk.exceptions import AirflowSkipException

from nightproof.config import ModelConfig
from nightproof.operators.connections import slack_sender
from nightproof.operators.night_operator import TicketOperator

if TYPE_CHECKING:
    from nightproof.evaluation import Evaluation
    from nightproof.message import Dashboard, Links
    from nightproof.pipeline import Ticket
    from nightproof.resources import Resources


class AlertOperator(TicketOperator):
    """Tell Slack and the notifiers what they have not been told; returns the messages that were sent.

    Earlier nights whose alert failed are told first. What must wait (a notice in quiet hours) is left to the
    DAG ``nightproof_fleet``.

    Parameters
    ----------
    slack_conn_id
        Airflow connection of type ``slack``.
    backfills
        Whether runs of a backfill tell too. Their nights are over: nobody is woken by default.
    """

    template_fields: Sequence[str] = (*TicketOperator.template_fields, "slack_conn_id")

    def __init__(self, *, slack_conn_id: str = "slack_api_default", backfills: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slack_conn_id = slack_conn_id
        self.backfills = backfills

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> list[str]:
        """See :func:`nightproof.tell.tell_night`."""
        from nightproof.alert import raise_failures
        from nightproof.operators.notifiers import notifiers_of
        from nightproof.pipeline import read_evaluation
        from nightproof.tell import tell_night

        if context["dag_run"].run_type == "backfill" and not self.backfills:
            raise AirflowSkipException("A backfill tells nobody: its nights are over.")
        if config.alerts.slack is None and not config.alerts.notifiers:
            return []
        evaluation = read_evaluation(config, ticket, resources)
        told = tell_night(
            evaluation,
            resources,
            models=self.folder,
            sender=slack_sender(self.slack_conn_id) if config.alerts.slack else None,
            links=links_of(ticket, evaluation, resources, context),
            now=datetime.now(UTC),
            notifiers_of=lambda found: notifiers_of(found, context),
        )
        raise_failures(told)
        return [receipt.text for receipt in told.sent]


def links_of(ticket: Ticket, evaluation: Evaluation, resources: Resources, context: Context) -> Links:
    """Where the reader of a night's messages can look."""
    return dashboard().links(
        ticket.model,
        ticket.night,
        ticket.evaluation_id,
        location=resources.results(evaluation.config).dossier(ticket.night, ticket.evaluation_id).url(""),
        report="report" not in ticket.left_out,
        data_docs=bool(evaluation.validation.failed()),
        run=run_page(context),
    )


def run_page(context: Context) -> str:
    """The run's page in Airflow."""
    return str(context["ti"].log_url).split("/tasks/")[0]


def dashboard() -> Dashboard:
    """The dashboard that messages lead to: where ``NIGHTPROOF_DASHBOARD_URL`` says, else this Airflow's."""
    from nightproof.message import Dashboard, dashboard_of_environment

    base = str(airflow_conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")
    return dashboard_of_environment() or Dashboard(f"{base}/nightproof")
