"""The performance family: is the model still as good as its baseline, in all and slice by slice?"""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Harm, Subject, judged, shown, unknown
from nightproof.config import HARM, Checks, MetricName, ModelConfig, Tolerance
from nightproof.metrics import PERFORMANCE
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.rates import accuracy
from nightproof.profiles import Profile

LEAST_ROWS = 30
"""A metric on fewer labelled rows is not judged."""


def check_performance(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings on every metric, and on accuracy and Brier score of each configured slice.

    Parameters
    ----------
    current
        The merged profile of the window's nights.
    baseline
        The baseline's profile.
    config
        For the tolerances: ``checks.performance``.
    window
        Nights in ``current``.
    """
    overall = [
        _compare(name, metric(current), metric(baseline), checks=config.checks, window=window)
        for name, metric in PERFORMANCE.items()
    ]
    return overall + (list(_slices(current, baseline, config)) if window == 1 else [])


def _compare(
    name: MetricName,
    current: Estimate | Unknown,
    baseline: Estimate | Unknown,
    *,
    checks: Checks,
    window: int,
    segment: dict[str, str] | None = None,
) -> Finding:
    subject = Subject("performance", name, window, segment or {})
    if isinstance(current, Estimate) and current.n < LEAST_ROWS:
        current = Unknown(f"fewer than {LEAST_ROWS} rows", current.n)
    if isinstance(current, Unknown):
        return unknown(subject, current, baseline=baseline)
    if isinstance(baseline, Unknown):
        return unknown(subject, Unknown(f"in the baseline, {baseline.why}", current.n))
    delta = difference(current, baseline)
    tolerance = checks.performance.get(name)
    if tolerance is None:
        return shown(subject, current, baseline, delta)
    return judged(subject, current, baseline, delta=delta, harm=_harm(name, delta, tolerance, bool(segment)))


def _harm(name: MetricName, delta: Change, tolerance: Tolerance, is_slice: bool) -> Harm:
    falls, limit = HARM[name] == "max_drop", tolerance.value
    words = f"{'fell' if falls else 'rose'} by more than the tolerated {limit:g}"
    # A slice is evidence for the night's verdict, not a page of its own.
    return Harm(delta.reversed() if falls else delta, limit, limit, words, margin=limit, pages=not is_slice)


def _slices(current: Profile, baseline: Profile, config: ModelConfig) -> Iterator[Finding]:
    for grouping in current.spec.groupings:
        if "slice" not in grouping.uses:
            continue
        for segment in current.segments(grouping.columns):
            if current.outcomes(segment).labelled < config.checks.bias.min_group:
                continue
            pairs: dict[MetricName, tuple[Estimate | Unknown, Estimate | Unknown]] = {
                "accuracy": (accuracy(current.outcomes(segment)), accuracy(baseline.outcomes(segment))),
                "brier": (
                    mean_loss(current.loss("brier", segment)),
                    mean_loss(baseline.loss("brier", segment)),
                ),
            }
            for name, (now, then) in pairs.items():
                yield _compare(name, now, then, checks=config.checks, window=1, segment=segment)
