"""From a change and a tolerance to a finding, the same way in every family.

Three answers and a doubt, from the 95 % interval of the harmful change:

* wholly within the tolerance: ``ok``;
* wholly beyond it: ``watch``, beyond what chance explains in these rows. Only nights in a row make it a
  ``regression`` (:mod:`nightproof.evidence`);
* across it, and the value is beyond: ``watch``;
* across it, and harm as large as the tolerance would not have shown: ``insufficient_data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nightproof.checks.finding import Check, Finding, Status
from nightproof.metrics.estimate import Change, Estimate, Unknown
from nightproof.words import counted, number, signed

LEAST_BOUND = 1e-6
"""Bounds of binning below this are not told."""


@dataclass(frozen=True)
class Subject:
    """What a finding is about."""

    check: Check
    metric: str
    window: int
    segment: Mapping[str, str]
    column: str | None = None


@dataclass(frozen=True)
class Harm:
    """A change counted so that more is worse, and how much of it is tolerated.

    Parameters
    ----------
    change
        The harmful change with its interval.
    limit
        What is tolerated of it.
    shown
        The tolerance as the config states it.
    words
        How a reason says it: "fell by more than 0.02".
    margin
        The smallest harm that matters: what data must be able to show to call it absent. It is
        the limit itself, unless the limit is not counted from "no harm at all".
    pages
        Whether a change beyond the limit may page; else it is a ``watch`` at most.
    doubtful
        Whether a change beyond the limit that may be chance is a ``watch`` too: not where so many things are
        looked at that some always are.
    """

    change: Change
    limit: float
    shown: float
    words: str
    margin: float
    pages: bool = True
    doubtful: bool = True


def unknown(subject: Subject, current: Unknown, *, baseline: Estimate | Unknown | None = None) -> Finding:
    """A finding whose value these rows cannot tell."""
    known = baseline.value if isinstance(baseline, Estimate) else None
    reason = f"Cannot be told from {counted(current.n, 'row')}: {current.why}."
    return _finding(subject, n=current.n, baseline=known, status="insufficient_data", reason=reason)


def shown(subject: Subject, current: Estimate, baseline: Estimate | None, delta: Change | None) -> Finding:
    """A finding that is shown and not judged: nothing is configured to hold it against."""
    moved = f", {signed(delta.value)} from the baseline" if delta else ""
    told = f"{number(current.value)}{moved}{_binned(current)}"
    reason = f"{told}; no tolerance is configured, so it is shown and not judged."
    return _finding(
        subject,
        n=current.n,
        **_compared(current, baseline, delta),
        detectable=delta.detectable() if delta else None,
        status="ok",
        reason=reason,
    )


def _binned(current: Estimate) -> str:
    """What counting by bins may have done to the value, where that is anything to speak of."""
    return f", binning may move it by up to {current.bound:.1g}" if current.bound >= LEAST_BOUND else ""


def evidence(
    subject: Subject,
    current: Estimate,
    baseline: Estimate | None,
    delta: Change | None,
    *,
    status: Status,
    reason: str,
) -> Finding:
    """A finding that its check has judged by itself, and that never pages."""
    numbers = _compared(current, baseline, delta)
    detectable = delta.detectable() if delta else None
    return _finding(subject, n=current.n, **numbers, detectable=detectable, status=status, reason=reason)


def judged(
    subject: Subject, current: Estimate, baseline: Estimate | None, *, delta: Change | None, harm: Harm
) -> Finding:
    """A finding that is held against a tolerance."""
    status, because = _told(harm)
    ends = f"{number(current.low)} to {number(current.high)}"
    moved = ""
    if delta is not None and baseline is not None:
        moved = f", {signed(delta.value)} from the baseline's {number(baseline.value)}"
    return _finding(
        subject,
        n=current.n,
        **_compared(current, baseline, delta),
        tolerance=harm.shown,
        detectable=harm.change.detectable(),
        p_value=harm.change.excess_p_value(harm.limit) if harm.pages else None,
        status=status,
        reason=f"{number(current.value)} ({ends}, n = {current.n:,}){moved}{_binned(current)}: {because}.",
    )


def _compared(current: Estimate, baseline: Estimate | None, delta: Change | None) -> dict[str, object]:
    return {
        "value": current.value,
        "interval": current.interval,
        "baseline": baseline.value if baseline else None,
        "delta": delta.value if delta else None,
        "delta_interval": delta.interval if delta else None,
    }


def status_of(harm: Harm) -> Status:
    """What a harm comes to by its interval."""
    return _told(harm)[0]


def _told(harm: Harm) -> tuple[Status, str]:
    change, limit = harm.change, harm.limit
    if change.low > limit:
        return "watch", f"{harm.words}, beyond what chance explains at 95 %"
    if change.high <= limit:
        return "ok", "within the tolerance"
    by_chance = change.value > limit
    if by_chance and harm.doubtful:
        return "watch", f"{harm.words}, but it may be chance"
    if change.detectable() > harm.margin:
        return "insufficient_data", "too few rows to tell whether it is within the tolerance"
    return "ok", f"{harm.words}, but it may be chance" if by_chance else "no sign of a change beyond the tolerance"


def _finding(subject: Subject, *, n: int, status: Status, reason: str, **numbers: object) -> Finding:
    blank = dict.fromkeys(
        ("value", "interval", "baseline", "delta", "delta_interval", "tolerance", "detectable", "p_value")
    )
    return Finding.model_validate(
        {
            **blank,
            **numbers,
            "check": subject.check,
            "metric": subject.metric,
            "column": subject.column,
            "segment": dict(subject.segment),
            "window": subject.window,
            "n": n,
            "status": status,
            "reason": reason,
        }
    )
