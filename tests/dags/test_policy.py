"""Policy: what every DAG must have, whoever adds a model."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from .conftest import REPOSITORY

pytestmark = pytest.mark.filterwarnings("default")

MODEL = REPOSITORY / "include" / "models" / "flight_delay.yaml"
ORDER = {
    "wait_for_data": {"pull"},
    "pull": {"validate"},
    "validate": {"profile"},
    "profile": {"performance", "drift", "bias"},
    "performance": {"decide"},
    "drift": {"decide"},
    "bias": {"decide"},
    "decide": {"report"},
    "report": {"publish"},
    "publish": {"alert"},
    "alert": set(),
}
FLEET = "nightproof_fleet"
MAINTENANCE = "nightproof_maintenance"
HEAVY = {"boto3", "evidently", "great_expectations", "numpy", "pandas", "polars", "scipy", "sklearn", "slack_sdk"}
BROKEN = """\
model: broken
task: binari
data: {predictions: "s3://logs/p/", reference: "s3://logs/r/"}
columns: {score: p, label: y, treshold: 0.4}
alerts: {slack: {channel: "#ml"}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    models = tmp_path / "include" / "models"
    models.mkdir(parents=True)
    (models / "flight_delay.yaml").write_text(MODEL.read_text())
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(models))
    return models


def dags_of(folder: Path):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    return bag.dags


def test_one_dag_for_each_model_with_its_steps_in_order(folder):
    dags = dags_of(folder)
    assert set(dags) == {"flight_delay", FLEET, MAINTENANCE}
    tasks = dags["flight_delay"].tasks
    assert {task.task_id: set(task.downstream_task_ids) for task in tasks} == ORDER


def test_late_labels_come_before_the_nights_own_where_labels_mature_later(folder):
    text = MODEL.read_text()
    assert "  label_delay: " in text
    (folder / "flight_delay.yaml").write_text(text.replace("  label_delay: ", "  label_maturity: 30d\n  label_delay: "))
    tasks = dags_of(folder)["flight_delay"].tasks
    late = {"wait_for_data": {"late_labels"}, "late_labels": {"pull"}}
    assert {task.task_id: set(task.downstream_task_ids) for task in tasks} == ORDER | late


def test_a_model_with_metrics_of_its_own_has_a_task_for_them_beside_the_other_families(folder):
    own = MODEL.read_text() + "\nmetrics:\n  delay_per_flight: {sum: dep_delay, max_rise: 2}\n"
    (folder / "flight_delay.yaml").write_text(own)
    dag = dags_of(folder)["flight_delay"]
    told = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    assert told == ORDER | {"profile": {*ORDER["profile"], "business"}, "business": {"decide"}}
    assert dag.get_task("business").family == "business"
    assert "delay_per_flight may rise by 2" in dag.doc_md


def test_every_dag_can_be_operated(folder):
    (folder / "broken.yaml").write_text(BROKEN)
    for name, dag in dags_of(folder).items():
        assert "nightproof" in dag.tags
        assert dag.doc_md
        assert dag.catchup is False
        assert dag.max_active_runs >= 1
        for task in dag.tasks:
            assert task.owner not in ("", "airflow"), (name, task.task_id)
            assert task.retries >= 2
            assert task.execution_timeout is not None
            assert task.has_on_failure_callback or task.on_failure_callback


@pytest.mark.parametrize(
    ("asked", "logical_date", "night"),
    [
        (None, "2013-12-14T04:00:00+00:00", "2013-12-14"),
        ("2013-07-01", "2013-12-14T04:00:00+00:00", "2013-07-01"),
        (None, None, "2026-11-22"),
    ],
)
def test_a_run_evaluates_the_night_that_was_asked_for_or_that_of_its_date(folder, asked, logical_date, night):
    dag = dags_of(folder)["flight_delay"]
    context = {
        "params": {"night": asked},
        "logical_date": datetime.fromisoformat(logical_date) if logical_date else None,
        "dag_run": SimpleNamespace(run_after=datetime(2026, 11, 23, 4, tzinfo=UTC)),
        "macros": SimpleNamespace(timedelta=timedelta),
    }
    for task in ("wait_for_data", "pull"):
        template = dag.get_task(task).night
        assert dag.get_template_env().from_string(template).render(context) == night


def test_every_dag_survives_serialisation(folder):
    from airflow.serialization.serialized_objects import DagSerialization

    (folder / "broken.yaml").write_text(BROKEN)
    for dag in dags_of(folder).values():
        stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(stored).dag_id == dag.dag_id


def test_a_broken_config_keeps_its_dag_and_says_why(folder):
    (folder / "broken.yaml").write_text(BROKEN)
    (folder / "no yaml at all.yaml").write_text("{{{")
    (folder / "flight_delay.yml").write_text(BROKEN)
    dags = dags_of(folder)
    assert set(dags) == {"flight_delay", "broken", "no_yaml_at_all", "flight_delay.yml", FLEET, MAINTENANCE}
    assert {task.task_id for task in dags["flight_delay"].tasks} == set(ORDER)
    assert "line 2" in dags["broken"].doc_md
    assert "binary" in dags["broken"].doc_md
    assert "threshold" in dags["broken"].doc_md
    assert "broken" in dags["broken"].tags


def test_a_broken_config_fails_its_run_with_every_fault(folder):
    from airflow.sdk.exceptions import AirflowFailException

    (folder / "broken.yaml").write_text(BROKEN)
    [task] = dags_of(folder)["broken"].tasks
    with pytest.raises(AirflowFailException, match=r"(?s)2 faults.*binari.*treshold.*threshold"):
        task.execute({})


def test_a_broken_config_still_tells_the_channel_it_names(folder):
    from nightproof.operators.failure import broken_channel

    path = folder / "broken.yaml"
    path.write_text(BROKEN)
    assert broken_channel(str(path)) == "#ml"
    path.write_text("alerts: [nonsense]")
    assert broken_channel(str(path)) is None


def test_in_a_task_only_its_own_dag_is_built(folder, monkeypatch):
    (folder / "other.yaml").write_text(MODEL.read_text().replace("model: flight_delay", "model: other"))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "other")
    assert set(dags_of(folder)) == {"other"}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", FLEET)
    assert set(dags_of(folder)) == {FLEET}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", MAINTENANCE)
    assert set(dags_of(folder)) == {MAINTENANCE}


def test_the_fleet_has_one_run_at_a_time_every_quarter_of_an_hour(folder):
    dag = dags_of(folder)[FLEET]
    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == {
        "alerts": {"digests"},
        "digests": set(),
    }
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert dag.timetable.expression == "*/15 * * * *"


def test_no_model_can_take_the_fleets_name(folder):
    from nightproof.config import load_config
    from nightproof.errors import ConfigError

    path = folder / f"{FLEET}.yaml"
    path.write_text(MODEL.read_text().replace("model: flight_delay", f"model: {FLEET}"))
    with pytest.raises(ConfigError, match="is the DAG of all models"):
        load_config(path)
    dags = dags_of(folder)
    assert {task.task_id for task in dags[FLEET].tasks} == {"alerts", "digests"}
    assert "broken" in dags[f"{FLEET}.yaml"].tags


@pytest.mark.parametrize("name", [MAINTENANCE, "metrics"])
def test_no_model_can_take_the_maintenances_name_or_the_tables(folder, name):
    from nightproof.config import load_config
    from nightproof.errors import ConfigError

    path = folder / f"{name}.yaml"
    path.write_text(MODEL.read_text().replace("model: flight_delay", f"model: {name}"))
    with pytest.raises(ConfigError, match="give the model another name"):
        load_config(path)
    dags = dags_of(folder)
    assert "compact_table" in {task.task_id for task in dags[MAINTENANCE].tasks}
    assert "broken" in dags[f"{name}.yaml"].tags


def test_the_maintenance_runs_once_a_day_one_at_a_time(folder):
    dag = dags_of(folder)[MAINTENANCE]
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert re.fullmatch(r"\d+ \d+ \* \* \*", dag.timetable.expression)


@pytest.mark.parametrize("name", ["nightly_evaluation.py", "fleet_alerts.py", "maintenance.py"])
def test_parsing_imports_nothing_heavy(folder, name):
    program = (
        "import sys, airflow.sdk, airflow.triggers.base\n"
        "before = set(sys.modules)\n"
        "import runpy; runpy.run_path(sys.argv[1])\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        f"print(sorted(new & {HEAVY}))\n"
    )
    dag_file = REPOSITORY / "dags" / name
    done = subprocess.run([sys.executable, "-c", program, str(dag_file)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def operators():
    from airflow.sdk import BaseOperator
    from nightproof.operators import alert, dag, fleet, maintenance, steps, wait

    found = {
        item
        for module in (steps, wait, dag, alert, fleet, maintenance)
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, BaseOperator) and item.__module__.startswith("nightproof")
    }
    assert len(found) >= 10
    return found


def test_operators_only_assign_in_init():
    for operator in operators():
        if "__init__" not in vars(operator):
            continue
        source = ast.parse(inspect.getsource(operator).lstrip())
        [init] = [node for node in ast.walk(source) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        for statement in init.body:
            text = ast.unparse(statement)
            assigned = re.fullmatch(r"self\.(\w+) = (\w+)", text)
            assert text.startswith("super().__init__(") or (assigned and assigned[1] == assigned[2]), text


def test_template_fields_are_arguments():
    for operator in operators():
        names = {
            name
            for parent in operator.__mro__
            if parent.__module__.startswith("nightproof")
            for name in inspect.signature(parent).parameters
        }
        assert set(operator.template_fields) <= names, operator.__name__


def test_the_trigger_survives_serialisation_and_holds_no_credentials():
    from nightproof.operators.wait import NightTrigger

    trigger = NightTrigger(
        model="flight_delay",
        night="2013-12-14",
        models_folder=None,
        aws_conn_id="aws_default",
        poll_seconds=60.0,
        deadline="2013-12-16T12:00:00+00:00",
    )
    path, arguments = trigger.serialize()
    assert path == f"{NightTrigger.__module__}.{NightTrigger.__name__}"
    again = NightTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == trigger.serialize()
    assert set(arguments) == {"model", "night", "models_folder", "aws_conn_id", "poll_seconds", "deadline"}


def test_a_backfill_wakes_nobody():
    from airflow.sdk.exceptions import AirflowSkipException
    from airflow.utils.types import DagRunType
    from nightproof.operators.alert import AlertOperator

    alert = AlertOperator(task_id="alert", model="flight_delay")
    context = {"dag_run": SimpleNamespace(run_type=DagRunType.BACKFILL_JOB)}
    with pytest.raises(AirflowSkipException, match="backfill"):
        alert.advance(None, None, None, context)


def test_an_outage_until_the_deadline_is_told_as_one(folder, monkeypatch):
    from nightproof import pull
    from nightproof.errors import StoreUnavailable
    from nightproof.operators.wait import NightTrigger

    def down(*_):
        raise StoreUnavailable("No answer from object storage for s3://ml-logs/ after several tries.")

    monkeypatch.setattr(pull, "missing_places", down)
    trigger = NightTrigger(
        model="flight_delay",
        night="2013-12-14",
        models_folder=str(folder),
        aws_conn_id="aws_default",
        poll_seconds=0.01,
        deadline="2013-12-16T12:00:00+00:00",
    )
    event = asyncio.run(anext(trigger.run()))
    assert "No answer from object storage" in event.payload["problem"]
    assert "no object under" not in event.payload["problem"]
