"""Believe: what a model's standing stands on, in a few statements that each say how far they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from nightproof import words
from nightproof.board import NightLine, Primary
from nightproof.board.series import Told
from nightproof.dashboard.drawing.chart_table import is_rate, shown
from nightproof.dashboard.drawing.explain import reach
from nightproof.dashboard.fleet_pages.fleet_view import FleetModel, View
from nightproof.dashboard.past_nights import PastNights
from nightproof.dashboard.place import Place

Sure = Literal["yes", "partly", "no", "known"]
"""Whether a statement speaks for believing what the page says; `known`: it says how to read it."""


class Statement(View):
    """One thing that the standing stands on."""

    about: str
    """In a word or two."""
    text: str
    """One sentence or two."""
    sure: Sure


def statements(
    head: FleetModel, place: Place, past: PastNights | None, lines: Sequence[NightLine]
) -> Iterator[Statement]:
    """What there is to believe a model's standing by.

    Parameters
    ----------
    head
        As the fleet has it.
    place
        Where its config lies.
    past
        Its nights; ``None`` before the first.
    lines
        The nights that are shown.
    """
    if past is None:
        return
    last = past.line(past.row.night)
    if head.silent_since is not None:
        due = f"{head.silent_since:%Y-%m-%d %H:%M}"
        text = f"The night after {head.night} was due on {due} UTC and has not come: all here is as of {head.night}."
        yield Statement(about="How fresh", text=text, sure="no")
    loud = next((found for found in head.incidents if found.muted_until is None), None)
    if loud is not None and loud.evidence:
        text = (
            f"{words.subject(loud.incident.metric, loud.incident.column, loud.incident.segment)} since {loud.since}: "
        )
        sure: Sure = "yes" if past.row.labels == "final" else "partly"
        yield Statement(about="The incident", text=text + "; ".join(loud.evidence) + ".", sure=sure)
    if head.primary is not None and head.validation != "quarantined":
        yield _interval(head.primary)
    if last is not None:
        yield _labels(last, past.row.label_delay)
        yield _validation(last)
    if lines and last is not None and lines[-1].night == last.night:
        yield _in_a_row(lines, reaches=lines[0].night == past.row.first_night)
    if last is not None and last.insufficient:
        text = (
            f"{words.counted(last.insufficient, 'finding')} of the last night had too little data to be judged; "
            "they count neither as good nor as bad."
        )
        yield Statement(about="Left open", text=text, sure="known")
    if place.config is not None:
        text = (
            f"At most {place.config.alerts.false_alarms} is expected, over all metrics, groups and windows of this "
            "model: an incident is seldom chance."
        )
        yield Statement(about="False alarms", text=text, sure="known")


def _interval(primary: Primary) -> Statement:
    place = len(primary.value) - 1
    value, low, high = primary.value[place], primary.low[place], primary.high[place]
    name, percent = words.metric_title(primary.metric), is_rate(primary.metric)
    about = "The last night"
    if value is None or low is None or high is None:
        text = f"{name} could not be told on {primary.night[place]}: there was too little to tell it by."
        return Statement(about=about, text=text, sure="no")
    ends = f"{shown(low, percent=percent)} to {shown(high, percent=percent)}"
    text = f"{name} is {shown(value, percent=percent)}, 95 % interval {ends}, on n = {primary.n[place]:,}."
    told = Told(value, low, high, primary.n[place], primary.baseline, primary.limit, primary.status[place])
    where = reach(told, primary.worse)
    limit = shown(primary.limit, percent=percent)
    said, sure = _REACH.get(where, ("It has no limit: it is shown, and not judged.", "known"))
    return Statement(about=about, text=f"{text} {said.format(limit=limit)}", sure=sure)


_REACH: dict[str, tuple[str, Sure]] = {
    "beyond": ("All of the interval lies beyond the limit of {limit}: the draw of rows does not explain it.", "yes"),
    "across": (
        "The limit of {limit} lies inside the interval: one night of so many rows does not settle it either way.",
        "partly",
    ),
    "within": ("All of the interval keeps to the limit of {limit}.", "yes"),
}


def _labels(line: NightLine, delay: str) -> Statement:
    if line.rows is None or line.labelled is None:
        return Statement(about="Labels", text=f"Nothing was counted on {line.night}.", sure="no")
    share = f" ({words.percent(line.labelled / line.rows)})" if line.rows else ""
    counted = f"{line.labelled:,} of {words.counted(line.rows, 'row')} of {line.night} have a label{share}"
    if line.labels == "final":
        return Statement(about="Labels", text=f"{counted}, and they are final.", sure="yes")
    text = f"{counted}. They are provisional: more may come ({delay} are waited for), and the night is evaluated again."
    return Statement(about="Labels", text=text, sure="partly")


def _validation(line: NightLine) -> Statement:
    failed = words.counted(line.failed, "expectation")
    text, sure = {
        "passed": ("The data passed every expectation before it was evaluated.", "yes"),
        "warned": (f"{failed} failed, none of them critical; the night was evaluated all the same.", "partly"),
        "quarantined": (f"{failed} failed, so the night was not evaluated: older numbers are no verdict on it.", "no"),
        "skipped": ("The data was not validated: whoever ran it asked for that.", "partly"),
    }.get(line.validation, (f"The validation says: {words.plain(line.validation)}.", "known"))
    return Statement(about="Data", text=text, sure=sure)


def _in_a_row(lines: Sequence[NightLine], *, reaches: bool) -> Statement:
    status = lines[-1].status
    count = next((i for i, line in enumerate(reversed(lines)) if line.status != status), len(lines))
    since = lines[-count].night
    least = "at least " if count == len(lines) and not reaches else ""
    name = words.STATUS[status].split(" ", 1)[1]
    text = f"“{name}” for {least}{words.counted(count, 'night')} in a row, since {since}."
    return Statement(about="How long", text=text, sure="known")
