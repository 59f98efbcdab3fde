"""Rates of a 2 x 2 table: accuracy, precision, recall, F1 and the rates of fairness.

Every one is a binomial share with a Wilson score interval [1]_. F1 is a rising function of the
Jaccard share ``TP / (TP + FP + FN)``, ``F1 = 2J / (1 + J)``, so its interval is that share's,
carried over.

References
----------
.. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
   JASA 22 (1927), doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.profiles.sums import Outcomes


def wilson(hits: float, n: float, *, nothing: str = "there are no rows") -> Estimate | Unknown:
    """A share with its Wilson 95 % score interval.

    Parameters
    ----------
    hits, n
        ``0 <= hits <= n``; of weighed rows, their weights (see :class:`Outcomes`).
    nothing
        Why ``n`` is 0, as part of a sentence.
    """
    if n == 0:
        return Unknown(nothing, 0)
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At 0 and 1 the formula meets the value exactly; rounding must not move it past.
    return Estimate(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), round(n))


def accuracy(rows: Outcomes) -> Estimate | Unknown:
    """Share of labelled rows that were predicted right."""
    return wilson(rows.tp + rows.tn, rows.labelled, nothing="no row has a label yet")


def precision(rows: Outcomes) -> Estimate | Unknown:
    """Share of labelled positive predictions that were right (positive predictive value)."""
    return wilson(rows.tp, rows.tp + rows.fp, nothing="no labelled row was predicted positive")


def recall(rows: Outcomes) -> Estimate | Unknown:
    """Share of positive labels that were predicted (true-positive rate)."""
    return wilson(rows.tp, rows.positives, nothing="no row has a positive label")


def false_positive_rate(rows: Outcomes) -> Estimate | Unknown:
    """Share of negative labels that were predicted positive."""
    return wilson(rows.fp, rows.fp + rows.tn, nothing="no row has a negative label")


def false_negative_rate(rows: Outcomes) -> Estimate | Unknown:
    """Share of positive labels that were not predicted."""
    return wilson(rows.fn, rows.positives, nothing="no row has a positive label")


def negative_predictive_value(rows: Outcomes) -> Estimate | Unknown:
    """Share of labelled negative predictions that were right."""
    return wilson(rows.tn, rows.tn + rows.fn, nothing="no labelled row was predicted negative")


def selection_rate(rows: Outcomes) -> Estimate | Unknown:
    """Share of all rows, labelled or not, that were predicted positive."""
    return wilson(rows.selected, rows.rows)


def f1(rows: Outcomes) -> Estimate | Unknown:
    """Harmonic mean of precision and recall."""
    union = rows.tp + rows.fp + rows.fn
    share = wilson(rows.tp, union, nothing="no labelled row is positive, in truth or prediction")
    if isinstance(share, Unknown):
        return share
    value, low, high = (2 * j / (1 + j) for j in (share.value, share.low, share.high))
    return Estimate(value, low, high, round(rows.labelled))


RATES: dict[str, Callable[[Outcomes], Estimate | Unknown]] = {
    "selection_rate": selection_rate,
    "tpr": recall,
    "fpr": false_positive_rate,
    "fnr": false_negative_rate,
    "ppv": precision,
    "npv": negative_predictive_value,
    "accuracy": accuracy,
}
"""The rates of one group."""
