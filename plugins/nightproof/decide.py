"""From findings to a verdict: who must be told what, within a budget of false pages.

:mod:`nightproof.evidence` weighs tonight beside the nights before it and says what regressed;
:mod:`nightproof.incidents` says what that opens, keeps and closes. Here the two are put together, and every
finding gets its last word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from nightproof.causes import sentence
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.evidence import Seen, weigh
from nightproof.incidents import Explain, Life, Regressed, Tonight
from nightproof.night import Night
from nightproof.past import NOTHING, Past
from nightproof.rejudge import rejudged
from nightproof.settle import MAGNITUDE, held_as, rank, settle
from nightproof.verdict import Cause, Incident, Verdict, VerdictStatus


def unexplained(_: Finding) -> tuple[Cause, ...]:
    """No cause: for whoever has no profiles to look into."""
    return ()


def decide(
    findings: Sequence[Finding],
    *,
    config: ModelConfig,
    night: Night,
    past: Past = NOTHING,
    version: str | None = None,
    explain: Explain = unexplained,
    left_out: Sequence[str] = (),
    written: Sequence[Finding] | None = None,
) -> tuple[tuple[Finding, ...], Verdict]:
    """Settle every finding's status and the night's verdict.

    Parameters
    ----------
    findings
        Of all families, as the checks gave them.
    config
        For tolerances and the section ``alerts``.
    night
        The evaluated night.
    past
        The nights before.
    version
        The model's version tonight, where a column tells.
    explain
        Finds the likely causes of a regression.
    left_out
        Steps that the caller left out.
    written
        The findings as another run of this night settled and left them, which may have known other
        nights: the verdict is then on these.

    Returns
    -------
    tuple
        The findings, worst first, and the verdict.
    """
    seen = weigh(findings, past.readings, config=config, night=night.date, version=version, ended=past.ended())
    last = settle(findings, seen, config) if written is None else written
    settled = tuple(sorted(last, key=lambda f: rank(f, config)))
    status = _status(settled, config)
    blind = (past.previous.blind_nights if past.previous else 0) + 1 if status == "insufficient_data" else 0
    tonight = _tonight(settled, seen, night=night.date, validated="validate" not in left_out)
    life = Life(tonight, config.alerts, explain, sentence)
    incidents, ended = life.after(past.previous)
    count = {name: sum(f.status == name for f in settled) for name in MAGNITUDE}
    verdict = Verdict(
        model=config.model,
        night=str(night),
        status=status,
        headline=_headline(status, settled),
        regressions=count["regression"],
        watches=count["watch"],
        insufficient=count["insufficient_data"],
        findings=len(settled),
        false_alarm_level=config.alerts.false_alarms_per_night,
        incidents=_with_blindness(incidents, past.previous, blind, night, config),
        ended=ended,
        history=tuple(past.history),
        steps_left_out=tuple(left_out),
        blind_nights=blind,
    )
    return settled, rejudged(verdict, past.revision, findings=settled)


def _tonight(settled: Sequence[Finding], seen: Sequence[Seen], *, night: date, validated: bool) -> Tonight:
    shown: dict[object, Seen] = {(s.series.key, s.series.held.shown, s.reference): s for s in seen}
    regressed = [
        Regressed(finding, s.series.family, s.size, str(night - timedelta(days=finding.window - 1)), s.reference)
        for finding in settled
        if finding.status == "regression" and (s := shown.get(held_as(finding)))
    ]
    good: dict[str, bool] = {}
    for s in seen:
        # Beside another reference than the baseline, harm has to be sure to make a night bad.
        if not math.isnan(s.tonight) and (s.reference == "baseline" or s.rejected):
            subject = s.series.finding.subject
            good[subject] = good.get(subject, True) and s.tonight <= 0.0
    told = {s.series.family for s in seen}
    if not validated:
        # Data that nobody looked at may be as bad as before.
        told.discard("data")
    return Tonight(night, regressed, good, frozenset(told))


def _with_blindness(
    incidents: Sequence[Incident], previous: Verdict | None, blind: int, night: Night, config: ModelConfig
) -> tuple[Incident, ...]:
    """Incidents, with one for a model that has been blind for long."""
    others = [found for found in incidents if found.check != "blind"]
    known = next((i for i in (previous.incidents if previous else ()) if i.check == "blind" and i.is_open), None)
    if known is not None:
        event = {"event": "ongoing"} if blind else {"event": "recovered", "ended": str(night)}
        return (*others, known.model_copy(update=event))
    if blind < config.alerts.blind_after or "blind" not in config.alerts.pages:
        return tuple(others)
    text = (
        f"For {blind} nights there have been too few labelled rows to say whether the model is within its tolerances. "
        "Nothing that happens to it would be seen."
    )
    first = str(night.before(blind - 1))
    opened = Incident(
        id=f"blind-{night}",
        event="opened",
        check="blind",
        metric="labelled_rows",
        segment={},
        opened=str(night),
        findings=("Labelled rows",),
        cause=text,
        since=first,
        families=("blind",),
    )
    return (*others, opened)


def _status(findings: Sequence[Finding], config: ModelConfig) -> VerdictStatus:
    statuses = {f.status for f in findings}
    if "regression" in statuses:
        return "regression"
    # What the config sets a tolerance for must be told by some window, or nothing is proved.
    held = [f for f in findings if f.check == "performance" and not f.segment]
    held = held if config.tolerances else list(findings)
    if held and not any(f.tolerance is not None and f.status in ("ok", "watch") for f in held):
        return "insufficient_data"
    return "watch" if "watch" in statuses else "ok"


def _headline(status: VerdictStatus, findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing was checked."
    worst = findings[0]
    if status == "regression":
        more = sum(f.status == "regression" for f in findings) - 1
        return f"{worst.subject}: {worst.reason}" + (f" {more} more regressed." if more else "")
    if status == "insufficient_data":
        return "Too few labelled rows to say whether the model is still within its tolerances."
    if status == "watch":
        watched = [f for f in findings if f.status == "watch"]
        things = "1 thing is" if len(watched) == 1 else f"{len(watched)} things are"
        return f"No regression. {things} worth a look, first {watched[0].subject}."
    return "No regression: everything that is held to a tolerance is within it."
