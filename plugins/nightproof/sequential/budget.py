"""Spending a budget of false pages: over looks, over series, over families.

The looks of one series overlap, so most of them say the same: their p-values are joined by the weighted
harmonic mean [1]_, which pays little for looks that agree and is robust to how they depend. Between
series nothing is assumed: each has a share of the night's level, and Holm's step-down procedure with
weights [2]_ gives those that are rejected. The probability of a false page on a night is then at
most the level whatever depends on what, and the expected number of false pages over nights at most
their sum. It is less: looks of neighbouring nights overlap too, and an open incident does not page.

References
----------
.. [1] D. J. Wilson, "The harmonic mean p-value for combining dependent tests", PNAS 116 (2019),
   doi:10.1073/pnas.1814092116.
.. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6 (1979), https://www.jstor.org/stable/4615733.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from nightproof.sequential.nights import Bools, Floats

SHARES = {"performance": 0.4, "bias": 0.4, "business": 0.4, "data": 0.1, "drift": 0.1}
"""How the level is shared among families; those without a series leave theirs to the others."""


def joined(looks: Sequence[tuple[int, Floats]]) -> Floats:
    """Weighted harmonic mean of the p-values of several looks, in logarithms.

    Parameters
    ----------
    looks
        Window and logarithms of p-values by series, at least one. Each weighs as one over its length: a
        window of a week is asked again on each of seven nights, of which most are the same.
    """
    share = np.array([1.0 / window for window, _ in looks])
    share = share / share.sum()
    stacked = np.stack([log_p for _, log_p in looks])
    mean: Floats = -logsumexp(-stacked, axis=0, b=share.reshape(-1, *[1] * (stacked.ndim - 1)))
    return np.minimum(mean, 0.0)


def weights(families: Sequence[str]) -> Floats:
    """Share of the level of each series, by its family; they add up to 1."""
    names = np.array(families)
    known = [name for name in SHARES if name in families]
    whole = sum(SHARES[name] for name in known)
    share = np.zeros(len(names))
    for name in known:
        share[names == name] = SHARES[name] / whole / np.count_nonzero(names == name)
    return share


def rejected(log_p: Floats, weight: Floats, level: float) -> Bools:
    """Series that the weighted Holm procedure rejects at a level.

    Parameters
    ----------
    log_p
        Logarithms of p-values, by series along the last axis.
    weight
        Shares of the level, by series; those of weight 0 are never rejected.
    level
        Probability of any false rejection.
    """
    with np.errstate(divide="ignore"):
        cost = log_p - np.log(weight)  # what each would cost at its weight
    order = np.argsort(cost, axis=-1, kind="stable")
    ranked = np.broadcast_to(weight, log_p.shape)
    in_order = np.take_along_axis(ranked, order, axis=-1)
    # Weights of those not yet rejected: of this one and all that cost more.
    left = np.cumsum(in_order[..., ::-1], axis=-1)[..., ::-1]
    passes = np.take_along_axis(cost, order, axis=-1) <= np.log(level) - np.log(np.maximum(left, 1e-300))
    kept = np.logical_and.accumulate(passes, axis=-1) & (in_order > 0.0)
    found = np.zeros(log_p.shape, dtype=np.bool_)
    np.put_along_axis(found, order, kept, axis=-1)
    return found
