"""One finding for each notion of parity on each protected column: how far apart are any two groups?

============================== ============================================================
``demographic_parity_difference`` largest gap in selection rate between any two groups
``demographic_parity_ratio``   smallest ratio of two groups' selection rates
``equal_opportunity``          largest gap in true-positive rate
``equalised_odds``             largest gap in true-positive or in false-positive rate
``predictive_parity``          largest gap in positive predictive value
============================== ============================================================

Definitions are those of Hardt, Price and Srebro, "Equality of opportunity in supervised learning",
NeurIPS 2016, arXiv:1610.02413, and of A. Chouldechova, "Fair prediction with disparate impact", Big
Data 5 (2017), doi:10.1089/big.2016.0047 (predictive parity).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Subject
from nightproof.checks.limits import held
from nightproof.checks.suppression import Key
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.four_fifths import four_fifths
from nightproof.metrics.parity import Disparity, largest_gap, smallest_ratio
from nightproof.profiles.sums import Outcomes
from nightproof.sections import Bias

Groups = Sequence[tuple[Key, Outcomes]]


def _selection(groups: Groups) -> list[tuple[float, float]]:
    return [(rows.selected, rows.rows) for _, rows in groups]


def _tpr(groups: Groups) -> list[tuple[float, float]]:
    return [(rows.tp, rows.positives) for _, rows in groups]


def _fpr(groups: Groups) -> list[tuple[float, float]]:
    return [(rows.fp, rows.fp + rows.tn) for _, rows in groups]


def _ppv(groups: Groups) -> list[tuple[float, float]]:
    return [(rows.tp, rows.tp + rows.fp) for _, rows in groups]


PARITIES: dict[str, Callable[[Groups], Disparity | Unknown]] = {
    "demographic_parity_difference": lambda groups: largest_gap(_selection(groups)),
    "demographic_parity_ratio": lambda groups: smallest_ratio(_selection(groups)),
    "equal_opportunity": lambda groups: largest_gap(_tpr(groups), nothing="fewer than two groups have positive labels"),
    "equalised_odds": lambda groups: largest_gap(
        _tpr(groups), _fpr(groups), nothing="fewer than two groups have labels of both kinds"
    ),
    "predictive_parity": lambda groups: largest_gap(
        _ppv(groups), nothing="fewer than two groups have labelled positive predictions"
    ),
}
"""Every notion of parity; all but the ratio are 0 where all groups are served alike."""
_OF_ALL = ("demographic_parity_difference", "demographic_parity_ratio")
"""Those that ask for no label, and so look at all rows."""


def parities(columns: Key, now: Groups, then: Groups, *, settings: Bias, window: int) -> Iterator[Finding]:
    """The parities of one protected column, or of one pair.

    Parameters
    ----------
    columns
        The column or the pair.
    now, then
        The groups that are large enough to judge, of the night and of the baseline.
    settings
        For the limits: without one, a parity is shown and not judged.
    window
        Nights that are merged.
    """
    for name, parity in PARITIES.items():
        subject = Subject("bias", name, window, {}, " and ".join(columns))
        found, n = parity(now), round(sum(rows.rows if name in _OF_ALL else rows.labelled for _, rows in now))
        current, known = _estimate(found, n), _estimate(parity(then), n)
        told = held(subject, current, known, limit=settings.limit(name))
        if isinstance(found, Unknown):
            yield from told
        else:
            pair = now[found.most][0], now[found.least][0]
            yield from (_explained(finding, pair) for finding in told)


def _estimate(found: Disparity | Unknown, n: int) -> Estimate | Unknown:
    # The rows of all groups together: those of each class would tell a small group's.
    if isinstance(found, Unknown):
        return Unknown(found.why, n)
    return Estimate(found.change.value, found.change.low, found.change.high, n)


def _explained(finding: Finding, pair: tuple[Key, Key]) -> Finding:
    most, least = (" / ".join(key) for key in pair)
    reason = f"{finding.reason[:-1]}; furthest apart are {most} (more) and {least} (less)"
    if finding.metric == "demographic_parity_ratio":
        reason += f"; four-fifths rule: {four_fifths(finding.interval)}"
    return finding.model_copy(update={"reason": f"{reason}."})
