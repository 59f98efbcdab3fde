"""Cells of the fleet's page: each number as a short text, what it says of itself, and its sign."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup

from nightproof import words
from nightproof.board import FamilyState, Primary
from nightproof.board.series import NOTHING, Told
from nightproof.dashboard.drawing.explain import STATUS_OF, tip_of_series, tip_of_state
from nightproof.dashboard.drawing.sparkline import sparkline, strip
from nightproof.dashboard.fleet_pages.fleet_view import FleetModel
from nightproof.dashboard.kept import Kept

__all__ = [
    "ago",
    "coverage",
    "family_tip",
    "fragment",
    "labels_tip",
    "primary_text",
    "primary_tip",
    "sign",
    "sparkline",
    "strip",
    "worst",
    "worst_value",
]

SHORT = 24
"""Characters that a name from data may take in a cell; what it says of itself has all of it."""


def sign(code: str) -> tuple[str, str, str]:
    """A status code of the board as a class, a sign and a word."""
    status = STATUS_OF.get(code)
    if status is None:
        return "none", words.NONE, "not told"
    mark, _, word = words.STATUS[status].partition(" ")
    return status, mark, word


def primary_text(primary: Primary) -> tuple[str, str, str]:
    """A primary metric's name, its last value, and its change from the baseline."""
    value, baseline = primary.value[-1], primary.baseline
    change = words.signed(value - baseline) if value is not None and baseline is not None else ""
    return words.metric_title(primary.metric), words.number(value), change


def primary_tip(primary: Primary) -> str:
    """What the last value of a primary metric says of itself."""
    told = Told(
        primary.value[-1],
        primary.low[-1],
        primary.high[-1],
        primary.n[-1],
        primary.baseline,
        primary.limit,
        primary.status[-1],
    )
    return tip_of_series(("performance", primary.metric, None, ()), told, worse=primary.worse, night=primary.night[-1])


def family_tip(state: FamilyState | None, what: str) -> str:
    """What a family says of itself."""
    return tip_of_state(state or FamilyState(status=NOTHING), what)


def coverage(model: FleetModel) -> str:
    """The share of a model's rows that have a label, of its last night."""
    return f"{100 * (model.labelled or 0) / model.rows:.0f} %" if model.rows else words.NONE


def labels_tip(model: FleetModel) -> str:
    """What a model's labels say of themselves."""
    counted = f"{model.labelled or 0:,} of {words.counted(model.rows or 0, 'row')} of {model.night} have a label"
    state = "final" if model.labels == "final" else "provisional: more may come, and the night is evaluated again"
    return f"{counted}; labels are {state}.\n{family_tip(model.label_coverage, 'Label coverage')}"


def worst(state: FamilyState) -> str:
    """What the worst number of a family is about: its column, its group, or the metric's name."""
    if state.segment:
        return f"{words.metric_title(state.metric or '')}, {' and '.join(_short(v) for v in state.segment.values())}"
    return _short(state.column) if state.column else words.metric_title(state.metric or "")


def worst_value(state: FamilyState) -> str:
    """The worst number of a family; shares of rows in per cent."""
    if state.metric in _SHARES and state.value is not None:
        return words.percent(state.value)
    return words.number(state.value)


_SHARES = frozenset(("label_coverage", "missing_rate", "unseen_rate", "outside_rate", "vanished_share"))


def _short(text: str) -> str:
    return words.plain(text, SHORT)


_FRAGMENTS: Kept[Markup] = Kept(2000)


def fragment(model: FleetModel, root: str, at: datetime, row: Callable[[FleetModel, str, str], Markup]) -> Markup:
    """A model's row as HTML, which is the same for whoever may see it, until something of it changes.

    Parameters
    ----------
    model
        It.
    root
        Below which links stand.
    at
        The time, in UTC.
    row
        Lays a model out, given the root and how long ago its last night was evaluated.
    """
    when = ago(model.evaluated_at, at) if model.evaluated_at else ""
    return _FRAGMENTS.get(model.model, (model, root, when), lambda: row(model, root, when))


def ago(then: str, now: datetime) -> str:
    """How long ago an instant was, in its largest unit; empty where the text is no instant."""
    try:
        at = datetime.fromisoformat(then)
    except ValueError:
        return ""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{words.counted(minutes // size, unit)} ago"
    return ""
