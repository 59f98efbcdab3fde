"""From findings to a verdict: who must be told what, within a budget of false alarms.

Every finding that may page carries a p-value of "no harm beyond the tolerance". Holm's step-down
procedure at the night's share of the budget picks those that are regressions: the probability of
even one false page a night then stays under the budget whatever depends on what [1]_, and so does
the expected number of nights with one.

References
----------
.. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6 (1979), https://www.jstor.org/stable/4615733.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.night import Night
from nightproof.validation import Validation
from nightproof.verdict import Incident, Verdict, VerdictStatus

SURE = 0.025
"""Below this one-sided p-value a finding's 95 % interval lies wholly beyond its tolerance."""
MAGNITUDE = {"regression": 0, "watch": 1, "insufficient_data": 2, "ok": 3}


def decide(
    findings: Sequence[Finding],
    *,
    config: ModelConfig,
    night: Night,
    previous: Verdict | None,
    history: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> tuple[tuple[Finding, ...], Verdict]:
    """Settle every finding's status and the night's verdict.

    Parameters
    ----------
    findings
        Of all families, as the checks gave them.
    config
        For the budget of false alarms.
    night
        The evaluated night.
    previous
        Verdict of the latest earlier night, or ``None`` for the first.
    history
        Evaluation ids that the findings and ``previous`` come from.
    left_out
        Steps that the caller left out.

    Returns
    -------
    tuple
        The findings, worst first, and the verdict.
    """
    level = config.alerts.false_alarms_per_night
    settled = tuple(sorted(_holm(findings, level), key=lambda f: _rank(f, config)))
    incidents = _incidents(settled, night, previous, validated="validate" not in left_out)
    count = {status: sum(f.status == status for f in settled) for status in MAGNITUDE}
    status = _status(settled, config)
    verdict = Verdict(
        model=config.model,
        night=str(night),
        status=status,
        headline=_headline(status, settled),
        regressions=count["regression"],
        watches=count["watch"],
        insufficient=count["insufficient_data"],
        findings=len(settled),
        false_alarm_level=level,
        incidents=incidents,
        history=tuple(history),
        steps_left_out=tuple(left_out),
    )
    return settled, verdict


def quarantine(
    validation: Validation,
    *,
    config: ModelConfig,
    night: Night,
    previous: Verdict | None,
    history: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> Verdict:
    """The verdict on a night whose data failed a critical expectation."""
    failed = validation.failed("critical")
    subjects = tuple(dict.fromkeys(f"{e.type}({e.column})" if e.column else e.type for e in failed))
    expectations = "1 critical expectation" if len(failed) == 1 else f"{len(failed)} critical expectations"
    cause = f"{expectations} failed on {validation.rows:,} rows; nothing was evaluated on them."
    before = _open(previous)
    event = "ongoing" if "data" in before else "opened"
    known = before.get("data")
    data = Incident(
        id=known.id if known else f"data-{night}",
        event=event if known is None or set(subjects) <= set(known.findings) else "worsened",
        check="data",
        metric="validation",
        segment={},
        opened=known.opened if known else str(night),
        findings=tuple(dict.fromkeys([*(known.findings if known else ()), *subjects])),
        cause=cause,
    )
    kept = [i.model_copy(update={"event": "ongoing"}) for name, i in before.items() if name != "data"]
    return Verdict(
        model=config.model,
        night=str(night),
        status="quarantined",
        headline=f"Quarantined: {cause}",
        regressions=0,
        watches=0,
        insufficient=0,
        findings=0,
        false_alarm_level=config.alerts.false_alarms_per_night,
        incidents=(data, *kept),
        history=tuple(history),
        steps_left_out=tuple(left_out),
    )


def _holm(findings: Sequence[Finding], level: float) -> list[Finding]:
    """Findings with those that Holm's procedure rejects at ``level`` made regressions."""
    # All of them: to leave out those that look harmless would spend the budget more than once.
    tested = sorted((f.p_value, place) for place, f in enumerate(findings) if f.p_value is not None)
    rejected = set()
    for step, (p_value, place) in enumerate(tested):
        if p_value > min(SURE, level / (len(tested) - step)):
            break
        rejected.add(place)
    return [_settled(finding, place in rejected) for place, finding in enumerate(findings)]


def _settled(finding: Finding, rejected: bool) -> Finding:
    if rejected:
        return finding.model_copy(update={"status": "regression"})
    if finding.status == "watch" and finding.p_value is not None and finding.p_value < SURE:
        reason = f"{finding.reason[:-1]}, but not surely enough for a page within the budget of false alarms."
        return finding.model_copy(update={"reason": reason})
    return finding


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


def _open(previous: Verdict | None) -> dict[str, Incident]:
    if previous is None:
        return {}
    return {i.check: i for i in previous.incidents if i.event != "recovered"}


def _incidents(
    findings: Sequence[Finding], night: Night, previous: Verdict | None, *, validated: bool
) -> tuple[Incident, ...]:
    """One incident a family: opened, kept open, or recovered."""
    before = _open(previous)
    kept: list[Incident] = []
    for check in ("performance", "bias"):
        bad = [f for f in findings if f.check == check and f.status == "regression"]
        known = before.pop(check, None)
        if bad:
            kept.append(_continued(check, bad, night, known))
        elif known is not None:
            over = _over(known, [f for f in findings if f.check == check])
            kept.append(known.model_copy(update={"event": "recovered" if over else "ongoing"}))
    # Data that nobody looked at may be as bad as before.
    event = "recovered" if validated else "ongoing"
    kept += [incident.model_copy(update={"event": event}) for incident in before.values()]
    return tuple(kept)


def _over(known: Incident, findings: Sequence[Finding]) -> bool:
    """Whether what an incident showed can be told tonight, and none of it is surely beyond its tolerance."""
    about = [f for f in findings if f.subject in known.findings] or findings
    told = [f for f in about if f.status in ("ok", "watch")]
    return bool(told) and not any(f.status == "watch" and f.p_value is not None and f.p_value < SURE for f in told)


def _continued(check: str, bad: Sequence[Finding], night: Night, known: Incident | None) -> Incident:
    worst = bad[0]
    subjects = tuple(dict.fromkeys(f.subject for f in bad))
    worse = known is not None and not set(subjects) <= set(known.findings)
    return Incident(
        id=known.id if known else f"{check}-{night}",
        event="opened" if known is None else "worsened" if worse else "ongoing",
        check=check,
        metric=worst.metric,
        segment=worst.segment,
        opened=known.opened if known else str(night),
        # What it has shown so far: only what is new to an incident makes it worse.
        findings=tuple(dict.fromkeys([*(known.findings if known else ()), *subjects])),
        cause=f"{worst.subject}: {worst.reason}",
    )
