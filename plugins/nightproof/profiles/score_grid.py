"""A fixed grid on [0, 1], fine near both ends, on which scores are counted.

Each octave of ``min(p, 1 - p)`` down to 2**-20 is cut into 2,048 equal cells, as in a
high-dynamic-range histogram, so a cell is never wider than 2**-11 of the distance to the nearer
end. No baseline is needed to place a score, so any two nights' counts can be added.

What lies within one cell cannot be put in order: :func:`nightproof.metrics.roc_auc.auc_bound`
says how much that can matter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

OCTAVES = 20
CELLS_PER_OCTAVE = 2048
MIDDLE = 1 + (OCTAVES - 1) * CELLS_PER_OCTAVE
"""The cell that begins at one half."""
CELLS = 2 * MIDDLE + 1


def cell_of(score: pl.Expr) -> pl.Expr:
    """Cell, 0 to ``CELLS - 1``, of a score in [0, 1]; rises with the score."""
    near = pl.min_horizontal(score, 1.0 - score)
    octave = near.clip(lower_bound=2.0**-OCTAVES).log(2.0).floor().clip(-OCTAVES, -1)
    within = ((near / pl.lit(2.0).pow(octave) - 1.0) * CELLS_PER_OCTAVE).floor()
    cell = (
        pl.when(near < 2.0**-OCTAVES)
        .then(0)
        .otherwise(1 + (octave + OCTAVES) * CELLS_PER_OCTAVE + within)
        .cast(pl.Int32)
    )
    return pl.when(score < 0.5).then(cell).otherwise(2 * MIDDLE - cell).cast(pl.Int32)


def centre_of(cells: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Middle of each cell as a probability."""
    mirrored = cells > MIDDLE
    near = np.where(mirrored, 2 * MIDDLE - cells, cells).astype(np.int64)
    octave, within = np.divmod(np.maximum(near, 1) - 1, CELLS_PER_OCTAVE)
    centre = np.exp2(octave - OCTAVES) * (1.0 + (within + 0.5) / CELLS_PER_OCTAVE)
    centre = np.where(near == 0, 2.0 ** -(OCTAVES + 1), np.minimum(centre, 0.5))
    return np.where(mirrored, 1.0 - centre, centre)
