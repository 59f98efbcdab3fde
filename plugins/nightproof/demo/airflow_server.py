"""Airflow on this machine, as ``airflow standalone`` runs it: SQLite, LocalExecutor, no login.

Its four parts are started one by one rather than by ``airflow standalone``, whose scheduler and triggerer
would serve their logs on every network interface; here all of it is on loopback. Its own schedule is off:
a demo on data of 2013 must not start runs of today.
"""

from __future__ import annotations

import json
import os
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from nightproof.demo.processes import LOOPBACK, Server, are_free, free_ports
from nightproof.errors import DemoError

PARTS: Mapping[str, tuple[str, ...]] = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
_GRACE_S = 3.0
_MIGRATION_S, _HEALTHY_S, _PARSED_S = 180, 240, 120
_TICK_S = 0.5
_ENDED = ("success", "failed")


@dataclass(frozen=True)
class Run:
    """How a DAG run stands.

    Parameters
    ----------
    state
        Such as ``running``, ``success`` or ``failed``.
    tasks
        State of each task by its id; empty text while it waits.
    """

    state: str
    tasks: Mapping[str, str]

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.state in _ENDED


class AirflowServer:
    """Airflow's four parts and the way to talk to them.

    Parameters
    ----------
    home
        Folder for its database, config and logs; made if missing.
    dags, plugins
        Its folders of DAGs and plugins.
    log
        File for what its parts print, one beside the other: ``NAME-scheduler.log`` and so on.
    """

    def __init__(self, home: Path, *, dags: Path, plugins: Path, log: Path) -> None:
        self.home = home.resolve()
        self._log = log.resolve()
        self._settings = _settings(self.home, dags.resolve(), plugins.resolve())
        self._migration = Server(self.home / "migration.pid", grace_s=0.5)
        self._parts = {part: Server(self.home / f"{part}.pid", grace_s=_GRACE_S) for part in PARTS}
        self._port = 0

    @property
    def url(self) -> str:
        """Its UI."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def dashboard_url(self) -> str:
        """The dashboard, which the plugin serves within it."""
        return f"{self.url}/nightproof/"

    def run_url(self, dag_id: str, run_id: str) -> str:
        """Give the page of a DAG run."""
        return f"{self.url}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"

    def prepare(self) -> None:
        """Begin to make the database; returns at once, and :meth:`start` waits for it."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not self._migrated.exists() and not self._migration.is_running:
            self._launch(self._migration, "migration", "db", "migrate")

    def start(self, environment: Mapping[str, str]) -> Self:
        """Start all parts, on the port of the last start if it is free.

        Parameters
        ----------
        environment
            Variables that tasks need: connections, AWS, ``NIGHTPROOF_*``.
        """
        self.prepare()
        self._wait_for_migration()
        self._port = self._choose_port()
        self._settings |= {
            **environment,
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
        }
        for part, options in PARTS.items():
            self._launch(self._parts[part], part, part, *options)
        return self

    def stop(self) -> None:
        """End all parts, together."""
        for server in self._parts.values():
            server.begin_stop()
        for server in (*self._parts.values(), self._migration):
            server.stop()

    def wait_until_healthy(self, on_part: Callable[[str], None] = lambda _: None) -> None:
        """Wait until each part says that it is well; ``on_part`` is told of each once.

        Raises
        ------
        DemoError
            If one ends or takes too long; the message names its log.
        """
        told: set[str] = set()
        for _ in self._until(_HEALTHY_S, "did not become healthy"):
            well = self._healthy_parts()
            for part in sorted(well - told):
                on_part(part)
            told |= well
            if told >= set(PARTS):
                return

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until a DAG has been read, and let it run."""
        path = f"/dags/{quote(dag_id)}"
        for _ in self._until(_PARSED_S, f"did not find the DAG {dag_id}"):
            try:
                self.call("PATCH", path, {"is_paused": False})
            except HTTPError as error:
                if error.code != 404:
                    raise
            else:
                return

    def trigger(self, dag_id: str, *, run_id: str, logical_date: str) -> None:
        """Start a run, or, where it has been run before, all of its tasks again."""
        path = f"/dags/{quote(dag_id)}/dagRuns"
        try:
            self.call("POST", path, {"dag_run_id": run_id, "logical_date": logical_date})
        except HTTPError as error:
            if error.code != 409:
                raise
            self.call("POST", f"{path}/{quote(run_id, safe='')}/clear", {"dry_run": False})

    def run(self, dag_id: str, run_id: str) -> Run:
        """See how a run stands."""
        path = f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"
        state = self.call("GET", path)["state"]
        tasks = self.call("GET", f"{path}/taskInstances?limit=100")["task_instances"]
        return Run(state, {task["task_id"]: task["state"] or "" for task in tasks})

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Read what a task of a run returned; ``None`` if nothing."""
        where = f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}"
        try:
            return self.call("GET", f"{where}/xcomEntries/return_value?deserialize=true")["value"]
        except HTTPError as error:
            if error.code != 404:
                raise
            return None

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout_s: float,
        on_change: Callable[[Run], None] = lambda _: None,
    ) -> Run:
        """Wait until a run ends, telling ``on_change`` of each step of it."""
        last = None
        for _ in self._until(timeout_s, f"did not finish the run {run_id}"):
            now = self.run(dag_id, run_id)
            if now != last:
                on_change(now)
            if now.is_over:
                return now
            last = now
        raise AssertionError("unreachable: _until raises")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call its REST API.

        Parameters
        ----------
        method, path
            Such as ``GET`` and ``/dags``.
        body
            What to send as JSON.
        """
        return _answer(f"{self.url}/api/v2{path}", method, body)

    def ask_dashboard(self, path: str) -> Any:
        """Ask the dashboard's API for a path such as ``/models``."""
        return _answer(f"{self.dashboard_url}api/v1{path}")

    @property
    def _migrated(self) -> Path:
        return self.home / f"migrated-{metadata.version('apache-airflow')}"

    def _launch(self, server: Server, name: str, *arguments: str) -> None:
        program = str(Path(sysconfig.get_path("scripts")) / "airflow")
        server.start([program, *arguments], log=self._log_of(name), environment={**os.environ, **self._settings})

    def _log_of(self, name: str) -> Path:
        return self._log.with_name(f"{self._log.stem}-{name}{self._log.suffix}")

    def _wait_for_migration(self) -> None:
        if self._migrated.exists():
            return
        code = self._migration.wait(_MIGRATION_S)
        if code != 0:
            log = self._log_of("migration")
            raise DemoError(f"Airflow's database could not be made (exit {code}): its log is {log}.")
        self._migrated.touch()

    def _choose_port(self) -> int:
        path = self.home / "port.json"
        last = json.loads(path.read_text()) if path.exists() else None
        port = int(last) if last and are_free([last]) else free_ports(1)[0]
        path.write_text(json.dumps(port))
        return port

    def _healthy_parts(self) -> set[str]:
        try:
            health = self.call("GET", "/monitor/health")
        except (URLError, ConnectionError, TimeoutError, json.JSONDecodeError):
            return set()
        well = {part.replace("_", "-") for part, told in health.items() if told.get("status") == "healthy"}
        return (well & set(PARTS)) | {"api-server"}

    def _until(self, timeout_s: float, failure: str) -> Any:
        """Yield again and again; after too long, or when a part has ended, say what failed."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            for part, server in self._parts.items():
                if not server.is_running:
                    raise DemoError(f"Airflow's {part} ended: its log is {self._log_of(part)}.")
            yield
            time.sleep(_TICK_S)
        raise DemoError(f"Airflow {failure} in {timeout_s:.0f} s: its logs are {self._log_of('*')}.")


def _answer(url: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def _settings(home: Path, dags: Path, plugins: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]),
        "DO_NOT_TRACK": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }
