"""Re-judging: what later or corrected labels make of incidents that were told of before.

Two questions, both answered by verdicts of the record alone:

- a night that is evaluated again (:func:`rejudged`): which incidents that its earlier evaluation had begun
  were nothing, which have the new one too, and which had begun earlier than was known;
- a night that follows revised ones (:func:`as_known`): what was open before it, as is known now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightproof.checks.finding import Finding
from nightproof.snapshot import LabelState
from nightproof.verdict import Event, Incident, Verdict
from nightproof.words import subject

BEGUN: tuple[Event, ...] = ("opened", "reopened")
"""Events that begin an incident on a night."""
SEEN_ON = " It is seen on "
"""What stands in a cause before the labels that showed it, where the evaluation before did not."""


@dataclass(frozen=True)
class Revision:
    """What a night's verdict takes the place of, and what the nights after it say.

    Parameters
    ----------
    supersedes
        Id of the night's evaluation before this one.
    superseded
        Its verdict.
    later
        Latest verdicts of the nights after it, rising.
    known_at
        UTC instant at which the night's data was listed this time, ISO 8601.
    labels
        Whether labels may still come after that instant.
    rows, labelled
        Rows and labelled ones this time; ``None`` where the night is quarantined.
    labelled_before
        Labelled rows in the evaluation before; ``None`` where that was quarantined.
    is_same_data
        Whether both were made of the same objects: then it is the config, the suite or the code that changed.
    """

    supersedes: str
    superseded: Verdict
    later: Sequence[Verdict] = ()
    known_at: str = ""
    labels: LabelState = "final"
    rows: int | None = None
    labelled: int | None = None
    labelled_before: int | None = None
    is_same_data: bool = False

    @property
    def basis(self) -> str:
        """What it stands on: ``the labels known by 2013-10-26 (1,040 of 1,050 rows; 320 before)``."""
        if self.is_same_data:
            return "the same data, by another config or version"
        when = f" known by {self.known_at[:10]}" if self.known_at else ""
        if self.rows is None or self.labelled is None:
            return f"the data{when}"
        before = "none were evaluated" if self.labelled_before is None else f"{self.labelled_before:,}"
        return f"the labels{when} ({self.labelled:,} of {self.rows:,} rows; {before} before)"


def rejudged(verdict: Verdict, revision: Revision | None, *, findings: Sequence[Finding] = ()) -> Verdict:
    """A night's verdict beside the one that it takes the place of.

    Parameters
    ----------
    verdict
        As tonight's evidence and the nights before give it.
    revision
        ``None`` for a night's first evaluation, whose verdict stays as it is.
    findings
        As settled, worst first; they say whether what is withdrawn is within its tolerance.

    Returns
    -------
    Verdict
        Incidents that both have keep their ids. What only the earlier one had begun is ``withdrawn``, unless the
        nights after show it by themselves, or this evaluation cannot tell.
    """
    if revision is None:
        return verdict
    had = [found for found in revision.superseded.incidents if found.event in BEGUN]
    incidents = [_known_as(found, had, revision) for found in verdict.incidents]
    names = {found.id for found in incidents}
    lost = [_lost(found, verdict, revision, findings) for found in had if found.id not in names]
    state = "final" if revision.labels == "final" else "provisional"
    return verdict.model_copy(
        update={
            "supersedes": revision.supersedes,
            "incidents": (*incidents, *lost),
            "headline": f"{verdict.headline} Revised on {revision.basis}: {state}.",
        }
    )


def _known_as(found: Incident, had: Sequence[Incident], revision: Revision) -> Incident:
    """An incident of the new verdict under the name that it was told by."""
    if found.event not in BEGUN:
        return found
    withdrawn = any(i.id == found.id and i.event == "withdrawn" for i in revision.superseded.incidents)
    if withdrawn:
        # It was told, and withdrawn: it comes again.
        return found.model_copy(update={"event": "reopened", "cause": _late(found, revision)})
    if any(known.id == found.id for known in had):
        return found
    for known in had:
        if _same(known, found):
            return found.model_copy(update={"id": known.id, "event": known.event, "opened": known.opened})
    if (after := _begun_later(found, revision.later)) is not None:
        told = {"id": after.id, "event": "ongoing", "opened": after.opened, "check": after.check}
        return found.model_copy(update=told)
    return found.model_copy(update={"cause": _late(found, revision)})


def _late(found: Incident, revision: Revision) -> str:
    return f"{found.cause}{SEEN_ON}{revision.basis}."


def _begun_later(found: Incident, later: Sequence[Verdict]) -> Incident | None:
    """The same trouble, told first on a night after which nothing between says that it was over."""
    for verdict in later:
        for incident in verdict.incidents:
            if incident.event in BEGUN and _same(incident, found):
                return incident
        if verdict.status == "ok":
            return None
    return None


def _lost(known: Incident, verdict: Verdict, revision: Revision, findings: Sequence[Finding]) -> Incident:
    """What only the earlier verdict had begun: withdrawn, or open as it was."""
    if _goes_on(known, revision.later):
        text = f"{known.cause} On {revision.basis} this night does not show it; nights after it do."
        return known.model_copy(update={"cause": text})
    if not _can_tell(known, verdict, findings):
        text = f"{known.cause} {revision.basis[:1].upper()}{revision.basis[1:]} cannot tell whether it was so."
        return known.model_copy(update={"cause": text})
    text = f"Withdrawn: on {revision.basis} {_within(known, findings)}."
    update = {"event": "withdrawn", "ended": verdict.night, "cause": text, "causes": (), "good_nights": 0}
    return known.model_copy(update=update)


def _goes_on(known: Incident, later: Sequence[Verdict]) -> bool:
    """Whether any night after it was not good for it."""
    told = [(place, i) for place, verdict in enumerate(later, start=1) for i in verdict.incidents if i.id == known.id]
    return bool(told) and told[-1][1].good_nights < told[-1][0]


def _can_tell(known: Incident, verdict: Verdict, findings: Sequence[Finding]) -> bool:
    """Whether the new evaluation has anything to say of it at all."""
    if verdict.status == "quarantined" or (known.check == "blind" and verdict.status == "insufficient_data"):
        return False
    # Of broken data a finding may be there only while it is broken.
    return known.check in ("data", "blind") or any(found.value is not None for found in _about(known, findings))


def _about(known: Incident, findings: Sequence[Finding]) -> list[Finding]:
    about = subject(known.metric, known.column, known.segment)
    return [found for found in findings if found.subject == about and found.reference == "baseline"]


def _within(known: Incident, findings: Sequence[Finding]) -> str:
    if known.metric == "validation":
        return "the night's data passes validation"
    if known.check == "blind":
        return "there are enough labelled rows to tell how good the model is"
    about = subject(known.metric, known.column, known.segment)
    is_within = all(found.status == "ok" for found in _about(known, findings))
    return f"{about} is within its tolerance" if is_within else f"{about} is not surely beyond its tolerance"


def _same(one: Incident, other: Incident) -> bool:
    """Whether two incidents are of the same trouble."""
    return bool(set(one.families) & set(other.families) and set(one.findings) & set(other.findings))


@dataclass(frozen=True)
class Late:
    """A revision of an earlier night that the verdict of the night before did not know.

    Parameters
    ----------
    verdict
        Of the revision.
    stood_on
        Of the evaluation of the same night that the verdict before stood on instead.
    """

    verdict: Verdict
    stood_on: Verdict


def as_known(previous: Verdict, late: Sequence[Late], *, blind_nights: int) -> Verdict:
    """The verdict of the night before, with what revisions made since say of its incidents.

    Parameters
    ----------
    previous
        The latest verdict of the night before.
    late
        Revisions that it did not stand on, nights rising.
    blind_nights
        Nights in a row that told nothing, ``previous`` the last, as is known now.
    """
    if not late:
        return previous
    found = {i.id: i for i in previous.incidents}
    over = {i.id: i for i in previous.ended}
    adopted: set[str] = set()
    for one in late:
        stood_on = {i.id for i in one.stood_on.incidents}
        for incident in one.verdict.incidents:
            if incident.event == "withdrawn":
                _drop(incident, found, over, ended=one.verdict.ended)
                adopted.discard(incident.id)
            elif incident.id in adopted or _is_new(incident, stood_on, found, over):
                adopted.add(incident.id)
                found[incident.id] = _adopted(incident)
    blind = min(previous.blind_nights, blind_nights)
    update = {"incidents": tuple(found.values()), "ended": tuple(over.values()), "blind_nights": blind}
    return previous.model_copy(update=update)


def _drop(
    incident: Incident, found: dict[str, Incident], over: dict[str, Incident], *, ended: Sequence[Incident]
) -> None:
    """Forget what was withdrawn; one that had come again is over since when it first was."""
    found.pop(incident.id, None)
    over.pop(incident.id, None)
    over.update({i.id: i for i in ended if i.id == incident.id})


def _is_new(
    incident: Incident, stood_on: set[str], found: Mapping[str, Incident], over: Mapping[str, Incident]
) -> bool:
    known = incident.id in stood_on or incident.id in found or incident.id in over
    return incident.event in BEGUN and not known


def _adopted(incident: Incident) -> Incident:
    return incident.model_copy(update={"event": "ongoing"}) if incident.is_open else incident
