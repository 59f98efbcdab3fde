"""One-vs-rest ROC AUC, averaged over the classes.

The areas of several classes come from the same rows, and the profile does not keep how their scores
go together. The interval is therefore the widest that their intervals allow: as if all erred at
once, the mean of the lower and the mean of the upper ends. It covers at least 95 %, mostly 97 to 99 %.
"""

from __future__ import annotations

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles import Profile
from nightproof.profiles.spec import Multiclass
from nightproof.words import plain


def class_auc(profile: Profile) -> Estimate | Unknown:
    """Mean over the classes of the area of a class's probability, its rows against all others.

    Returns
    -------
    Estimate | Unknown
        Unknown where any class has fewer than two rows, for the mean would be of other classes.
    """
    assert isinstance(profile.spec.task, Multiclass)
    areas = []
    for name in profile.spec.task.classes:
        scores = profile.class_scores(name)
        found = roc_auc(scores)
        if isinstance(found, Unknown):
            few = "fewer than two rows are" if float(scores.positives.sum()) < 2.0 else "all rows but one are"
            return Unknown(f"{few} of the class {plain(name)}", found.n)
        areas.append(found)
    value, low, high, bound = (
        sum(getattr(each, part) for each in areas) / len(areas) for part in ("value", "low", "high", "bound")
    )
    return Estimate(value, low, high, areas[0].n, bound)
