"""From findings to a verdict: who must be told what, within a budget of false pages.

:mod:`nightproof.evidence` weighs tonight beside the nights before it and says what regressed;
:mod:`nightproof.incidents` says what that opens, keeps and closes. Here the two are put together, and every
finding gets its last word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from nightproof.alert_sections import Trouble
from nightproof.causes import sentence
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.evidence import Seen, weigh
from nightproof.incidents import Explain, Life, Regressed, Tonight, is_remembered, may_reopen
from nightproof.metrics.estimate import Z80, Z95
from nightproof.night import Night
from nightproof.readings import Readings, SeriesKey, key
from nightproof.validation import Validation
from nightproof.verdict import Cause, Incident, Verdict, VerdictStatus
from nightproof.words import number, signed

SURE = 0.025
"""Below this one-sided p-value a finding's 95 % interval lies wholly beyond its tolerance."""
NEW = 2
"""Nights before a window within which a version of the model that came is new to it."""
MAGNITUDE = {"regression": 0, "watch": 1, "insufficient_data": 2, "ok": 3}


def unexplained(_: Finding) -> tuple[Cause, ...]:
    """No cause: for whoever has no profiles to look into."""
    return ()


@dataclass(frozen=True)
class Past:
    """What a verdict stands on beside tonight.

    Parameters
    ----------
    previous
        Verdict of the latest earlier night; ``None`` for the first.
    readings
        Of earlier nights, rising.
    history
        Evaluation ids that all of it comes from.
    """

    previous: Verdict | None = None
    readings: Sequence[Readings] = ()
    history: Sequence[str] = ()

    def new_version(self, version: str | None, night: Night, window: int) -> str | None:
        """Tonight's version of the model, if nights of a window or just before it had another."""
        first = str(night.before(window + NEW))
        others = {found.version for found in self.readings if found.night >= first} - {None, version}
        return version if others else None


def decide(
    findings: Sequence[Finding],
    *,
    config: ModelConfig,
    night: Night,
    past: Past = Past(),
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
    seen = weigh(findings, past.readings, config=config, night=night.date, version=version, ended=_ended(past.previous))
    last = _settled(findings, seen, config) if written is None else written
    settled = tuple(sorted(last, key=lambda f: _rank(f, config)))
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
    return settled, verdict


def quarantine(
    validation: Validation,
    *,
    config: ModelConfig,
    night: Night,
    past: Past = Past(),
    left_out: Sequence[str] = (),
) -> Verdict:
    """The verdict on a night whose data failed a critical expectation."""
    failed = validation.failed("critical")
    subjects = tuple(dict.fromkeys(f"{e.type}({e.column})" if e.column else e.type for e in failed))
    columns = tuple(dict.fromkeys(e.column for e in failed if e.column))
    expectations = "1 critical expectation" if len(failed) == 1 else f"{len(failed)} critical expectations"
    text = f"{expectations} failed on {validation.rows:,} rows; nothing was evaluated on them."
    before = [*past.previous.incidents, *past.previous.ended] if past.previous else []
    cause = Cause(kind="data_fault", text=f"{expectations} failed", columns=columns)
    told: dict[str, Any] = {"metric": "validation", "segment": {}, "column": None, "cause": text, "causes": (cause,)}
    told |= {"good_nights": 0, "ended": None, "since": str(night), "families": ("data",)}
    known = next((i for i in before if i.is_open and "data" in i.families), None)
    again = next((i for i in before if "data" in i.families and may_reopen(i, night.date, config.alerts)), None)
    if known is not None:
        event = "ongoing" if set(subjects) <= set(known.findings) else "worsened"
        whole = tuple(dict.fromkeys([*known.findings, *subjects]))
        data = known.model_copy(update={**told, "event": event, "findings": whole, "families": known.families})
    elif again is not None:
        data = again.model_copy(update={**told, "event": "reopened", "findings": subjects})
    else:
        name = {"id": f"data-{night}", "event": "opened", "check": "data", "opened": str(night)}
        data = Incident.model_validate({**told, **name, "findings": subjects})
    others = [i.model_copy(update={"event": "ongoing"}) for i in before if i.is_open and i is not known]
    over = tuple(i for i in before if i is not again and is_remembered(i, night.date, config.alerts))
    return Verdict(
        model=config.model,
        night=str(night),
        status="quarantined",
        headline=f"Quarantined: {text}",
        regressions=0,
        watches=0,
        insufficient=0,
        findings=0,
        false_alarm_level=config.alerts.false_alarms_per_night,
        incidents=(data, *others),
        ended=over,
        history=tuple(past.history),
        steps_left_out=tuple(left_out),
        blind_nights=past.previous.blind_nights if past.previous else 0,
    )


def _ended(previous: Verdict | None) -> Mapping[Trouble, date]:
    """When the last incident of each family was over."""
    found: dict[Trouble, date] = {}
    for incident in (*previous.ended, *previous.incidents) if previous else ():
        if incident.ended:
            for family in incident.families:
                found[family] = max(date.fromisoformat(incident.ended), found.get(family, date.min))
    return found


def _settled(findings: Sequence[Finding], seen: Sequence[Seen], config: ModelConfig) -> list[Finding]:
    """Every finding with its last status, and what regressed through windows that had no finding."""
    told = {(id(s.series.finding)): s for s in sorted(seen, key=lambda s: s.log_p, reverse=True)}
    regressed = [_regression(s) for s in seen if s.rejected and s.series.family in config.alerts.pages]
    replaced = {(_held(f), f.window) for f in regressed}
    kept = [_last_word(f, told.get(id(f))) for f in findings if (_held(f), f.window) not in replaced]
    return [*kept, *regressed]


def _held(finding: Finding) -> tuple[SeriesKey, float | None, str]:
    """What names a series and what it is held against: a limit may have two ends."""
    return key(finding), finding.tolerance, finding.reference


def _last_word(finding: Finding, seen: Seen | None) -> Finding:
    """A finding that is no regression tonight through its own window."""
    update: dict[str, object] = {"p_value": None if seen is None else math.exp(seen.log_p)}
    if finding.status == "watch" and finding.p_value is not None and finding.p_value < SURE:
        update["reason"] = f"{finding.reason[:-1]}, but not surely enough for a page within the budget of false alarms."
    if seen is not None and seen.rejected and finding.status == "ok":
        update |= {"status": "watch", "reason": _reason(seen)}
    return finding.model_copy(update=update)


def _regression(seen: Seen) -> Finding:
    """The finding of a series that regressed, through the window that shows it most strongly."""
    found = seen.series.finding
    delta = None if found.baseline is None else seen.value - found.baseline
    arm, own = Z95 * seen.spread, Z95 * seen.error
    return found.model_copy(
        update={
            "window": seen.window,
            "value": seen.value,
            "interval": (seen.value - own, seen.value + own),
            "delta": delta,
            "delta_interval": None if delta is None else (delta - arm, delta + arm),
            "tolerance": seen.series.held.shown,
            "n": seen.n,
            "detectable": seen.spread * (Z95 + Z80),
            "p_value": math.exp(seen.log_p),
            "status": "regression",
            "reason": _reason(seen),
            "reference": seen.reference,
        }
    )


def _reason(seen: Seen) -> str:
    """Value, interval, change and what it is beyond, in one sentence."""
    found, own = seen.series.finding, Z95 * seen.error
    nights = "" if seen.window == 1 else f" over {seen.window} nights"
    value = f"{number(seen.value)} ({number(seen.value - own)} to {number(seen.value + own)}, n = {seen.n:,}){nights}"
    moved = ""
    if seen.reference != "baseline":
        moved = f", compared with the {seen.reference}"
    elif found.baseline is not None:
        moved = f", {signed(seen.value - found.baseline)} from the baseline's {number(found.baseline)}"
    return f"{value}{moved}: {seen.series.held.words}, beyond what chance and how nights differ explain."


def _tonight(settled: Sequence[Finding], seen: Sequence[Seen], *, night: date, validated: bool) -> Tonight:
    shown: dict[object, Seen] = {(s.series.key, s.series.held.shown, s.reference): s for s in seen}
    regressed = [
        Regressed(finding, s.series.family, s.size, str(night - timedelta(days=finding.window - 1)), s.reference)
        for finding in settled
        if finding.status == "regression" and (s := shown.get(_held(finding)))
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


def _rank(finding: Finding, config: ModelConfig) -> tuple[object, ...]:
    """Worst first; the night itself before longer windows, all rows before segments."""
    families = ("performance", "bias", "drift")
    order = list(config.tolerances)
    place = order.index(finding.metric) if finding.metric in order else len(order)
    size = -(finding.value or 0.0) if finding.check == "drift" else 0.0
    family = families.index(finding.check)
    return (
        MAGNITUDE[finding.status],
        family,
        len(finding.segment),
        finding.window,
        place,
        size,
        finding.subject,
    )


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
