"""The demo from end to end, as `make demo ONCE=1` runs it, in a folder of its own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
def first_run(root: Path) -> str:
    return run_once(root)


def test_it_ends_well_and_says_where_to_look(root: Path, first_run: str) -> None:
    report = root / ".demo" / "reports" / "flight_delay-2013-10-23.html"
    assert "Nightproof ran" in first_run
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
    run_once(root)
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
