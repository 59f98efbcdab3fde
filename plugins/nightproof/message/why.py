"""Why it happened, in at most three lines."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.message.blocks import plain
from nightproof.message.claims import evidence
from nightproof.verdict import Cause, Incident

SHOWN = 3


def why(incident: Incident, findings: Sequence[Finding]) -> str:
    """The likeliest causes, the first in words, each with its share; and what moved beside it.

    Empty where an incident is its own cause: data that failed validation, or too little of it.
    """
    if incident.metric == "validation" or incident.check == "blind":
        return ""
    causes = [cause for cause in incident.causes if cause.kind != "unknown"][:SHOWN]
    if causes:
        lines = [f"*Likely cause:* {_said(causes[0])}", *(f"• {_said(cause)}" for cause in causes[1:])]
    else:
        # Broken data and drift are causes themselves.
        unknown = incident.check in ("performance", "bias", "business")
        lines = ["*Likely cause:* nothing stands out in the data, the labels or the version"] if unknown else []
    beside = _beside(incident, findings)
    return "\n".join([*lines, *([f"Moved beside it: {beside}"] if beside else [])])


def first_cause(incident: Incident) -> str:
    """The likeliest cause as a sentence for a notification; empty where none is known."""
    known = [cause for cause in incident.causes if cause.kind != "unknown"]
    return f"Likely cause: {plain(known[0].text, 300)}." if known else ""


def _said(cause: Cause) -> str:
    share = "" if cause.share is None or cause.share < 0.05 else f", which explains {_share(cause.share)}"
    return f"{plain(cause.text, 400)}{share}"


def _share(share: float) -> str:
    return "nearly all of it" if share > 0.95 else f"{100 * share:.0f}\u00a0% of it"


def _beside(incident: Incident, findings: Sequence[Finding]) -> str:
    """Features that drifted and that no line above names."""
    named = {column for cause in incident.causes for column in cause.columns} | {incident.column}
    moved: dict[str | None, Finding] = {}
    for found in findings:
        if found.check == "drift" and found.status == "watch" and found.column not in named:
            moved.setdefault(found.column, found)
    if not moved or incident.check == "drift":
        return ""
    shown = [evidence(found) for found in list(moved.values())[:SHOWN]]
    more = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
    return ", ".join(shown) + more
