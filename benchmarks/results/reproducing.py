"""Nights of the real flights, computed again from their pinned data: the same, bit for bit?"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measure import measure
from benchmarks.results.flights import BUCKETS, environment, lay, replay
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages

NIGHTS, CHOSEN, TOGETHER = 45, 30, 5
"""Nights that are published; of those, how many are computed again; and how many of them in one process."""


def row(bench: Bench) -> Row:
    """Publish nights by the command line, choose some at random, and reproduce each with an empty cache."""
    from nightproof.demo.seaweedfs import SeaweedFS

    folder = bench.fresh("reproduce")
    nights = max(3, int(NIGHTS * bench.scale))
    with SeaweedFS(folder / "s3") as server:
        os.environ.update(server.environment())
        for bucket in BUCKETS:
            server.make_bucket(bucket)
        lay(folder, nights=nights)
        published = replay(folder, nights=nights)
        chosen = random.Random(2013).sample(published, max(2, int(CHOSEN * bench.scale)))
        said = [told for first in range(0, len(chosen), TOGETHER) for told in _again(folder, chosen[first:][:TOGETHER])]
    same = [told for told in said if told["outcome"] == "same"]
    numbers = sum(told["numbers"] for told in said)
    wrong = next((told for told in said if told["outcome"] != "same"), None)
    return Row(
        what=f"reproduce {len(chosen)} random nights of the flights",
        target=f"{len(chosen)} of {len(chosen)} bit for bit",
        found=f"{len(same)} of {len(chosen)}",
        met=len(same) == len(chosen),
        note=f"{numbers:,} numbers and {sum(told['findings'] for told in said):,} findings compared, pages included; "
        f"{seconds(_median(said, 'cpu_s'))} CPU, {seconds(_median(said, 'wall_s'))} a night beside imports"
        + (f"; first that is not: {wrong['words'][:300]}" if wrong else ""),
    )


def _again(folder: Path, nights: list[str]) -> list[dict[str, Any]]:
    os.environ.update(environment(folder, cache="unused"))
    said: list[dict[str, Any]] = measure("benchmarks.results.reproducing:again", folder=str(folder), nights=nights).said
    return said


def again(stages: Stages, *, folder: str, nights: list[str]) -> list[dict[str, Any]]:
    """Reproduce nights, each as a worker that has never seen the model."""
    with stages("import"):
        from nightproof.cache import Cache
        from nightproof.catalog import find_model, models_folder, suites_folder
        from nightproof.night import Night
        from nightproof.report import snapshot  # noqa: F401
        from nightproof.reproduce import reproduce
        from nightproof.resources import Resources

        import great_expectations  # noqa: F401

    said = []
    for night in nights:
        cache = Path(folder, "empty")
        shutil.rmtree(cache, ignore_errors=True)
        config = find_model("flight_delay", models_folder())
        resources = Resources(cache=Cache(cache), suites=suites_folder(models_folder()))
        with stages(night):
            found = reproduce(config, Night.parse(night, config.data.label_delay), resources)
        told = found.model_dump(mode="json", include={"outcome", "findings", "numbers"})
        told |= {"words": found.in_words(), "cpu_s": stages.cpu_s[night], "wall_s": stages.wall_s[night]}
        said.append(told)
    return said


def _median(said: list[dict[str, Any]], name: str) -> float:
    return float(sorted(told[name] for told in said)[len(said) // 2])
