"""`make bench-results`: run the rows on a real S3 server, print the table, and write it into `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime

from nightproof.evaluation import code_version

from benchmarks.bench import Bench
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT
from benchmarks.results import crashes, fleet, rebuilding, reproducing, storing, tampering, verifying
from benchmarks.row import Row
from benchmarks.running import run
from benchmarks.table import render, write

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench-results: written by make bench-results from here -->", "<!-- bench-results: to here -->"
ROWS: dict[str, Callable[[Bench], Row]] = {
    "publish": storing.row,
    "fleet": fleet.row,
    "crashes": crashes.row,
    "verify": verifying.row,
    "tamper": tampering.row,
    "rebuild": rebuilding.row,
    "reproduce": reproducing.row,
}
"""Each row by the name that `ONLY` takes, in the table's order."""


def main(arguments: list[str] | None = None) -> int:
    """Run the rows that were asked for; a row that fails says so and ends nothing."""
    asked = _asked(arguments)
    bench, began = Bench(scale=asked.scale), time.monotonic()
    rows = {name: run(name, ROWS[name], bench) for name in asked.only}
    said = [f"{datetime.now(UTC):%Y-%m-%d}", machine(), versions(), f"{(time.monotonic() - began) / 60:.0f} minutes"]
    text = render(rows, heading=". ".join(said) + ("." if asked.scale == 1.0 else f", sizes x {asked.scale:g}."))
    print("\n" + text)
    if asked.scale == 1.0:
        _keep(rows, bench)
    kept = _kept(bench)
    if full := kept.keys() == ROWS.keys() and asked.scale == 1.0:
        how = "" if rows.keys() == ROWS.keys() else " Rows were run at different times; each note ends in its source."
        heading = ". ".join(said[:-1]) + f".{how}"
        write(DOCUMENT, render(kept, heading=heading), begin=BEGIN, end=END)
    print(f"\n{'Written to' if full else 'Not all rows were run at full size, so not written to'} {DOCUMENT.name}.")
    return int(any(row.met is None for row in rows.values()))


def _keep(rows: Mapping[str, Row], bench: Bench) -> None:
    """Keep rows with their source: all together take longer than many a machine is quiet."""
    folder = bench.folder / "results-rows"
    folder.mkdir(parents=True, exist_ok=True)
    for name, row in rows.items():
        (folder / f"{name}.json").write_text(json.dumps({"source": code_version(), "row": asdict(row)}))


def _kept(bench: Bench) -> dict[str, Row]:
    found = {name: bench.folder / "results-rows" / f"{name}.json" for name in ROWS}
    said = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
    return {name: _sourced(Row(**kept["row"]), kept["source"]) for name, kept in said.items()}


def _sourced(row: Row, source: str) -> Row:
    """A row whose note says which source it was measured on, where that is not today's."""
    return row if source == code_version() else replace(row, note=f"{row.note} (source {source})")


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("--only", default="", help=f"rows, with commas between: {', '.join(ROWS)}; all by default")
    parser.add_argument("--scale", type=float, default=1.0, help="what all sizes are multiplied by, to try")
    asked = parser.parse_args(arguments)
    asked.only = [name.strip() for name in asked.only.split(",") if name.strip()] or list(ROWS)
    if wrong := [name for name in asked.only if name not in ROWS]:
        parser.error(f"there is no row {', '.join(wrong)}; there are {', '.join(ROWS)}")
    if not 0.0 < asked.scale <= 1.0:
        parser.error("--scale must be more than 0 and at most 1")
    return asked


if __name__ == "__main__":
    sys.exit(main())
