"""From one config file to one DAG."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, BaseOperator, Context, CronDataIntervalTimetable, Param
from airflow.sdk.exceptions import AirflowFailException

from nightproof.config import ModelConfig, load_config
from nightproof.errors import ConfigError
from nightproof.fleet import TAKEN
from nightproof.operators.alert import AlertOperator
from nightproof.operators.failure import tell_failure
from nightproof.operators.holdout import HoldoutOperator
from nightproof.operators.revise import ReviseOperator
from nightproof.operators.steps import (
    CheckOperator,
    DecideOperator,
    ProfileOperator,
    PublishOperator,
    PullOperator,
    ReportOperator,
    ValidateOperator,
)
from nightproof.operators.wait import WaitForDataOperator

START = datetime(2000, 1, 1, tzinfo=UTC)
"""Early enough for every backfill; with ``catchup`` off, no run is made by itself for the past."""
NIGHT = (
    "{{ params.night or (logical_date | ds if logical_date else (dag_run.run_after - macros.timedelta(days=1)) | ds) }}"
)
"""The run's night: as asked, or the day of its logical date, or yesterday for a run by hand."""


def nightly_dag(path: Path) -> DAG:
    """The DAG of one config file; of a broken one, a DAG that says so.

    Parameters
    ----------
    path
        A model's YAML; the DAG's id is its name without the ending.
    """
    try:
        return model_dag(load_config(path), path.parent)
    except ConfigError as error:
        return broken_dag(path, error)


def model_dag(config: ModelConfig, folder: Path) -> DAG:
    """The nightly evaluation of a model."""
    with DAG(
        dag_id=config.model,
        description=config.description or f"Is {config.model} still as good as we said?",
        doc_md=_doc(config),
        schedule=CronDataIntervalTimetable(config.schedule, timezone="UTC"),
        start_date=START,
        catchup=False,
        # Nights that wait for their labels are deferred beside the one that runs.
        max_active_runs=3 + config.data.label_delay.days,
        default_args=_defaults(config.owner),
        params={"night": Param(None, type=["null", "string"], format="date", description="UTC day to evaluate")},
        tags=sorted({"nightproof", config.task, *config.tags}),
    ) as dag:
        common: dict[str, Any] = {"model": config.model, "models_folder": str(folder)}
        wait = WaitForDataOperator(task_id="wait_for_data", night=NIGHT, **common)
        pull = PullOperator(task_id="pull", night=NIGHT, **common)
        validate = ValidateOperator(task_id="validate", **common)
        profile = ProfileOperator(task_id="profile", **common)
        families = [
            CheckOperator(task_id="performance", family="performance", **common),
            CheckOperator(task_id="drift", family="drift", **common),
            CheckOperator(task_id="bias", family="bias", **common),
        ]
        if config.metrics:
            families.append(CheckOperator(task_id="business", family="business", **common))
        # A quarantined night skips the families and still gets its verdict.
        decide = DecideOperator(task_id="decide", trigger_rule="none_failed", **common)
        report = ReportOperator(task_id="report", **common)
        publish = PublishOperator(task_id="publish", outlets=[verdict_asset(config)], **common)
        alert = AlertOperator(task_id="alert", **common)
        before: WaitForDataOperator | ReviseOperator = wait
        if config.data.matures_after > config.data.label_delay:
            # Earlier nights first: tonight is judged on what is known of them now.
            before = ReviseOperator(task_id="late_labels", **common)
            wait >> before
        before >> pull >> validate >> profile >> families >> decide >> report >> publish >> alert
        if config.holdout is not None:
            publish >> HoldoutOperator(task_id="holdout", **common)
    return dag


def verdict_asset(config: ModelConfig) -> Asset:
    """The asset that a night's publication updates, with the verdict as its metadata."""
    return Asset(name=f"{config.model}_verdict", group="nightproof")


class FaultyConfigOperator(BaseOperator):
    """Fails with everything that is wrong with a config file.

    Parameters
    ----------
    path
        The file; read when the task runs, so that a mended file is said to be mended.
    """

    template_fields = ("path",)

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path

    def execute(self, context: Context) -> None:
        """Read the file again and fail with its faults."""
        try:
            load_config(Path(self.path))
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error
        raise AirflowFailException(f"{self.path} has been mended: run the DAG again for an evaluation.")


def broken_dag(path: Path, error: ConfigError) -> DAG:
    """The DAG of a config that cannot be read: it says why, and fails every night until mended."""
    # A file of another ending must not take the id of the .yaml beside it.
    name = path.stem if path.suffix == ".yaml" and path.stem not in TAKEN else path.name
    name = re.sub(r"[^\w.-]", "_", name)[:200] or "unnamed"
    faults = "\n".join(f"- {_markdown(str(fault))}" for fault in error.faults)
    with DAG(
        dag_id=name,
        description=f"Broken config: {path.name}",
        doc_md=f"# {_markdown(path.name)} is broken\n\nIt is not evaluated until these are mended:\n\n{faults}\n",
        schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=_defaults("nightproof"),
        tags=["nightproof", "broken"],
    ) as dag:
        FaultyConfigOperator(task_id="config", path=str(path))
    return dag


def _defaults(owner: str) -> dict[str, Any]:
    return {
        "owner": owner,
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
        "on_failure_callback": tell_failure,
    }


def _doc(config: ModelConfig) -> str:
    tolerances = ", ".join(
        f"{name} may {limit.replace('max_', '')} by {value:g}"
        for name, tolerance in [*config.tolerances.items(), *config.metrics.items()]
        for limit, value in tolerance.model_dump(include={"max_drop", "max_rise"}, exclude_none=True).items()
    )
    lines = {
        "Owner": config.owner,
        "Predictions": f"`{config.data.predictions}`",
        "Labels": f"`{config.data.labels}`" if config.data.labels else "in the predictions",
        "Reference": f"`{config.data.reference}`",
        "Results": f"`{config.results_url}{config.model}/`",
        "Tolerances": tolerances or "none",
        "False alarms": config.alerts.false_alarms,
        "Slack": config.alerts.slack.channel if config.alerts.slack else "nobody is told",
    }
    table = "\n".join(f"| {name} | {_markdown(value)} |" for name, value in lines.items())
    return (
        f"# {_markdown(config.model)}\n\n{_markdown(config.description)}\n\n| | |\n|---|---|\n{table}\n\n"
        "A run of logical date D evaluates the night D (UTC). "
        "Trigger with `night` to choose another, or backfill: the same inputs are never evaluated twice.\n"
    )


def _markdown(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")
