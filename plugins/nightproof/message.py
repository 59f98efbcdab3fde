"""A Slack message about one incident: what regressed, by how much, since when, and where to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.validation import Expectation
from nightproof.verdict import Incident
from nightproof.words import number, signed

SHOWN = 6
"""Findings or expectations listed; the report has them all."""
_TITLES = {
    "opened": ("🔴", "Regression"),
    "worsened": ("🔴", "Regression has spread"),
    "ongoing": ("🔴", "Regression"),
    "recovered": ("✅", "Recovered"),
}

Block = dict[str, Any]


@dataclass(frozen=True)
class Links:
    """Where the reader of a message can look; any may be missing.

    Parameters
    ----------
    report
        The Evidently report, as a page.
    data_docs
        What Great Expectations found, as a page.
    run
        The Airflow run.
    location
        The evaluation's folder in object storage.
    """

    location: str
    report: str | None = None
    data_docs: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class Message:
    """A message as Slack takes it.

    Parameters
    ----------
    text
        What a notification shows, plain.
    blocks
        Block Kit.
    """

    text: str
    blocks: list[Block]


def compose(incident: Incident, evaluation: Evaluation, links: Links) -> Message:
    """The message of an incident's event on one night."""
    config, night = evaluation.config, evaluation.night
    sign, title = _TITLES[incident.event]
    if incident.check == "data" and incident.event != "recovered":
        sign, title = "⛔", "Quarantined"
    heading = f"{sign} {title}: {config.model}, {night}"
    body = _body(incident, evaluation)
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(heading, 150), "emoji": True}},
        *(_section(text) for text in body),
        _context(f"{_since(incident, evaluation)}   ·   {_rows(evaluation)}   ·   owner {_plain(config.owner)}"),
    ]
    if buttons := _buttons(incident, links):
        blocks.append({"type": "actions", "elements": buttons})
    blocks.append(_context(f"evaluation `{evaluation.id}` in `{_plain(links.location)}`"))
    summary = _over(incident) if incident.event == "recovered" else _plain(incident.cause)
    return Message(text=_cut(f"{heading}. {summary}", 3000), blocks=blocks)


def compose_failure(model: str, night: str, *, step: str, problem: str, run: str | None) -> Message:
    """The message of a run that failed before it could say anything of the model."""
    heading = f"⚠️ Not evaluated: {model}, {night}"
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(heading, 150), "emoji": True}},
        _section(
            f"The step *{_plain(step)}* failed, so nothing is known of this night.\n```{_plain(problem)[:2500]}```"
        ),
    ]
    if run:
        blocks.append({"type": "actions", "elements": [_button("Open the run", run)]})
    text = f"{_plain(heading)}. {_plain(step)} failed: {_plain(problem)}"
    return Message(text=_cut(text, 3000), blocks=blocks)


def _body(incident: Incident, evaluation: Evaluation) -> list[str]:
    if incident.event == "recovered":
        return [f"*{_over(incident)}* What had been wrong: {_plain(_enumerate(incident.findings))}."]
    if incident.check == "data":
        return [
            f"*{_plain(incident.cause)}*",
            "\n".join(_expectations(evaluation.validation.failed("critical"))),
        ]
    bad = [f for f in evaluation.findings if f.check == incident.check and f.status == "regression"]
    if not bad:
        return [f"*{_plain(incident.cause)}*"]
    text = [f"*{_claim(bad[0])}*", "\n".join(_line(finding) for finding in bad[:SHOWN])]
    if len(bad) > SHOWN:
        text[-1] += f"\n… and {len(bad) - SHOWN} more in the report"
    drifted = [f for f in evaluation.findings if f.check == "drift" and f.status == "watch"]
    if drifted:
        text.append("Seen beside it: " + _enumerate([_evidence(f) for f in drifted[:4]]) + ".")
    return text


def _over(incident: Incident) -> str:
    return "Data passes validation again." if incident.check == "data" else "Back within every tolerance."


def _claim(finding: Finding) -> str:
    """The first line: what is wrong and by how much."""
    value = number(finding.value)
    if finding.check == "performance" and finding.delta is not None and finding.delta_interval is not None:
        way = "fell" if finding.delta < 0 else "rose"
        low, high = sorted(abs(end) for end in finding.delta_interval)
        return (
            f"{_subject(finding)} {way} by {number(abs(finding.delta))} ({number(low)} to {number(high)}) "
            f"to {value}; tolerated is {number(finding.tolerance)}"
        )
    return f"{_subject(finding)} is {value}{_range(finding)}; the limit is {number(finding.tolerance)}"


def _line(finding: Finding) -> str:
    window = f" over {finding.window} nights" if finding.window > 1 else ""
    delta = f" ({signed(finding.delta)})" if finding.delta is not None else ""
    return (
        f"• {_subject(finding)}{window}: *{number(finding.value)}*{_range(finding)}, baseline "
        f"{number(finding.baseline)}{delta}, tolerance {number(finding.tolerance)}, n = {finding.n:,}"
    )


def _evidence(finding: Finding) -> str:
    return f"{_plain(finding.subject[0].lower() + finding.subject[1:])} {number(finding.value)}"


def _expectations(failed: Sequence[Expectation]) -> list[str]:
    lines = []
    for expectation in failed[:SHOWN]:
        where = f" of `{_plain(expectation.column)}`" if expectation.column else ""
        lines.append(f"• `{_plain(expectation.type)}`{where}: {_plain(_found(expectation))}")
        if expectation.example_keys:
            keys = ", ".join(f"`{_plain(key)}`" for key in expectation.example_keys)
            lines.append(f"    for example {keys}")
    if len(failed) > SHOWN:
        lines.append(f"… and {len(failed) - SHOWN} more in the Data Docs")
    return lines


def _found(expectation: Expectation) -> str:
    if expectation.unexpected_count:
        share = f" ({expectation.unexpected_percent:.1f} %)" if expectation.unexpected_percent is not None else ""
        return f"{expectation.unexpected_count:,} rows{share}" + (
            f", {expectation.observed}" if expectation.observed else ""
        )
    return expectation.observed or "not met"


def _since(incident: Incident, evaluation: Evaluation) -> str:
    nights = (evaluation.night.date - date.fromisoformat(incident.opened)).days
    if nights == 0:
        return "new tonight"
    length = "1 night" if nights == 1 else f"{nights} nights"
    lasted = "lasted" if incident.event == "recovered" else "for"
    return f"since {incident.opened} ({lasted} {length})"


def _rows(evaluation: Evaluation) -> str:
    if evaluation.profile is None:
        return f"{evaluation.validation.rows:,} rows"
    outcomes = evaluation.profile.outcomes()
    return f"{outcomes.rows:,} predictions, {outcomes.labelled:,} labelled"


def _buttons(incident: Incident, links: Links) -> list[Block]:
    data_docs = links.data_docs if incident.check == "data" else None
    pairs = [("Read the report", links.report), ("See the Data Docs", data_docs), ("Open the run", links.run)]
    return [_button(label, url) for label, url in pairs if url]


def _button(label: str, url: str) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "url": url}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text, 3000)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text, 2000)]}


def _mrkdwn(text: str, limit: int) -> Block:
    # Verbatim: what looks like an address, a channel or a name in the data becomes no link and no mention.
    return {"type": "mrkdwn", "text": _cut(text, limit), "verbatim": True}


def _subject(finding: Finding) -> str:
    return _plain(finding.subject)


def _range(finding: Finding) -> str:
    return f" ({number(finding.interval[0])} to {number(finding.interval[1])})" if finding.interval else ""


def _enumerate(names: Sequence[str]) -> str:
    shown = list(names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(shown) + more


def _plain(text: str) -> str:
    """Text from data or config, which must not mention, link or format."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("`", "'").replace("*", "∗").replace("~", "∼")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
