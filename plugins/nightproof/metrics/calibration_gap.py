"""Calibration in the large: how much the scores of some rows promise more than what happened.

The mean score has Student's interval and the share of positives Wilson's. Both come from the same
rows, so their difference is MOVER's for dependent estimates [1]_, by the correlation between a
row's score and its label: a score that tells the labels apart takes noise out of the gap.

References
----------
.. [1] G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
   general approach", Statistics in Medicine 27 (2008), equation 7, doi:10.1002/sim.3095.
"""

from __future__ import annotations

import math

from scipy.special import stdtrit

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.rates import wilson
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.sums import Scores


def calibration_gap(scores: Scores) -> Estimate | Unknown:
    """Mean score less share of positives, -1 to 1; positive where the scores promise too much.

    Returns
    -------
    Estimate | Unknown
        Unknown for fewer than two labelled rows.
    """
    rows = scores.positives + scores.negatives
    n, positives = float(rows.sum()), float(scores.positives.sum())
    if n < 2:
        return Unknown("fewer than two rows have a label", round(n))
    share = wilson(positives, n)
    assert isinstance(share, Estimate)
    centre = centre_of(scores.cells)
    # Sums of products, not dot products: on long arrays BLAS wakes threads that cost more than they save.
    mean = float((rows * centre).sum()) / n
    spread = float((rows * (centre - mean) ** 2).sum())
    together = float((scores.positives * (centre - mean)).sum())
    noise = positives * (n - positives) / n
    correlation = together / math.sqrt(spread * noise) if spread * noise > 0.0 else 0.0
    half = float(stdtrit(n - 1, 0.975)) * math.sqrt(spread / (n - 1) / n)
    below = _arm(half, share.high - share.value, correlation)
    above = _arm(half, share.value - share.low, correlation)
    value = mean - share.value
    return Estimate(value, max(-1.0, value - below), min(1.0, value + above), round(n))


def _arm(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one**2 + other**2 - 2.0 * correlation * one * other))
