"""The bias page: the groups of each protected column on a night, beside the reference group and the four fifths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal

from nightproof.checks.finding import Finding
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_shown import NightShown, findings_of, shown
from nightproof.dashboard.past_nights import PastNights, PastSeries
from nightproof.errors import ObjectMissing
from nightproof.words import counted, metric_title, nights, plain

ORDER = ("regression", "watch", "insufficient_data", "ok")
"""Statuses, the worst first."""
FOLLOWED = 180
"""Nights that a group is followed back."""
Answer = Literal["violation", "clear", "insufficient data"]
FOUR_FIFTHS = "impact_ratio"
_FIRST = ("tpr", "selection_rate", "accuracy", "mean_error")
_GAPS = ("_gap", "_ratio")


class Group(View):
    """One group through the window shown."""

    segment: dict[str, str]
    name: str
    is_reference: bool
    is_rounded: bool
    """Whether its counts are rounded, so that those of a group too small to show cannot be worked out."""
    chosen: Finding | None
    """The measure that was asked for; null where it is not told of the group, as a gap is not of the reference."""
    impact_ratio: Finding | None
    """Of binary models; null for the reference group."""
    selection_rate: Finding | None
    four_fifths: Answer | None
    """What the interval of the impact ratio says of 0.8."""


class SmallGroup(View):
    """A group with too few labelled rows to judge or to show."""

    segment: dict[str, str]
    name: str
    n: int


class Grouping(View):
    """One protected column, or a pair of them."""

    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    """The reference first, then the largest."""
    small: tuple[SmallGroup, ...]
    parities: tuple[Finding, ...]
    """Each notion of parity over all groups of the column, the worst first."""

    @property
    def name(self) -> str:
        """As a heading names it."""
        return " × ".join(plain(column) for column in self.columns)


class Measure(View):
    """A measure that can be asked for."""

    metric: str
    title: str
    worst: str
    """The worst status that a group has in it."""


class BiasView(View):
    """The bias page."""

    model: str
    shown: NightShown
    window: int
    """Nights merged, the one shown last."""
    windows: tuple[int, ...]
    measure: str
    measures: tuple[Measure, ...]
    groupings: tuple[Grouping, ...]
    column: str
    """Of the group that is followed over the nights; empty where none is."""
    group: str
    first: str
    """The first night that it is followed from."""
    without: str
    """Why there is nothing to show, in a sentence; empty where there is."""


class BiasQuery(View):
    """What was asked for; what is empty is chosen."""

    night: str = ""
    measure: str = ""
    window: str = ""
    column: str = ""
    group: str = ""


def bias_view(past: PastNights, archive: Archive, asked: BiasQuery) -> BiasView:
    """The groups of a night.

    Raises
    ------
    ObjectMissing
        If there is no such night, window, measure or group: the sentence lists those that there are.
    """
    night, every = findings_of(archive, shown(past, asked.night))
    found = [f for f in every if f.check == "bias"]
    windows = tuple(sorted({f.window for f in found}))
    window = _window(asked.window, windows)
    here = [f for f in found if f.window == window]
    measures = tuple(_measures(here))
    measure = _measure(asked.measure, measures)
    groupings = tuple(_grouping(columns, here, measure) for columns in _columns(here))
    column, group = _followed(asked, groupings)
    return BiasView(
        model=past.row.model,
        shown=night,
        window=window,
        windows=windows,
        measure=measure,
        measures=measures,
        groupings=groupings,
        column=column,
        group=group,
        first=_back(night.night, FOLLOWED - 1),
        without=night.without or ("" if found else _nothing(past)),
    )


def followed(view: BiasView, past: PastNights) -> list[tuple[str, PastSeries]]:
    """The chosen group's series by night: the measure that was asked for, and the impact ratio where there is one."""
    if not view.column:
        return []
    metrics = dict.fromkeys((view.measure, FOUR_FIFTHS))
    several = [(m, past.one(("bias", m, None, ((view.column, view.group),)), view.first)) for m in metrics]
    return [(metric, series) for metric, series in several if series.points]


def _nothing(past: PastNights) -> str:
    if past.row.task == "ranking":
        return "This model ranks candidates: bias between groups is not measured of rankings yet."
    return (
        "This night told nothing of bias: no protected column was configured. Name the columns whose groups must be "
        "served alike in columns.protected, and the next night tells of them."
    )


def _window(text: str, windows: Sequence[int]) -> int:
    if not text or not windows:
        return windows[0] if windows else 1
    found = next((window for window in windows if str(window) == text), None)
    if found is None:
        told = ", ".join(map(str, windows))
        raise ObjectMissing(f"There is no window of {text[:20]!r} nights here: there are {told}.")
    return found


def _measures(found: Iterable[Finding]) -> list[Measure]:
    worst: dict[str, str] = {}
    for f in found:
        # A small group has one finding that says so: it tells of no measure.
        if f.segment and f.value is not None:
            worst[f.metric] = min(worst.get(f.metric, "ok"), f.status, key=ORDER.index)
    return [Measure(metric=name, title=metric_title(name), worst=status) for name, status in sorted(worst.items())]


def _measure(text: str, measures: Sequence[Measure]) -> str:
    names = [measure.metric for measure in measures]
    if text and names:
        if text not in names:
            raise ObjectMissing(
                f"There is no measure {text[:40]!r} of this night's groups: there are {', '.join(names)}."
            )
        return text
    return next((name for name in (*_FIRST, *names) if name in names), "")


def _columns(found: Iterable[Finding]) -> list[tuple[str, ...]]:
    """Groupings in the order of their size: single columns first."""
    return sorted({tuple(f.segment) for f in found if f.segment}, key=lambda columns: (len(columns), columns))


def _grouping(columns: tuple[str, ...], found: Sequence[Finding], measure: str) -> Grouping:
    by_group: dict[tuple[str, ...], dict[str, Finding]] = {}
    for f in found:
        if tuple(f.segment) == columns:
            told = by_group.setdefault(tuple(f.segment.values()), {})
            # Of two ends of one limit, the worse.
            if f.metric not in told or ORDER.index(f.status) < ORDER.index(told[f.metric].status):
                told[f.metric] = f
    large = {key: told for key, told in by_group.items() if not _is_small(told)}
    reference = _reference(large)
    groups = [_group(columns, key, told, measure, is_reference=key == reference) for key, told in large.items()]
    return Grouping(
        columns=columns,
        groups=tuple(sorted(groups, key=lambda g: (not g.is_reference, -_rows(g), g.name))),
        small=tuple(
            SmallGroup(segment=dict(zip(columns, key, strict=True)), name=_name(key), n=_few(told))
            for key, told in sorted(by_group.items())
            if key not in large
        ),
        parities=tuple(
            sorted(
                (f for f in found if not f.segment and f.column == " and ".join(columns)),
                key=lambda f: (ORDER.index(f.status), f.metric),
            )
        ),
    )


def _is_small(told: dict[str, Finding]) -> bool:
    return all(f.value is None for f in told.values()) and len(told) == 1


def _few(told: dict[str, Finding]) -> int:
    return next(iter(told.values())).n


def _reference(groups: dict[tuple[str, ...], dict[str, Finding]]) -> tuple[str, ...] | None:
    """The group that is compared with no other; of several, of which nothing could be compared, the largest."""
    alone = {
        key: max(f.n for f in told.values())
        for key, told in groups.items()
        if not any(metric.endswith(_GAPS) and metric != "calibration_gap" for metric in told)
    }
    return max(alone, key=lambda key: (alone[key], key), default=None)


def _group(
    columns: tuple[str, ...], key: tuple[str, ...], told: dict[str, Finding], measure: str, *, is_reference: bool
) -> Group:
    from nightproof.checks.suppression import ROUNDED
    from nightproof.metrics.four_fifths import four_fifths

    ratio = told.get(FOUR_FIFTHS)
    return Group(
        segment=dict(zip(columns, key, strict=True)),
        name=_name(key),
        is_reference=is_reference,
        is_rounded=any(ROUNDED in f.reason for f in told.values()),
        chosen=told.get(measure),
        impact_ratio=ratio,
        selection_rate=told.get("selection_rate"),
        four_fifths=four_fifths(ratio.interval) if ratio else None,
    )


def _rows(group: Group) -> int:
    known = group.selection_rate or group.chosen or group.impact_ratio
    return known.n if known else 0


def _name(key: tuple[str, ...]) -> str:
    return plain(" / ".join(key), 60)


def _followed(asked: BiasQuery, groupings: Sequence[Grouping]) -> tuple[str, str]:
    """Column and value of the group that is followed: the one that was asked for, or the worst."""
    single = {
        (g.columns[0], *group.segment.values()): group for g in groupings for group in g.groups if len(g.columns) == 1
    }
    if asked.column or asked.group:
        # A group that is too small tonight was large on other nights: its series may be looked at.
        small = {(g.columns[0], *s.segment.values()) for g in groupings for s in g.small if len(g.columns) == 1}
        if (asked.column, asked.group) not in single.keys() | small:
            named = ", ".join(plain(f"{column} {value}", 40) for column, value in list(single)[:20])
            raise ObjectMissing(
                f"There is no group {plain(asked.group, 40)!r} of {plain(asked.column, 40)!r} on this night"
                f"{f': there are {named}' if named else ''}."
            )
        return asked.column, asked.group
    others = [key for key, group in single.items() if group.chosen is not None and not group.is_reference]
    worst = min(others, key=lambda key: _badness(single[key]), default=next(iter(single), ("", "")))
    return worst[0], worst[1]


def _badness(group: Group) -> tuple[int, int]:
    told = [f for f in (group.chosen, group.impact_ratio) if f is not None]
    return min((ORDER.index(f.status) for f in told), default=len(ORDER)), -_rows(group)


def said_of(view: BiasView) -> list[str]:
    """What the page says first: who is surely worse off, in sentences."""
    told = []
    for grouping in view.groupings:
        broken = [g for g in grouping.groups if g.four_fifths == "violation"]
        open_ = [g for g in grouping.groups if g.four_fifths == "insufficient data" and not g.is_reference]
        clear = [g for g in grouping.groups if g.four_fifths == "clear"]
        if broken or open_ or clear:
            named = f" ({', '.join(g.name for g in broken[:5])})" if broken else ""
            below = counted(len(broken), "group") if broken else "no group is"
            told.append(
                f"{grouping.name}, {nights(view.window)}: {below} surely below four fifths of the reference group's "
                f"selection rate{named}, {len(clear)} surely not, and of {len(open_)} there is too little data to tell."
            )
    return told


def _back(night: str, days: int) -> str:
    return (date.fromisoformat(night) - timedelta(days=days)).isoformat()
