"""What a finding is held against: which way is harm, counted from where, and how much of it is tolerated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.metric_names import HARM, MetricName
from nightproof.metric_sections import Metric
from nightproof.sections import Bias, Drift, Labels, Limit, Tolerance

if TYPE_CHECKING:
    from nightproof.checks.judge import Harm
    from nightproof.metrics.estimate import Change, Estimate

ESTIMATED = "estimated_"
"""What a metric's name begins with where it is told without labels."""


SHARE, RATIO, UNIT = 0.05, 0.25, math.inf
"""How much nights may be expected to differ: in a share or an area, in a ratio or a PSI, and in a unit of its own."""
UNITS = frozenset(
    ("log_loss", "rmse", "mae", "mean_error", "mape", "wape", "median_absolute_error", "absolute_error_p90")
) | frozenset(("pinball_loss", "interval_width"))


@dataclass(frozen=True)
class Held:
    """A tolerance or a limit, in the units of harm: ``sign * value`` less what it is counted from.

    Parameters
    ----------
    sign
        1 where more is worse, -1 where less is.
    from_baseline
        Whether harm is counted from the baseline, or from 0.
    limit
        Harm that is tolerated.
    shown
        The tolerance as the config states it.
    margin
        The smallest harm that matters, positive.
    words
        How a reason says it: "fell by more than the tolerated 0.02".
    most
        The largest standard deviation between nights that is expected before any were seen.
    """

    sign: int
    from_baseline: bool
    limit: float
    shown: float
    margin: float
    words: str
    most: float = SHARE

    @property
    def usual(self) -> float:
        """Standard deviation between nights that is expected before any were seen: the margin, and at most ``most``."""
        return min(self.margin, self.most)

    def harm(self, value: Estimate, delta: Change | None, *, pages: bool = True) -> Harm:
        """The harm of a value, or of its delta from the baseline."""
        # The dashboard asks what is tolerated, and needs neither numpy nor scipy for that.
        from nightproof.checks.judge import Harm
        from nightproof.metrics.estimate import Change

        told = delta if self.from_baseline and delta is not None else Change(value.value, value.low, value.high)
        change = told if self.sign > 0 else told.reversed()
        return Harm(change, self.limit, self.shown, self.words, self.margin, pages)


def performance(name: MetricName, tolerance: Tolerance) -> Held:
    """A metric of the model."""
    falls, limit = HARM[name] == "max_drop", tolerance.value
    what = "its distance from 0 rose" if name == "mean_error" else "fell" if falls else "rose"
    words = f"{what} by more than the tolerated {limit:g}"
    return Held(-1 if falls else 1, True, limit, limit, limit, words, UNIT if name in UNITS else SHARE)


def business(metric: Metric) -> Held:
    """One of the team's own metrics that has a tolerance."""
    falls, limit = metric.harm == "max_drop", metric.value
    words = f"{'fell' if falls else 'rose'} by more than the tolerated {limit:g}"
    return Held(-1 if falls else 1, True, limit, limit, limit, words, UNIT)


def bias(name: str, limit: Limit, baseline: float | None) -> list[Held]:
    """A measure of bias, once for each end of its limit.

    A limit that the baseline already broke was accepted with the model: there, only getting worse than
    the baseline is news.
    """
    ends = [(sign, bound) for sign, bound in ((-1, limit.min), (1, limit.max)) if bound is not None]
    return [_bound(sign, bound, baseline, equal=_equal(name)) for sign, bound in ends]


def _equal(name: str) -> float:
    """The value of groups that are served alike."""
    from nightproof.metrics.comparisons import COMPARISONS

    if name in COMPARISONS:
        return COMPARISONS[name].equal
    return 1.0 if name == "demographic_parity_ratio" else 0.0


def _bound(sign: int, bound: float, baseline: float | None, *, equal: float) -> Held:
    margin, side, most = abs(bound - equal), "under" if sign < 0 else "over", RATIO if equal else SHARE
    if baseline is not None and sign * baseline > sign * bound:
        words = f"the baseline was {side} the limit of {bound:g} too, and this is worse still"
        return Held(sign, True, 0.0, bound, margin, words, most)
    return Held(sign, False, sign * bound, bound, margin, f"{side} the limit of {bound:g}", most)


def labels(metric: str, limits: Labels) -> Held:
    """How complete the labels are, beside what is usual."""
    if metric == "label_coverage":
        limit = limits.max_coverage_drop
        words = f"fell by more than the tolerated {limit:g} below what nights had at the same age"
        return Held(-1, True, limit, limit, limit, words)
    limit = limits.max_group_gap
    words = f"lies further below that of all rows than it usually does, by more than the tolerated {limit:g}"
    return Held(1, True, limit, limit, limit, words)


def _data(limits: Drift) -> Mapping[str, tuple[float, str]]:
    return {
        "missing_rate": (limits.max_missing_rise, "is missing in more rows"),
        "unseen_rate": (limits.max_unseen_rise, "has values that the baseline does not know in more rows"),
        "outside_rate": (limits.max_outside_rise, "lies outside the baseline's range in more rows"),
    }


def ends_of(finding: Finding, config: ModelConfig) -> list[Held]:
    """What a config holds a finding against as time goes by: two ends of a limit at most, mostly one.

    None where it is evidence alone. Slices and explanations are: they say where and why, and the whole
    says whether.
    """
    if finding.check == "performance":
        name = cast("MetricName", finding.metric.removeprefix(ESTIMATED))
        tolerance = config.tolerances.get(name)
        return [performance(name, tolerance)] if tolerance is not None and not finding.segment else []
    if finding.check == "bias":
        return bias(finding.metric, config.checks.bias.limit(finding.metric), finding.baseline)
    if finding.check == "business":
        metric = config.metrics.get(finding.metric)
        return [business(metric)] if metric is not None and metric.harm and not finding.segment else []
    if finding.metric in ("label_coverage", "label_coverage_gap"):
        # Without nights of the same age there is nothing to count from.
        return [labels(finding.metric, config.checks.labels)] if finding.baseline is not None else []
    limits = config.checks.drift
    if finding.metric == "vanished_share":
        limit = limits.max_unseen_rise
        return [Held(1, False, limit, limit, limit, f"is more than the tolerated {limit:g} of the baseline's rows")]
    if finding.metric == "psi":
        limit = limits.min_effect
        return [Held(1, False, limit, limit, limit, f"is more than the {limit:g} that is worth a look", RATIO)]
    if finding.metric == "output_shift":
        limit = limits.max_output_shift
        return [Held(1, False, limit, limit, limit, f"is more than the {limit:g} that drift alone would be", RATIO)]
    if finding.metric not in (known := _data(limits)):
        return []
    limit, words = known[finding.metric]
    return [Held(1, True, limit, limit, limit, f"{words} than the tolerated rise of {limit:g}")]


def held_by(finding: Finding, config: ModelConfig) -> Held | None:
    """What a finding itself was held against; ``None`` where it is evidence alone."""
    ends = ends_of(finding, config)
    if finding.check != "bias":
        return ends[0] if ends else None
    return next((end for end in ends if end.shown == finding.tolerance), None)


def change_of(finding: Finding) -> Change | None:
    """What a finding's harm is counted from its baseline by: of a mean error, its distance from 0."""
    from nightproof.metrics.estimate import Change

    if finding.delta is None or finding.delta_interval is None:
        return None
    change = Change(finding.delta, *finding.delta_interval)
    if finding.metric != "mean_error" or finding.value is None or finding.baseline is None:
        return change
    arms = change if finding.value >= 0.0 else change.reversed()
    value = abs(finding.value) - abs(finding.baseline)
    return Change(value, value - (arms.value - arms.low), value + (arms.high - arms.value))


def limited(metric: str) -> bool:
    """Whether a config can set a limit for a measure of bias."""
    field = Bias.model_fields.get(metric)
    return field is not None and field.annotation is Limit
