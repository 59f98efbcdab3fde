"""A fixed logarithmic grid on which sizes of errors are counted.

Sizes are in units of the baseline's root mean squared error. As in the score grid, a cell is the
exponent and the first bits of the fraction of the double itself: 256 cells an octave from 2**-30
to 2**10, so a cell is never wider than 0.4 % of what lies in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BITS = 8
LOWEST, HIGHEST = -30, 10
CELLS = 2 + (HIGHEST - LOWEST << BITS)
_FIRST = (1023 + LOWEST) << BITS

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]


def cell_of(size: Floats) -> Cells:
    """Cell of sizes that are 0 or more; rises with the size."""
    cell: Cells = (np.ascontiguousarray(size).view(np.int64) >> (52 - BITS)) - (_FIRST - 1)
    return np.clip(cell, 0, CELLS - 1)


def upper_of(cells: npt.NDArray[np.integer]) -> Floats:
    """Upper end of each cell; the last one has none."""
    octave, within = np.divmod(np.asarray(cells, dtype=np.int64), 1 << BITS)
    ends = np.exp2(LOWEST + octave) * (1.0 + within / (1 << BITS))
    return np.where(cells == CELLS - 1, np.inf, ends)
