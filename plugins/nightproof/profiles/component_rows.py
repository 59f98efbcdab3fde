"""Components: how far each row lies from where the baseline's features vary together.

A row's standardised features ``z`` lie near a few directions ``v`` of the baseline (its principal
components). The squared distance ``|z|**2 - |V z|**2`` is what those directions cannot rebuild: it
grows when features stop moving together, even where each of them alone looks as before.

All factors are whole multiples of powers of two, small enough for every product and every sum of
products to be exact in single precision (45 features give at most 45 * 2**8 * 2**9 < 2**23): the
distance is the same on any machine, in any order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import Dense, Facts, Shape
from nightproof.profiles.spec import Components, ProfileSpec
from nightproof.profiles.tasks.judged import Judged

STANDARD_BITS = 3
"""Standardised values are rounded to 2**-3."""
VECTOR_BITS = 9
"""Directions are rounded to 2**-9."""
LARGEST = 32.0
"""Standardised values are held within this."""
DISTANCE_BITS = 2 * STANDARD_BITS
"""Distances are kept in units of 2**-6, and of squared distances in units of 2**-8."""
SQUARE_BITS = 8
_RUN = 1 << 13
"""Rows projected at a time, so that they stay in the processor's cache."""

Floats = npt.NDArray[np.float64]


class ComponentRows:
    """Sums of the distances and of their squares."""

    def __init__(self, components: Components, spec: ProfileSpec) -> None:
        self._components, self._spec = components, spec
        self._vectors = np.array(components.vectors, dtype=np.float32)
        self._codes = {name: np.array(values, dtype=np.float32) for name, values in components.codes.items()}
        self._sums = Dense(Shape("loss", "reconstruction"))
        self._table = np.zeros((len(components.columns), _RUN), dtype=np.float32)

    def add(self, judged: Judged) -> None:
        """Add up a batch's distances."""
        distance = self.distances(judged.batch)
        squares = np.rint((distance * 2.0**-DISTANCE_BITS) ** 2 * 2.0**SQUARE_BITS)
        self._sums.add(np.zeros(len(distance), dtype=np.uint8), distance, squares)

    def distances(self, batch: Batch) -> Floats:
        """Squared distance of each row, in units of 2**-6."""
        columns = [self._column(name, batch) for name in self._components.columns]
        distance = np.empty(len(batch))
        for start in range(0, len(batch), _RUN):
            rows = slice(start, min(start + _RUN, len(batch)))
            table = self._table[:, : rows.stop - rows.start]
            for place, (name, values) in enumerate(columns):
                self._standardise(name, values[rows], out=table[place])
            projected = np.rint((self._vectors @ table).astype(np.float64) * 2.0**-VECTOR_BITS)
            distance[rows] = np.einsum("ij,ij->j", table, table) - np.einsum("ij,ij->j", projected, projected)
        return distance

    def _column(self, name: str, batch: Batch) -> tuple[str, npt.NDArray[np.generic]]:
        return name, batch.category_codes(name) if name in self._codes else batch.numbers(name)

    def _standardise(self, name: str, values: npt.NDArray[np.generic], *, out: npt.NDArray[np.float32]) -> None:
        """A feature in units of 2**-3 standard deviations; 0, the mean, where it is missing."""
        if name in self._codes:
            np.take(self._codes[name], values, out=out)  # type: ignore[arg-type]
            return
        feature = self._spec.numeric[name]
        standard = (values.astype(np.float64, copy=False) - feature.mean) * (2.0**STANDARD_BITS / feature.sd)
        np.clip(standard, -LARGEST * 2.0**STANDARD_BITS, LARGEST * 2.0**STANDARD_BITS, out=standard)
        np.rint(standard, out=standard)
        out[:] = standard
        unknown = np.isnan(out)
        if unknown.any():
            out[unknown] = 0.0

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        return [self._sums.facts()]
