"""Population stability index: the symmetrised Kullback-Leibler divergence of two histograms.

``PSI = sum((p - q) ln(p / q))``, in nats, from 0 without limit; a custom of the credit industry calls
0.1 to 0.25 a moderate shift [1]_. Without a shift ``PSI n m / (n + m)`` is near chi-square with
``bins - 1`` degrees of freedom [2]_, which is why the plain value of a small sample looks like one.

References
----------
.. [1] N. Siddiqi, "Credit risk scorecards" (2006), chapter 8.
.. [2] B. Yurdakul, "Statistical properties of population stability index", Western Michigan
   University (2018), chapter 3.
"""

from __future__ import annotations

import numpy as np

from nightproof.metrics.divergence import divergence
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.shift import Counts, Floats, Shift


def psi(current: Counts, baseline: Counts) -> Shift | Unknown:
    """Shift between two histograms over the same bins, in nats.

    Half a row is added to each bin, so a bin that is empty on one side counts, finitely; the value
    is corrected for the bias of that too.

    Parameters
    ----------
    current, baseline
        Counts by bin, of equal length.

    Returns
    -------
    Shift or Unknown
        Unknown for fewer than 30 rows on either side.
    """
    return divergence(current, baseline, _terms)


def _terms(p: Floats, q: Floats) -> Floats:
    return np.asarray((p - q) * np.log(p / q))
