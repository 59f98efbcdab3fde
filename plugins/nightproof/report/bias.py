"""The bias section: every group of every protected column, as an auditor reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nightproof.checks.bias import reference_group
from nightproof.checks.finding import Finding
from nightproof.config import Bias
from nightproof.evaluation import Evaluation
from nightproof.profiles import Profile
from nightproof.report.block import Block, Chart, Section, Table, Tabs, Text
from nightproof.report.chart import LINE, axis, layout, places, rule
from nightproof.words import NONE, STATUS, ends, label, markdown, nights, number, plain

DRAWN = 20
"""Groups in the picture: those with the lowest impact ratios; the table has them all."""
WIDEST = 5.0
"""Intervals that reach beyond this ratio run off the picture."""
_RATES = ("selection_rate", "tpr", "fpr", "ppv")
_ORDER = ("regression", "watch", "insufficient_data", "ok")
_MARKS = {
    "ok": ("#0072B2", "circle"),
    "watch": ("#E69F00", "triangle-up"),
    "regression": ("#D55E00", "x"),
    "insufficient_data": ("#888888", "circle-open"),
}
Groups = dict[str, dict[str, Finding]]


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """How alike the groups of each protected column are served."""
    settings = evaluation.config.checks.bias
    found = [f for f in evaluation.findings if f.check == "bias"]
    columns = [grouping.columns for grouping in profile.spec.groupings if "protected" in grouping.uses]
    if not columns:
        text = "No protected column is configured, so nothing is known about bias: add columns.protected."
        return Section("bias", "Bias", (Text(text.replace("_", r"\_")),), {})
    blocks: list[Block] = [Text(_intro(settings))]
    for names in columns:
        own = [f for f in found if tuple(f.segment) == names]
        reference = reference_group(names, baseline, settings)
        blocks += _column(names[0], own, reference=reference[names[0]], settings=settings)
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("bias", "Bias", tuple(blocks), counts)


def _intro(settings: Bias) -> str:
    return (
        "Are the groups of each protected column served alike? The impact ratio is a group's selection rate "
        f"over that of the reference group ({_limits(settings.impact_ratio.min, settings.impact_ratio.max)}); "
        "the TPR gap is the reference group's true-positive rate less that of the group "
        f"({_limits(settings.tpr_gap.min, settings.tpr_gap.max)}). Where the baseline broke a limit "
        "already, only getting worse than the baseline counts."
    )


def _limits(low: float | None, high: float | None) -> str:
    parts = [f"at least {low:g}"] if low is not None else []
    parts += [f"at most {high:g}"] if high is not None else []
    return " and ".join(parts) or "no limit is configured"


def _column(name: str, found: Sequence[Finding], *, reference: str, settings: Bias) -> list[Block]:
    head = (
        f"### {markdown(name)}\n\nReference group: **{markdown(reference)}** "
        f"({'the largest of the baseline' if settings.reference_group == 'largest' else 'as configured'})."
    )
    tabs = []
    for window in sorted({f.window for f in found}):
        groups = _groups([f for f in found if f.window == window], name)
        tabs.append((nights(window).capitalize(), _window(groups, reference=reference, settings=settings)))
    if not tabs:
        return [Text(head + " No row of this night has a group.")]
    return [Text(head), *(tabs[0][1] if len(tabs) == 1 else [Tabs(tuple(tabs))])]


def _groups(found: Sequence[Finding], name: str) -> Groups:
    groups: Groups = {}
    for f in found:
        kept = groups.setdefault(f.segment[name], {})
        # Two limits on one metric give two findings: the worse one is shown.
        known = kept.get(f.metric)
        if known is None or _ORDER.index(f.status) < _ORDER.index(known.status):
            kept[f.metric] = f
    return groups


def _window(groups: Groups, *, reference: str, settings: Bias) -> tuple[Block, ...]:
    shown = {group: rates for group, rates in groups.items() if "selection_rate" in rates}
    ordered = sorted(shown, key=lambda group: (group != reference, -_labelled(shown[group]), group))
    blocks: list[Block] = []
    if ordered:
        rows = tuple(_row(group, shown[group], reference=reference) for group in ordered)
        blocks.append(Table(_header(), rows))
        if chart := _chart(shown, settings):
            blocks.append(chart)
    small = [plain(group, 40) for group in groups if group not in shown]
    if small:
        named = ", ".join(markdown(group, 40) for group in sorted(small))
        least = f"Fewer than {settings.min_group} labelled rows, so neither judged nor shown: {named}."
        blocks.append(Text(f"○ {least}"))
    return tuple(blocks)


def _header() -> tuple[str, ...]:
    rates = ("Selection rate", "True-positive rate", "False-positive rate", "Precision (PPV)")
    return ("Group", "Labelled rows", *rates, "Impact ratio", "TPR gap", "Status")


def _labelled(rates: Mapping[str, Finding]) -> int:
    # Positives and negatives with a label: what the two rates stand on.
    return sum(rates[name].n for name in ("tpr", "fpr") if name in rates)


def _row(group: str, rates: Mapping[str, Finding], *, reference: str) -> tuple[str, ...]:
    own = group == reference
    compared = ("reference", "reference") if own else tuple(_compared(rates.get(m)) for m in _COMPARED)
    name = plain(group, 40) + (" (reference)" if own else "")
    return name, f"{_labelled(rates):,}", *(_cell(rates.get(m)) for m in _RATES), *compared, _status(rates)


_COMPARED = ("impact_ratio", "tpr_gap")


def _cell(f: Finding | None) -> str:
    if f is None:
        return ""
    if f.value is None:
        return f"not known\nn = {f.n:,}"
    return f"{number(f.value)}{ends(f.interval)}"


def _compared(f: Finding | None) -> str:
    if f is None or f.value is None:
        return _cell(f)
    was = f"\nbaseline {number(f.baseline)}" if f.baseline is not None else ""
    return f"{_cell(f)}{was}"


def _status(rates: Mapping[str, Finding]) -> str:
    judged = [rates[name] for name in _COMPARED if name in rates]
    if not judged:
        return NONE
    worst = min((f.status for f in judged), key=_ORDER.index)
    words = {"impact_ratio": "impact ratio", "tpr_gap": "TPR gap"}
    why = ", ".join(words[f.metric] for f in judged if f.status == worst)
    return STATUS[worst] if worst == "ok" else f"{STATUS[worst]}: {why}"


def _chart(shown: Groups, settings: Bias) -> Chart | None:
    ratios = [(g, r["impact_ratio"]) for g, r in shown.items() if "impact_ratio" in r]
    known = sorted(((g, f) for g, f in ratios if f.value is not None), key=lambda pair: (pair[1].value, pair[0]))
    if not known:
        return None
    drawn = known[:DRAWN][::-1]
    data = [trace for status in _ORDER if (trace := _marks(drawn, status))]
    title = "Impact ratio" if len(drawn) == len(known) else f"Impact ratio, the {DRAWN} lowest"
    return Chart(title, data, _frame(drawn, settings), half=False)


def _frame(drawn: Sequence[tuple[str, Finding]], settings: Bias) -> dict[str, Any]:
    """Axes, and the lines of the limits and of equal treatment."""
    limits = [x for x in (settings.impact_ratio.min, settings.impact_ratio.max) if x]
    lines = [rule(1.0, "equal", dash="dot"), *(rule(x, f"limit {x:g}") for x in limits)]
    top = max(f.interval[1] for _, f in drawn if f.interval)
    x = axis("Impact ratio, with its 95 % interval", range=[0, min(max(1.3, top * 1.03), WIDEST)])
    y = axis("", **places([label(group, 24) for group, _ in drawn]), range=[-0.6, len(drawn) - 0.4])
    return layout(
        x,
        y,
        shapes=[shape for shape, _ in lines],
        annotations=[note for _, note in lines],
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
        height=480,
        showlegend=True,
    )


def _marks(drawn: Sequence[tuple[str, Finding]], status: str) -> dict[str, Any] | None:
    own = [(place, f) for place, (_, f) in enumerate(drawn) if f.status == status and f.value is not None]
    if not own:
        return None
    color, symbol = _MARKS[status]
    values = [round(f.value or 0.0, 4) for _, f in own]
    spans = [f.interval or (0.0, 0.0) for _, f in own]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [round(high - value, 4) for value, (_, high) in zip(values, spans, strict=True)],
        "arrayminus": [round(value - low, 4) for value, (low, _) in zip(values, spans, strict=True)],
        "thickness": 2,
        "width": 5,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "name": STATUS[status],
        "x": values,
        "y": [place for place, _ in own],
        "text": [f"n = {f.n:,}" for _, f in own],
        "error_x": error | {"color": color},
        "marker": {"color": color, "symbol": symbol, "size": 11, "line": {"color": LINE, "width": 1}},
    }
