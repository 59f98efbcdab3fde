"""`make bench`: run the rows, print the table, and write it into `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec

from benchmarks import against, checks, profiling, replay
from benchmarks.bench import Bench
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT
from benchmarks.row import Row
from benchmarks.running import run
from benchmarks.table import render, write

DOCUMENT = ROOT / "docs" / "benchmarks.md"
ROWS: dict[str, Callable[[Bench], Row]] = {
    "profile": profiling.row,
    "evidently": against.evidently,
    "nannyml": against.nannyml,
    "checks": checks.checks,
    "replay": replay.row,
    "report": checks.report,
    "windows": checks.windows,
}
"""Each row by the name that `ONLY` takes, in the table's order."""


def known_rows() -> Mapping[str, Callable[[Bench], Row]]:
    """All rows of this checkout: that of validation is there where its module is."""
    if find_spec("benchmarks.validation") is None:
        return ROWS
    from benchmarks import validating

    return ROWS | {"validation": validating.row}


def main(arguments: list[str] | None = None) -> int:
    """Run the rows that were asked for; a row that fails says so and ends nothing."""
    asked = _asked(arguments)
    bench, began = Bench(scale=asked.scale), time.monotonic()
    rows = {name: run(name, known_rows()[name], bench) for name in asked.only}
    full = asked.scale == 1.0 and set(asked.only) == set(known_rows())
    said = [f"{datetime.now(UTC):%Y-%m-%d}", machine(), versions(), f"{(time.monotonic() - began) / 60:.0f} minutes"]
    text = render(rows, heading=". ".join(said) + ("." if asked.scale == 1.0 else f", rows x {asked.scale:g}."))
    print("\n" + text)
    if full:
        write(DOCUMENT, text)
    print(f"\n{'Written to' if full else 'Not a full run, so not written to'} {DOCUMENT.relative_to(ROOT)}.")
    return 0


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    known = list(known_rows())
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help=f"rows, with commas between: {', '.join(known)}; all by default")
    parser.add_argument("--scale", type=float, default=1.0, help="what all numbers of rows are multiplied by, to try")
    asked = parser.parse_args(arguments)
    asked.only = [name.strip() for name in asked.only.split(",") if name.strip()] or known
    if wrong := [name for name in asked.only if name not in known]:
        parser.error(f"there is no row {', '.join(wrong)}; there are {', '.join(known)}")
    if not 0.0 < asked.scale <= 1.0:
        parser.error("--scale must be more than 0 and at most 1")
    return asked


if __name__ == "__main__":
    sys.exit(main())
