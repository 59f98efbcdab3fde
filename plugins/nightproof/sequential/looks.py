"""Looks: the same question through windows of several lengths, each ending tonight.

A look holds the mean of its nights against what is tolerated. Its variance has three parts: the
rows' sampling error, how much nights differ (:mod:`nightproof.sequential.noise`, known from the nights
before the window alone, so that the harm itself does not count as noise), and the reference's own error,
taken for the mean of 28 nights where nothing else is known. Degrees of freedom are Satterthwaite's [1]_:
the reference's sampling error is known, the rest is estimated.

References
----------
.. [1] F. E. Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics
   Bulletin 2 (1946), doi:10.2307/3002019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betainc

from nightproof.sequential.nights import Floats, Nights, Pooled
from nightproof.sequential.noise import Noise, noise

WINDOWS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 28)
"""Lengths that are looked through: every one while few nights tell a lot, fewer later."""
REFERENCE_NIGHTS = 28.0
"""Nights that a reference is taken to come from."""
TINY = 1e-300
NORMAL = 1e8
"""Degrees of freedom beyond which Student's t is the normal distribution; the beta function needs them to end."""


@dataclass(frozen=True)
class Look:
    """One window; every field but ``window`` has one entry a series.

    Parameters
    ----------
    window
        Its nights.
    pooled
        Its nights as one.
    harm
        Mean harm beyond what is tolerated; positive is beyond.
    spread
        Standard error of ``harm``, all three parts of it.
    freedom
        Degrees of freedom of ``spread``.
    log_p
        Logarithm of the one-sided p-value of "no harm beyond what is tolerated"; 0 where no night
        of the window told.
    """

    window: int
    pooled: Pooled
    harm: Floats
    spread: Floats
    freedom: Floats
    log_p: Floats


def look(nights: Nights, window: int, *, limit: Floats, reference_variance: Floats, expected: Floats) -> Look:
    """Look through the last ``window`` nights at a fixed reference.

    Parameters
    ----------
    nights
        Each series' harm by night, the night of interest last; at least ``window`` of them.
    limit
        Harm that is tolerated.
    reference_variance
        Sampling variance of what the harm is counted from.
    expected
        See :func:`~nightproof.sequential.noise.noise`.
    """
    usual = noise(nights, nights.count - window, expected=expected)
    differs = usual.of_mean(np.full_like(limit, REFERENCE_NIGHTS))
    return _look(nights, window, usual, beyond=limit, rows=reference_variance, differs=differs)


def look_back(nights: Nights, window: int, before: int, *, limit: Floats, expected: Floats) -> Look:
    """Look through the last ``window`` nights at the ``before`` nights that came before them."""
    first = nights.count - window
    usual = noise(nights, first, expected=expected)
    then = nights.pooled(max(0, first - before), first)
    differs = usual.of_mean(then.nights)
    found = _look(nights, window, usual, beyond=then.value + limit, rows=then.variance, differs=differs)
    return replace(found, log_p=np.where(then.n > 0, found.log_p, 0.0))


def _look(nights: Nights, window: int, usual: Noise, *, beyond: Floats, rows: Floats, differs: Floats) -> Look:
    """A look at a reference with the sampling variance ``rows`` whose nights add ``differs``."""
    pooled = nights.pooled(nights.count - window, nights.count)
    estimated = np.maximum(pooled.variance + usual.of_mean(pooled.nights) + differs, TINY)
    spread = np.sqrt(estimated + rows)
    harm = pooled.value - beyond
    freedom = usual.freedom * ((estimated + rows) / estimated) ** 2
    log_p = np.where(pooled.n > 0, log_tail(harm / spread, freedom), 0.0)
    return Look(window, pooled, harm, spread, freedom, log_p)


def log_tail(t: Floats, freedom: Floats) -> Floats:
    """Logarithm of the upper tail of Student's t; never below log 1e-300."""
    freedom = np.minimum(freedom, NORMAL)
    one_side = 0.5 * betainc(freedom / 2.0, 0.5, freedom / (freedom + t * t))
    return np.log(np.maximum(np.where(t > 0, one_side, 1.0 - one_side), TINY))
