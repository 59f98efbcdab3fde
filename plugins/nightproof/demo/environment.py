"""What tells every part of the demo where the others are, and with which keys."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from nightproof.demo.processes import are_free, free_ports
from nightproof.demo.seaweedfs import REGION, SeaweedFS
from nightproof.demo.slack_recorder import TOKEN, SlackRecorder


class Slack:
    """Slack itself where ``SLACK_BOT_TOKEN`` is set, else the recorder.

    Parameters
    ----------
    folder
        Where the recorder keeps messages, and its port for the next start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recorder: SlackRecorder | None = None
        self.token = os.environ.get("SLACK_BOT_TOKEN") or TOKEN

    @property
    def base_url(self) -> str | None:
        """Where the API is, if not where slack_sdk looks by itself."""
        return self.recorder.base_url if self.recorder else os.environ.get("NIGHTPROOF_SLACK_URL")

    def __enter__(self) -> Self:
        if not os.environ.get("SLACK_BOT_TOKEN"):
            self.recorder = SlackRecorder(self._folder, port=self._choose_port()).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.recorder is not None:
            self.recorder.stop()

    def _choose_port(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "port.json"
        last = json.loads(path.read_text()) if path.exists() else None
        port = int(last) if last and are_free([last]) else free_ports(1)[0]
        path.write_text(json.dumps(port))
        return port


def make_environment(root: Path, s3: SeaweedFS, slack: Slack) -> dict[str, str]:
    """Variables for the command line and for Airflow's tasks alike.

    Parameters
    ----------
    root
        The checkout.
    s3
        Running.
    slack
        Entered.
    """
    temporary = root / ".demo" / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **s3.environment(),
        "AIRFLOW_CONN_AWS_DEFAULT": _aws_connection(s3),
        "AIRFLOW_CONN_SLACK_API_DEFAULT": _slack_connection(slack),
        "DO_NOT_TRACK": "1",
        "NIGHTPROOF_CACHE": str(root / ".demo" / "cache"),
        "NIGHTPROOF_MODELS": str(root / "include" / "models"),
        "NIGHTPROOF_SUITES": str(root / "great_expectations" / "expectations"),
        "SLACK_BOT_TOKEN": slack.token,
        "TMPDIR": str(temporary),
        **({"NIGHTPROOF_SLACK_URL": slack.base_url} if slack.base_url else {}),
    }


def write_exports(path: Path, environment: Mapping[str, str]) -> None:
    """Write the variables for a shell to ``source``, readable by their owner alone."""
    path.unlink(missing_ok=True)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items())]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)


def _aws_connection(s3: SeaweedFS) -> str:
    extra = {"endpoint_url": s3.endpoint_url, "region_name": REGION}
    return json.dumps({"conn_type": "aws", "login": s3.access_key, "password": s3.secret_key, "extra": extra})


def _slack_connection(slack: Slack) -> str:
    extra = {"base_url": slack.base_url} if slack.base_url else {}
    return json.dumps({"conn_type": "slack", "password": slack.token, "extra": extra})
