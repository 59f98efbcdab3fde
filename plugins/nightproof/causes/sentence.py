"""The sentence for whoever is woken: what regressed, by how much, and why."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.verdict import Cause
from nightproof.words import number

WHOLE = 0.95
"""A share beyond this is nearly all."""


def sentence(worst: Finding, causes: Sequence[Cause]) -> str:
    """What regressed and, where it can be told, why.

    Parameters
    ----------
    worst
        The finding that shows it most strongly.
    causes
        Of :func:`likely_causes`, the likeliest first; the second is told too where it is known what it explains.

    Returns
    -------
    str
        Two sentences at most four lines long: ``ROC AUC fell by 0.041 to 0.842 (tolerated 0.020). Likely cause: …``.
        Text from data is on one line and cut, and is not escaped for any markup.
    """
    told = [cause for cause in causes if cause.kind != "unknown"]
    if not told:
        return f"{_harm(worst)}. No cause stands out in the data, the labels or the version."
    text = f"{_harm(worst)}. Likely cause: {told[0].text}{_explains(told[0], 'it')}"
    if len(told) > 1 and _adds(told[0], told[1]):
        text += f"; then: {told[1].text}{_explains(told[1], '')}"
    return f"{text}."


def _harm(worst: Finding) -> str:
    window = f" over {worst.window} nights" if worst.window > 1 else ""
    if worst.value is None:
        return f"{worst.subject}{window} is beyond its tolerance"
    if worst.delta is not None and worst.check in ("performance", "business"):
        way, tolerated = "fell" if worst.delta < 0 else "rose", ""
        if worst.tolerance is not None:
            tolerated = f" (tolerated {number(worst.tolerance)})"
        return f"{worst.subject}{window} {way} by {number(abs(worst.delta))} to {number(worst.value)}{tolerated}"
    limit = "" if worst.tolerance is None else f" (the limit is {number(worst.tolerance)})"
    return f"{worst.subject}{window} is {number(worst.value)}{limit}"


def _explains(cause: Cause, what: str) -> str:
    if cause.share is None or cause.share < 0.05:
        return ""
    if not what:
        return f" (about {100 * cause.share:.0f} %)"
    much = "nearly all" if cause.share > WHOLE else f"about {100 * cause.share:.0f} %"
    return f", which explains {much} of {what}"


def _adds(first: Cause, second: Cause) -> bool:
    """Whether the second is worth a word: it says something else, and the first does not explain everything."""
    known = first.share if first.share is not None else 1.0 if first.kind == "data_fault" else 0.5
    return known < 0.8 and (second.share or 0.0) >= 0.15
