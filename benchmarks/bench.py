"""The bench that rows are measured on: its folder, its data, and how large they are."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT, measure
from benchmarks.stages import Stages

LEAST_ROWS = 2_000
GENERATOR = ("columns.py", "data.py")
"""Data that another source made are not used again."""


@dataclass(frozen=True)
class Bench:
    """Where and how large.

    Parameters
    ----------
    folder
        For data (kept for the next run), the peers' environments (kept) and results (made anew).
    scale
        What the numbers of rows are multiplied by, in (0, 1]; nothing has fewer than ``LEAST_ROWS``.
    """

    folder: Path = ROOT / ".bench"
    scale: float = 1.0

    def rows(self, full: int) -> int:
        """So many rows at this scale."""
        return max(LEAST_ROWS, int(full * self.scale))

    def reference(self, rows: int) -> list[str]:
        """Files of the reference, made if need be."""
        return self._data("reference", rows, seed=1, drift=False)

    def night(self, rows: int, *, number: int = 0) -> list[str]:
        """Files of a night; nights of other numbers have other rows."""
        return self._data(f"night-{number:02d}", rows, seed=100 + number, drift=True)

    def fresh(self, name: str) -> Path:
        """An empty folder for results."""
        folder = self.folder / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _data(self, name: str, rows: int, *, seed: int, drift: bool) -> list[str]:
        made_by = hashlib.sha256(b"".join((ROOT / "benchmarks" / part).read_bytes() for part in GENERATOR)).hexdigest()
        folder = str(self.folder / f"data-{made_by[:12]}" / name)
        said = measure("benchmarks.bench:write", folder=folder, rows=rows, seed=seed, drift=drift).said
        return [str(path) for path in said]


def write(stages: Stages, *, folder: str, rows: int, seed: int, drift: bool) -> list[str]:
    """Make data, in a child: it would make its parent large."""
    from benchmarks.data import write_rows

    with stages("write"):
        return [str(path) for path in write_rows(Path(folder), rows, seed=seed, drift=drift)]
