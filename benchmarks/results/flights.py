"""The season's real flights in buckets of a real S3 server, and their nights published by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from benchmarks.faults.replays import MODEL, SHIPPED, SUITES
from benchmarks.measure import QUIET, ROOT, Failed, measure
from benchmarks.stages import Stages

FIRST = date(2013, 4, 1)
BUCKETS = ("ml-logs", "ml-results")


def lay(folder: Path, *, nights: int) -> None:
    """Upload the reference and so many nights, and write the model's config as it ships."""
    measure("benchmarks.results.flights:upload_nights", nights=nights)
    path = folder / "include" / "models" / f"{MODEL}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(SHIPPED.read_bytes())


def environment(folder: Path, *, cache: str) -> dict[str, str]:
    """What a command needs to find model, suite and cache."""
    return {
        "NIGHTPROOF_MODELS": str(folder / "include" / "models"),
        "NIGHTPROOF_SUITES": str(SUITES),
        "NIGHTPROOF_CACHE": str(folder / cache),
    }


def replay(folder: Path, *, nights: int) -> list[str]:
    """Publish the nights, all steps, as a user would; gives them as text.

    Raises
    ------
    Failed
        If one could not be evaluated.
    """
    last = FIRST + timedelta(days=nights - 1)
    command = [str(Path(sys.executable).parent / "nightproof"), "replay", MODEL]
    command += ["--from", str(FIRST), "--to", str(last), "--json"]
    own = os.environ | QUIET | environment(folder, cache="cache")
    ran = subprocess.run(command, check=False, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True)
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    wrong = [line for line in said if line["status"] == "failed"]
    if ran.returncode or wrong or len(said) != nights:
        raise Failed(f"the replay told of {len(said)} nights, the last {(wrong or said or ['nothing'])[-1]}")
    return [line["night"] for line in said]


def upload_nights(stages: Stages, *, nights: int) -> int:
    """Upload the season, in a child: training and flights would make its parent large."""
    from nightproof.demo.partitions import Layout, make_partitions, upload
    from nightproof.storage.s3 import make_client

    from benchmarks.faults.season import Season

    layout = Layout(
        predictions=f"s3://ml-logs/{MODEL}/predictions/dt=%Y-%m-%d/",
        labels=f"s3://ml-logs/{MODEL}/labels/dt=%Y-%m-%d/",
        reference=f"s3://ml-logs/{MODEL}/reference/",
    )
    with stages("upload"):
        # The reference, then predictions and labels of each night.
        wanted = list(make_partitions(Season.read().scored, layout))[: 1 + 2 * nights]
        return upload(wanted, make_client())
