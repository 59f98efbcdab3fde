"""The performance family: is the model still as good as its baseline, in all and slice by slice?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from nightproof.checks import held
from nightproof.checks.finding import Finding
from nightproof.checks.judge import Subject, judged, shown, unknown
from nightproof.config import ModelConfig
from nightproof.metric_names import MetricName, Task
from nightproof.metrics import PERFORMANCE, performance
from nightproof.metrics.confusion import class_accuracy
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.losses import bounded_mean, mean_loss
from nightproof.metrics.rates import accuracy
from nightproof.profiles import Profile
from nightproof.words import counted

LEAST_ROWS = 30
"""A metric on fewer labelled rows is not judged."""

Segment = Mapping[str, str]
SLICED: dict[Task, dict[MetricName, Callable[[Profile, Segment], Estimate | Unknown]]] = {
    "binary": {
        "accuracy": lambda profile, segment: accuracy(profile.outcomes(segment)),
        "brier": lambda profile, segment: bounded_mean(profile.loss("brier", segment)),
    },
    "multiclass": {
        "accuracy": lambda profile, segment: class_accuracy(profile.confusion(segment)),
        "brier": lambda profile, segment: bounded_mean(profile.loss("brier", segment), most=2.0),
    },
    "regression": {
        "mae": lambda profile, segment: mean_loss(profile.loss("absolute", segment)),
        "mean_error": lambda profile, segment: mean_loss(profile.loss("error", segment), least=-math.inf),
    },
    "ranking": {},
}
"""What is looked at in every slice; a query may lie in several, so rankings have none."""


def check_performance(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings on every metric of the task, and on two of each configured slice.

    Parameters
    ----------
    current
        The merged profile of the window's nights.
    baseline
        The baseline's profile.
    config
        For the tolerances: ``checks.performance``, or the task's defaults.
    window
        Nights in ``current``.
    """
    # What rows of this model cannot have is asked for only where the config holds it against something.
    asked = {**performance(current), **{name: PERFORMANCE[config.task][name] for name in config.tolerances}}
    overall = [
        _compare(name, _once(current, name), _once(baseline, name), config=config, window=window)
        for name in PERFORMANCE[config.task]
        if name in asked
    ]
    told = [_with_left_out(finding, current) for finding in overall]
    return told + (list(_slices(current, baseline, config)) if window == 1 else [])


def _once(profile: Profile, name: MetricName) -> Estimate | Unknown:
    """A metric over all rows of a profile, computed once for all nights that are held against it."""
    if name not in profile.memo:
        profile.memo[name] = PERFORMANCE[profile.spec.task.kind][name](profile)
    found: Estimate | Unknown = profile.memo[name]
    return found


def _compare(
    name: MetricName,
    current: Estimate | Unknown,
    baseline: Estimate | Unknown,
    *,
    config: ModelConfig,
    window: int,
    segment: dict[str, str] | None = None,
) -> Finding:
    subject = Subject("performance", name, window, segment or {})
    if isinstance(current, Estimate) and current.n < LEAST_ROWS:
        current = Unknown(f"fewer than {LEAST_ROWS} {'queries' if config.task == 'ranking' else 'rows'}", current.n)
    if isinstance(current, Unknown):
        return unknown(subject, current, baseline=baseline)
    if isinstance(baseline, Unknown):
        return unknown(subject, Unknown(f"in the baseline, {baseline.why}", current.n))
    delta = difference(current, baseline)
    tolerance = config.tolerances.get(name)
    if tolerance is None:
        return shown(subject, current, baseline, delta)
    change = difference(_size(current), _size(baseline)) if name == "mean_error" else delta
    # A slice is evidence for the night's verdict, not a page of its own.
    harm = held.performance(name, tolerance).harm(current, change, pages=not segment)
    return judged(subject, current, baseline, delta=delta, harm=harm)


def _size(signed: Estimate) -> Estimate:
    """How far a signed estimate is from 0: of a mean error either direction is harm."""
    ends = abs(signed.low), abs(signed.high)
    low = 0.0 if signed.low <= 0.0 <= signed.high else min(ends)
    return Estimate(abs(signed.value), low, max(ends), signed.n, signed.bound)


def _with_left_out(finding: Finding, current: Profile) -> Finding:
    """A finding on percentages with the number of rows that have none."""
    if finding.metric != "mape":
        return finding
    left_out = current.loss("absolute").n - current.loss("percentage").n
    said = f"{finding.reason} Left out: {counted(left_out, 'row')} whose label is 0."
    return finding.model_copy(update={"reason": said}) if left_out else finding


def _slices(current: Profile, baseline: Profile, config: ModelConfig) -> Iterator[Finding]:
    for grouping in current.spec.groupings:
        if "slice" not in grouping.uses or not SLICED[config.task]:
            continue
        for segment in current.segments(grouping.columns):
            if current.size(segment)[1] < config.checks.bias.min_group:
                continue
            for name, metric in SLICED[config.task].items():
                now, then = metric(current, segment), metric(baseline, segment)
                yield _compare(name, now, then, config=config, window=1, segment=segment)
