"""Groups of models that are not binary: whose error is larger, and in which direction?

For a regression each group of a protected column has its mean error (prediction less label) and its
mean absolute error, and the gap of its mean error to the reference group's; for a multiclass model
its accuracy and the gap of that. They are shown; the config sets no limit for them but
``accuracy_gap``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nightproof.checks.finding import Finding
from nightproof.checks.groups import protected_groupings, reference_group
from nightproof.checks.judge import Subject, shown, unknown
from nightproof.config import ModelConfig
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.group_error import Errors, mean_error, mean_error_gap
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile

Segment = Mapping[str, str]


def check_group_errors(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings on every group of every protected column, and of their pairs; of regression and multiclass models.

    Raises
    ------
    DataError
        If the baseline has no group to compare with.
    """
    if current.spec.task.kind not in ("regression", "multiclass"):
        return []
    settings = config.checks.bias
    return [
        finding
        for columns in protected_groupings(baseline)
        for segment in current.segments(columns)
        for finding in _group(
            current,
            baseline,
            segment,
            reference=reference_group(columns, baseline, settings),
            least=settings.min_group,
            window=window,
        )
    ]


def _group(
    current: Profile, baseline: Profile, segment: Segment, *, reference: Segment, least: int, window: int
) -> Iterator[Finding]:
    now, then = _measures(current, segment), _measures(baseline, segment)
    _, labelled = current.size(segment)
    if labelled < least:
        few = Unknown(f"fewer than {least} labelled rows, so the group is not shown", labelled)
        yield unknown(Subject("bias", next(iter(now)), window, segment), few)
        return
    known = baseline.size(segment)[1] >= least
    for name, value in now.items():
        yield _told(Subject("bias", name, window, segment), value, then[name] if known else None)
    if segment != reference:
        name = "mean_error_gap" if current.spec.task.kind == "regression" else "accuracy_gap"
        own, other = _gap(current, segment, reference), _gap(baseline, segment, reference) if known else None
        yield _told(Subject("bias", name, window, segment), own, other)


def _told(subject: Subject, now: Estimate | Unknown, then: Estimate | Unknown | None) -> Finding:
    if isinstance(now, Unknown):
        return unknown(subject, now, baseline=then)
    if not isinstance(then, Estimate):
        return shown(subject, now, None, None)
    return shown(subject, now, then, difference(now, then))


def _measures(profile: Profile, segment: Segment) -> dict[str, Estimate | Unknown]:
    if profile.spec.task.kind == "regression":
        absolute = mean_loss(profile.loss("absolute", segment))
        return {"mean_error": mean_error(_errors(profile, segment)), "mae": absolute}
    return {"accuracy": _accuracy(profile, segment)}


def _accuracy(profile: Profile, segment: Segment) -> Estimate | Unknown:
    table = profile.confusion(segment)
    return wilson(float(np.trace(table)), float(table.sum()), nothing="no row has a label yet")


def _gap(profile: Profile, segment: Segment, reference: Segment) -> Estimate | Unknown:
    _, n = profile.size(segment)
    if profile.spec.task.kind == "regression":
        gap = mean_error_gap(_errors(profile, segment), _errors(profile, reference))
        return Estimate(gap.value, gap.low, gap.high, n) if isinstance(gap, Change) else gap
    own, other = _accuracy(profile, segment), _accuracy(profile, reference)
    if isinstance(own, Unknown):
        return own
    if isinstance(other, Unknown):
        return Unknown(f"in the reference group, {other.why}", n)
    less = difference(other, own)
    return Estimate(less.value, less.low, less.high, n)


def _errors(profile: Profile, segment: Segment) -> Errors:
    """Sums of a group's errors; where rows are weighed, those of as many rows as would tell as much."""
    loss = profile.loss("error", segment)
    if loss.weight is None or loss.weight_squared is None or loss.cross is None or not loss.weight:
        return Errors(loss.n, loss.total, loss.total_squared)
    n, mean = round(loss.weight**2 / loss.weight_squared), loss.total / loss.weight
    spread = loss.total_squared - 2.0 * mean * loss.cross + mean**2 * loss.weight_squared
    variance = max(0.0, spread / loss.weight_squared)
    return Errors(n, n * mean, n * (variance + mean**2))
