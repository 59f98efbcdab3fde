"""The message of what happened to one incident on one night."""

from __future__ import annotations

from nightproof.alert_sections import Mute
from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.message.blocks import (
    Block,
    Message,
    buttons,
    context,
    fenced,
    header,
    heading,
    image,
    link,
    listed,
    mention,
    message,
    plain,
    section,
)
from nightproof.message.claims import between, claim, line, main_finding, others, proof, value
from nightproof.message.expectations import expectations
from nightproof.message.facts import facts, labels_state, lasted, since
from nightproof.message.links import Links
from nightproof.message.titles import title
from nightproof.message.why import first_cause, why
from nightproof.mute import lines_to_mute
from nightproof.rejudge import SEEN_ON
from nightproof.verdict import PAGES, Incident
from nightproof.words import counted

SHOWN = 5
"""Further findings listed; the report has them all."""
IN_WORDS = {
    "incident": "incident",
    "night": "night",
    "data docs": "Data Docs",
    "report": "report",
    "model": "model's page",
    "run": "Airflow run",
}
"""What a page is called in the small print."""
BUTTONS = 3
"""That fit below each other on a phone without hiding what was said."""


def compose(
    incident: Incident,
    evaluation: Evaluation,
    links: Links,
    *,
    chart: str | None = None,
    muted: Mute | None = None,
    mention: str | None = None,
) -> Message:
    """The message of an incident's event on one night.

    Parameters
    ----------
    incident
        With its event.
    evaluation
        Of the night of the event.
    links
        Where the reader can look.
    chart
        Id of an uploaded image; without it there is no image, and nothing else changes.
    muted
        The mute that is about the incident: it is said, and nobody is mentioned.
    mention
        Id of a user or a user group; mentioned by pages alone.
    """
    told = _Told(incident, evaluation, links, chart=chart, muted=muted, mention=mention)
    if incident.event == "ongoing":
        return told.ongoing()
    if incident.event == "withdrawn":
        return told.withdrawn()
    return told.recovered() if incident.event == "recovered" else told.news()


class _Told:
    """One message in the making."""

    def __init__(
        self,
        incident: Incident,
        evaluation: Evaluation,
        links: Links,
        *,
        chart: str | None,
        muted: Mute | None,
        mention: str | None,
    ) -> None:
        self.incident, self.evaluation, self.links = incident, evaluation, links
        self.chart, self.muted = chart, muted
        self.main = main_finding(incident, evaluation.findings)
        self.loud = evaluation.config.alerts.severity_of(incident.check) == "page" and incident.event in PAGES
        self.mention = mention if self.loud and muted is None else None
        sign, words = title(incident)
        self.heading = heading(sign, f"{words}: {evaluation.config.model}, {evaluation.night}")

    def news(self) -> Message:
        """Opened, worsened or opened again: all that somebody needs who was just woken."""
        claimed, proved = self.claim()
        blocks = [header(self.heading), section(self.said(claimed, proved)), *self.image()]
        blocks += [section(text) for text in [why(self.incident, self.evaluation.findings)] if text]
        blocks += [section("   ·   ".join(facts(self.incident, self.evaluation, self.main)))]
        blocks += [section(text) for text in [self.details()] if text]
        blocks += [*self.actions(), self.small_print()]
        blocks += self.how_to_mute()
        return message(self.heading, f"{claimed}. {first_cause(self.incident)}".rstrip(), blocks)

    def ongoing(self) -> Message:
        """A short reply in the incident's thread."""
        stands = self.standing()
        lines = [f"*{plain(self.heading, 150)}*", stands, f"Seen since {since(self.incident, self.evaluation)}."]
        blocks = [section("\n".join(lines)), *self.image(), *self.muted_line(), *self.actions()]
        return message(self.heading, stands, blocks)

    def recovered(self) -> Message:
        """It is over: how well things are again, and how long it was."""
        over = self.over()
        was = ", ".join(plain(name) for name in self.incident.findings[:SHOWN])
        more = f" and {len(self.incident.findings) - SHOWN} more" if len(self.incident.findings) > SHOWN else ""
        lasting = lasted(self.incident, self.evaluation.night.date)
        said = f"*{over}*\n{lasting[0].upper()}{lasting[1:]}. What had been wrong: {was or 'what was told'}{more}."
        blocks = [header(self.heading), section(said), *self.image(), *self.actions(), self.small_print()]
        return message(self.heading, f"{over} {lasting[0].upper()}{lasting[1:]}.", blocks)

    def withdrawn(self) -> Message:
        """Labels that came later, or were corrected, show that there was nothing."""
        sentence = self.incident.cause.removeprefix("Withdrawn: ").rstrip(".")
        claimed = plain(f"{sentence[:1].upper()}{sentence[1:]}", 600)
        told = ", ".join(plain(name) for name in self.incident.findings[:SHOWN])
        more = f" and {len(self.incident.findings) - SHOWN} more" if len(self.incident.findings) > SHOWN else ""
        state = plain(labels_state(self.evaluation))
        lines = [f"*{claimed}{self.now()}.*", f"{state}. What had been told: {told or 'trouble'}{more}."]
        blocks = [header(self.heading), section("\n".join(lines)), *self.image(), *self.actions(), self.small_print()]
        return message(self.heading, f"{claimed}.", blocks)

    def claim(self) -> tuple[str, str]:
        """The verdict as a clause, and how sure it is."""
        if self.incident.metric == "validation" or self.main is None:
            sentences = plain(self.incident.cause, 600).split(". ", 1)
            return sentences[0].rstrip("."), sentences[1] if len(sentences) > 1 else ""
        return claim(self.main), f"{proof(self.main)}."

    def said(self, claimed: str, proved: str) -> str:
        lines = [f"*{claimed}*", proved]
        _, late, basis = self.incident.cause.rpartition(SEEN_ON)
        if late:
            lines.append(f"It was not seen before: the night was evaluated again on {plain(basis, 300)}")
        if self.incident.event == "reopened":
            lines.append(f"It was open before, first on {self.incident.opened}.")
        if self.incident.event == "worsened" and self.incident.worst is not None:
            lines.append(f"That is {self.incident.worst:,.1f} times what is tolerated.")
        if self.incident.check == "drift":
            lines.append("This is a shift of the data; by itself it is no harm.")
        if self.mention is not None:
            lines.append(f"{mention(self.mention)} please have a look.")
        return "\n".join(line for line in lines if line)

    def details(self) -> str:
        """What else is wrong."""
        if self.incident.metric == "validation":
            return expectations(self.evaluation.validation.failed("critical"))
        if self.incident.check == "blind":
            return _unseen(self.evaluation.findings)
        beside = others(self.incident, self.evaluation.findings, self.main)
        lines = [line(found) for found in beside]
        return f"*Also*\n{listed(lines, most=SHOWN, more='more in the report')}" if lines else ""

    def standing(self) -> str:
        """How an open incident stands tonight."""
        if self.incident.good_nights:
            needed = self.evaluation.config.alerts.recover_after
            return f"Good night {self.incident.good_nights} of the {needed} after which it is over{self.now()}."
        if self.evaluation.validation.outcome == "quarantined":
            return "Tonight's data is quarantined, so nothing was evaluated."
        return f"{self.claim()[0]}{self.now() if self.main and self.main.status != 'regression' else ''}."

    def now(self) -> str:
        if self.main is None or self.main.value is None:
            return ""
        tonight = f"{value(self.main, self.main.value)}{between(self.main, self.main.interval)}"
        return f": {plain(self.main.subject)} is {tonight}"

    def over(self) -> str:
        if self.incident.metric == "validation":
            return "Data passes validation again."
        if self.incident.check == "blind":
            return "There are enough labelled rows again to tell how good the model is."
        nights = f" for {counted(self.incident.good_nights, 'night')}" if self.incident.good_nights > 1 else ""
        if self.main is None or self.main.value is None:
            return f"Back within every tolerance{nights}."
        return f"{plain(self.main.subject)} is back at {value(self.main, self.main.value)}, within tolerance{nights}."

    def image(self) -> list[Block]:
        if self.chart is None:
            return []
        about = self.main.subject if self.main is not None else self.incident.metric
        described = f"{about}, night by night with its 95 % interval, beside the baseline and the limit"
        return [image(self.chart, f"{described}. {self.claim()[0]}.")]

    def actions(self) -> list[Block]:
        """At most three: what somebody who was just woken opens first, on a phone."""
        return buttons([(label, self.pages[name]) for name, label in self.shown_pages])

    @property
    def pages(self) -> dict[str, str | None]:
        """Every page that there is about it."""
        return {
            "incident": self.links.incident(self.incident.id),
            "night": self.links.night(str(self.evaluation.night), self.evaluation.id),
            "data docs": self.links.data_docs if self.incident.metric == "validation" else None,
            "report": self.links.report,
            "model": self.links.dashboard,
            "run": self.links.run,
        }

    @property
    def shown_pages(self) -> list[tuple[str, str]]:
        """Those that are buttons: news leads to what was found, too; the end of it need not."""
        found = [("data docs", "See the Data Docs"), ("incident", "Open the incident"), ("night", "See the night")]
        if self.incident.event in PAGES or not self.links.dashboard:
            found.append(("report", "Read the report"))
        if not self.links.dashboard and self.incident.event != "ongoing":
            found.append(("run", "Open the run"))
        return [pair for pair in found if self.pages[pair[0]]][:BUTTONS]

    def other_pages(self) -> list[str]:
        """Those that are words in the small print."""
        shown = {name for name, _ in self.shown_pages}
        left = [(url, IN_WORDS[name]) for name, url in self.pages.items() if url and name not in shown]
        return [link(url, words) for url, words in left]

    def small_print(self) -> Block:
        config = self.evaluation.config
        severity = config.alerts.severity_of(self.incident.check)
        parts = (
            [f"sent as a {severity}{'' if severity == 'page' else ', nobody is mentioned'}"]
            if self.incident.event in PAGES
            else []
        )
        parts += [f"owner {plain(config.owner)}", f"evaluation `{plain(self.evaluation.id)}`"]
        if not (self.links.report or self.links.dashboard):
            parts.append(f"in `{plain(self.links.location, 400)}`")
        parts += self.other_pages()
        return context("   ·   ".join(parts), *(text["elements"][0]["text"] for text in self.muted_line()))

    def muted_line(self) -> list[Block]:
        if self.muted is None:
            return []
        return [context(f"🔕 muted until {self.muted.until}: {plain(self.muted.reason, 300)}")]

    def how_to_mute(self) -> list[Block]:
        """Three lines to paste, in small print."""
        lines = lines_to_mute(self.incident.id, self.evaluation.night.matures_at.date())
        if self.muted is not None or lines is None:
            return []
        return [context(f"Known already? Paste under `alerts.mute`:\n{fenced(lines)}")]


def _unseen(findings: tuple[Finding, ...]) -> str:
    """What the night's rows could have shown, beside what is tolerated."""
    lines = [
        f"• {plain(found.subject)}: {found.n:,} rows show a change of {value(found, found.detectable)} or more; "
        f"tolerated is {value(found, found.tolerance)}"
        for found in findings
        if found.status == "insufficient_data" and found.detectable is not None and found.tolerance is not None
    ]
    return listed(lines, most=SHOWN, more="more in the report")
