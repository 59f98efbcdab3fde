"""How a group is measured, and how its measures are compared with the reference group's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nightproof.metrics.calibration import calibration_error
from nightproof.metrics.calibration_gap import calibration_gap
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference, ratio
from nightproof.metrics.rates import RATES
from nightproof.metrics.roc_auc import roc_auc
from nightproof.metrics.scoring_rate import scoring_rate
from nightproof.profiles.sums import Outcomes, Scores

Measures = dict[str, Estimate | Unknown]


@dataclass(frozen=True)
class Comparison:
    """How one measure of a group is held beside the reference group's.

    Parameters
    ----------
    measure
        Which measure.
    way
        ``ratio``: the group's over the reference group's. ``shortfall``: the reference group's less
        the group's, for what is good to have much of. ``excess``: the group's less the reference
        group's, for what is bad to have much of. A shortfall or an excess above 0 means that
        the group is served worse.
    """

    measure: str
    way: Literal["ratio", "shortfall", "excess"]

    @property
    def equal(self) -> float:
        """What it is for two groups that are served alike."""
        return 1.0 if self.way == "ratio" else 0.0

    def of(self, own: Measures, reference: Measures) -> Change | Unknown:
        """Compare a group with the reference group; both are taken for independent samples."""
        mine, other = own[self.measure], reference[self.measure]
        if isinstance(mine, Unknown):
            return mine
        if isinstance(other, Unknown):
            return Unknown(f"in the reference group, {other.why}", mine.n)
        if self.way == "shortfall":
            return difference(other, mine)
        if self.way == "excess":
            return difference(mine, other)
        if other.value == 0.0:
            return Unknown(_NONE.get(self.measure, "the rate is 0 in the reference group"), mine.n)
        return ratio(mine, other)


_NONE = {"selection_rate": "nobody in the reference group was selected"}

COMPARISONS: dict[str, Comparison] = {
    "impact_ratio": Comparison("selection_rate", "ratio"),
    "selection_gap": Comparison("selection_rate", "shortfall"),
    "tpr_gap": Comparison("tpr", "shortfall"),
    "tpr_ratio": Comparison("tpr", "ratio"),
    "fpr_gap": Comparison("fpr", "excess"),
    "fpr_ratio": Comparison("fpr", "ratio"),
    "ppv_gap": Comparison("ppv", "shortfall"),
    "ppv_ratio": Comparison("ppv", "ratio"),
    "accuracy_gap": Comparison("accuracy", "shortfall"),
    "auc_gap": Comparison("roc_auc", "shortfall"),
}
"""Every comparison of a group with the reference group."""

MEASURES = (*RATES, "roc_auc", "calibration_error", "calibration_gap", "scoring_rate")
"""Every measure of one group."""


def measures(outcomes: Outcomes, scores: Scores, *, median: int | None, bound: float | None = None) -> Measures:
    """All measures of one group's rows.

    Parameters
    ----------
    outcomes
        The group's rows by label and prediction.
    scores
        The group's labelled rows by score.
    median
        The score cell of the median of all groups together.
    bound
        How far the AUC may be off because of how the scores are counted, where the caller knows.
    """
    found: Measures = {name: rate(outcomes) for name, rate in RATES.items()}
    return found | {
        "roc_auc": roc_auc(scores, bound=bound),
        "calibration_error": calibration_error(scores),
        "calibration_gap": calibration_gap(scores),
        "scoring_rate": scoring_rate(scores, median),
    }
