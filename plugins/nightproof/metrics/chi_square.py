"""Chi-square of the 2 x bins table, as an effect size: Cramer's V, corrected for bias.

``V^2`` is Pearson's statistic divided by the rows of both sides; from 0 (one distribution) to 1 (no
shared bin). Its mean without a shift is ``(bins - 1) / (n + m - 1)``, and that is taken away, as
Bergsma does [1]_. V depends on how many rows each side has, by design of the table: against a large
baseline a short night's V is small. Compare V of nights of one size, and other distances otherwise.

References
----------
.. [1] W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the Korean
   Statistical Society 42 (2013), doi:10.1016/j.jkss.2012.10.002.
"""

from __future__ import annotations

import numpy as np

from nightproof.metrics.divergence import divergence, rooted
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.shift import Counts, Floats, Shift


def cramers_v(current: Counts, baseline: Counts) -> Shift | Unknown:
    """Cramer's V of two histograms over the same bins, in [0, 1]; parameters as for ``psi``.

    The p-value is that of Pearson's test, its law taken with the exact mean and variance, so that
    it holds where bins expect less than the customary five rows.
    """
    n, m = int(current.sum()), int(baseline.sum())
    share = n / max(n + m, 1)

    def terms(p: Floats, q: Floats) -> Floats:
        pooled = share * p + (1 - share) * q
        gap = share * (1 - share) * (p - q) ** 2
        return np.divide(gap, pooled, out=np.zeros_like(gap), where=pooled > 0)

    return rooted(divergence(current, baseline, terms, pseudo_count=0.0))
