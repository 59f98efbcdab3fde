"""Rebuilding the metrics table from the logs of 1,000 nights, and whether it is equal."""

from __future__ import annotations

import os
from typing import Any

from nightproof.storage import open_store

from benchmarks.bench import Bench
from benchmarks.measure import measure
from benchmarks.results.made_up import publish_made_up
from benchmarks.row import Row, mib, seconds
from benchmarks.stages import Stages

NIGHTS, FINDINGS = 1_000, 800
TARGET_S = 30.0
RESULTS = "s3://bench-rebuild/results/"


def row(bench: Bench) -> Row:
    """Publish so many nights on a real S3 server, then rebuild the table from their log in a fresh process."""
    from nightproof.demo.seaweedfs import SeaweedFS

    nights = max(10, int(NIGHTS * bench.scale))
    with SeaweedFS(bench.fresh("rebuild")) as server:
        os.environ.update(server.environment())
        server.make_bucket("bench-rebuild")
        measure("benchmarks.results.rebuilding:publish", nights=nights)
        told = measure("benchmarks.results.rebuilding:rebuilt")
    said, wall_s = told.said, told.stages_wall_s["rebuild"]
    return Row(
        what=f"rebuild of the metrics table, {nights:,} nights x {FINDINGS} findings",
        target="<= 30 s, equal",
        found=f"{seconds(wall_s)}, {'equal' if said['equal'] else 'NOT EQUAL'}",
        met=said["equal"] and wall_s <= TARGET_S,
        note=f"CPU {seconds(told.stages['rebuild'])}, peak {mib(told.peak_mib)}; {said['bytes'] / nights / 1e3:.0f} kB "
        f"of table a model-night, {said['compacted'] / nights / 1e3:.0f} kB once compacted; check of every bit "
        f"{seconds(told.stages_wall_s['check'])}, compaction {seconds(told.stages_wall_s['compact'])}",
    )


def publish(stages: Stages, *, nights: int) -> int:
    """Fill a log."""
    from nightproof.results_root import ResultsRoot

    results = ResultsRoot.at(RESULTS, open_store).results("made_up")
    with stages("publish"):
        for number in range(nights):
            publish_made_up(results, number, count=FINDINGS, seed=1)
    return nights


def rebuilt(stages: Stages) -> dict[str, Any]:
    """Rebuild, compare every bit with the log, compact, and compare again."""
    from nightproof.results_root import ResultsRoot
    from nightproof.table import table_at
    from nightproof.table.check import check
    from nightproof.table.compact import compact
    from nightproof.table.rebuild import rebuild

    root, table = ResultsRoot.at(RESULTS, open_store), table_at(RESULTS, open_store)
    assert table is not None
    with stages("rebuild"):
        made = rebuild(root, table)
    with stages("check"):
        first = check(ResultsRoot.at(RESULTS, open_store), table)
    with stages("compact"):
        compact(table)
    second = check(ResultsRoot.at(RESULTS, open_store), table)
    return {
        "equal": first.difference is None and second.difference is None and first.of_table == second.of_table,
        "bytes": made.size,
        "compacted": sum(each.size for each in table.files()),
    }
