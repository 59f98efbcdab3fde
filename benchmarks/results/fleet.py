"""100 models publishing at once from 8 processes: nothing lost, chains without a gap, the table exact."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from nightproof.storage import open_store

from benchmarks.bench import Bench
from benchmarks.measure import ROOT, Failed, measure
from benchmarks.results.made_up import publish_made_up
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages

MODELS, PROCESSES, NIGHTS, FINDINGS = 100, 8, 2, 400
RESULTS = "s3://bench-fleet/results/"
_PUBLISH = """
import sys
from benchmarks.results.fleet import publish
publish(*map(int, sys.argv[1:]))
"""


def row(bench: Bench) -> Row:
    """Publish from all processes at once on a real S3 server, each night twice over by two processes."""
    from nightproof.demo.seaweedfs import SeaweedFS

    models = max(PROCESSES, int(MODELS * bench.scale))
    with SeaweedFS(bench.fresh("fleet")) as server:
        os.environ.update(server.environment())
        server.make_bucket("bench-fleet")
        wall_s = _at_once(models)
        said = measure("benchmarks.results.fleet:found", models=models).said
    exact = said["nights"] == models * NIGHTS and said["gapless"] and said["difference"] is None
    return Row(
        what=f"{models} models publishing at once from {PROCESSES} processes",
        target="nothing lost, chains gapless, table rows exact",
        found=f"{said['nights']} of {models * NIGHTS} nights, {said['rows']:,} rows, "
        f"{'all exact' if exact else said['difference'] or 'NOT EXACT'}",
        met=exact,
        note=f"{said['commits'] / wall_s:.1f} commits/s, {seconds(wall_s)} in all with the start of the processes; "
        "every model published by two processes",
    )


def _at_once(models: int) -> float:
    began = time.monotonic()
    started = [
        subprocess.Popen([sys.executable, "-c", _PUBLISH, str(number), str(models)], cwd=ROOT)
        for number in range(PROCESSES)
    ]
    ended = [process.wait() for process in started]
    if any(ended):
        raise Failed("a publisher ended badly")
    return time.monotonic() - began


def publish(process: int, models: int) -> None:
    """What one process does: its models and its neighbour's, so that each has two publishers."""
    from nightproof.results_root import ResultsRoot
    from nightproof.table import table_at
    from nightproof.table.sync import sync

    root, table = ResultsRoot.at(RESULTS, open_store), table_at(RESULTS, open_store)
    assert table is not None
    for number in range(NIGHTS):
        for model in range(models):
            if model % PROCESSES in (process, (process + 1) % PROCESSES):
                results = root.results(f"model_{model:03d}")
                publish_made_up(results, number, count=FINDINGS, seed=model)
                sync(results, table)


def found(stages: Stages, *, models: int) -> dict[str, Any]:
    """Count what is there afterwards."""
    from nightproof.results_root import ResultsRoot
    from nightproof.table import table_at
    from nightproof.table.check import check

    root, table = ResultsRoot.at(RESULTS, open_store), table_at(RESULTS, open_store)
    assert table is not None
    with stages("check"):
        checked = check(root, table)
        logs = [root.results(model).log.entries() for model in root.models()]
    return {
        "nights": sum(len(log) for log in logs),
        # Reading a chain refuses a gap.
        "gapless": all([each.number for each in log] == list(range(NIGHTS)) for log in logs) and len(logs) == models,
        "rows": table.rows(columns=["model"]).num_rows,
        "commits": table.version,
        "difference": checked.difference,
    }
