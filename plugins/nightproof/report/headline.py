"""The top of the report: the verdict, what regressed and what to watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.metric_names import HARM
from nightproof.mute import find_mute
from nightproof.report.block import Alert, Block, Counters, Section, Severity, Table, Text
from nightproof.validation import Validation
from nightproof.verdict import Event, Incident
from nightproof.words import (
    METRICS,
    NONE,
    STATUS,
    counted,
    ends,
    markdown,
    nights,
    number,
    percent,
    plain,
    signed,
)

ALERTS = 6
"""Subjects that get a box of their own; the table below has them all."""
WATCHED = 60
"""Rows of the watch list; what lies beyond is in its family's table."""
_EVENTS: dict[Event, str] = {
    "opened": "new",
    "ongoing": "still open",
    "worsened": "got worse",
    "recovered": "over",
    "reopened": "came again",
    "withdrawn": "withdrawn: later labels show that there was nothing",
}
CAUSE = 300
"""Characters of a cause or a reason that are shown."""
_OUTCOMES = {
    "passed": "✔ Passed",
    "warned": "▲ Passed with warnings",
    "quarantined": "■ Quarantined",
    "skipped": "○ Left out: the data were not validated",
}


def verdict(evaluation: Evaluation) -> Section:
    """The answer to the night's one question, and what it stands on."""
    found, config = evaluation.verdict, evaluation.config
    title = f"# {STATUS[found.status]}: {markdown(config.model)}, night of {evaluation.night}"
    lines = [title, f"**{markdown(found.headline, 400)}**"]
    if config.description:
        lines.append(f"{markdown(config.description, 400)}")
    counts = {
        "rows": evaluation.validation.rows,
        "labelled": evaluation.validation.labelled,
        "regression": found.regressions,
        "watch": found.watches,
        "insufficient_data": found.insufficient,
        "findings": found.findings,
    }
    blocks: list[Block] = [Text("\n\n".join(lines)), _numbers(evaluation), _facts(evaluation)]
    return Section("verdict", "", tuple(blocks), {name: float(count) for name, count in counts.items()})


def _numbers(evaluation: Evaluation) -> Counters:
    found, checked = evaluation.verdict, evaluation.validation
    rows, labelled = checked.rows, checked.labelled
    if checked.outcome == "skipped" and evaluation.profile is not None:
        rows, labelled = evaluation.profile.size()
    values = [(f"{rows:,}", "rows"), (f"{labelled:,}", "with a label")]
    if evaluation.profile is not None:
        values += [
            (f"{found.regressions:,}", "✖ regressed"),
            (f"{found.watches:,}", "▲ to watch"),
            (f"{found.insufficient:,}", "○ too little data"),
            (f"{found.findings:,}", "findings in all"),
        ]
    return Counters(tuple(values))


def _facts(evaluation: Evaluation) -> Table:
    night, config, found = evaluation.night, evaluation.config, evaluation.verdict
    span = f"{night.start:%Y-%m-%d %H:%M} to {night.end:%Y-%m-%d %H:%M} UTC"
    rows = [("Since when", "\n".join(_since(incident) for incident in found.incidents) or "No open incident")]
    rows += [("Likely cause", "\n".join(causes))] if (causes := _causes(evaluation)) else []
    rows += [("Muted", "\n".join(muted))] if (muted := _muted(evaluation)) else []
    rows += [("Data validation", _validated(evaluation.validation))]
    rows += [("Night", f"{span}; its labels were due by {night.matures_at:%Y-%m-%d %H:%M} UTC")]
    rows += [("Labels", _labels(evaluation))]
    if found.supersedes is not None:
        rows += [("Revision of", f"evaluation {found.supersedes}, which stays in the record")]
    if evaluation.baseline is not None:
        base = evaluation.baseline
        rows += [("Compared with", f"baseline {plain(base.id)}, {counted(base.profile.rows, 'row')}")]
    if evaluation.profile is not None and (versions := evaluation.profile.versions()):
        named = [f"{plain(name)} ({counted(rows, 'row')})" for name, rows in list(versions.items())[:5]]
        rows += [("Model version", ", ".join(named))]
    rows += [
        ("False alarms", f"{config.alerts.false_alarms} accepted"),
        ("Evaluation", evaluation.id),
        ("Owner", _owner(evaluation)),
    ]
    if found.steps_left_out:
        rows += [("Steps left out", ", ".join(plain(step) for step in found.steps_left_out))]
    return Table(("", ""), tuple(rows))


def _labels(evaluation: Evaluation) -> str:
    """Whether the night is final, and what was known when."""
    known = evaluation.snapshot.listed_at
    when = f", known by {known[:10]} {known[11:16]} UTC" if known else ""
    if evaluation.snapshot.labels == "final":
        return f"Final{when}"
    until = evaluation.night.end + evaluation.config.data.matures_after
    return f"Provisional{when}: labels may come until {until:%Y-%m-%d %H:%M} UTC, and the night is then told anew"


def _causes(evaluation: Evaluation) -> list[str]:
    """What may have brought the open incidents about, the likeliest first, with what each explains."""
    found = [cause for incident in evaluation.verdict.incidents if incident.is_open for cause in incident.causes]
    told = [cause for cause in found if cause.kind != "unknown"]
    shares = ["" if cause.share is None else f" (explains about {percent(cause.share)})" for cause in told]
    return [f"{plain(cause.text, CAUSE)}{share}" for cause, share in zip(told, shares, strict=True)]


def _muted(evaluation: Evaluation) -> list[str]:
    """Incidents that nobody is told of, and why, as it was when the night was evaluated."""
    day = evaluation.night.matures_at.date()
    mutes = [(i, find_mute(evaluation.config.alerts.mute, i, day)) for i in evaluation.verdict.incidents]
    return [f"{incident.id} until {mute.until}: {plain(mute.reason, CAUSE)}" for incident, mute in mutes if mute]


def _owner(evaluation: Evaluation) -> str:
    config = evaluation.config
    centre = f", cost center {plain(config.cost_center)}" if config.cost_center else ""
    return plain(config.owner) + centre


def _since(incident: Incident) -> str:
    event = _EVENTS[incident.event]
    return f"{plain(incident.check).capitalize()}: since the night of {incident.opened} ({event})"


def _validated(validation: Validation) -> str:
    outcome = _OUTCOMES[validation.outcome]
    if not validation.expectations:
        return outcome
    failed, total = len(validation.failed()), len(validation.expectations)
    return f"{outcome}: {failed:,} of {counted(total, 'expectation')} failed"


def regressions(evaluation: Evaluation) -> Section:
    """What regressed, with all its numbers; then what to watch."""
    if evaluation.profile is None:
        return _quarantine(evaluation)
    bad = [f for f in evaluation.findings if f.status == "regression"]
    watched = [f for f in evaluation.findings if f.status == "watch"]
    counts = {status: float(sum(f.status == status for f in evaluation.findings)) for status in STATUS}
    blocks = (*_regressed(bad, evaluation), *_watched(watched))
    return Section("regressions", "What regressed", blocks, counts)


def _quarantine(evaluation: Evaluation) -> Section:
    alerts = tuple(_failed(evaluation.validation))
    text = (
        "These data may not be evaluated: nothing below was computed on the night's rows, and nothing is "
        "known about the model on this night. Mend the data and run the night again."
    )
    counts = {"failed": float(len(evaluation.validation.failed("critical")))}
    return Section("quarantine", "Why the night is quarantined", (Text(text, alerts),), counts)


def _failed(validation: Validation) -> Iterator[Alert]:
    for e in validation.failed("critical")[:20]:
        column = f" on column {plain(e.column)}" if e.column else ""
        rows = f"{counted(e.unexpected_count, 'row')} failed. " if e.unexpected_count is not None else ""
        keys = ", ".join(plain(key) for key in e.example_keys)
        observed = f"Observed: {plain(e.observed, 200)}. " if e.observed else ""
        text = f"{rows}{observed}" + (f"For example {keys}." if keys else "")
        yield Alert("error", f"✖ {plain(e.type)}{column}", text)


def _regressed(bad: Sequence[Finding], evaluation: Evaluation) -> tuple[Block, ...]:
    if not bad:
        return (Text("", (_nothing(evaluation),)),)
    alerts = tuple(_alerts(bad))
    more = len({f.subject for f in bad}) - len(alerts)
    text = f"And {counted(more, 'more')}: the table has every number." if more > 0 else ""
    return Text(text, alerts), _table(bad)


def _nothing(evaluation: Evaluation) -> Alert:
    severity: Severity = "info" if evaluation.verdict.status == "insufficient_data" else "success"
    title = "○ Nothing can be said to have regressed" if severity == "info" else "✔ Nothing regressed"
    budget = evaluation.config.alerts.false_alarms
    text = (
        f"No change beyond its tolerance is sure enough to wake anybody within the budget of false alarms ({budget})."
    )
    return Alert(severity, title, text)


def _alerts(bad: Sequence[Finding]) -> Iterator[Alert]:
    subjects: dict[str, list[Finding]] = {}
    for finding in bad:
        subjects.setdefault(finding.subject, []).append(finding)
    for name, found in list(subjects.items())[:ALERTS]:
        worst = found[0]
        was = f", baseline {number(worst.baseline)}" if worst.baseline is not None else ""
        title = f"✖ {name}: {number(worst.value)}{was}"
        text = f"{nights(worst.window).capitalize()}: {plain(worst.reason, 300)}"
        longer = [f"{nights(f.window)} ({number(f.value)})" for f in found[1:]]
        also = f" So too through {' and '.join(longer)}." if longer else ""
        yield Alert("error", title, text + also)


def _table(bad: Sequence[Finding]) -> Table:
    header = (
        "Metric",
        "Window",
        "Value\n(95 % interval)",
        "Baseline",
        "Change\n(95 % interval)",
        "Tolerated",
        "Rows (n)",
        "Smallest change\nthis n can show",
        "Status",
    )
    return Table(header, tuple(_row(f) for f in bad))


def _row(f: Finding) -> tuple[str, ...]:
    return (
        f.subject,
        nights(f.window),
        f"{number(f.value)}{ends(f.interval)}",
        number(f.baseline),
        f"{signed(f.delta)}{ends(f.delta_interval)}",
        tolerance(f),
        f"{f.n:,}",
        number(f.detectable),
        STATUS[f.status],
    )


def tolerance(f: Finding) -> str:
    """What a finding is held against, in words."""
    if f.tolerance is None:
        return NONE
    harm = next((way for name, way in HARM.items() if name == f.metric), "")
    if f.check == "performance" and harm:
        return f"{'drop' if harm == 'max_drop' else 'rise'} of {f.tolerance:g}"
    if f.check == "business" and f.delta is not None:
        # Where this is shown it moved the harmful way.
        return f"{'drop' if f.delta < 0.0 else 'rise'} of {f.tolerance:g}"
    if f.metric in ("missing_rate", "unseen_rate"):
        return f"rise of {f.tolerance:g}"
    return f"limit {f.tolerance:g}"


def _watched(watched: Sequence[Finding]) -> tuple[Block, ...]:
    if not watched:
        return ()
    header = ("Metric", "Window", "Value", "Baseline", "Tolerated", "Rows (n)", "Why")
    rows = tuple(
        (
            f.subject,
            nights(f.window),
            number(f.value),
            number(f.baseline),
            tolerance(f),
            f"{f.n:,}",
            plain(f.reason, 400),
        )
        for f in watched[:WATCHED]
    )
    more = len(watched) - len(rows)
    text = "Worth a look, but not sure enough, or not harmful enough by itself, to wake anybody."
    if more > 0:
        text += f" The first {WATCHED} of {len(watched):,}; the others are in the sections below."
    return Text(f"### What to watch\n\n{text}"), Table(header, rows)


def metric_name(name: str) -> str:
    """A metric's name, and which way is better."""
    way = next((harm for known, harm in HARM.items() if known == name), "")
    return METRICS.get(name, name) + {"max_drop": " ↑", "max_rise": " ↓"}.get(way, "")
