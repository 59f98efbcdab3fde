"""Row: one small night in `nightproof replay`, on a `file://` store."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import columns
from benchmarks.bench import Bench
from benchmarks.measure import Failed, Measured, measure
from benchmarks.row import Row, mib, seconds
from benchmarks.stages import Stages

NIGHT_ROWS, REFERENCE_ROWS = 2_000, 50_000
NIGHTS = 48
RISING, FALLING = 10, 8
"""Lines that are not counted: other processes are a few nights ahead, and the first and last nights show it."""
FIRST = date(2026, 1, 1)
MOST_S = 0.15
MODELS = {"small": columns.small, "wide": columns.wide}


def row(bench: Bench) -> Row:
    """A model of the demo's size and one with 40 features, with validation and without."""
    runs = {
        (model, validated): measure(
            "benchmarks.replay:replay",
            folder=str(bench.fresh(f"replay-{model}-{'' if validated else 'un'}validated")),
            model=model,
            nights=NIGHTS,
            validated=validated,
        )
        for model in MODELS
        for validated in (True, False)
    }
    small, quick = runs["small", True].said, runs["small", False].said
    wide, wide_quick = runs["wide", True].said, runs["wide", False].said
    return Row(
        what=f"one {NIGHT_ROWS:,}-row night in `replay`, reports off",
        target=f"<= {MOST_S} s",
        found=(
            f"6 features: {_pair(small, quick)}; 40 features, 20 slices, 3 protected: {_pair(wide, wide_quick)} "
            "(validated / `--no-validate`)"
        ),
        met=small["wall_s"] <= MOST_S,
        note=(
            f"By the clock, the mean between output lines {RISING} and {NIGHTS - FALLING} of {NIGHTS} nights. "
            + " ".join(_said(model, validated, run) for (model, validated), run in runs.items())
            + " One run each. The target is held against the 6 features, validated."
        ),
    )


def _pair(validated: dict[str, float], quick: dict[str, float]) -> str:
    return f"{validated['wall_s']:.3f} / {quick['wall_s']:.3f} s"


def _said(model: str, validated: bool, run: Measured) -> str:
    found = run.said
    return (
        f"{model.capitalize()}, {'validated' if validated else 'not validated'}: {found['cpu_s']:.3f} s CPU a night, "
        f"median {found['median_s']:.3f} s between lines; {seconds(found['start_s'])} to the first line; "
        f"peak {mib(run.peak_mib)}."
    )


def replay(stages: Stages, *, folder: str, model: str, nights: int, validated: bool) -> dict[str, Any]:
    """Lay a model and its nights, and replay them; seconds a night by the clock and of CPU."""
    with stages("lay"):
        lay(Path(folder), model=model, nights=nights)
    last = FIRST + timedelta(days=nights - 1)
    command = [str(Path(sys.executable).parent / "nightproof"), "replay", model, "--from", str(FIRST)]
    command += ["--to", str(last), "--no-report", "--json", *([] if validated else ["--no-validate"])]
    with stages("replay"):
        lines = _timed(command, Path(folder))
    if len(lines) != nights or any(said["status"] in ("failed", "quarantined") for _, _, said in lines):
        raise Failed(f"replay: {len(lines)} of {nights} nights; the last said {lines[-1][2] if lines else 'nothing'}")
    # On few nights there is no steady stretch, and all are counted.
    steady = lines[RISING:-FALLING] if nights > 2 * (RISING + FALLING) else lines
    (began, cpu_began, _), (ended, cpu_ended, _), count = steady[0], steady[-1], len(steady) - 1
    return {
        "start_s": lines[0][0],
        "wall_s": (ended - began) / count,
        "cpu_s": (cpu_ended - cpu_began) / count,
        "median_s": statistics.median(later[0] - earlier[0] for earlier, later in pairwise(steady)),
    }


def lay(folder: Path, *, model: str, nights: int) -> None:
    """Write the model's config, its reference and its nights, labels apart from predictions."""
    import numpy as np
    import pyarrow.parquet as pq
    import yaml

    from benchmarks.data import chunk

    configs = folder / "include" / "models"
    configs.mkdir(parents=True)
    (configs / f"{model}.yaml").write_text(yaml.safe_dump(MODELS[model](folder)), "utf-8")
    draw = np.random.default_rng(7)

    def write(place: str, table: Any) -> None:
        path = folder / place / "part-0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table, path, store_schema=False)

    write("reference", chunk(draw, REFERENCE_ROWS))
    for index in range(nights):
        day, rows = FIRST + timedelta(days=index), chunk(draw, NIGHT_ROWS, first_id=index * NIGHT_ROWS)
        write(f"predictions/dt={day}", rows.drop_columns([columns.LABEL]))
        write(f"labels/dt={day}", rows.select([columns.ID, columns.LABEL]))


def _timed(command: list[str], folder: Path) -> list[tuple[float, float, dict[str, Any]]]:
    """Each line with when it came and the CPU that the process and its children had used by then."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTPROOF_", "SLACK_"))}
    own = {"NIGHTPROOF_MODELS": str(folder / "include" / "models"), "NIGHTPROOF_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    with subprocess.Popen(command, env=kept | own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        return [(time.perf_counter() - began, _cpu_s(process.pid), json.loads(line)) for line in process.stdout]


def _cpu_s(process: int) -> float:
    import psutil

    root, used = psutil.Process(process), 0.0
    for each in (root, *root.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used
