"""Discovered slices: where did the model get worse, and how much of its change comes from there?

Every feature's bins (a number's joined into about five ranges) and every group of every grouping are
looked at, one column or two, each beside the same slice of the baseline. They are evidence and
wake nobody.
"""

from __future__ import annotations

from nightproof.checks.finding import Finding, Status
from nightproof.checks.judge import Subject, evidence
from nightproof.config import ModelConfig
from nightproof.metrics.partition import METRIC, features, groupings, readable, task_loss
from nightproof.metrics.slice_harm import SliceHarm, SliceHarms, slice_harms
from nightproof.profiles import Profile
from nightproof.words import METRICS, counted, number, percent, segment

LISTED = 20
"""Slices that are surely worse are listed up to this many."""
NAMED = 5
"""Where fewer are surely worse, those that look worst are listed all the same, up to so many."""
SLICE_LOSS = "slice_loss"


def check_slices(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """The slices whose loss rose most, by what they add to the model's.

    Parameters
    ----------
    current
        The night's profile.
    baseline
        The baseline's profile.
    config
        For ``checks.bias.min_group``: smaller slices are not looked at.
    window
        Nights in ``current``.

    Returns
    -------
    list of Finding
        ``slice_loss`` by segment, the worst 20 at most; a ``watch`` where the adjusted p-value is
        below 0.05. None for a ranking.
    """
    found = worst_slices(current, baseline, config)
    loss = METRICS[METRIC[task_loss(current.spec) or "brier"]]
    return [_finding(harm, loss, found.looked_at, window) for harm in found.worst]


def worst_slices(current: Profile, baseline: Profile, config: ModelConfig) -> SliceHarms:
    """The slices that add most to the model's loss, and how many were looked at."""
    loss = task_loss(current.spec)
    if loss is None:
        return SliceHarms(0, ())
    cuts = [readable(cut) for cut in features(current, baseline, loss)]
    known = {cut.columns for cut in cuts}
    cuts += [cut for cut in groupings(current, baseline, loss) if cut.columns not in known]
    return slice_harms(cuts, least=config.checks.bias.min_group, most=LISTED, named=NAMED)


def _finding(harm: SliceHarm, loss: str, looked_at: int, window: int) -> Finding:
    status: Status = "watch" if harm.surely_worse else "ok"
    return evidence(
        Subject("performance", SLICE_LOSS, window, harm.segment),
        harm.now,
        harm.then,
        harm.change,
        status=status,
        reason=f"{sentence(harm, loss)}; {certainty(harm, looked_at)}.",
    )


def sentence(harm: SliceHarm, loss: str) -> str:
    """What is compared with what, without a full stop."""
    return (
        f"{loss} {number(harm.now.value)} where {segment(harm.segment)} ({percent(harm.share)} of rows), "
        f"{number(harm.then.value)} on the baseline: adds {number(harm.contribution)} to the model's"
    )


def certainty(harm: SliceHarm, looked_at: int) -> str:
    """How sure it is, among so many slices."""
    shown = "< 0.001" if harm.p_value < 0.001 else f"= {harm.p_value:.3f}"
    among = f"among the {counted(looked_at, 'slice')} looked at (adjusted p {shown})"
    return f"not chance {among}" if harm.surely_worse else f"may be chance {among}"
