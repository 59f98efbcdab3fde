"""The demo from end to end, as `make demo ONCE=1` runs it, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from nightproof.demo.lock import exclusive
from nightproof.errors import DemoError

pytestmark = pytest.mark.integration
CHECKOUT = Path(__file__).resolve().parents[2]
USED = ("dags", "plugins", "include", "great_expectations")
TIMEOUT_S = 600


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which nothing has been run."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in USED:
        (folder / name).symlink_to(CHECKOUT / name)
    return folder


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nightproof.demo", "--root", str(root), *arguments]
    hidden = ("SLACK_BOT_TOKEN", "AIRFLOW_HOME", "NIGHTPROOF_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environment)


def run_once(root: Path) -> str:
    demo = start(root, "--once")
    try:
        said, _ = demo.communicate(timeout=TIMEOUT_S)
    finally:
        demo.kill()
    assert demo.returncode == 0, said
    return said


def told(root: Path) -> list[dict[str, Any]]:
    lines = (root / ".demo" / "slack" / "messages.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def log(root: Path) -> list[str]:
    """The nights in the model's log, asked of a server started for it."""
    from nightproof.demo.seaweedfs import SeaweedFS

    with SeaweedFS(root / ".demo" / "s3") as s3:
        client = s3.client()
        keys = client.list_objects_v2(Bucket="ml-results", Prefix="nightproof/flight_delay/log/")["Contents"]
        entries = [client.get_object(Bucket="ml-results", Key=found["Key"])["Body"].read() for found in keys]
    return [json.loads(entry)["night"] for entry in entries]


def still_running(root: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(root) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


@dataclass(frozen=True)
class Looked:
    """What the dashboard of a running demo answers."""

    fleet: dict[str, Any]
    pages: dict[str, str]
    report: Message


def look(root: Path) -> Looked:
    port = json.loads((root / ".demo" / "airflow" / "port.json").read_text())
    url = f"http://127.0.0.1:{port}/nightproof"

    def ask(path: str) -> tuple[str, Message]:
        with urlopen(url + path, timeout=60) as answer:
            return answer.read().decode(), answer.headers

    fleet = json.loads(ask("/api/v1/models")[0])
    pages = {path: ask(path)[0] for path in ("/", "/models/flight_delay", "/incidents")}
    return Looked(fleet, pages, ask("/models/flight_delay/latest/report")[1])


@pytest.fixture(scope="module")
def running(root: Path) -> tuple[str, Looked]:
    """What the first demo says, and what is seen in it before Ctrl-C."""
    demo = start(root)
    try:
        said = _until_it_runs(demo)
        looked = look(root)
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=TIMEOUT_S)
    finally:
        demo.kill()
    assert demo.returncode == 0, said + rest
    return said + rest, looked


def _until_it_runs(demo: subprocess.Popen[str]) -> str:
    said = []
    assert demo.stdout is not None
    for line in demo.stdout:
        said.append(line)
        if "Ctrl-C stops it" in line:
            return "".join(said)
    raise AssertionError("".join(said))


@pytest.fixture(scope="module")
def first_run(running: tuple[str, Looked]) -> str:
    return running[0]


@pytest.fixture(scope="module")
def looked(running: tuple[str, Looked]) -> Looked:
    return running[1]


def test_the_dashboard_shows_the_open_incident(first_run: str, looked: Looked) -> None:
    [model] = looked.fleet["models"]
    assert (model["model"], model["night"], model["standing"]) == ("flight_delay", "2013-10-24", "incident")
    assert [incident["since"] for incident in model["incidents"]] == ["2013-10-23"]
    assert "incident open since 2013-10-23" in first_run
    assert "/nightproof/models/flight_delay" in first_run
    assert all("flight_delay" in page for page in looked.pages.values())


def test_the_dashboard_serves_reports_sandboxed(looked: Looked) -> None:
    assert looked.report["Content-Security-Policy"].startswith("sandbox allow-scripts;")


def test_it_ends_well_and_says_where_to_look(root: Path, first_run: str) -> None:
    report = root / ".demo" / "reports" / "flight_delay-2013-10-23.html"
    assert "Nightproof is running" in first_run
    assert "nothing was sent to" in first_run
    assert report.stat().st_size > 1_000_000


def test_late_labels_are_revised_and_a_changed_verdict_is_named(first_run: str) -> None:
    assert "792 labels, now 964" in first_run
    assert "found: 2013-10-23/" in first_run


def test_slack_was_told_of_the_bad_night_once(root: Path, first_run: str) -> None:
    of_the_night = [message for message in told(root) if "2013-10-23" in message["text"]]
    assert len(of_the_night) == 1
    assert "Regression" in of_the_night[0]["text"]


def test_secrets_are_private_and_not_in_the_logs(root: Path, first_run: str) -> None:
    keys = json.loads((root / ".demo" / "s3" / "s3.json").read_text())["identities"][0]["credentials"][0]
    assert keys["secretKey"] not in first_run
    assert stat.S_IMODE((root / ".demo" / "environment.sh").stat().st_mode) == 0o600
    for path in [*(root / ".demo").glob("*.log"), *(root / ".demo" / "airflow" / "logs").rglob("*.log")]:
        assert keys["secretKey"] not in path.read_text("utf-8", "replace"), path


def test_nothing_is_left_running_nor_written_elsewhere(root: Path, first_run: str) -> None:
    assert still_running(root) == []
    assert {path.name for path in root.iterdir()} == {*USED, ".demo"}


def test_after_a_kill_the_next_one_goes_on_and_says_nothing_twice(root: Path, first_run: str) -> None:
    before, nights = told(root), log(root)
    killed = start(root)
    assert killed.stdout is not None
    for line in killed.stdout:
        if "Replay" in line:
            break
    killed.kill()
    killed.communicate()
    assert "Nightproof ran" in run_once(root)
    assert told(root) == before
    assert log(root) == nights
    assert still_running(root) == []


def test_one_demo_at_a_time(root: Path) -> None:
    with exclusive(root / ".demo" / "lock"):
        second = start(root, "--once")
        said, _ = second.communicate(timeout=TIMEOUT_S)
        with pytest.raises(DemoError, match=f"process {os.getpid()}"), exclusive(root / ".demo" / "lock"):
            pass
    assert second.returncode == 1
    assert "Another demo is running here" in said
