"""Row: the profile of a large night, against decoding the same columns."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measure import Measured, Runs, measure, repeat
from benchmarks.row import Row, mib, seconds, times

ROWS, REFERENCE_ROWS = 10_000_000, 1_000_000
RUNS = 3
MOST_TIMES, MOST_MIB = 1.5, 1024.0
NOISE = 1.05
"""Peak memory at twice the rows may be this much more and still be "no more": it differs by run."""


def row(bench: Bench) -> Row:
    """Ten and twenty million rows of 44 columns."""
    count = bench.rows(ROWS)
    twice = bench.night(2 * count)
    once = bench.night(count)
    folder = str(bench.fresh("profiling"))
    made = measure("benchmarks.own:reference", files=bench.reference(bench.rows(REFERENCE_ROWS)), to=folder)
    columns = made.said["columns"]
    to = [f"{folder}/night.parquet"]
    counted = repeat(RUNS, "benchmarks.own:profile", nights=[once], baseline=folder, to=to)
    doubled = measure("benchmarks.own:profile", nights=[twice], baseline=folder, to=to)
    pyarrow = repeat(RUNS, "benchmarks.decoding:by_pyarrow", files=once, columns=columns)
    polars = repeat(RUNS, "benchmarks.decoding:by_polars", files=once, columns=columns)
    return _row(counted, doubled, pyarrow, polars, rows=count, columns=len(columns))


def _row(counted: Runs, doubled: Measured, pyarrow: Runs, polars: Runs, *, rows: int, columns: int) -> Row:
    cpu, peak = counted.stage_s("profile"), counted.peak_mib
    ratio = cpu / pyarrow.stage_s("decode")
    each = sorted(run.stages["profile"] for run in counted.all)
    return Row(
        what=f"profile of {rows:,} rows x 44 columns of Parquet",
        target=f"<= {MOST_TIMES} x the CPU of decoding the same columns; peak <= 1 GiB, and no more at twice the rows",
        found=f"{times(ratio)} pyarrow's decoding; {mib(peak)}, {mib(doubled.peak_mib)} at twice the rows",
        met=ratio <= MOST_TIMES and peak <= MOST_MIB and doubled.peak_mib <= NOISE * peak,
        note=(
            f"Profile {seconds(cpu)} CPU ({seconds(each[0])} to {seconds(each[-1])}), "
            f"{seconds(counted.stage_wall_s('profile'))} by the clock, {counted.said['bytes'] / 1e3:,.0f} kB; "
            f"at {2 * rows:,} rows {seconds(doubled.stages['profile'])} CPU. It reads {columns} of the 44 columns. "
            f"Decoding those: pyarrow {seconds(pyarrow.stage_s('decode'))} CPU and {mib(pyarrow.peak_mib)}, polars "
            f"{seconds(polars.stage_s('decode'))} and {mib(polars.peak_mib)}, of which the profile is "
            f"{times(cpu / polars.stage_s('decode'))}. {RUNS} runs each, one at twice the rows."
        ),
    )
