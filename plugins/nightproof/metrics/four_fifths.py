"""The four-fifths rule with three answers, from the interval of an impact ratio.

A selection rate below four fifths of the rate of the group with the highest one "will generally be
regarded by the Federal enforcement agencies as evidence of adverse impact"; greater differences
"may not constitute adverse impact where the differences are based on small numbers and are not
statistically significant" [1]_. So the point estimate alone answers nothing: of a fair process it
falls below 0.8 for many a small group.

References
----------
.. [1] Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D).
"""

from __future__ import annotations

from typing import Literal

Answer = Literal["violation", "clear", "insufficient data"]

FOUR_FIFTHS = 0.8


def four_fifths(interval: tuple[float, float] | None) -> Answer:
    """What the 95 % interval of a ratio of selection rates says of the rule.

    Parameters
    ----------
    interval
        Its two ends, or ``None`` where the ratio is unknown.

    Returns
    -------
    Answer
        ``violation`` where all of the interval lies below 0.8; ``clear`` where all of it lies at
        0.8 or above; ``insufficient data`` where 0.8 lies within, whatever the point estimate.

    Examples
    --------
    >>> four_fifths((0.42, 0.71)), four_fifths((0.8, 1.1)), four_fifths((0.55, 0.95))
    ('violation', 'clear', 'insufficient data')
    """
    if interval is None:
        return "insufficient data"
    low, high = interval
    if high < FOUR_FIFTHS:
        return "violation"
    return "clear" if low >= FOUR_FIFTHS else "insufficient data"
