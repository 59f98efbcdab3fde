"""Scoring rate: the share of a group that scores above the median of everybody.

What stands for the selection rate where a tool scores people rather than selects them [1]_.

References
----------
.. [1] Rules of the City of New York, title 6, § 5-300, "scoring rate".
"""

from __future__ import annotations

import numpy as np

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.rates import wilson
from nightproof.profiles.sums import Scores


def median_cell(scores: Scores) -> int | None:
    """The cell that holds the (lower) median score; ``None`` without rows."""
    below = np.cumsum(scores.positives + scores.negatives)
    if not len(below) or not below[-1]:
        return None
    return int(scores.cells[np.searchsorted(2 * below, below[-1])])


def scoring_rate(scores: Scores, median: int | None) -> Estimate | Unknown:
    """Share of labelled rows in a cell above ``median``, with Wilson's 95 % interval.

    Rows of the median's own cell are tied with it and not above.
    """
    rows = scores.positives + scores.negatives
    above = 0.0 if median is None else float(rows[scores.cells > median].sum())
    return wilson(above, float(rows.sum()), nothing="no row has a label yet")
