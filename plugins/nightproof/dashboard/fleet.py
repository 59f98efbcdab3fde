"""The fleet: all models at one moment, put together from configs and boards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nightproof.board import FleetRow
from nightproof.dashboard.place import Place
from nightproof.dashboard.rows import Rows


@dataclass(frozen=True)
class Fleet:
    """All models at one moment, whoever looks.

    Parameters
    ----------
    places
        Every model that has a config, or is on the board of a results root.
    rows
        Of those that are on the board.
    faults
        Results roots that could not be read, with the reason; their rows are those of the last good reading.
    at
        When it was read, in UTC: no row is of an earlier reading.
    """

    places: Mapping[str, Place]
    rows: Mapping[str, FleetRow]
    faults: Mapping[str, str]
    at: datetime


def fleet_of(configured: Mapping[str, Place], read: Mapping[str, Rows], *, given: tuple[str, ...]) -> Fleet:
    """The fleet.

    Parameters
    ----------
    configured
        Where the models of the folder lie.
    read
        What is known of each root.
    given
        Roots of which every model is shown, configured here or not.
    """
    places = dict(configured)
    homes = _homes(read)
    for model, url in homes.items():
        if model not in places:
            places[model] = Place(url, gone=url not in given)
        elif not places[model].results_url:
            # A broken file does not say where its nights are, and there they are.
            places[model] = replace(places[model], results_url=url)
    rows: dict[str, FleetRow] = {}
    for url, found in read.items():
        rows |= {model: row for model, row in found.rows.items() if places[model].results_url == url}
        for model, why in found.unread.items():
            if places[model].results_url == url:
                places[model] = replace(places[model], unread=why)
    return Fleet(places, rows, _faults(read), min((f.at for f in read.values() if f.at), default=datetime.now(UTC)))


def _homes(read: Mapping[str, Rows]) -> dict[str, str]:
    """The root of each model that is on a board; of one that is on several, that of its latest night."""
    found: dict[str, tuple[str, str]] = {}
    for url, rows in read.items():
        for model in (*rows.rows, *rows.unread):
            said = rows.rows[model].evaluated_at if model in rows.rows else ""
            if model not in found or said > found[model][0]:
                found[model] = (said, url)
    return {model: url for model, (_, url) in found.items()}


def _faults(read: Mapping[str, Rows]) -> dict[str, str]:
    return {
        url: f"{rows.fault} Shown is what was read on {rows.at:%Y-%m-%d at %H:%M} UTC." if rows.at else rows.fault
        for url, rows in read.items()
        if rows.fault
    }
