"""A part of `docs/benchmarks.md`: rows that are run by name, kept with their source, and written once all are there."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from nightproof.evaluation import code_version

from benchmarks.bench import Bench
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT
from benchmarks.row import Row
from benchmarks.running import run
from benchmarks.table import render, write

DOCUMENT = ROOT / "docs" / "benchmarks.md"
_APART = " Rows were run at different times; each note ends in its source."


@dataclass(frozen=True)
class Part:
    """A table of the document.

    Parameters
    ----------
    name
        Of its package in `benchmarks`, of its folder of kept rows, and of its markers in the document.
    rows
        Each row by the name that `ONLY` takes, in the table's order.
    """

    name: str
    rows: Mapping[str, Callable[[Bench], Row]]

    def main(self, arguments: list[str] | None = None, *, about: str | None = None) -> int:
        """Run the rows that were asked for; a row that fails says so and ends nothing."""
        asked = self._asked(arguments, about)
        bench, began = Bench(scale=asked.scale), time.monotonic()
        rows = {name: run(name, self.rows[name], bench) for name in asked.only}
        said = [
            f"{datetime.now(UTC):%Y-%m-%d}",
            machine(),
            versions(),
            f"{(time.monotonic() - began) / 60:.0f} minutes",
        ]
        text = render(rows, heading=". ".join(said) + ("." if asked.scale == 1.0 else f", sizes x {asked.scale:g}."))
        print("\n" + text)
        if asked.scale == 1.0:
            self._keep(rows, bench)
        kept = self._kept(bench)
        if full := kept.keys() == self.rows.keys() and asked.scale == 1.0:
            apart = (
                ""
                if rows.keys() == self.rows.keys()
                else " Rows were run at different times; each note ends in its source."
            )
            begin, end = (f"<!-- bench-{self.name}: {words} -->" for words in self._markers)
            write(DOCUMENT, render(kept, heading=". ".join(said[:-1]) + f".{apart}"), begin=begin, end=end)
        print(f"\n{'Written to' if full else 'Not all rows were run at full size, so not written to'} {DOCUMENT.name}.")
        return int(any(row.met is None for row in rows.values()))

    @property
    def _markers(self) -> tuple[str, str]:
        return f"written by make bench-{self.name} from here", "to here"

    def _keep(self, rows: Mapping[str, Row], bench: Bench) -> None:
        """Keep rows with their source: all together take longer than many a machine is quiet."""
        folder = bench.folder / f"{self.name}-rows"
        folder.mkdir(parents=True, exist_ok=True)
        for name, row in rows.items():
            (folder / f"{name}.json").write_text(json.dumps({"source": code_version(), "row": asdict(row)}))

    def _kept(self, bench: Bench) -> dict[str, Row]:
        found = {name: bench.folder / f"{self.name}-rows" / f"{name}.json" for name in self.rows}
        said = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
        return {name: _sourced(Row(**kept["row"]), kept["source"]) for name, kept in said.items()}

    def _asked(self, arguments: list[str] | None, about: str | None) -> argparse.Namespace:
        parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{self.name}", description=about)
        listed = ", ".join(self.rows)
        parser.add_argument("--only", default="", help=f"rows, with commas between: {listed}; all by default")
        parser.add_argument("--scale", type=float, default=1.0, help="what all sizes are multiplied by, to try")
        asked = parser.parse_args(arguments)
        asked.only = [name.strip() for name in asked.only.split(",") if name.strip()] or list(self.rows)
        if wrong := [name for name in asked.only if name not in self.rows]:
            parser.error(f"there is no row {', '.join(wrong)}; there are {listed}")
        if not 0.0 < asked.scale <= 1.0:
            parser.error("--scale must be more than 0 and at most 1")
        return asked


def _sourced(row: Row, source: str) -> Row:
    """A row whose note says which source it was measured on, where that is not today's."""
    return row if source == code_version() else replace(row, note=f"{row.note} (source {source})")
