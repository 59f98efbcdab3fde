"""Whether a fault was found, when, by what, and whether its cause was named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightproof.verdict import Cause, Incident

from benchmarks.faults.catalogue import WITHIN
from benchmarks.faults.fault import Fault
from benchmarks.faults.told import Told

CAUSES = 2
"""How many of an incident's causes an engineer is expected to read."""


@dataclass(frozen=True)
class Harm:
    """What a fault truly does, measured by scikit-learn on the rows of its nights.

    Parameters
    ----------
    roc_auc, brier
        Without the fault, and with it.
    """

    roc_auc: tuple[float, float]
    brier: tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """What became of a fault.

    Parameters
    ----------
    fault, begins
        What was injected, and from which night on.
    night
        On which of its nights it was found, 1 for its first; ``None`` if never.
    by
        What was told on that night, in a few words.
    cause
        The first cause that was told, as it was told; empty if none was.
    is_right
        Whether the right cause is among the first of an incident told on that night.
    drift_night
        On which of its nights drift of an expected column was shown, told or not; ``None`` if never.
    harm
        What it truly does.
    """

    fault: Fault
    begins: str
    night: int | None
    by: str
    cause: str
    is_right: bool
    drift_night: int | None
    harm: Harm | None = None

    @property
    def in_time(self) -> bool:
        """Whether it was found as soon as it should be."""
        return self.night is not None and self.night <= WITHIN


def outcome(fault: Fault, nights: Sequence[Told], clean: Mapping[str, Told]) -> Outcome:
    """Score one fault.

    A night finds the fault if it pages and the same night without the fault does not.

    Parameters
    ----------
    nights
        The fault's nights, its first one first.
    clean
        The same nights, and any others, with nothing injected.
    """
    finding = [number for number, told in enumerate(nights, start=1) if _is_news(told, clean)]
    drifted = [number for number, told in enumerate(nights, start=1) if set(told.moved) & fault.columns]
    begins, drift_night = nights[0].night, drifted[0] if drifted else None
    if not finding:
        return Outcome(fault, begins, None, "", "", is_right=False, drift_night=drift_night)
    told = nights[finding[0] - 1]
    causes = [cause for incident in told.pages for cause in incident.causes[:CAUSES]]
    return Outcome(
        fault,
        begins,
        finding[0],
        by="; ".join(_by(incident, told) for incident in told.pages),
        cause="; ".join(f"{cause.kind}: {cause.text}" for cause in causes[:CAUSES]),
        is_right=is_named(fault, told, causes),
        drift_night=drift_night,
    )


def is_named(fault: Fault, told: Told, causes: Sequence[Cause]) -> bool:
    """Whether the right cause was told; of a quarantined night, whether a failed expectation names the column."""
    if told.verdict.status == "quarantined":
        return bool(set(told.broken) & fault.columns)
    return any(fault.is_named_by(cause) for cause in causes)


def _is_news(told: Told, clean: Mapping[str, Told]) -> bool:
    beside = clean.get(told.night)
    return bool(told.pages) and not (beside and beside.pages)


def _by(incident: Incident, told: Told) -> str:
    if told.verdict.status == "quarantined" and incident.check == "data":
        return f"quarantine ({', '.join(dict.fromkeys(told.broken)) or 'the table'})"
    about = " ".join(filter(None, [incident.metric, incident.column]))
    where = " where " + " and ".join(f"{k} is {v}" for k, v in incident.segment.items()) if incident.segment else ""
    return f"{incident.check}: {about}{where}"
