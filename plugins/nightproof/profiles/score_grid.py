"""A fixed grid on [0, 1], fine near both ends, on which scores are counted.

Each octave of ``min(p, 1 - p)`` down to 2**-20 is cut into 4,096 equal cells, as in a
high-dynamic-range histogram: a cell's number is the exponent and the first twelve bits of the
fraction of the double itself, so a cell is never wider than 2**-12 of the distance to the nearer
end, and finding it costs a shift. No baseline is needed to place a score, so any two nights'
counts can be added. Groups are counted on runs of cells, about equally full in the baseline.

What lies within one cell cannot be put in order: :func:`nightproof.metrics.roc_auc.auc_bound`
says how much that can matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

OCTAVES = 20
BITS = 12
CELLS_PER_OCTAVE = 1 << BITS
MIDDLE = 1 + (OCTAVES - 1) * CELLS_PER_OCTAVE
"""The cell that begins at one half."""
CELLS = 2 * MIDDLE + 1
_FIRST = (1023 - OCTAVES) << BITS
"""Exponent and leading fraction of 2**-20."""

Cells = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def cell_of(score: Floats) -> Cells:
    """Cell, 0 to ``CELLS - 1``, of scores in [0, 1]; rises with the score."""
    near = np.minimum(score, 1.0 - score)
    cell = (near.view(np.int64) >> (52 - BITS)) - (_FIRST - 1)
    # Also negative zero, whose sign bit is the lowest number of all.
    cell = np.maximum(cell, 0)
    ordered: Cells = np.where(score < 0.5, cell, 2 * MIDDLE - cell)
    return ordered


def centre_of(cells: npt.NDArray[np.integer]) -> Floats:
    """Middle of each cell as a probability."""
    mirrored = cells > MIDDLE
    near = np.where(mirrored, 2 * MIDDLE - cells, cells).astype(np.int64)
    octave, within = np.divmod(np.maximum(near, 1) - 1, CELLS_PER_OCTAVE)
    centre = np.exp2(octave - OCTAVES) * (1.0 + (within + 0.5) / CELLS_PER_OCTAVE)
    centre = np.where(near == 0, 2.0 ** -(OCTAVES + 1), np.minimum(centre, 0.5))
    return np.where(mirrored, 1.0 - centre, centre)


def cut_evenly(cells: Cells, parts: int) -> tuple[int, ...]:
    """First cells of runs that hold about equal shares of some rows, the first run from cell 0."""
    known, count = np.unique(cells, return_counts=True)
    before = np.cumsum(count) - count
    place = before * parts // max(int(count.sum()), 1)
    first = np.concatenate([[True], np.diff(place) > 0])[: len(known)]
    return (0, *(int(cell) for cell in known[first][1:]))


def runs_of(starts: Sequence[int]) -> tuple[npt.NDArray[np.uint16], Cells]:
    """For each cell of the grid the place of its run, and the middle cell of each run."""
    first = np.array(starts, dtype=np.int64)
    last = np.append(first[1:], CELLS) - 1
    return np.repeat(np.arange(len(first), dtype=np.uint16), last - first + 1), (first + last) // 2
