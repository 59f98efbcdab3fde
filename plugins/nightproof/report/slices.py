"""The slices section: where the model got worse, by search and by config."""

from __future__ import annotations

from nightproof.checks.finding import Finding
from nightproof.checks.slices import SLICE_LOSS, worst_slices
from nightproof.evaluation import Evaluation
from nightproof.metrics.partition import METRIC, task_loss
from nightproof.metrics.slice_harm import SliceHarm, SliceHarms
from nightproof.profiles import Profile
from nightproof.report.block import Block, Section, Table, Text
from nightproof.report.headline import metric_name, tolerance
from nightproof.words import METRICS, STATUS, counted, ends, number, percent, segment, signed

SHOWN = 40
"""Rows of the table of configured slices, the worst first."""
_ORDER = ("regression", "watch", "insufficient_data", "ok")


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """Discovered slices, then those that the config names; empty where there are neither."""
    found = [f for f in evaluation.findings if f.check == "performance" and f.segment]
    harms = worst_slices(profile, baseline, evaluation.config)
    configured = [f for f in found if f.metric != SLICE_LOSS]
    blocks = [*_discovered(harms, profile, evaluation), *(_configured(configured) if configured else [])]
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("slices", "Slices: where the model got worse", tuple(blocks), counts)


def _discovered(harms: SliceHarms, profile: Profile, evaluation: Evaluation) -> list[Block]:
    loss = task_loss(profile.spec)
    if loss is None or not harms.looked_at:
        return []
    name, least = METRICS[METRIC[loss]], evaluation.config.checks.bias.min_group
    sure = sum(harm.surely_worse for harm in harms.worst)
    looked = f"{counted(harms.looked_at, 'slice')} of one or two columns with at least {least} labelled rows"
    text = (
        f"### Found by search\n\nLooked at {looked}, each beside the same slice of the baseline. "
        f"Ranked by what each adds to the model's {name.lower() if loss == 'absolute' else name}: "
        "its share of the rows times the rise of its loss. Slices overlap, so what they add does not add up. "
    )
    if not harms.worst:
        return [Text(text + "No slice got worse.")]
    if not sure:
        text += "None is surely worse; those that look worst are shown."
    header = ("Slice", "Share\nof rows", "Rows (n)", f"{name}\n(95 % interval)", "Baseline")
    more = ("Change\n(95 % interval)", "Adds to\nthe model's", "Chance?")
    return [Text(text), Table((*header, *more), tuple(_harm(harm) for harm in harms.worst))]


def _harm(harm: SliceHarm) -> tuple[str, ...]:
    return (
        segment(harm.segment),
        percent(harm.share),
        f"{harm.now.n:,}",
        f"{number(harm.now.value)}{ends(harm.now.interval)}",
        number(harm.then.value),
        f"{signed(harm.change.value)}{ends(harm.change.interval)}",
        signed(harm.contribution),
        _chance(harm.p_value),
    )


def _chance(p_value: float) -> str:
    """An adjusted p-value in words."""
    if p_value >= 0.05:
        return "○ may be chance"
    odds = "less than 1 in 1,000" if p_value < 0.001 else f"about 1 in {1.0 / p_value:,.0f}"
    return f"▲ not chance\n({odds})"


def _configured(found: list[Finding]) -> list[Block]:
    # Findings come worst first; within a status, what got worse most comes first.
    ordered = sorted(found, key=lambda f: (_ORDER.index(f.status), f.tolerance is None, -abs(f.delta or 0.0)))
    text = "### Named in the config\n\nThe worst first. A slice is evidence for the night's verdict and wakes nobody."
    if len(ordered) > SHOWN:
        text += f" The first {SHOWN} of {len(ordered):,}."
    header = ("Slice", "Metric", "Rows (n)", "Value\n(95 % interval)", "Baseline", "Change\n(95 % interval)")
    return [Text(text), Table((*header, "Tolerated", "Status"), tuple(_row(f) for f in ordered[:SHOWN]))]


def _row(f: Finding) -> tuple[str, ...]:
    judged = f.tolerance is not None or f.status != "ok"
    return (
        segment(f.segment),
        metric_name(f.metric),
        f"{f.n:,}",
        f"{number(f.value)}{ends(f.interval)}",
        number(f.baseline),
        f"{signed(f.delta)}{ends(f.delta_interval)}",
        tolerance(f),
        STATUS[f.status] if judged else "not judged: no tolerance",
    )
