"""Quarantine: the verdict on a night that was not evaluated, since its data failed a critical expectation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightproof.config import ModelConfig
from nightproof.incidents import is_remembered, may_reopen
from nightproof.night import Night
from nightproof.past import NOTHING, Past
from nightproof.rejudge import rejudged
from nightproof.validation import Validation
from nightproof.verdict import Cause, Incident, Verdict


def quarantine(
    validation: Validation,
    *,
    config: ModelConfig,
    night: Night,
    past: Past = NOTHING,
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
    verdict = Verdict(
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
    return rejudged(verdict, past.revision)
