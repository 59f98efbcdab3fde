"""Holding a measure of bias against its limits, as the config and the baseline set them."""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.checks.finding import Finding
from nightproof.checks.held import bias
from nightproof.checks.judge import Subject, judged, shown, unknown
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.sections import Limit


def held(
    subject: Subject,
    now: Estimate | Unknown,
    then: Estimate | Unknown | None,
    *,
    limit: Limit,
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
    """
    known = then if isinstance(then, Estimate) else None
    if isinstance(now, Unknown):
        yield unknown(subject, now)
        return
    delta = difference(now, known) if known else None
    bounds = bias(subject.metric, limit, known.value if known else None)
    if not bounds:
        yield shown(subject, now, known, delta)
    for bound in bounds:
        yield judged(subject, now, known, delta=delta, harm=bound.harm(now, delta))
