"""Hellinger distance: ``H = sqrt(sum((sqrt(p) - sqrt(q))^2) / 2)``, from 0 to 1.

It bounds the total variation distance from both sides, ``H^2 <= TV <= H sqrt(2)`` [1]_, so it tells
how well any rule could tell the two nights' rows apart.

References
----------
.. [1] L. Le Cam and G. L. Yang, "Asymptotics in statistics" (2000), chapter 3,
   doi:10.1007/978-1-4612-1166-2.
"""

from __future__ import annotations

import numpy as np

from nightproof.metrics.divergence import divergence, rooted
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.shift import Counts, Floats, Shift


def hellinger(current: Counts, baseline: Counts) -> Shift | Unknown:
    """Distance of two histograms over the same bins, in [0, 1]; parameters as for ``psi``."""
    return rooted(divergence(current, baseline, _terms))


def _terms(p: Floats, q: Floats) -> Floats:
    return np.asarray((np.sqrt(p) - np.sqrt(q)) ** 2 / 2)
