"""Explain: what a number says of itself on hover and on focus.

Plain text of a few lines: what it is, the value with its interval, the rows that it stands on, what it is held
against, and its formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from nightproof import words
from nightproof.board import FamilyState
from nightproof.board.series import NOTHING, STATUS_CODES, Told, Worse
from nightproof.checks.finding import Finding
from nightproof.dashboard.drawing.formulas import formula
from nightproof.metric_names import METRICS_OF
from nightproof.readings import SeriesKey

STATUS_OF = {code: status for status, code in STATUS_CODES.items()}
"""Statuses by the one character that the board keeps of each."""


def tip_of_series(key: SeriesKey, told: Told, *, worse: Worse | None, night: str) -> str:
    """What a number of the board says of itself.

    Parameters
    ----------
    key
        What names the series.
    told
        What it was on the night.
    worse
        On which side harm is; ``None`` where it is evidence alone.
    night
        The night; empty to leave it out.
    """
    check, metric, column, segment = key
    about = words.subject(metric, column, dict(segment))
    if told.status == NOTHING:
        return _lines([_titled(about, night), "Not told on this night.", f"Formula: {formula(metric)}"])
    return _lines(
        [
            _titled(about, night),
            _value(told.value, _interval(told)),
            _rows(told.n, check, metric),
            _baseline(told.value, told.baseline),
            _limit(told, worse),
            _status(told.status),
            f"Formula: {formula(metric)}",
        ]
    )


def tip_of_finding(finding: Finding) -> str:
    """What a finding says of itself: all of it, the reason for its status too."""
    window = "" if finding.window == 1 else f", {finding.window} nights merged"
    beside = "" if finding.reference == "baseline" else f" ({words.plain(finding.reference)})"
    return _lines(
        [
            f"{finding.subject}{window}",
            _value(finding.value, finding.interval),
            _rows(finding.n, finding.check, finding.metric),
            _baseline(finding.value, finding.baseline, of=f"Baseline{beside}", interval=finding.delta_interval),
            "" if finding.tolerance is None else f"Held against: {words.number(finding.tolerance)}",
            ""
            if finding.detectable is None
            else f"Smallest harmful change that this much data would show: {words.number(finding.detectable)}",
            "" if finding.p_value is None else f"p = {words.number(finding.p_value)} of harm beyond that by chance",
            words.plain(finding.reason, 400),
            f"Formula: {formula(finding.metric)}",
        ]
    )


def tip_of_state(state: FamilyState, what: str) -> str:
    """What a family's worst number says of itself.

    Parameters
    ----------
    state
        How the family stood.
    what
        Its name, such as `Drift`.
    """
    if state.status == NOTHING or state.metric is None:
        return f"{what}: nothing was told of it on the last night."
    about = words.subject(state.metric, state.column, state.segment)
    told = Told(state.value, state.low, state.high, state.n, state.baseline, state.limit, state.status)
    return _lines(
        [
            _counts(state, what),
            f"{'The worst' if state.series > 1 else 'Its number'}: {about}",
            _value(told.value, _interval(told)),
            _rows(told.n, _CHECK.get(what.lower(), "drift"), state.metric),
            _baseline(told.value, told.baseline),
            _limit(told, state.worse),
            _status(state.status),
            f"Formula: {formula(state.metric)}",
        ]
    )


_CHECK: Mapping[str, str] = {"performance": "performance", "bias": "bias", "business": "business"}


def _titled(about: str, night: str) -> str:
    return f"{about}, night of {night}" if night else about


def _interval(told: Told) -> tuple[float, float] | None:
    return None if told.low is None or told.high is None else (told.low, told.high)


def _value(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "No value: it cannot be told."
    ends = "" if interval is None else f", 95 % interval {words.number(interval[0])} to {words.number(interval[1])}"
    return f"{words.number(value)}{ends or ', without an interval'}"


def _rows(n: int, check: str, metric: str) -> str:
    unit = "row"
    if metric in METRICS_OF["ranking"]:
        unit = "query"
    elif check == "performance" and not metric.startswith("estimated_"):
        unit = "labelled row"
    return f"n = {words.counted(n, unit, 'queries' if unit == 'query' else None)}"


def _baseline(
    value: float | None,
    baseline: float | None,
    *,
    of: str = "Baseline",
    interval: tuple[float, float] | None = None,
) -> str:
    if baseline is None:
        return ""
    change = "" if value is None else f", change {words.signed(value - baseline)}"
    ends = "" if interval is None else f" ({words.signed(interval[0])} to {words.signed(interval[1])})"
    return f"{of} {words.number(baseline)}{change}{ends if change else ''}"


def _limit(told: Told, worse: Worse | None) -> str:
    if told.limit is None:
        return "No limit: it is shown, and not judged."
    side = {"lower": "below", "higher": "above"}.get(worse or "")
    text = f"Limit {words.number(told.limit)}" + (f": harm is {side} it" if side else "")
    where = {"beyond": "beyond it", "across": "across it", "within": "within it"}.get(reach(told, worse))
    return f"{text}; the interval lies {where}" if where else text


Reach = Literal["beyond", "across", "within", ""]


def reach(told: Told, worse: Worse | None) -> Reach:
    """Where a number's interval lies of its limit; see :func:`reach_of`."""
    return reach_of(told.low, told.high, told.limit, worse)


def reach_of(low: float | None, high: float | None, limit: float | None, worse: Worse | None) -> Reach:
    """Where an interval lies of a limit: wholly beyond it, across it, or within it; empty where that is unknown."""
    if limit is None or low is None or high is None or worse is None:
        return ""
    sign = 1 if worse == "higher" else -1
    least, most = sorted((sign * low, sign * high))
    return "beyond" if least > sign * limit else "across" if most > sign * limit else "within"


def _status(code: str) -> str:
    status = STATUS_OF.get(code)
    return "" if status is None else f"Status: {words.STATUS[status]}"


def _counts(state: FamilyState, what: str) -> str:
    if state.series == 1:
        return what
    return f"{what}: {state.watches} of {words.counted(state.series, 'number')} worth a look or worse"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)
