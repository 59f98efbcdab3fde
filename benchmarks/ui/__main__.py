"""`make bench-ui`: run the rows over a made-up fleet on a real S3 server, and write them into `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.bench import Bench
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT
from benchmarks.row import Row
from benchmarks.running import run
from benchmarks.table import render, write
from benchmarks.ui import fleet, fresh, memory, model, starting

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench-ui: written by make bench-ui from here -->", "<!-- bench-ui: to here -->"
ROWS: dict[str, Callable[[Bench], Row]] = {
    "fleet": fleet.row,
    "model": model.row,
    "start": starting.row,
    "memory": memory.row,
    "fresh": fresh.row,
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
    if full := rows.keys() == ROWS.keys() and asked.scale == 1.0:
        write(DOCUMENT, text, begin=BEGIN, end=END)
    print(f"\n{'Written to' if full else 'Not all rows were run at full size, so not written to'} {DOCUMENT.name}.")
    return int(any(row.met is None for row in rows.values()))


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ui", description=__doc__)
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
