"""The drift family: have the inputs or the scores moved away from the baseline?

Drift alone is evidence, not harm, so nothing here pages; a feature that stops arriving does show as
a watch on the night it happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Harm, Subject, judged, unknown
from nightproof.config import ModelConfig
from nightproof.metrics.divergence import psi
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile


def check_drift(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Shift, missing rate and unknown values of each feature, and the shift of the score."""
    spec = current.spec
    columns = [spec.score, *(name for name in (*spec.numeric, *spec.categorical) if name != spec.score)]
    return [
        finding for column in columns for finding in _column(column, current, baseline, config=config, window=window)
    ]


def _column(column: str, current: Profile, baseline: Profile, *, config: ModelConfig, window: int) -> Iterator[Finding]:
    limits = config.checks.drift
    yield _shift(column, current, baseline, limit=limits.min_effect, window=window)
    if column != current.spec.score:
        subject = Subject("drift", "missing_rate", window, {}, column)
        now = wilson(current.missing(column), _rows(current, column))
        then = wilson(baseline.missing(column), _rows(baseline, column))
        yield _rise(subject, now, then, limit=limits.max_missing_rise, words="is missing in more rows")
    if column in current.spec.categorical:
        subject = Subject("drift", "unseen_rate", window, {}, column)
        now, then = _unseen(current, column), _unseen(baseline, column)
        named = ", ".join(list(current.unseen(column))[:3])
        words = f"has values that the baseline does not know ({named}) in more rows"
        yield _rise(subject, now, then, limit=limits.max_unseen_rise, words=words)


def _rows(profile: Profile, column: str) -> int:
    return profile.missing(column) + int(profile.bins(column).sum())


def _unseen(profile: Profile, column: str) -> Estimate | Unknown:
    bins = profile.bins(column)
    return wilson(int(bins[-1]), int(bins.sum()), nothing="no row has a value")


def _shift(column: str, current: Profile, baseline: Profile, *, limit: float, window: int) -> Finding:
    subject = Subject("drift", "psi", window, {}, column)
    found = psi(current.bins(column), baseline.bins(column))
    if isinstance(found, Unknown):
        return unknown(subject, found)
    estimate, _ = found
    words = f"its distribution shifted by more than {limit:g}"
    # Where the interval begins at 0 its lower arm is cut off, and the upper one tells the spread.
    low = estimate.low or 2 * estimate.value - estimate.high
    change = Change(estimate.value, low, estimate.high)
    return judged(
        subject, estimate, None, delta=None, harm=Harm(change, limit, limit, words, margin=limit, pages=False)
    )


def _rise(
    subject: Subject, current: Estimate | Unknown, baseline: Estimate | Unknown, *, limit: float, words: str
) -> Finding:
    if isinstance(current, Unknown):
        return unknown(subject, current, baseline=baseline)
    if isinstance(baseline, Unknown):
        baseline = Estimate(0.0, 0.0, 0.0, 0)
    delta = difference(current, baseline)
    words = f"{words} than the tolerated rise of {limit:g}"
    harm = Harm(delta, limit, limit, words, margin=limit, pages=False)
    return judged(subject, current, baseline, delta=delta, harm=harm)
