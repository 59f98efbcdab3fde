"""A real Airflow with a login: its api-server, over a database that knows the fleet's DAGs and one run."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from nightproof.demo.processes import LOOPBACK, Server, free_ports

from .fleet import HIDDEN

CHECKOUT = Path(__file__).resolve().parents[2]
ADMIN, VIEWER = "alice", "bob"
"""The viewer may not read the hidden model."""
PASSWORDS = {ADMIN: "alices-word", VIEWER: "bobs-word"}
_PATIENCE_S = 180


class AirflowWithLogin:
    """Airflow's api-server; no scheduler, for nothing runs.

    Parameters
    ----------
    home
        For its database, passwords and logs.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_ports(1)[0]
        self._server = Server(home / "api-server.pid", grace_s=3.0)
        self._settings = _settings(home, self.port)
        self._migration: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its UI."""
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Begin to make the database; returns at once."""
        self.home.mkdir(parents=True)
        (self.home / "passwords.json").write_text(json.dumps(PASSWORDS), "utf-8")
        self._migration = self._command("db", "migrate")

    def start(self, environment: Mapping[str, str]) -> None:
        """Read the DAGs, then serve.

        Parameters
        ----------
        environment
            Says where the fleet is.
        """
        self._settings |= environment
        assert self._migration is not None and self._migration.wait(_PATIENCE_S) == 0, self._said()
        reading = self._command("dags", "reserialize")
        self._server.start([_airflow(), "api-server"], log=self.home / "server.log", environment=self._environment)
        assert reading.wait(_PATIENCE_S) == 0, self._said()
        self._wait()

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def token(self, user: str) -> str:
        """A token by which a program asks its API as a user."""
        return str(self.call("POST", "/auth/token", {"username": user, "password": PASSWORDS[user]})["access_token"])

    def add_run(self, dag_id: str, run_id: str, logical_date: str) -> None:
        """Make a run that stays queued."""
        body = {"dag_run_id": run_id, "logical_date": logical_date}
        self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, token=self.token(ADMIN))

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Call one of its APIs."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        with urlopen(Request(self.url + path, data=data, method=method, headers=headers), timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._settings}

    def _command(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{arguments[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [_airflow(), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environment
            )

    def _wait(self) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._server.is_running:
            try:
                self.call("GET", "/api/v2/version")
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
            else:
                return
        raise AssertionError(self._said())

    def _said(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace")[-3000:] for path in sorted(self.home.glob("*.log")))


def _airflow() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "airflow")


def _settings(home: Path, port: int) -> dict[str, str]:
    url = f"http://{LOOPBACK}:{port}"
    return {
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "HIDDEN_FROM": VIEWER,
        "HIDDEN_DAG": HIDDEN,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__AUTH_MANAGER": "hiding.HidingAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{VIEWER}:viewer",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }
