"""Top-k accuracy: how often the true class is among the k most probable."""

from __future__ import annotations

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile


def top_k_accuracy(profile: Profile, k: int) -> Estimate | Unknown:
    """Share of labelled rows with fewer than ``k`` classes before the true one; of equals the first is placed first.

    Returns
    -------
    Estimate | Unknown
        Wilson's interval; unknown where there are no more than ``k`` classes.
    """
    ranks = profile.ranks
    if k >= len(ranks):
        return Unknown(f"there are only {len(ranks)} classes", round(float(ranks.sum())))
    return wilson(float(ranks[:k].sum()), float(ranks.sum()), nothing="no row has a label yet")
