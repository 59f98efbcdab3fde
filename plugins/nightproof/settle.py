"""Settling findings: from what series show to the last word on every finding."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.evidence import Seen
from nightproof.metrics.estimate import Z80, Z95
from nightproof.readings import SeriesKey, key
from nightproof.words import number, signed

SURE = 0.025
"""Below this one-sided p-value a finding's 95 % interval lies wholly beyond its tolerance."""
MAGNITUDE = {"regression": 0, "watch": 1, "insufficient_data": 2, "ok": 3}


def settle(findings: Sequence[Finding], seen: Sequence[Seen], config: ModelConfig) -> list[Finding]:
    """Every finding with its last status, and what regressed through windows that had no finding."""
    told = {(id(s.series.finding)): s for s in sorted(seen, key=lambda s: s.log_p, reverse=True)}
    regressed = [_regression(s) for s in seen if s.rejected and s.series.family in config.alerts.pages]
    replaced = {(held_as(f), f.window) for f in regressed}
    kept = [_last_word(f, told.get(id(f))) for f in findings if (held_as(f), f.window) not in replaced]
    return [*kept, *regressed]


def held_as(finding: Finding) -> tuple[SeriesKey, float | None, str]:
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


def rank(finding: Finding, config: ModelConfig) -> tuple[object, ...]:
    """Worst first; the night itself before longer windows, all rows before segments."""
    families = ("performance", "bias", "business", "drift")
    order = [*config.tolerances, *config.metrics]
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
