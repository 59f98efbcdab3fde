"""The first words of a message: what kind of trouble it is, and what happened to it."""

from __future__ import annotations

from nightproof.alert_sections import Trouble
from nightproof.verdict import Incident

_TROUBLES: dict[Trouble, tuple[str, str]] = {
    "performance": ("🔴", "Regression"),
    "bias": ("🔴", "Bias"),
    "business": ("🔴", "Business metric"),
    "data": ("⛔", "Broken data"),
    "drift": ("🟡", "Drift"),
    "blind": ("⚪", "Blind"),
}
"""A sign and a word: no kind is told by its colour alone."""
_BEHIND = {"opened": "", "worsened": ", worse", "reopened": ", again", "ongoing": ", still"}


def title(incident: Incident) -> tuple[str, str]:
    """The sign, and the words such as ``Regression, worse``."""
    sign, name = _TROUBLES[incident.check]
    if incident.check == "data" and incident.metric == "validation":
        name = "Quarantined"
    if incident.event == "recovered":
        return "✅", "Recovered"
    if incident.event == "withdrawn":
        return "↩️", "Withdrawn"
    return sign, f"{name}{_BEHIND[incident.event]}"
