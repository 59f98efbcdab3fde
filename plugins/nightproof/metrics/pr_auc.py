"""Average precision (area under the precision-recall curve) from counts by score cell.

References
----------
.. [1] K. Boyd, K. H. Eng and C. D. Page, "Area under the precision-recall curve: point estimates
   and confidence intervals", ECML PKDD 2013, doi:10.1007/978-3-642-40994-3_29.
"""

from __future__ import annotations

import math

import numpy as np

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.roc_auc import logit_estimate
from nightproof.profiles.profile import Scores


def pr_auc(scores: Scores) -> Estimate | Unknown:
    """Precision averaged over the positive rows, as scikit-learn's ``average_precision_score``.

    The 95 % interval is the logit interval of [1]_, with the positives as its sample size.
    """
    positives, n = int(scores.positives.sum()), int(scores.positives.sum() + scores.negatives.sum())
    if positives == 0 or positives == n:
        return Unknown("no row has a positive label" if positives == 0 else "no row has a negative label", n)
    hits = np.cumsum(scores.positives[::-1])
    chosen = hits + np.cumsum(scores.negatives[::-1])
    value = float(np.dot(scores.positives[::-1], hits / chosen) / positives)
    error = math.sqrt(value * (1 - value) / positives)
    return logit_estimate(min(value, 1.0), error, n, rarer=positives)
