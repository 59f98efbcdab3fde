"""Mutes: which of a config's holds for an incident, and which hold for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import get_args

from nightproof.alert_sections import Mute, Trouble
from nightproof.config import ModelConfig
from nightproof.verdict import Incident
from nightproof.words import METRICS

MUTED_DAYS = timedelta(days=7)
"""For how long the example of a mute mutes."""


def matches(mute: Mute, incident: Incident) -> bool:
    """Whether a mute is about an incident: all that it names must fit."""
    causes = incident.causes[0].columns if incident.causes else ()
    columns = {incident.column, *incident.segment, *causes}
    return (
        mute.incident in (None, incident.id)
        and mute.check in (None, incident.check)
        and mute.metric in (None, incident.metric)
        and (mute.column is None or mute.column in columns)
        and (mute.segment or {}).items() <= incident.segment.items()
    )


def find_mute(mutes: Iterable[Mute], incident: Incident, day: date) -> Mute | None:
    """The mute that holds for an incident on a day: of several the one that holds longest."""
    found = [mute for mute in mutes if mute.is_active(day) and matches(mute, incident)]
    return max(found, key=lambda mute: mute.until, default=None)


def lines_to_mute(incident_id: str, day: date) -> str | None:
    """The lines that mute an incident for a week, to paste under `alerts.mute`; ``None`` where YAML needs more.

    Parameters
    ----------
    incident_id
        The incident's.
    day
        The first of the seven days.

    Examples
    --------
    >>> print(lines_to_mute("performance-2013-12-14", date(2013, 12, 16)))
    - incident: performance-2013-12-14
      until: 2013-12-23
      reason: …
    """
    if not re.fullmatch(r"[\w.-]+", incident_id):
        return None
    return f"- incident: {incident_id}\n  until: {day + MUTED_DAYS}\n  reason: …"


def mute_warnings(config: ModelConfig, day: date) -> list[str]:
    """What is odd about a config's mutes: those that are over, and those that are about nothing it knows."""
    found = []
    for place, mute in enumerate(config.alerts.mute):
        if not mute.is_active(day):
            found.append(f"alerts.mute.{place} is over since {mute.until}: remove it")
        found += [f"alerts.mute.{place} is about {odd}" for odd in _unknown(mute, config)]
    return found


def _unknown(mute: Mute, config: ModelConfig) -> list[str]:
    columns = _columns(config)
    named = {*([mute.column] if mute.column else []), *(mute.segment or {})}
    odd = [f"the column {name!r}, which this config does not name" for name in sorted(named - columns) if columns]
    if mute.metric is not None and mute.metric not in (*METRICS, *config.metrics):
        odd.append(f"the metric {mute.metric!r}, which there is not")
    if mute.incident is not None and mute.incident.partition("-")[0] not in get_args(Trouble):
        odd.append(f"the incident {mute.incident!r}; their names are such as performance-2013-12-14")
    return odd


def _columns(config: ModelConfig) -> set[str]:
    """Every column that a config names; none where the reference decides which are the features."""
    columns = config.columns
    features = [*columns.features.numeric, *columns.features.categorical]
    if not features:
        return set()
    others = [columns.label, *columns.outputs, columns.query, columns.weight, columns.time]
    others += [columns.model_version, columns.latency_ms]
    slices = [name for parts in columns.slices for name in parts]
    return {name for name in (*features, *columns.protected, *slices, *others) if name is not None}
