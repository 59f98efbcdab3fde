"""Holding a measure of bias against its limits, as the config and the baseline set them.

A limit that the baseline already broke was accepted with the model: there, only getting worse than
the baseline is news.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Harm, Subject, judged, shown, unknown
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.sections import Limit


def held(
    subject: Subject,
    now: Estimate | Unknown,
    then: Estimate | Unknown | None,
    *,
    limit: Limit,
    equal: float,
    pages: bool,
) -> Iterator[Finding]:
    """One finding for each end of the limit; one that is shown and not judged without any.

    Parameters
    ----------
    subject
        What the value is about.
    now, then
        The value of the night and of the baseline; ``None`` where the baseline's is not used.
    limit
        The least and the most that the value may be.
    equal
        The value of groups that are served alike.
    pages
        Whether a value beyond the limit may page.
    """
    known = then if isinstance(then, Estimate) else None
    if isinstance(now, Unknown):
        yield unknown(subject, now)
        return
    delta = difference(now, known) if known else None
    bounds = [(-1, limit.min), (1, limit.max)]
    harms = [_harm(now, known, delta, sign, bound, equal=equal) for sign, bound in bounds if bound is not None]
    if not harms:
        yield shown(subject, now, known, delta)
    for harm in harms:
        yield judged(subject, now, known, delta=delta, harm=replace(harm, pages=pages))


def _harm(
    value: Estimate, known: Estimate | None, delta: Change | None, sign: int, bound: float, *, equal: float
) -> Harm:
    margin = abs(bound - equal)
    side = "under" if sign < 0 else "over"
    if known is not None and delta is not None and sign * known.value > sign * bound:
        change = delta if sign > 0 else delta.reversed()
        words = f"the baseline was {side} the limit of {bound:g} too, and this is worse still"
        return Harm(change, 0.0, bound, words, margin)
    absolute = Change(value.value, value.low, value.high)
    change = absolute if sign > 0 else absolute.reversed()
    return Harm(change, sign * bound, bound, f"{side} the limit of {bound:g}", margin)
