"""Incidents: from what regressed tonight and what was open before to what is open now.

::

            regressed            twice as bad                good nights in a row
    nothing ─────────► opened ──────────────► worsened          ┌──────────────► recovered
                          └──────► ongoing ◄──────┘ ────────────┘                    │
                                      ▲           the same trouble within some nights│
                                      └───────────────── reopened ◄──────────────────┘

What regresses on one night, or of one cause, is one incident. While it is open nothing of it pages
again unless it gets twice as bad. All of it follows from the verdict before and tonight's evidence, so a
replay of the log gives the same incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from nightproof.alert_sections import Alerts, Trouble
from nightproof.checks.finding import Finding
from nightproof.sequential.looks import WINDOWS
from nightproof.verdict import Cause, Incident, Verdict

ORDER: tuple[Trouble, ...] = ("performance", "bias", "business", "data", "drift", "blind")
"""Which of several troubles gives an incident its name."""
WORSE = 2.0
"""Times its size when it was last told of that makes an incident worse."""
SHOWN = 40
"""Subjects that an incident keeps."""
REMEMBERED = max(WINDOWS)
"""Nights that it is known at least when an incident was over, so that no look reaches back over it."""

Explain = Callable[[Finding], tuple[Cause, ...]]
"""Finds what may have brought a regression about."""
Sentence = Callable[[Finding, Sequence[Cause]], str]
"""Says what regressed, and why."""


@dataclass(frozen=True)
class Regressed:
    """One thing that regressed tonight.

    Parameters
    ----------
    finding
        As settled.
    family
        Which trouble it is.
    size
        Harm in units of its tolerance.
    since
        First night of the window that shows it most strongly.
    reference
        What it was compared with.
    """

    finding: Finding
    family: Trouble
    size: float
    since: str
    reference: str = "baseline"


@dataclass(frozen=True)
class Tonight:
    """What tonight says of incidents.

    Parameters
    ----------
    night
        Its date.
    regressed
        Worst first.
    good
        For each subject that tonight by itself can tell: whether it is within its tolerance.
    told
        Families that tonight can tell anything of.
    """

    night: date
    regressed: Sequence[Regressed] = ()
    good: Mapping[str, bool] = field(default_factory=dict)
    told: frozenset[Trouble] = frozenset()


@dataclass(frozen=True)
class Life:
    """How incidents go on over one night.

    Parameters
    ----------
    tonight
        What tonight says.
    alerts
        For ``recover_after`` and ``reopen_within``.
    explain, sentence
        Find the likely causes of a regression, and say them.
    """

    tonight: Tonight
    alerts: Alerts
    explain: Explain
    sentence: Sentence

    def after(self, previous: Verdict | None) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
        """Tonight's incidents, and those over that the same trouble would open again."""
        before = [*previous.incidents, *previous.ended] if previous else []
        over = [i for i in before if is_remembered(i, self.tonight.night, self.alerts)]
        left = list(self.tonight.regressed)
        kept: list[Incident] = []
        for incident in before:
            if incident.is_open:
                own = [found for found in left if found.family in incident.families]
                left = [found for found in left if found not in own]
                kept.append(self._continued(incident, own))
        if left:
            kept, over = self._begun(left, kept, over)
        return tuple(sorted(kept, key=lambda i: ORDER.index(i.check))), tuple(over)

    def _continued(self, incident: Incident, own: Sequence[Regressed]) -> Incident:
        """An open incident after one more night."""
        good = self._good_nights(incident, own)
        if good >= self.alerts.recover_after:
            over = {"event": "recovered", "good_nights": good, "ended": str(self.tonight.night)}
            return incident.model_copy(update=over)
        told: dict[str, object] = {
            "event": "ongoing",
            "good_nights": good,
            "findings": _subjects(incident.findings, own),
        }
        if own and good == 0:
            told |= self._about(own[0])
            size = max(found.size for found in own)
            if incident.worst is not None and size >= WORSE * incident.worst:
                told |= {"event": "worsened", "worst": size}
        return incident.model_copy(update=told)

    def _good_nights(self, incident: Incident, own: Sequence[Regressed]) -> int:
        """Good nights in a row; a night that tells nothing of it neither adds one nor ends them."""
        subjects = _subjects(incident.findings, own)
        about = [self.tonight.good[subject] for subject in subjects if subject in self.tonight.good]
        if about:
            return incident.good_nights + 1 if all(about) else 0
        # What it showed is no longer told by single nights: that its families are, and are quiet, has to do.
        loud = {found.family for found in self.tonight.regressed}
        quiet = set(incident.families) <= self.tonight.told and not loud & set(incident.families)
        return incident.good_nights + 1 if quiet else 0 if loud & set(incident.families) else incident.good_nights

    def _begun(
        self, left: Sequence[Regressed], kept: list[Incident], over: list[Incident]
    ) -> tuple[list[Incident], list[Incident]]:
        """Regressions that no open incident has: they join one of the same cause, reopen one, or open one."""
        worst = min(left, key=lambda found: ORDER.index(found.family))
        about, families = self._about(worst), _families(left)
        for place, incident in enumerate(kept):
            if incident.is_open and _same(incident.causes, about["causes"]):
                joined = tuple(dict.fromkeys([*incident.families, *families]))
                told = {"families": joined, "findings": _subjects(incident.findings, left), "good_nights": 0}
                return [*kept[:place], incident.model_copy(update=told), *kept[place + 1 :]], over
        begun = {
            "families": families,
            "worst": max(found.size for found in left),
            "good_nights": 0,
            "ended": None,
            **about,
        }
        shown = set(_subjects((), left))
        for incident in over:
            if shown & set(incident.findings) and may_reopen(incident, self.tonight.night, self.alerts):
                found = {**begun, "event": "reopened", "findings": _subjects(incident.findings, left)}
                return [*kept, incident.model_copy(update=found)], [other for other in over if other is not incident]
        name = {"id": f"{worst.family}-{self.tonight.night}", "check": worst.family, "opened": str(self.tonight.night)}
        opened = Incident.model_validate({**begun, **name, "event": "opened", "findings": _subjects((), left)})
        return [*kept, opened], over

    def _about(self, worst: Regressed) -> dict[str, Any]:
        causes = self.explain(worst.finding)
        return {
            "metric": worst.finding.metric,
            "segment": worst.finding.segment,
            "column": worst.finding.column,
            "causes": causes,
            "cause": self.sentence(worst.finding, causes),
            "since": worst.since,
            "reference": worst.reference,
        }


def may_reopen(incident: Incident, night: date, alerts: Alerts) -> bool:
    """Whether it was over so lately that the same trouble opens it again."""
    if incident.ended is None or incident.event == "withdrawn":
        return False
    return (night - date.fromisoformat(incident.ended)).days <= alerts.reopen_within


def is_remembered(incident: Incident, night: date, alerts: Alerts) -> bool:
    """Whether later verdicts ask when it was over."""
    if incident.ended is None or incident.event == "withdrawn":
        return False
    return (night - date.fromisoformat(incident.ended)).days <= max(alerts.reopen_within, REMEMBERED)


def _families(regressed: Sequence[Regressed]) -> tuple[Trouble, ...]:
    return tuple(sorted({found.family for found in regressed}, key=ORDER.index))


def _same(one: Sequence[Cause], other: Sequence[Cause]) -> bool:
    """Whether two troubles were brought about by the same thing, as far as their first causes say."""
    if not one or not other or "unknown" in (one[0].kind, other[0].kind):
        return False
    first, second = one[0], other[0]
    return (first.kind, first.columns[:1], first.segment) == (second.kind, second.columns[:1], second.segment)


def _subjects(known: Sequence[str], regressed: Sequence[Regressed]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *(found.finding.subject for found in regressed)]))[:SHOWN]
