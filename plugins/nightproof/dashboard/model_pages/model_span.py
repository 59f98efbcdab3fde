"""Span: the nights that a model's page shows, as its address asks for them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nightproof.board import FleetRow
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.errors import NightError
from nightproof.night import Night

OFFERED = (30, 90, 365)
"""Numbers of nights that pages offer; the second unless asked."""
MOST = 1100
"""Three years: more nights than that are no chart."""


class SpanQuery(BaseModel):
    """What was asked for, as text: what makes no sense is told in words."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)

    last: Annotated[str, Field(max_length=20)] = ""
    """So many nights up to the model's last one; 90 unless asked."""
    first: Annotated[str, Field(alias="from", max_length=20)] = ""
    """First night, as `YYYY-MM-DD`."""
    to: Annotated[str, Field(max_length=20)] = ""
    """Last night, as `YYYY-MM-DD`."""


class Span(View):
    """Nights from one to another, both included."""

    first: str
    last: str
    nights: int
    """Days from the first to the last, whether they were evaluated or not."""
    chosen: int | None
    """The number of last nights that was asked for; null where two nights were."""
    note: str
    """What of the span has no records, in a sentence; empty where all may have."""

    @property
    def query(self) -> str:
        """The query of an address that shows the same span."""
        return f"last={self.chosen}" if self.chosen else f"from={self.first}&to={self.last}"


def span_of(asked: SpanQuery, row: FleetRow) -> Span:
    """The nights that were asked for of a model.

    Raises
    ------
    NightError
        If they make no sense: the sentence says what may be asked for.
    """
    if asked.last and (asked.first or asked.to):
        raise NightError("Ask for last=, or for from= and to=, not for both.")
    if asked.first or asked.to:
        first = _date("from", asked.first) if asked.first else date.fromisoformat(row.first_night)
        last = _date("to", asked.to) if asked.to else max(first, date.fromisoformat(row.night))
        return _between(first, last, None, row)
    count = _count(asked.last) if asked.last else OFFERED[1]
    last = date.fromisoformat(row.night)
    return _between(last - timedelta(days=count - 1), last, count, row)


def _between(first: date, last: date, chosen: int | None, row: FleetRow) -> Span:
    nights = (last - first).days + 1
    if nights < 1:
        raise NightError(f"from={first} is after to={last}: give the earlier night first.")
    if nights > MOST:
        raise NightError(f"That is {nights:,} nights; a page shows {MOST:,} at most. Ask for fewer at a time.")
    return Span(
        first=first.isoformat(), last=last.isoformat(), nights=nights, chosen=chosen, note=_note(first, last, row)
    )


def _note(first: date, last: date, row: FleetRow) -> str:
    known = date.fromisoformat(row.first_night), date.fromisoformat(row.night)
    if last < known[0] or first > known[1]:
        return f"No night of this span has been evaluated: the record reaches from {known[0]} to {known[1]}."
    if first < known[0]:
        return f"The first night on record is {known[0]}; before it there is nothing to show."
    return f"The last night on record is {known[1]}; after it there is nothing to show yet." if last > known[1] else ""


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST:
        raise NightError(f"last={text!r} is no number of nights: write 30, 90, 365 or any other from 1 to {MOST:,}.")
    return int(text)


def _date(name: str, text: str) -> date:
    try:
        return Night.parse(text).date
    except NightError as error:
        raise NightError(f"{name}= is wrong. {error}") from None
