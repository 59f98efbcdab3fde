"""Row: a large night validated, by `benchmarks/validation.py`."""

from __future__ import annotations

import sys

from benchmarks.bench import Bench
from benchmarks.measure import ROOT, result, run
from benchmarks.row import Row, mib, seconds

ROWS, COLUMNS = 10_000_000, 44
MOST_MIB = 1536.0


def row(bench: Bench) -> Row:
    """Great Expectations on a night, in a process of its own: what that process says of itself."""
    rows = bench.rows(ROWS)
    script = str(ROOT / "benchmarks" / "validation.py")
    printed, _ = run([sys.executable, script, "--rows", str(rows), "--columns", str(COLUMNS), "--json"])
    said = result(printed)
    return Row(
        what=f"a night of {rows:,} rows x {COLUMNS} columns validates (Great Expectations)",
        target="peak <= 1.5 GiB",
        found=f"{mib(said['peak_rss_mib'])}, {seconds(said['cpu_s_process'])} CPU",
        met=said["peak_rss_mib"] <= MOST_MIB,
        note=(
            f"{said['expectations']} expectations of {said['kinds']} kinds, {said['outcome']}; "
            f"{seconds(said['cpu_s'])} CPU beyond the imports. One run."
        ),
    )
