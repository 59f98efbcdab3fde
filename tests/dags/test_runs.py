"""Runs of a model's DAG in Airflow itself, against a real S3 server and a server that speaks Slack's API."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .conftest import REPOSITORY

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default")]

QUIET, BAD = "2024-03-01", "2024-03-02"
SUITE = {
    "name": "quiet",
    "expectations": [
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "min_value": -9, "max_value": 9}}
    ],
}


class Airflow:
    """A model's DAG with its connections; each run is a real one, in this process."""

    def __init__(self, bench: Any, folder: Path) -> None:
        self.bench = bench
        self.folder = folder

    def run(self, night: str, model: str = "quiet") -> Any:
        from airflow.dag_processing.dagbag import DagBag

        dag = DagBag(str(REPOSITORY / "dags")).dags[model]
        for task in dag.tasks:
            task.retries = 0
        return dag.test(logical_date=datetime.fromisoformat(f"{night}T04:00:00+00:00"))

    @staticmethod
    def states(run: Any) -> dict[str, str]:
        return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}

    @staticmethod
    def xcoms(run: Any) -> dict[str, Any]:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.query(XComModel).filter(XComModel.dag_id == run.dag_id, XComModel.run_id == run.run_id)
            return {row.task_id: row.value for row in found if row.key == "return_value"}


@pytest.fixture
def airflow(bucket_model, s3, slack, database, monkeypatch) -> Airflow:
    extra = {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"}
    aws = {"conn_type": "aws", "login": s3.access_key, "password": s3.secret_key, "extra": extra}
    told = {"conn_type": "slack", "password": slack.token, "extra": {"base_url": slack.base_url}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_API_DEFAULT", json.dumps(told))
    # Credentials come from Airflow's connection, and from nowhere else.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(bucket_model.models))
    bucket_model.config(validate={"suite": "quiet"}, data={**bucket_model_data(bucket_model), "wait": "0m"})
    (bucket_model.suites / "quiet.json").write_text(json.dumps(SUITE))
    return Airflow(bucket_model, bucket_model.models)


def bucket_model_data(bench: Any) -> dict[str, str]:
    return {
        "predictions": bench.logs + "predictions/dt=%Y-%m-%d/",
        "labels": bench.logs + "labels/dt=%Y-%m-%d/",
        "reference": bench.logs + "reference/",
        "id": "id",
    }


def messages(slack: Any) -> list[str]:
    return [message["text"] for message in slack.messages]


def stored(airflow: Airflow, s3: Any) -> dict[str, str]:
    client = s3.client()
    bucket = airflow.bench.results.split("/")[2]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="results/")
    return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}


def test_a_bad_night_is_a_regression_everywhere_once_and_a_second_run_changes_nothing(airflow, s3, slack):
    airflow.bench.night(QUIET)
    airflow.bench.night(BAD, noise=0.9)
    quiet, bad = airflow.run(QUIET), airflow.run(BAD)
    assert set(airflow.states(quiet).values()) == {"success"}
    assert set(airflow.states(bad).values()) == {"success"}
    assert airflow.xcoms(quiet)["decide"]["status"] != "regression"
    assert airflow.xcoms(bad)["decide"]["status"] == "regression"
    assert airflow.xcoms(bad)["publish"]["status"] == "regression"
    [message] = slack.messages
    assert BAD in message["text"]
    assert "ROC AUC" in message["text"]
    assert f"/nights/{BAD}/" in json.dumps(message["blocks"])

    names = {key.split("/")[-1] for key in stored(airflow, s3) if f"/{BAD}/" in key}
    assert {"manifest.json", "report.html.gz", "report.json", "findings.json", "profile.parquet"} <= names
    before, handed_over = stored(airflow, s3), airflow.xcoms(bad)
    again = airflow.run(BAD)
    assert set(airflow.states(again).values()) == {"success"}
    assert airflow.xcoms(again)["pull"] == handed_over["pull"]
    assert airflow.xcoms(again)["alert"] == []
    assert stored(airflow, s3) == before
    assert len(slack.messages) == 1

    said = json.dumps([handed_over, airflow.xcoms(again)])
    assert s3.secret_key not in said
    assert slack.token not in said


def test_the_asset_carries_the_verdict(airflow):
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    airflow.bench.night(BAD, noise=0.9)
    run = airflow.run(BAD)
    with create_session() as session:
        found = session.query(AssetEvent).filter(AssetEvent.source_run_id == run.run_id)
        [extra] = [event.extra for event in found if event.source_dag_id == "quiet"]
    assert extra["status"] == "regression"
    assert extra["night"] == BAD
    assert extra["evaluation_id"] == airflow.xcoms(run)["pull"]["evaluation_id"]


def test_a_quarantined_night_is_recorded_and_told_and_nothing_is_evaluated_on_it(airflow, s3, slack):
    table = airflow.bench.night(BAD)
    spoilt = table.drop("label").with_columns(score=table["score"] + 2.0, x=table["x"] * 100)
    airflow.bench.write(BAD, spoilt, table.select("id", "label"))
    run = airflow.run(BAD)
    states = airflow.states(run)
    assert {states[task] for task in ("profile", "performance", "drift", "bias")} == {"skipped"}
    assert {states[task] for task in ("validate", "decide", "report", "publish", "alert")} == {"success"}
    assert airflow.xcoms(run)["publish"]["status"] == "quarantined"
    names = {key.split("/")[-1] for key in stored(airflow, s3) if f"/{BAD}/" in key}
    assert {"validation.json", "data_docs.html.gz", "verdict.json", "manifest.json"} <= names
    assert "profile.parquet" not in names
    [message] = slack.messages
    told = json.dumps(message["blocks"])
    assert "expect_column_values_to_be_between" in told
    assert "600 rows" in told
    assert "part-0.parquet row " in told, "places to look the rows up at"


def test_a_night_that_does_not_come_fails_and_says_where_it_looked(airflow, slack):
    run = airflow.run("2024-03-09")
    states = airflow.states(run)
    assert states["wait_for_data"] == "failed"
    assert states["publish"] == "upstream_failed"
    [text] = messages(slack)
    assert airflow.bench.logs + "predictions/dt=2024-03-09/" in text
    assert airflow.bench.logs + "labels/dt=2024-03-09/" in text


def test_a_broken_config_fails_its_run_and_tells_the_channel_it_names(airflow, slack):
    (airflow.folder / "broken.yaml").write_text("model: broken\ntask: binari\nalerts: {slack: {channel: '#ml'}}\n")
    run = airflow.run(QUIET, model="broken")
    assert airflow.states(run) == {"config": "failed"}
    [message] = slack.messages
    assert "binari" in json.dumps(message["blocks"])
    airflow.bench.night(QUIET)
    assert airflow.xcoms(airflow.run(QUIET))["publish"]["night"] == QUIET


def test_wrong_credentials_fail_at_once_without_telling_them(airflow, slack, monkeypatch):
    aws = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    aws["password"] = "not-the-secret-4711"
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    airflow.bench.night(QUIET)
    run = airflow.run(QUIET)
    assert airflow.states(run)["wait_for_data"] == "failed"
    [text] = messages(slack)
    assert "credentials" in text
    assert "not-the-secret-4711" not in text


def test_the_trigger_goes_off_when_the_night_arrives(airflow):
    from nightproof.operators.wait import NightTrigger

    night = "2024-03-20"
    trigger = NightTrigger(
        model="quiet",
        night=night,
        models_folder=str(airflow.folder),
        aws_conn_id="aws_default",
        poll_seconds=0.1,
        deadline=datetime(2100, 1, 1, tzinfo=UTC).isoformat(),
    )

    async def watch() -> Any:
        events = trigger.run()
        waiting = asyncio.create_task(anext(events))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await asyncio.to_thread(airflow.bench.night, night)
        return await asyncio.wait_for(waiting, 30)

    assert asyncio.run(watch()).payload == {"problem": None}


# --- The fleet --------------------------------------------------------------------------------------------


def test_what_slack_did_not_take_is_told_by_the_fleet_once_it_is_back(airflow, slack):
    airflow.bench.night(BAD, noise=0.9)
    slack.failing["chat.postMessage"] = 403
    assert airflow.states(airflow.run(BAD))["alert"] == "failed"
    assert slack.messages == []
    slack.failing.clear()
    fleet = airflow.run(BAD, model="nightproof_fleet")
    assert set(airflow.states(fleet).values()) == {"success"}
    texts = messages(slack)
    assert len(texts) >= 1 and all(BAD in text for text in texts)
    assert airflow.xcoms(fleet)["alerts"] == texts
    again = airflow.run(QUIET, model="nightproof_fleet")
    assert (airflow.xcoms(again)["alerts"], messages(slack)) == ([], texts)
    assert f"/nights/{BAD}/" in json.dumps(slack.messages[0]["blocks"]), "its links are those of its night's run"


def test_a_notice_in_quiet_hours_is_left_to_the_fleet(airflow, slack):
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M} UTC"
    alerts = {"slack": {"channel": "#ml-network"}, "severity": dict.fromkeys(("performance", "bias", "data"), "notice")}
    known = {"validate": {"suite": "quiet"}, "data": {**bucket_model_data(airflow.bench), "wait": "0m"}}
    airflow.bench.config(alerts={**alerts, "quiet_hours": hours}, **known)
    airflow.bench.night(BAD, noise=0.9)
    run = airflow.run(BAD)
    assert airflow.states(run)["alert"] == "success"
    airflow.run(BAD, model="nightproof_fleet")
    assert slack.messages == []
    airflow.bench.config(alerts=alerts, **known)
    airflow.run(QUIET, model="nightproof_fleet")
    assert len(slack.messages) >= 1


def test_the_fleet_posts_the_weeks_digest_once(airflow, slack):
    yesterday = str((datetime.now(UTC) - timedelta(days=1)).date())
    airflow.bench.night(yesterday)
    airflow.run(yesterday)
    before = len(slack.messages)
    runs = [airflow.run(night, model="nightproof_fleet") for night in (QUIET, BAD)]
    assert [len(airflow.xcoms(run)["digests"]) for run in runs] == [1, 0]
    (digest,) = slack.messages[before:]
    assert "Week" in digest["text"] and "/nightproof/models/quiet" in json.dumps(digest["blocks"])


NOTIFIER = """
from airflow.sdk import BaseNotifier

class Pager(BaseNotifier):
    template_fields = ("text",)

    def __init__(self, *, text, path):
        super().__init__()
        self.text, self.path = text, path

    def notify(self, context):
        with open(self.path, "a") as lines:
            lines.write(f"{context['dag'].dag_id}: {self.text}\\n")
"""


def test_a_notifier_is_called_by_the_alert_task_once_an_event(airflow, slack, tmp_path, monkeypatch):
    (tmp_path / "team_pager.py").write_text(NOTIFIER)
    monkeypatch.syspath_prepend(str(tmp_path))
    said = tmp_path / "said.txt"
    notifier = {"class": "team_pager.Pager", "arguments": {"text": "{event} of {model} {night}", "path": str(said)}}
    alerts = {"slack": {"channel": "#ml-network"}, "notifiers": [notifier]}
    data = {**bucket_model_data(airflow.bench), "wait": "0m"}
    airflow.bench.config(alerts=alerts, validate={"suite": "quiet"}, data=data)
    airflow.bench.night(BAD, noise=0.9)
    for _ in range(2):
        assert airflow.states(airflow.run(BAD))["alert"] == "success"
    airflow.run(BAD, model="nightproof_fleet")
    lines = said.read_text().splitlines()
    assert set(lines) == {f"quiet: opened of quiet {BAD}"}
    assert len(lines) == len(slack.messages)
