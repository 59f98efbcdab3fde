"""Why a night is as it is, and whether to believe it: its incidents in sentences, and what the verdict stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from nightproof import words
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_pages.findings_table import FindingLine, line_of
from nightproof.dashboard.night_pages.night_record import Papers
from nightproof.dashboard.source import Place
from nightproof.dashboard.standing import mute_of
from nightproof.night import Night
from nightproof.verdict import Event, Incident

EVENTS: dict[Event, str] = {
    "opened": "new tonight",
    "ongoing": "still open",
    "worsened": "got worse tonight",
    "recovered": "over since tonight",
    "reopened": "came back tonight",
    "withdrawn": "withdrawn: labels that came later show that there was nothing",
}
KINDS = {
    "data_fault": "A column is broken",
    "new_version": "Another model version",
    "mix": "Other rows than before",
    "concept": "Rows like before mean something else",
    "label_shift": "The labels' rate moved",
    "unknown": "Not known",
}
LONG = 600


class CauseTold(View):
    """One thing that may have brought an incident about."""

    kind: str
    text: str
    share: float | None
    """Share of the harm that it explains, 0 to 1; null where that cannot be told."""


class IncidentTold(View):
    """An incident as a night saw it."""

    incident: Incident
    event: str
    """What happened to it on this night, in words."""
    cause: str
    """One sentence."""
    since: str
    """The night from which on the harm is seen."""
    nights: int
    """From that night to this one, both counted."""
    compared_with: str
    """The baseline, as a rule; empty where nothing was compared."""
    causes: tuple[CauseTold, ...]
    evidence: FindingLine | None
    """The finding that shows it most strongly tonight; null where there is none."""
    recovery: str
    """What is needed until it is over, and how much of that there is; empty where it is over."""
    muted: str
    """Until when nobody is told of it, and why; empty where it is not muted."""


class Fact(View):
    """One thing that a verdict stands on."""

    name: str
    text: str
    tip: str = ""


class Belief(View):
    """Whether to believe a verdict."""

    answer: str
    """One or two sentences."""
    facts: tuple[Fact, ...]


def incidents_told(
    papers: Papers, place: Place, config: ModelConfig | None, harms: Mapping[str, str]
) -> tuple[IncidentTold, ...]:
    """The incidents of a night's verdict: open ones first, the worst first.

    Parameters
    ----------
    place
        The model's, whose mutes of now are looked up.
    config
        As it was on that night; ``None`` where it can no longer be read.
    harms
        See :func:`~nightproof.dashboard.night_pages.findings_table.held`.
    """
    found = sorted(papers.verdict.incidents, key=lambda i: (not i.is_open, -(i.worst or 0.0), i.id))
    return tuple(_told(incident, papers, place, config, harms) for incident in found)


def _told(
    incident: Incident, papers: Papers, place: Place, config: ModelConfig | None, harms: Mapping[str, str]
) -> IncidentTold:
    night, since = papers.verdict.night, incident.since or incident.opened
    evidence = main_finding(incident, papers.findings or ())
    mute = mute_of(
        place, incident, Night.parse(night, config.data.label_delay if config else timedelta(0)).matures_at.date()
    )
    return IncidentTold(
        incident=incident,
        event=EVENTS[incident.event],
        cause=words.plain(incident.cause, LONG),
        since=since,
        nights=max(1, (date.fromisoformat(night) - date.fromisoformat(since)).days + 1),
        compared_with="" if incident.metric == "validation" else words.plain(incident.reference),
        causes=tuple(
            CauseTold(kind=KINDS[cause.kind], text=words.plain(cause.text, LONG), share=cause.share)
            for cause in incident.causes
        ),
        evidence=None if evidence is None else line_of(evidence[1], evidence[0], harms),
        recovery=_recovery(incident, config),
        muted=f"Muted until {mute.until}: {words.plain(mute.reason, LONG)}" if mute else "",
    )


def main_finding(incident: Incident, findings: Sequence[Finding]) -> tuple[int, Finding] | None:
    """The finding that shows an incident most strongly, through the shortest window that has it, with its place."""
    about = [
        (place, f)
        for place, f in enumerate(findings)
        if (f.metric, f.column, f.segment) == (incident.metric, incident.column, incident.segment)
    ]
    return min(about, key=lambda pair: _shown_most(pair[1], incident), default=None)


def _shown_most(finding: Finding, incident: Incident) -> tuple[bool, bool, bool, int]:
    other_reference = finding.reference != incident.reference
    return finding.value is None, finding.status != "regression", other_reference, finding.window


def _recovery(incident: Incident, config: ModelConfig | None) -> str:
    if not incident.is_open:
        return ""
    needed = words.counted(config.alerts.recover_after, "good night") if config else "enough good nights"
    if not incident.good_nights:
        return f"{needed} in a row; the last night was none."
    return f"{needed} in a row; {incident.good_nights} so far."


def belief(papers: Papers, config: ModelConfig | None, harms: Mapping[str, str]) -> Belief:
    """What the verdict stands on, and what that is worth."""
    main = _primary(papers)
    return Belief(answer=" ".join(_answer(papers, main, config)), facts=tuple(_facts(papers, main, config, harms)))


def _primary(papers: Papers) -> Finding | None:
    """The number that stands for the night: that of its first open incident, or the first that is judged tonight."""
    findings = papers.findings or ()
    for incident in papers.verdict.incidents:
        if incident.is_open and (found := main_finding(incident, findings)) is not None:
            return found[1]
    judged = [f for f in findings if f.check == "performance" and not f.segment and f.tolerance is not None]
    return next((f for f in judged if f.window == 1), next(iter(judged), None))


def _answer(papers: Papers, main: Finding | None, config: ModelConfig | None) -> Iterator[str]:
    verdict, manifest = papers.verdict, papers.manifest
    if papers.torn:
        yield "No: what is stored is not what was published. Run nightproof verify before anything else."
        return
    if verdict.status == "quarantined":
        yield "That the data failed validation is certain; how good the model was tonight is not known."
        return
    if papers.findings is None:
        yield f"The verdict stands, but its numbers can no longer be looked at. {papers.without}"
        return
    provisional = manifest.labels == "provisional"
    if verdict.status == "insufficient_data":
        yield "Nothing can be believed either way: too little labelled data came to tell."
    elif verdict.regressions:
        budget = f" ({config.alerts.false_alarms})" if config else ""
        yield (
            "Yes: it is more than chance and the usual differences between nights explain, within the budget of false "
            f"alarms{budget}."
        )
    elif any(incident.is_open for incident in verdict.incidents):
        yield (
            "Nothing regressed tonight by itself. What was open before stays open until enough good nights follow each "
            "other."
        )
    elif verdict.watches:
        yield "Nothing is sure enough to page; what is on watch may be chance."
    else:
        yield "Nothing regressed, as far as this much data can show."
    if main is not None and main.detectable is not None and not verdict.regressions:
        yield (
            f"The data behind {main.subject} shows a harmful change of {words.number(main.detectable)} or more; a "
            "smaller one could go unseen."
        )
    if provisional:
        yield "Its labels are provisional: the night is told again when more of them are there."


def _facts(
    papers: Papers, main: Finding | None, config: ModelConfig | None, harms: Mapping[str, str]
) -> Iterator[Fact]:
    manifest, verdict = papers.manifest, papers.verdict
    if main is not None:
        yield from _of_number(main, papers, harms)
    if manifest.rows is not None and manifest.labelled is not None:
        yield Fact(
            name="Rows with a label",
            text=f"{manifest.labelled:,} of {manifest.rows:,}{_share(manifest.labelled, manifest.rows)}",
            tip=_coverage(papers),
        )
    yield Fact(name="Labels", text=_labels(papers, config))
    yield Fact(
        name="False alarms accepted",
        text=config.alerts.false_alarms if config else f"{verdict.false_alarm_level:.3g} a night",
        tip="The config's budget: the expected number of false pages, over all metrics, groups and windows together.",
    )
    yield Fact(
        name="Blind nights",
        text=f"{words.counted(verdict.blind_nights, 'night')} in a row" if verdict.blind_nights else "none",
        tip="Nights in a row, this the last, on which too little data was there to tell anything.",
    )
    yield Fact(
        name="Stands on",
        text=words.counted(len(verdict.history), "earlier night"),
        tip="Evaluations of earlier nights, from which it is known how much nights differ from each other anyhow.",
    )
    if verdict.steps_left_out:
        yield Fact(name="Steps left out", text=", ".join(words.plain(step) for step in verdict.steps_left_out))


def _of_number(main: Finding, papers: Papers, harms: Mapping[str, str]) -> Iterator[Fact]:
    line = line_of(main, 0, harms)
    window = "" if main.window == 1 else f" through {main.window} nights"
    yield Fact(
        name=f"{main.subject}{window}", text=f"{words.number(main.value)}{_between(main.interval)}", tip=line.tip
    )
    yield Fact(name="Rows (n)", text=f"{main.n:,}", tip="Rows that this number stands on.")
    if main.baseline is not None:
        change = (
            f", {words.signed(main.delta)}{_between(main.delta_interval)} from it" if main.delta is not None else ""
        )
        yield Fact(
            name=f"Compared with the {words.plain(main.reference)}", text=f"{words.number(main.baseline)}{change}"
        )
    yield Fact(name="Held against", text=line.held)
    if main.p_value is not None:
        yield Fact(
            name="p-value",
            text=words.number(main.p_value),
            tip="How probable evidence this strong would be without harm beyond what is tolerated, through all windows "
            "and with how much nights differ.",
        )
    if main.detectable is not None:
        yield Fact(
            name="Smallest change it can show",
            text="; ".join(_detectable(main, papers.findings or ())),
            tip="The smallest harmful change that this much data shows with 80 % power. A smaller one may go unseen.",
        )


def _detectable(main: Finding, findings: Sequence[Finding]) -> Iterator[str]:
    yield words.number(main.detectable)
    same = (main.check, main.metric, main.column, main.segment, main.reference)
    longer = [
        f
        for f in findings
        if (f.check, f.metric, f.column, f.segment, f.reference) == same and f.window > main.window and f.detectable
    ]
    if longer:
        longest = max(longer, key=lambda f: f.window)
        yield f"{words.number(longest.detectable)} through {longest.window} nights"


def _coverage(papers: Papers) -> str:
    found = next(
        (f for f in papers.findings or () if f.metric == "label_coverage" and not f.segment and f.window == 1), None
    )
    return words.plain(found.reason, LONG) if found else ""


def _labels(papers: Papers, config: ModelConfig | None) -> str:
    if papers.manifest.labels == "final":
        return "final"
    until = labels_until(papers.manifest.night, config)
    return f"provisional, may come until {until:%Y-%m-%d %H:%M} UTC" if until else "provisional: more may come"


def labels_until(night: str, config: ModelConfig | None) -> datetime | None:
    """Until when labels of a night may come; ``None`` where the config can no longer be read."""
    return Night.parse(night).end + config.data.matures_after if config else None


def _share(part: int, whole: int) -> str:
    return f" ({words.percent(part / whole)})" if whole else ""


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({words.number(interval[0])} to {words.number(interval[1])})"
