"""Tables of the bias section: one row a group."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.metrics.four_fifths import four_fifths
from nightproof.report.bias_groups import ORDER, Group, is_rounded
from nightproof.report.block import Table
from nightproof.words import METRICS, NONE, STATUS, ends, number, plain, signed

_ANSWERS = {"violation": "✖ violation", "clear": "✔ clear", "insufficient data": "○ insufficient data"}
_SHORT = {
    "impact_ratio": "impact ratio",
    "selection_gap": "selection gap",
    "tpr_gap": "TPR gap",
    "tpr_ratio": "TPR ratio",
    "fpr_gap": "FPR gap",
    "fpr_ratio": "FPR ratio",
    "ppv_gap": "PPV gap",
    "ppv_ratio": "PPV ratio",
    "accuracy_gap": "accuracy gap",
    "auc_gap": "AUC gap",
    "calibration_gap": "calibration gap",
}
_NOTIONS = {
    "demographic_parity_difference": "Demographic parity\nlargest gap in selection rate",
    "demographic_parity_ratio": "Demographic parity\nsmallest ratio of selection rates",
    "equal_opportunity": "Equal opportunity\nlargest gap in true-positive rate",
    "equalised_odds": "Equalised odds\nlargest gap in true- or false-positive rate",
    "predictive_parity": "Predictive parity\nlargest gap in precision (PPV)",
}
_GAPS = ("tpr", "fpr", "ppv")


def selection(groups: Sequence[Group]) -> Table:
    """Who is selected, with the four-fifths rule's answer."""
    header = ("Group", "Rows", "Selection rate", "Gap to the\nreference", "Impact ratio", "Four-fifths rule", "Status")
    return Table(header, tuple(_selection(group) for group in groups))


def _selection(group: Group) -> tuple[str, ...]:
    rate = _cell(group, "selection_rate")
    if group.is_reference:
        return _name(group), f"{group.rows:,}", rate, NONE, "reference", NONE, NONE
    ratio = group.found.get("impact_ratio")
    answer = _ANSWERS[four_fifths(ratio.interval if ratio else None)]
    gap, judged = _cell(group, "selection_gap"), _status(group, "impact_ratio", "selection_gap")
    return _name(group), f"{group.rows:,}", rate, gap, _with_baseline(group, "impact_ratio"), answer, judged


def rates(groups: Sequence[Group]) -> Table:
    """How often the predictions for each group are right."""
    metrics = ("tpr", "fnr", "fpr", "ppv", "npv", "accuracy")
    header = (
        "Group",
        "Labelled\nrows",
        "True-positive\nrate (TPR)",
        "False-negative\nrate (FNR)",
        "False-positive\nrate (FPR)",
        "Precision\n(PPV)",
        "Negative predictive\nvalue (NPV)",
        "Accuracy",
    )
    rows = ((_name(g), f"{g.labelled:,}", *(_cell(g, metric) for metric in metrics)) for g in groups)
    return Table(header, tuple(rows))


def scores(groups: Sequence[Group]) -> Table:
    """How well the scores rank, and how true they are."""
    header = (
        "Group",
        "Labelled\nrows",
        "ROC AUC",
        "Calibration error",
        "Calibration gap\nmean score less\nshare positive",
    )
    metrics = ("roc_auc", "calibration_error", "calibration_gap")
    rows = (
        (_name(g), f"{g.labelled:,}", *(_cell(g, metric) for metric in metrics), _status(g, "calibration_gap"))
        for g in groups
    )
    return Table((*header, "Status"), tuple(rows))


def beside(groups: Sequence[Group]) -> Table:
    """Every group's rates beside the reference group's; above 0 is worse for the group."""
    header = (
        "Group",
        "TPR gap\nless is found",
        "FPR gap\nmore false alarms",
        "PPV gap\nless precise",
        "Accuracy gap",
        "AUC gap",
    )
    rows = (
        (
            _name(group),
            *(_gap(group, rate) for rate in _GAPS),
            *(_cell(group, metric, sign=True) for metric in ("accuracy_gap", "auc_gap")),
            _status(
                group, *(name for name in _SHORT if name not in ("impact_ratio", "selection_gap", "calibration_gap"))
            ),
        )
        for group in groups
        if not group.is_reference
    )
    return Table((*header, "Status"), tuple(rows))


def parity(found: Sequence[Finding]) -> Table:
    """Each notion of parity over all groups of the column."""
    header = ("Notion", "Value", "Baseline", "Limit", "Status", "Which groups")
    order = list(_NOTIONS)
    ordered = sorted(found, key=lambda f: (order.index(f.metric), ORDER.index(f.status)))
    return Table(header, tuple(_parity(f) for f in ordered))


def _parity(f: Finding) -> tuple[str, ...]:
    is_judged = f.tolerance is not None or f.status != "ok"
    value = NONE if f.value is None else f"{number(f.value)}{ends(f.interval)}"
    limit = NONE if f.tolerance is None else f"{f.tolerance:g}"
    status = STATUS[f.status] if is_judged else "not judged:\nno limit"
    told = f.reason.partition("; furthest apart are ")[2] or f.reason
    return _NOTIONS[f.metric], value, number(f.baseline), limit, status, plain(told[:1].upper() + told[1:], 300)


def _name(group: Group) -> str:
    return group.name + (" ≈" if is_rounded(group) else "") + ("\n(reference)" if group.is_reference else "")


def _cell(group: Group, metric: str, *, sign: bool = False) -> str:
    f = group.found.get(metric)
    if f is None:
        return NONE
    if f.value is None:
        return f"not known\nn = {f.n:,}"
    return f"{(signed if sign else number)(f.value)}{ends(f.interval)}"


def _with_baseline(group: Group, metric: str) -> str:
    f = group.found.get(metric)
    was = f"\nbaseline {number(f.baseline)}" if f and f.baseline is not None else ""
    return f"{_cell(group, metric)}{was}"


def _gap(group: Group, rate: str) -> str:
    ratio = group.found.get(f"{rate}_ratio")
    beside = f"\nratio {number(ratio.value)}" if ratio and ratio.value is not None else ""
    gap = group.found.get(f"{rate}_gap")
    was = f"\nbaseline {signed(gap.baseline)}" if gap and gap.tolerance is not None and gap.baseline is not None else ""
    return f"{_cell(group, f'{rate}_gap', sign=True)}{beside}{was}"


def _status(group: Group, *metrics: str) -> str:
    judged = group.judged(*metrics)
    if not judged:
        return NONE if group.is_reference else "not judged: no limit"
    worst = min((f.status for f in judged), key=ORDER.index)
    why = ", ".join(_SHORT.get(f.metric, METRICS[f.metric]) for f in judged if f.status == worst)
    return STATUS[worst] if worst == "ok" else f"{STATUS[worst]}: {why}"
