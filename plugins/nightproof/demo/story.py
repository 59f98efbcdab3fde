"""The demo's story, in the order in which it happens.

::

    S3 server ─► flights, model ─► partitions ─► history, in process ─► late labels ─► two nights in Airflow ─► proof
                                                                                                      dashboard ◄─┘
    Airflow's database ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄► Airflow's parts start ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘

Everything is written below one folder and ends with this process. What is there already is used again:
the same inputs are the same evaluations, so a second demo is quick and posts nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

from rich.text import Text

from nightproof.config import ModelConfig, load_config
from nightproof.demo.airflow_server import PARTS, AirflowServer, Run
from nightproof.demo.command_line import CommandLine
from nightproof.demo.delay_model import train
from nightproof.demo.display import Display, file_link, link
from nightproof.demo.environment import Slack, make_environment, write_exports
from nightproof.demo.flights import read_flights
from nightproof.demo.partitions import (
    Layout,
    Partition,
    labels_so_far,
    make_partitions,
    put_first,
    score_flights,
    upload,
)
from nightproof.demo.proof import LATE_CARRIER, LATE_NIGHT, Caught, revise, tamper
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.errors import DemoError
from nightproof.words import counted

MODEL = "flight_delay"
HISTORY = (date(2013, 9, 20), date(2013, 10, 22))
AIRFLOW_NIGHTS = (date(2013, 10, 23), date(2013, 10, 24))
BAD_NIGHT = date(2013, 10, 23)
TRY_NIGHT = date(2013, 7, 1)  # the most drift of the year, and no harm
_RUN_S = 600.0
_MOST_MESSAGES = 5
Rows = list[tuple[str, Text | str]]


@dataclass(frozen=True)
class Stage:
    """What the steps share.

    Parameters
    ----------
    root
        The checkout, with ``dags/``, ``plugins/``, ``include/`` and ``great_expectations/``.
    display
        The screen.
    """

    root: Path
    display: Display

    @property
    def folder(self) -> Path:
        """The one folder that the demo writes to."""
        return self.root / ".demo"

    @property
    def config(self) -> ModelConfig:
        """The model's config, as its owners wrote it."""
        return load_config(self.root / "include" / "models" / f"{MODEL}.yaml")


def tell(stage: Stage, servers: ExitStack) -> Rows:
    """Run the whole story.

    Parameters
    ----------
    stage
        Where, and on which screen.
    servers
        Ends what was started, when it is closed.

    Returns
    -------
    list of tuple
        The rows of the closing panel.
    """
    config = stage.config
    slack = servers.enter_context(Slack(stage.folder / "slack"))
    airflow = AirflowServer(
        stage.folder / "airflow",
        dags=stage.root / "dags",
        plugins=stage.root / "plugins",
        log=stage.folder / "airflow.log",
    )
    servers.callback(airflow.stop)
    airflow.prepare()
    s3 = _start_s3(stage, config, servers)
    environment = make_environment(stage.root, s3, slack)
    write_exports(stage.folder / "environment.sh", environment)
    late = _write_data(stage, config, s3)
    with stage.display.step("Make Airflow's database"):
        airflow.start(environment)
    command_line = CommandLine(stage.folder, environment)
    servers.callback(command_line.stop)
    _replay_history(stage, command_line)
    with stage.display.step(f"Labels of {LATE_NIGHT} come late") as step:
        upload([late], s3.client())
        revise(command_line, config, step)
    _wait_for_airflow(stage, airflow)
    for night in AIRFLOW_NIGHTS:
        _run_night(stage, airflow, night)
    report = stage.folder / "reports" / f"{MODEL}-{BAD_NIGHT}.html"
    report.parent.mkdir(exist_ok=True)
    command_line.run("report", MODEL, "--night", str(BAD_NIGHT), "--output", str(report))
    with stage.display.step("Change a number in a copy of the record") as step:
        caught = tamper(stage.folder, command_line, config=config, s3=s3, night=BAD_NIGHT)
        step.say(f"found: {caught.named}")
    shown = _look(stage, airflow)
    return [*_told(slack, config), *_proved(caught), *shown, *_places(config, airflow, report)]


def run_id(night: date) -> str:
    """Name a night's run in Airflow."""
    return f"demo-{night}"


def _start_s3(stage: Stage, config: ModelConfig, servers: ExitStack) -> SeaweedFS:
    with stage.display.step("Start an S3 server (SeaweedFS)") as step:
        s3 = servers.enter_context(SeaweedFS(stage.folder / "s3"))
        data = config.data
        for url in {data.predictions, data.labels or data.predictions, data.reference, config.results_url}:
            s3.make_bucket(url.split("/")[2])
        step.say(s3.endpoint_url)
    return s3


def _write_data(stage: Stage, config: ModelConfig, s3: SeaweedFS) -> Partition:
    """Write all that the model's service would have logged but one night's labels, which are given."""
    with stage.display.step("Train a model on Jan-Mar 2013", total=3) as step:
        flights = read_flights()
        step.advance()
        model = train(flights)
        step.advance()
        scored = score_flights(flights, model)
        step.say(f"{len(flights):,} real flights")
    if config.data.labels is None:
        raise DemoError(f"The demo writes labels beside predictions: give {MODEL}.yaml data.labels again.")
    layout = Layout(config.data.predictions, config.data.labels, config.data.reference)
    partitions = list(make_partitions(scored, layout))
    url = LATE_NIGHT.strftime(layout.labels)
    late = next(found for found in partitions if found.url.startswith(url))
    partitions.remove(late)
    put_first(labels_so_far(late, flights, late=LATE_CARRIER), s3.client())
    with stage.display.step("Write predictions and labels to S3", total=len(partitions)) as step:
        written = upload(partitions, s3.client(connections=16), lambda _: step.advance())
        step.say(f"{written} objects written, {len(partitions) - written} there already")
    return late


def _replay_history(stage: Stage, command_line: CommandLine) -> None:
    first, last = HISTORY
    with stage.display.step("Replay five weeks, in process", total=(last - first).days + 1) as step:
        asked = ("replay", MODEL, "--from", str(first), "--to", str(last), "--no-report")
        for line in command_line.lines(*asked):
            if "error" in line:
                raise DemoError(f"The night {line['night']} could not be evaluated: {line['error']}")
            step.advance()
            step.say(f"{line['night']} {line['status']}")


def _wait_for_airflow(stage: Stage, airflow: AirflowServer) -> None:
    with stage.display.step("Start Airflow", total=len(PARTS) + 1) as step:

        def on_part(part: str) -> None:
            step.advance()
            step.say(part)

        airflow.wait_until_healthy(on_part)
        airflow.wait_for_dag(MODEL)
        step.say(airflow.url)


def _run_night(stage: Stage, airflow: AirflowServer, night: date) -> None:
    """Run a night: the logical date is the night it evaluates, at the hour of its schedule."""
    with stage.display.step(f"Evaluate {night} in Airflow", total=11) as step:

        def on_change(run: Run) -> None:
            step.reach(sum(state in ("success", "skipped") for state in run.tasks.values()))
            step.say(", ".join(task for task, state in run.tasks.items() if state == "running"))

        airflow.trigger(MODEL, run_id=run_id(night), logical_date=f"{night}T04:00:00Z")
        run = airflow.wait_for_run(MODEL, run_id(night), timeout_s=_RUN_S, on_change=on_change)
        if run.state != "success":
            failed = ", ".join(task for task, state in run.tasks.items() if state == "failed")
            where = airflow.home / "logs" / f"dag_id={MODEL}" / f"run_id={run_id(night)}"
            raise DemoError(f"The run of {night} failed in {failed or 'no task'}: its logs are in {where}.")
        verdict = airflow.result(MODEL, run_id(night), "decide") or {}
        step.say(str(verdict.get("headline", "")))


def _look(stage: Stage, airflow: AirflowServer) -> Rows:
    """See the fleet as the dashboard shows it."""
    with stage.display.step("Look at the dashboard") as step:
        models = airflow.ask_dashboard("/models")["models"]
        of_incidents = [f"{model['model']}: {_open(incident)}" for model in models for incident in model["incidents"]]
        said = f"{counted(len(models), 'model')}; {'; '.join(of_incidents) or 'no incident is open'}"
        step.say(said)
    return [
        ("Dashboard", link(airflow.dashboard_url)),
        ("", said),
        ("", link(f"{airflow.dashboard_url}models/{MODEL}")),
        ("", "without Airflow: source .demo/environment.sh && .venv/bin/nightproof ui"),
        ("", ""),
    ]


def _open(incident: Mapping[str, Any]) -> str:
    return f"{incident['incident']['check']} incident open since {incident['since']}"


def _told(slack: Slack, config: ModelConfig) -> Rows:
    channel = config.alerts.slack.channel if config.alerts.slack else "nobody"
    if slack.recorder is None:
        return [("Slack", f"told in {channel} of your workspace"), ("", "")]
    texts = [unescape(str(message.get("text", ""))) for message in slack.recorder.messages]
    heading = Text(f"{channel}, on the local recorder: nothing was sent to Slack", style="dim")
    rows: Rows = [("Slack was told", heading)]
    rows += [("", text) for text in texts[-_MOST_MESSAGES:]] or [("", "nothing")]
    return [*rows, ("", link(slack.recorder.page_url)), ("", "")]


def _proved(caught: Caught) -> Rows:
    return [
        ("Proof", f"{caught.entries} evaluations in a chain that is whole; its head, to keep elsewhere:"),
        ("", Text(caught.head, style="dim")),
        ("", f"In a copy one verdict was changed. nightproof verify: {caught.named}: {caught.meaning}"),
        ("", ""),
    ]


def _places(config: ModelConfig, airflow: AirflowServer, report: Path) -> Rows:
    run = run_id(BAD_NIGHT)
    return [
        ("Report", file_link(report)),
        ("", Text(str(airflow.result(MODEL, run, "report") or ""), style="dim")),
        ("Run", link(airflow.run_url(MODEL, run))),
        ("Airflow", link(airflow.url)),
        ("Results", f"{config.results_url}{config.model}/"),
        ("Try", f"source .demo/environment.sh && .venv/bin/nightproof evaluate {MODEL} --night {TRY_NIGHT}"),
    ]
