"""Nights that are killed in flight on a real S3 server, and run again: nothing lost, doubled or half-visible."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from nightproof.verify import verify

pytestmark = pytest.mark.integration

NIGHTS = ["2024-03-01", "2024-03-02"]
KILLS = 6
WAITING = """
import sys
from pathlib import Path
from nightproof.cache import Cache
from nightproof.config import load_config
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.resources import Resources
import nightproof.storage.s3, nightproof.table.sync, pandas, scipy.stats

print("ready", flush=True)
night = sys.stdin.readline().strip()
resources = Resources(cache=Cache(Path(sys.argv[2])), suites=Path(sys.argv[2]))
found = evaluate(load_config(Path(sys.argv[1])), Night.parse(night), resources, left_out=("report", "validate"))
print(found.id, flush=True)
"""


def warm(bench: Any, count: int) -> list[subprocess.Popen[str]]:
    """Processes that have imported what they need, so that a kill falls into the night's work."""
    bench.config()
    given = [str(bench.models / "quiet.yaml"), str(bench.folder / "shared-cache")]
    command = [sys.executable, "-c", WAITING, *given]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return started


def begin(process: subprocess.Popen[str], night: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{night}\n")
    process.stdin.flush()


def assert_whole(bench: Any) -> list[str]:
    """Hold the record to its laws by its bytes alone, and by `verify`; gives the nights that are there."""
    held = bench.objects()
    parent, nights = None, []
    for number, name in enumerate(sorted(name for name in held if name.startswith("log/"))):
        entry = json.loads(held[name])
        assert (entry["number"], entry["parent_sha256"]) == (number, parent)
        parent = hashlib.sha256(held[name]).hexdigest()
        folder = f"{entry['night']}/{entry['evaluation_id']}/"
        assert hashlib.sha256(held[f"{folder}manifest.json"]).hexdigest() == entry["manifest_sha256"]
        for file, signed in json.loads(held[f"{folder}manifest.json"])["files"].items():
            assert hashlib.sha256(held[folder + file]).hexdigest() == signed["sha256"]
        nights.append(entry["night"])
    assert len(set(nights)) == len(nights)
    assert verify(bench.model_results(), deep=True).breaches == ()
    return nights


def test_nights_that_are_killed_at_random_moments_and_run_again_are_there_once_and_whole(bucket_model: Any) -> None:
    draw = random.Random(7)
    for night in NIGHTS:
        bucket_model.night(night, count=300)
    processes = warm(bucket_model, KILLS + len(NIGHTS))
    try:
        for night in NIGHTS:
            for _ in range(KILLS // len(NIGHTS)):
                process = processes.pop()
                begin(process, night)
                time.sleep(draw.uniform(0.0, 0.6))
                process.send_signal(signal.SIGKILL)
                process.communicate()
                assert_whole(bucket_model)
            process = processes.pop()
            name = process.communicate(f"{night}\n")[0].strip()
            assert process.returncode == 0 and assert_whole(bucket_model)[-1] == night
            assert bucket_model.model_results().log.latest()[night].evaluation_id == name
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert assert_whole(bucket_model) == NIGHTS
