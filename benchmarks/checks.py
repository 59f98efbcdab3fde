"""Rows from stored profiles: the checks and the decision, the report, and windows of nights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import columns
from benchmarks.bench import Bench
from benchmarks.measure import Runs, measure, repeat
from benchmarks.row import Row, mib, parts, seconds

ROWS, FEW_ROWS, WINDOW_ROWS = 1_000_000, 2_000, 100_000
WINDOWS = (1, 7, 28)
RUNS = 3
MOST_CHECKS_S, MOST_WINDOW_S, MOST_REPORT_S = 0.5, 1.0, 3.0


def checks(bench: Bench) -> Row:
    """Everything after the profile."""
    rows = bench.rows(ROWS)
    folder, [stored], size = _stored(bench, "checks", [bench.night(rows)])
    runs = repeat(RUNS, "benchmarks.own:judge", stored=stored, baseline=folder, windows=WINDOWS)
    alone = repeat(RUNS, "benchmarks.own:judge", stored=stored, baseline=folder, windows=WINDOWS[:1])
    cpu, night = _judging_s(runs), _judging_s(alone)
    features = len(columns.NUMERIC) + len(columns.CATEGORICAL)
    return Row(
        what=f"checks and decision, {features} features, {len(columns.SLICES)} slices, "
        f"{len(columns.PROTECTED)} protected columns",
        target=f"<= {MOST_CHECKS_S} s CPU",
        found=f"{seconds(night)} for the night alone; {seconds(cpu)} with its windows of 7 and 28 nights",
        met=cpu <= MOST_CHECKS_S,
        note=(
            f"On the profile of {rows:,} rows ({size / 1e3:,.0f} kB); {alone.said['findings']:,} findings on the "
            f"night, {runs.said['findings']:,} with its windows; each check's first call in its process. "
            f"CPU by family and window: {parts(runs)}. {RUNS} runs; imports ({seconds(runs.stage_s('import'))}) apart."
        ),
    )


def report(bench: Bench) -> Row:
    """Evidently's report, at two sizes of a night."""
    rows = sorted({FEW_ROWS, bench.rows(ROWS)})
    folder, stored, _ = _stored(bench, "report", [bench.night(count) for count in rows])
    runs = [repeat(RUNS, "benchmarks.own:report", stored=name, baseline=folder) for name in stored]
    cpu = [found.stage_s("report") for found in runs]
    large = runs[-1]
    return Row(
        what="Evidently report from a profile",
        target=f"<= {MOST_REPORT_S:g} s CPU beyond its import, whatever the rows",
        found="; ".join(f"{seconds(used)} at {count:,} rows" for count, used in zip(rows, cpu, strict=True)),
        met=max(cpu) <= MOST_REPORT_S,
        note=(
            f"{large.said['findings']:,} findings; HTML {large.said['html'] / 1e6:.1f} MB, JSON "
            f"{large.said['json'] / 1e3:,.0f} kB. Its import: {seconds(large.stage_s('import'))} CPU; the process's "
            f"peak {mib(large.peak_mib)}. {RUNS} runs each."
        ),
    )


def windows(bench: Bench) -> Row:
    """A window of 28 stored nights."""
    rows, length = bench.rows(WINDOW_ROWS), WINDOWS[-1]
    folder, stored, size = _stored(bench, "windows", [bench.night(rows, number=i + 1) for i in range(length)])
    runs = repeat(RUNS, "benchmarks.own:window", stored=stored, baseline=folder)
    wall = runs.stage_wall_s("read", "merge")
    return Row(
        what=f"{length} nights of a model with 40 features, read from stored profiles and merged",
        target=f"< {MOST_WINDOW_S:g} s",
        found=f"{seconds(wall)} by the clock, {seconds(runs.stage_s('read', 'merge'))} CPU",
        met=wall < MOST_WINDOW_S,
        note=(
            f"CPU: {parts(runs)}. Nights of {rows:,} rows each, all different; no raw row is read, the largest "
            f"profile is {size / 1e3:,.0f} kB; {mib(runs.peak_mib)}. {RUNS} runs; imports apart."
        ),
    )


def _stored(bench: Bench, name: str, nights: Sequence[list[str]]) -> tuple[str, list[str], int]:
    """A folder with a baseline and each night's profile; their names, and the bytes of the largest."""
    folder = bench.fresh(name)
    measure("benchmarks.own:reference", files=bench.reference(bench.rows(ROWS)), to=str(folder))
    names = [f"night-{index:02d}.parquet" for index in range(len(nights))]
    places = [str(Path(folder, name)) for name in names]
    made = measure("benchmarks.own:profile", nights=list(nights), baseline=str(folder), to=places)
    return str(folder), names, int(made.said["bytes"])


def _judging_s(runs: Runs) -> float:
    return runs.stage_s(*(name for name in runs.stages if name != "read"))
