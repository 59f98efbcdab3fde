"""Row: verifying a chain of 1,000 evaluations on a real S3 server."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.storage.s3 import S3Store

from benchmarks.bench import Bench
from benchmarks.measure import QUIET, Failed
from benchmarks.results.chains import FOLDER, MODEL, Template, publish_chain, templates
from benchmarks.row import Row, seconds

ENTRIES, LEAST = 1000, 20
MOST_S = 5.0
BUCKET = "verifying"
RUNS = 3


@dataclass(frozen=True)
class Verified:
    """One run of `nightproof verify`, from its start to its end.

    Parameters
    ----------
    wall_s, cpu_s
        By the clock, and of the process; the server's own is not in the latter.
    hashed, listed
        Objects that were read, and objects that there are.
    """

    wall_s: float
    cpu_s: float
    hashed: int
    listed: int

    def __str__(self) -> str:
        return f"{seconds(self.wall_s)} ({seconds(self.cpu_s)} CPU, {self.hashed:,} of {self.listed:,} objects read)"


def row(bench: Bench) -> Row:
    """The command as an auditor runs it: a fast look and a deep one, without pages and with them."""
    entries, made, folder = max(LEAST, int(ENTRIES * bench.scale)), templates(), bench.fresh("verifying")
    fast, deep = {}, {}
    for pages in (False, True):
        name = "with pages" if pages else "without pages"
        with SeaweedFS(folder / name.replace(" ", "-")) as server:
            models = _publish(server, folder, made, entries=entries, pages=pages)
            runs = [_verify(server, models) for _ in range(RUNS)]
            fast[name] = min(runs, key=lambda run: run.wall_s)
            deep[name] = _verify(server, models, "--deep")
    most = max(run.wall_s for run in fast.values())
    return Row(
        what=f"`nightproof verify` of a chain of {entries:,} evaluations on local SeaweedFS",
        target=f"<= {MOST_S:.0f} s",
        found="; ".join(f"{name} {seconds(run.wall_s)}" for name, run in fast.items()),
        met=most <= MOST_S,
        note=(
            f"The whole command, imports included; the best of {RUNS} runs of the fast look. "
            + " ".join(f"Fast, {name}: {run}." for name, run in fast.items())
            + " "
            + " ".join(f"Deep, {name}: {run}." for name, run in deep.items())
            + " The fast look reads log and manifests, and compares the other files by the store's listing; the deep "
            "one reads every byte. The server runs on the same cores."
        ),
    )


def _publish(server: SeaweedFS, folder: Path, made: list[Template], *, entries: int, pages: bool) -> Path:
    server.make_bucket(BUCKET)
    publish_chain(S3Store(BUCKET, server.client(connections=20)), entries=entries, made=made, pages=pages)
    models = folder / "models"
    models.mkdir(exist_ok=True)
    config = {name: value for name, value in made[0].manifest.config.items() if name in ("model", "task", "columns")}
    config |= {"data": {"predictions": "s3://logs/p/dt=%Y-%m-%d/", "reference": "s3://logs/r/"}}
    config |= {"results": f"s3://{BUCKET}/{FOLDER.removesuffix(f'{MODEL}/')}"}
    (models / f"{MODEL}.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return models


def _verify(server: SeaweedFS, models: Path, *options: str) -> Verified:
    program = str(Path(sys.executable).with_name("nightproof"))
    command = [program, "verify", MODEL, "--json", "--models", str(models), *options]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, **QUIET, **server.environment()}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode != 0:
        raise Failed(f"{' '.join(command)}: {ran.stdout}{ran.stderr}"[-2000:])
    said = json.loads(ran.stdout)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Verified(wall_s, cpu_s, said["hashed"], said["listed"])
