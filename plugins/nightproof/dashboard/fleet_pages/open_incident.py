"""An open incident on the fleet's page: since when, how bad, why, and what there is to believe it by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict

from nightproof import words
from nightproof.board import FamilyState, FleetRow, Primary
from nightproof.dashboard.drawing.explain import reach_of
from nightproof.dashboard.place import Place
from nightproof.dashboard.standing import mute_of
from nightproof.verdict import Incident


class OpenIncident(BaseModel):
    """One incident that goes on."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    incident: Incident
    since: str
    """The night from which on the harm is seen."""
    nights: int
    """Nights evaluated since, of those that the row knows."""
    nights_at_least: bool
    """Whether it began before the nights that the row knows, so that there may be more."""
    evidence: tuple[str, ...]
    """What there is to believe it by, each a clause."""
    muted_until: date | None
    """The first day on which somebody is told of it again; null where it is not muted."""
    mute_reason: str


def open_incident(incident: Incident, row: FleetRow, place: Place, day: date) -> OpenIncident:
    """An open incident of a row.

    Parameters
    ----------
    incident
        It.
    row, place
        The model's.
    day
        On which mutes are looked up.
    """
    since = incident.since or incident.opened
    mute = mute_of(place, incident, day)
    return OpenIncident(
        incident=incident,
        since=since,
        nights=sum(night >= since for night, _ in row.statuses),
        nights_at_least=bool(row.statuses) and since < row.statuses[0][0] and row.nights > len(row.statuses),
        evidence=tuple(_evidence(incident, row, place, since)),
        muted_until=mute.until if mute else None,
        mute_reason=mute.reason if mute else "",
    )


def _evidence(incident: Incident, row: FleetRow, place: Place, since: str) -> Iterator[str]:
    if incident.worst is not None:
        yield f"{incident.worst:,.1f} times its tolerance at the worst"
    yield from _numbers(incident, row, since)
    if incident.reference != "baseline":
        yield f"compared with {words.plain(incident.reference)}"
    yield "labels are final" if row.labels == "final" else "labels are provisional: the night will be evaluated again"
    if incident.good_nights:
        needed = place.config.alerts.recover_after if place.config else None
        of = f"; over after {needed}" if needed else ""
        yield f"{words.counted(incident.good_nights, 'good night')} in a row now{of}"


def _numbers(incident: Incident, row: FleetRow, since: str) -> Iterator[str]:
    primary = row.primary
    if primary is not None and incident.metric == primary.metric and not incident.segment and not incident.column:
        yield from _of_primary(primary, since)
        return
    for state in (row.performance, row.bias, row.business, row.data, row.label_coverage, row.drift):
        if (state.metric, state.column, state.segment) == (incident.metric, incident.column, incident.segment):
            yield from _of_state(state)
            return


def _of_primary(primary: Primary, since: str) -> Iterator[str]:
    at = [i for i, night in enumerate(primary.night) if night >= since and primary.value[i] is not None]
    if not at:
        return
    sure = [i for i in at if reach_of(primary.low[i], primary.high[i], primary.limit, primary.worse) == "beyond"]
    if primary.limit is not None:
        least = min(primary.n[i] for i in at)
        yield (
            f"the whole interval beyond the limit on {len(sure)} of {words.counted(len(at), 'night')}"
            f" (n from {least:,})"
        )
    yield from _last(primary.value[-1], primary.low[-1], primary.high[-1], primary.n[-1])


def _of_state(state: FamilyState) -> Iterator[str]:
    where = reach_of(state.low, state.high, state.limit, state.worse)
    if where:
        yield {"beyond": "its whole interval", "across": "part of its interval", "within": "none of its interval"}[
            where
        ] + " lay beyond the limit on the last night"
    yield from _last(state.value, state.low, state.high, state.n)


def _last(value: float | None, low: float | None, high: float | None, n: int) -> Iterator[str]:
    if value is not None and low is not None and high is not None:
        yield f"last night {words.number(value)} ({words.number(low)} to {words.number(high)}, n = {n:,})"
