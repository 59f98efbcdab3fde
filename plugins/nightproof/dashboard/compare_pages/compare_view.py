"""The comparison page: any nights beside any others, with intervals and what each difference means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.compare_pages.chosen_nights import Chosen, parsed, resolved
from nightproof.dashboard.compare_pages.difference import Difference, Number, differences
from nightproof.dashboard.compare_pages.side_by_side import Merged, SideBySide, side_by_side
from nightproof.dashboard.drift_pages.distribution import Distribution, distribution
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.past_nights import PastNights
from nightproof.errors import NightError
from nightproof.words import counted, metric_title, number, percent

DRAWN = 3
"""Features whose distributions are shown: those that moved most."""
GROUPS = 60
_MEASURES = ("selection_rate", "impact_ratio", "tpr", "fpr", "accuracy", "mean_error", "mae")
_ASIDE = ("change", "backtest_", "slice_loss")
_SIGNS = ("missing_rate", "unseen_rate", "outside_rate", "vanished_share")


class Side(View):
    """One side of the comparison."""

    asked: str
    """As it is written in the address."""
    name: str
    nights: tuple[str, ...]
    """Those that were merged; none for the baseline."""
    evaluation_ids: tuple[str, ...]
    rows: int
    labelled: int
    versions: tuple[tuple[str, int], ...]
    """Model versions with their rows, the largest first."""
    statuses: tuple[tuple[str, int], ...]
    """Verdicts of its nights, with how many had each."""
    left_out: tuple[str, ...]
    """Why nights of it are left out, in sentences."""


class Moved(View):
    """How far one column's distributions lie apart."""

    column: str
    shift: Number | None
    limit: float | None
    is_beyond: bool
    """Whether all of the interval is beyond the limit."""
    signs: tuple[str, ...]
    """What else differs, in words."""
    why: str
    """Why the shift cannot be told; empty where it is."""


class SliceMoved(View):
    """A slice whose loss differs."""

    segment: dict[str, str]
    a: Number
    b: float | None
    delta: float | None
    low: float | None
    high: float | None
    certainty: str
    is_sure: bool


class Comparison(View):
    """What two choices of nights come to beside each other; every difference is the first less the second."""

    a: Side
    b: Side
    baseline_id: str
    said: tuple[str, ...]
    """The whole in a few sentences."""
    performance: tuple[Difference, ...]
    business: tuple[Difference, ...]
    columns: tuple[Moved, ...]
    """The furthest apart first."""
    distributions: tuple[tuple[str, Distribution], ...]
    """Of the columns that moved most."""
    groups: tuple[Difference, ...]
    slices: tuple[SliceMoved, ...]
    faults: tuple[str, ...]
    """Families that could not be compared."""


class Suggestion(View):
    """A comparison that is worth a look."""

    name: str
    a: str
    b: str


class CompareView(View):
    """The comparison page."""

    model: str
    a: str
    b: str
    suggestions: tuple[Suggestion, ...]
    comparison: Comparison


def compare_view(past: PastNights, archive: Archive, *, a: str, b: str) -> CompareView:
    """Two choices of nights beside each other; what was not asked for is the first suggestion.

    Raises
    ------
    NightError
        If they cannot be compared: the sentence says why, and what can.
    """
    offered = suggestions(past)
    first, second = asked_or_first(past, a, b)
    one, other = resolved(parsed(first), parsed(second), past)
    key = ("compared", *(_named(side) for side in (one, other)))
    compared = archive.remembered(key, lambda: _compared(archive, one, other))
    return CompareView(model=past.row.model, a=first, b=second, suggestions=offered, comparison=compared)


def asked_or_first(past: PastNights, a: str, b: str) -> tuple[str, str]:
    """Both sides as they were asked for; of what was not, the first suggestion."""
    first = suggestions(past)[0]
    return a.strip() or first.a, b.strip() or (first.b if not a.strip() else "baseline")


def suggestions(past: PastNights) -> tuple[Suggestion, ...]:
    """Comparisons that are worth a look: of the last night with what came before it."""
    lines = [line for line in past.lines(_back(past.row.night, 62)) if line.status != "quarantined"]
    if not lines:
        return (Suggestion(name="The last night beside the baseline", a=past.row.night, b="baseline"),)
    last, found = lines[-1].night, []
    opened = min((i.since or i.opened for i in past.row.open_incidents), default=None)
    before = [line.night for line in lines if opened and line.night < opened]
    if opened and before:
        found.append(Suggestion(name="Last night beside the night before the incident", a=last, b=before[-1]))
    found.append(Suggestion(name="Last night beside the 28 nights before it", a=last, b="trailing 28 nights"))
    if len(lines) > 1:
        found.append(Suggestion(name="Last night beside the one before", a=last, b=lines[-2].night))
    week = f"{_back(last, 6)}..{last}"
    if lines[0].night < _back(last, 6):
        found.append(Suggestion(name="Last 7 nights beside the 7 before", a=week, b="trailing 7 nights"))
    versions = list(dict.fromkeys(line.version for line in reversed(lines) if line.version))
    if len(versions) > 1:
        found.append(
            Suggestion(
                name="This model version beside the last", a=f"version:{versions[0]}", b=f"version:{versions[1]}"
            )
        )
    return (*found, Suggestion(name="Last 7 nights beside the baseline", a=week, b="baseline"))


def _named(side: Chosen) -> tuple[object, ...]:
    return (str(side.choice), side.left_out, *(line.evaluation_id for line in side.lines))


def _compared(archive: Archive, a: Chosen, b: Chosen) -> Comparison:
    line = (a.lines or b.lines)[-1:]
    config = archive.config(line[0].night, line[0].evaluation_id) if line else None
    if config is None:
        raise NightError(
            f"This version can no longer read the config of the night {line[0].night}."
            if line
            else "The baseline is on both sides: choose nights for one of them."
        )
    found = side_by_side(archive, a, b, config)
    whole = [f for f in found.findings if not f.segment and not f.metric.startswith(_ASIDE)]
    performance = differences([f for f in whole if f.check == "performance"], found.reverse, config)
    business = differences([f for f in whole if f.check == "business"], found.reverse, config)
    columns = _columns(found)
    sides = _side(a, found.a), _side(b, found.b)
    return Comparison(
        a=sides[0],
        b=sides[1],
        baseline_id=found.baseline_id,
        said=tuple(_said(found, [*performance, *business], columns)),
        performance=tuple(performance),
        business=tuple(business),
        columns=tuple(columns),
        distributions=tuple(_drawn(found, columns)),
        groups=tuple(_groups(found, config)),
        slices=tuple(_slices(found)),
        faults=tuple(why for _, why in found.faults),
    )


def _side(chosen: Chosen, merged: Merged) -> Side:
    rows, labelled = merged.profile.size()
    nights = tuple(line.night for line in merged.nights)
    return Side(
        asked=str(chosen.choice),
        name=_name(chosen, nights),
        nights=nights,
        evaluation_ids=tuple(line.evaluation_id for line in merged.nights),
        rows=rows,
        labelled=labelled,
        versions=tuple(merged.profile.versions().items()),
        statuses=tuple(Counter(line.status for line in merged.nights).most_common()),
        left_out=tuple(why for _, why in merged.left_out),
    )


def _name(chosen: Chosen, nights: Sequence[str]) -> str:
    if chosen.is_baseline:
        return "The baseline"
    if len(nights) == 1:
        return f"The night {nights[0]}"
    return f"{counted(len(nights), 'night')}, {nights[0]} to {nights[-1]}"


def _columns(found: SideBySide) -> list[Moved]:
    drift = [f for f in found.findings if f.check == "drift"]
    moved = [_moved(f, [s for s in drift if s.column == f.column]) for f in drift if f.metric == "psi"]
    return sorted(moved, key=lambda m: (not m.is_beyond, -(m.shift.value if m.shift else -1.0), m.column))


def _moved(f: Finding, own: Sequence[Finding]) -> Moved:
    low, high = f.interval or (None, None)
    shift = None if f.value is None else Number(value=f.value, low=low, high=high, n=f.n)
    signs = [
        f"{metric_title(s.metric)}: {percent(s.value)}"
        + (f", B {percent(s.baseline)}" if s.baseline is not None else "")
        for s in own
        if s.metric in _SIGNS and s.status in ("watch", "regression") and s.value is not None
    ]
    return Moved(
        column=f.column or "",
        shift=shift,
        limit=f.tolerance,
        is_beyond=low is not None and f.tolerance is not None and low > f.tolerance,
        signs=tuple(signs),
        why="" if shift else "too few rows on one side",
    )


def _drawn(found: SideBySide, columns: Sequence[Moved]) -> list[tuple[str, Distribution]]:
    drawn: list[tuple[str, Distribution]] = []
    for moved in columns:
        made = distribution(moved.column, found.a.profile, found.b.profile) if len(drawn) < DRAWN else None
        if made is not None and made.bins and moved.shift is not None:
            drawn.append((moved.column, made))
    return drawn


def _groups(found: SideBySide, config: ModelConfig) -> list[Difference]:
    told = [
        f
        for f in found.findings
        if f.check == "bias" and len(f.segment) == 1 and f.metric in _MEASURES and f.value is not None
    ]
    return differences(told, found.reverse, config)[:GROUPS]


def _slices(found: SideBySide) -> list[SliceMoved]:
    return [
        SliceMoved(
            segment=f.segment,
            a=Number(value=f.value, low=(f.interval or (None, None))[0], high=(f.interval or (None, None))[1], n=f.n),
            b=f.baseline,
            delta=f.delta,
            low=(f.delta_interval or (None, None))[0],
            high=(f.delta_interval or (None, None))[1],
            certainty=f.reason.rpartition("; ")[2].rstrip("."),
            is_sure=f.status != "ok",
        )
        for f in found.findings
        if f.metric == "slice_loss" and f.value is not None
    ]


def _said(found: SideBySide, told: Sequence[Difference], columns: Sequence[Moved]) -> list[str]:
    worse = [d for d in told if d.verdict in ("regressed", "worse")]
    better = [d for d in told if d.verdict == "better"]
    said = []
    if worse:
        top = worse[0]
        values = f"{number(top.a.value if top.a else None)} beside {number(top.b.value if top.b else None)}"
        beyond = "by more than is tolerated" if top.verdict == "regressed" else "beyond chance"
        said.append(
            f"A is worse: {top.subject} {values}, {beyond}; {len(worse)} of {counted(len(told), 'metric')} are."
        )
    elif better:
        said.append(f"A is no worse, and better beyond chance in {len(better)} of {counted(len(told), 'metric')}.")
    elif told and all(d.verdict == "unknown" for d in told):
        said.append("Which side is better cannot be told: too few labelled rows.")
    elif told:
        said.append("No metric differs by more than chance explains.")
    change = next((f for f in found.findings if f.metric == "change"), None)
    if change is not None:
        said.append(change.reason)
    far = [moved.column for moved in columns if moved.is_beyond]
    said.append(
        f"{counted(len(far), 'column')} of {len(columns)} surely moved."
        if far
        else "No column surely moved beyond its limit."
    )
    return said


def _back(night: str, days: int) -> str:
    return (date.fromisoformat(night) - timedelta(days=days)).isoformat()
