"""A difference: one number on two sides, with the interval of both and of what lies between them, and what it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from nightproof import words
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.dashboard.drawing.formulas import formula
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.metric_names import HARM
from nightproof.readings import key

Verdict = Literal["regressed", "worse", "better", "moved", "alike", "unknown"]
SIGNS: dict[Verdict, tuple[str, str, str]] = {
    "regressed": ("✖", "Worse than tolerated", "regression"),
    "worse": ("▲", "Worse beyond chance", "watch"),
    "moved": ("▲", "Different beyond chance", "watch"),
    "better": ("✔", "Better beyond chance", "ok"),
    "alike": ("=", "May be chance", ""),
    "unknown": ("○", "Cannot be told", "insufficient_data"),
}
"""Each verdict as a sign, words and the look of its chip; `alike`: 0 lies within the difference's interval."""
_LOWER_IS_WORSE = frozenset(("impact_ratio", "selection_rate", "tpr", "accuracy", "ppv", "npv"))
_HIGHER_IS_WORSE = frozenset(("fpr", "fnr", "mae", "calibration_error"))
_NEUTRAL = frozenset(("selection_rate", "mean_error", "impact_ratio"))


class Number(View):
    """A value on one side."""

    value: float
    low: float | None
    high: float | None
    """Ends of the 95 % interval; null where it is not told."""
    n: int | None


class Difference(View):
    """One metric on both sides."""

    metric: str
    column: str | None
    segment: dict[str, str]
    subject: str
    a: Number | None
    b: Number | None
    delta: float | None
    """The first side less the second."""
    low: float | None
    high: float | None
    """Ends of the delta's 95 % interval."""
    tolerance: float | None
    detectable: float | None
    """The smallest harmful change that this much data would have shown."""
    verdict: Verdict
    why: str
    """What keeps it from being told; empty where it is told."""
    tip: str


def differences(forward: Iterable[Finding], reverse: Iterable[Finding], config: ModelConfig) -> list[Difference]:
    """Findings of one side beside the other as differences, the worst first.

    Parameters
    ----------
    forward
        Findings of the first side, the second in the place of the baseline.
    reverse
        The same the other way round, for the second side's own intervals and rows.
    config
        For the team's own metrics, which say themselves which way is harm.
    """
    other = {key(f): f for f in reverse}
    found = [_difference(f, other.get(key(f)), config) for f in forward]
    order = list(SIGNS)
    return sorted(found, key=lambda d: (order.index(d.verdict), -_size(d), d.subject))


def _difference(f: Finding, back: Finding | None, config: ModelConfig) -> Difference:
    a = _number(f.value, f.interval, f.n)
    b = _number(back.value, back.interval, back.n) if back is not None else None
    if b is None and f.baseline is not None:
        b = _number(f.baseline, None, None)
    low, high = f.delta_interval or (None, None)
    verdict = _verdict(f, config)
    return Difference(
        metric=f.metric,
        column=f.column,
        segment=f.segment,
        subject=f.subject,
        a=a,
        b=b,
        delta=f.delta,
        low=low,
        high=high,
        tolerance=f.tolerance if is_judged(f) else None,
        detectable=f.detectable,
        verdict=verdict,
        why=_why(f, back) if verdict == "unknown" else "",
        tip=_tip(f, a, b),
    )


def worse_side(metric: str, config: ModelConfig) -> int:
    """1 where more is worse, -1 where less is, 0 where neither is by itself."""
    name = metric.removeprefix("estimated_")
    own = config.metrics.get(metric)
    harm = own.harm if own is not None else HARM.get(name)  # type: ignore[call-overload]
    if name in _NEUTRAL:
        return 0
    if harm is None:
        return 1 if name in _HIGHER_IS_WORSE else -1 if name in _LOWER_IS_WORSE else 0
    return -1 if harm == "max_drop" else 1


def _verdict(f: Finding, config: ModelConfig) -> Verdict:
    if f.value is None or f.delta is None or f.delta_interval is None:
        return "unknown"
    low, high = f.delta_interval
    if low <= 0.0 <= high:
        return "alike"
    side = worse_side(f.metric, config)
    if side == 0:
        return "moved"
    least = low if side > 0 else -high
    if least <= 0.0:
        return "better"
    return "regressed" if is_judged(f) and least > (f.tolerance or 0.0) else "worse"


def is_judged(f: Finding) -> bool:
    """Whether a finding's tolerance is of its difference: limits of groups are of the value itself."""
    return f.check in ("performance", "business") and not f.segment and f.tolerance is not None


def _size(difference: Difference) -> float:
    """By how much a difference is beyond chance: in half widths of its interval."""
    if difference.delta is None or difference.low is None or difference.high is None:
        return 0.0
    half = (difference.high - difference.low) / 2.0
    return abs(difference.delta) / half if half else 0.0


def _number(value: float | None, interval: tuple[float, float] | None, n: int | None) -> Number | None:
    if value is None:
        return None
    low, high = interval or (None, None)
    return Number(value=value, low=low, high=high, n=n)


def _why(f: Finding, back: Finding | None) -> str:
    told = f if f.value is None else back
    reason = told.reason if told is not None and told.value is None else "one side has too few rows of it"
    return words.plain(reason.replace("the baseline", "the other side"), 200)


def _tip(f: Finding, a: Number | None, b: Number | None) -> str:
    lines = [f.subject, f"A: {_told(a)}", f"B: {_told(b)}"]
    if f.delta is not None and f.delta_interval is not None:
        ends = f"{words.signed(f.delta_interval[0])} to {words.signed(f.delta_interval[1])}"
        lines.append(f"A less B: {words.signed(f.delta)}, 95 % interval {ends}")
    if is_judged(f):
        lines.append(f"Tolerated: {words.number(f.tolerance)}")
    if f.detectable is not None:
        lines.append(f"Smallest harmful change that this much data would show: {words.number(f.detectable)}")
    return "\n".join([*lines, f"Formula: {formula(f.metric)}"])


def _told(number: Number | None) -> str:
    if number is None:
        return "not known"
    ends = "" if number.low is None else f", 95 % interval {words.number(number.low)} to {words.number(number.high)}"
    return f"{words.number(number.value)}{ends}" + (f", n = {number.n:,}" if number.n is not None else "")
