"""Jensen-Shannon distance: the square root of the mean relative entropy to the mixture, base 2.

``JSD = (KL(p, m) + KL(q, m)) / 2`` with ``m = (p + q) / 2``; its root is a metric [1]_, from 0 for
equal distributions to 1 for those that share no bin.

References
----------
.. [1] D. M. Endres and J. E. Schindelin, "A new metric for probability distributions", IEEE
   Transactions on Information Theory 49 (2003), doi:10.1109/TIT.2003.813506.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import xlogy

from nightproof.metrics.divergence import divergence, rooted
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.shift import Counts, Floats, Shift


def jensen_shannon(current: Counts, baseline: Counts) -> Shift | Unknown:
    """Distance of two histograms over the same bins, in [0, 1]; parameters as for ``psi``."""
    return rooted(divergence(current, baseline, _terms))


def _terms(p: Floats, q: Floats) -> Floats:
    entropies = xlogy(p, 2 * p / (p + q)) + xlogy(q, 2 * q / (p + q))
    return np.asarray(entropies / (2 * math.log(2)))
