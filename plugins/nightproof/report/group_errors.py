"""Groups of regression and multiclass models in the bias section."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.report.block import Block, Table, Text
from nightproof.words import METRICS, counted, ends, nights, number, segment

SHOWN = 60
"""Groups in a table, the largest first."""


def group_tables(found: Sequence[Finding]) -> list[Block]:
    """A table a window: each group's measures, with the baseline's, and its gap to the reference group."""
    text = (
        "Is the model as good for every group? Positive errors promise too much, negative ones too little; a gap is "
        "that to the reference group. These are shown and not judged. Values in brackets are 95 % intervals."
    )
    windows = sorted({f.window for f in found})
    return [Text(text), *(block for window in windows for block in _window(found, window))]


def _window(found: Sequence[Finding], window: int) -> list[Block]:
    own = [f for f in found if f.window == window]
    metrics = list(dict.fromkeys(f.metric for f in own if f.value is not None))
    groups: dict[str, dict[str, Finding]] = {}
    for f in own:
        groups.setdefault(segment(f.segment), {})[f.metric] = f
    shown = {name: told for name, told in groups.items() if any(f.value is not None for f in told.values())}
    ordered = sorted(shown, key=lambda name: -max(f.n for f in shown[name].values()))[:SHOWN]
    rows = tuple((name, _rows(shown[name]), *(_cell(shown[name].get(m)) for m in metrics)) for name in ordered)
    header = (f"Groups, {nights(window)}", "Labelled rows", *(METRICS[m] for m in metrics))
    blocks: list[Block] = [Table((*header,), rows)] if rows else []
    small = len(groups) - len(shown)
    if small:
        blocks.append(Text(f"○ {counted(small, 'group')} with too few labelled rows to be shown."))
    return blocks


def _rows(told: dict[str, Finding]) -> str:
    return f"{max(f.n for f in told.values()):,}"


def _cell(f: Finding | None) -> str:
    if f is None or f.value is None:
        return "reference" if f is None else "not known"
    was = f"\nbaseline {number(f.baseline)}" if f.baseline is not None else ""
    return f"{number(f.value)}{ends(f.interval)}{was}"
