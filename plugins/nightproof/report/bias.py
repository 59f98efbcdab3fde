"""The bias section: every group of every protected column, and of their pairs, as an auditor reads it."""

from __future__ import annotations

from nightproof.checks.groups import protected_groupings, reference_group
from nightproof.checks.suppression import ROUNDED
from nightproof.evaluation import Evaluation
from nightproof.profiles import Profile
from nightproof.profiles.spec import Binary
from nightproof.report import local_law_144
from nightproof.report.bias_chart import impact_ratios
from nightproof.report.bias_groups import Column, gather, is_rounded
from nightproof.report.bias_tables import beside, parity, rates, scores, selection
from nightproof.report.block import Block, Section, Tabs, Text
from nightproof.report.group_errors import group_tables
from nightproof.sections import Bias, Limit
from nightproof.words import STATUS, counted, markdown, nights

SHOWN = 60
"""Groups in each table: the reference, then the worst."""
NAMED = 40
"""Small groups that are named."""


def section(evaluation: Evaluation, baseline: Profile) -> Section:
    """How alike the groups of each protected column, and of each pair, are served."""
    settings = evaluation.config.checks.bias
    found = [f for f in evaluation.findings if f.check == "bias"]
    columns = protected_groupings(baseline)
    if not columns:
        text = "No protected column is configured, so nothing is known about bias: add columns.protected."
        return Section("bias", "Bias", (Text(text.replace("_", r"\_")),), {})
    if not isinstance(baseline.spec.task, Binary):
        counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
        return Section("bias", "Bias", tuple(group_tables(found)), counts)
    blocks: list[Block] = [Text(_intro(settings))]
    for names in columns:
        reference = tuple(reference_group(names, baseline, settings).values())
        blocks += _column(names, gather(found, names, reference=reference), reference=reference, settings=settings)
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("bias", "Bias", tuple(blocks), counts)


def _intro(settings: Bias) -> str:
    limits = f"impact ratio {_limit(settings.impact_ratio)}, TPR gap {_limit(settings.tpr_gap)}"
    return (
        "Are the groups of each protected column served alike? Each group is held beside the reference group. "
        f"Limits: {limits}; every other measure is judged where the config sets a limit for it, and shown "
        "otherwise. Where the baseline broke a limit already, only getting worse than the baseline counts. "
        "Values in brackets are 95 % intervals.\n\nThe **four-fifths rule** (29 CFR 1607.4(D)) has three answers, "
        "from the interval of the impact ratio: *violation* where all of it is below 0.8, *clear* where none of it is, "
        "and *insufficient data* where 0.8 lies within, whatever the ratio itself."
    )


def _limit(limit: Limit) -> str:
    parts = [f"at least {limit.min:g}"] if limit.min is not None else []
    parts += [f"at most {limit.max:g}"] if limit.max is not None else []
    return " and ".join(parts) or "without a limit"


def _column(
    names: tuple[str, ...], windows: dict[int, Column], *, reference: tuple[str, ...], settings: Bias
) -> list[Block]:
    title = " × ".join(markdown(name) for name in names)
    origin = "the largest of the baseline" if settings.reference_group == "largest" else "as configured"
    head = f"### {title}\n\nReference group: **{' / '.join(markdown(value) for value in reference)}** ({origin})."
    if not windows:
        return [Text(f"{head} No row of this night has a group.")]
    tabs = [(nights(window).capitalize(), _window(column, settings)) for window, column in sorted(windows.items())]
    return [Text(head), *(tabs[0][1] if len(tabs) == 1 else [Tabs(tuple(tabs))])]


def _window(column: Column, settings: Bias) -> tuple[Block, ...]:
    groups = column.worst(SHOWN)
    views: list[tuple[str, list[Block]]] = []
    if groups:
        chart = impact_ratios(groups, settings)
        views = [
            ("Selection", [selection(groups), *([chart] if chart else [])]),
            ("Errors", [rates(groups)]),
            ("Scores", [scores(groups)]),
            ("Beside the reference", [Text(_BESIDE), beside(groups)]),
        ]
    if column.parities:
        views.append(("Parity", [Text(_PARITY), parity(column.parities)]))
    if groups:
        views.append(("NYC Local Law 144", local_law_144.view(column)))
    notes = _notes(column, shown=len(groups), settings=settings)
    tabs: list[Block] = [Tabs(tuple((name, tuple(blocks)) for name, blocks in views))] if views else []
    return (*tabs, *([Text("\n\n".join(notes))] if notes else []))


_BESIDE = "A gap above 0 means that the group is served worse than the reference group."
_PARITY = (
    "How far apart any two groups are. The largest of many gaps is large by chance alone, so read the interval: it "
    "counts every pair that could have been the furthest apart, and holds at least 95 % of the time."
)


def _notes(column: Column, *, shown: int, settings: Bias) -> list[str]:
    notes = []
    if shown < len(column.groups):
        notes.append(f"The reference group and the worst: {shown} of {counted(len(column.groups), 'group')}.")
    if column.small:
        named = ", ".join(markdown(" / ".join(key), 40) for key in sorted(column.small)[:NAMED])
        more = f" and {len(column.small) - NAMED} more" if len(column.small) > NAMED else ""
        least = f"Fewer than {settings.min_group} labelled rows, so neither judged nor shown"
        notes.append(f"○ {least}: {named}{more}.")
    covers = [group for group in column.groups if is_rounded(group)]
    if covers:
        named = ", ".join(markdown(group.name, 40) for group in covers)
        notes.append(f"≈ {named}: {ROUNDED}. They are judged on the exact counts.")
    return notes
