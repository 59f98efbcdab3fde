"""The past: what a verdict stands on beside tonight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from nightproof.alert_sections import Trouble
from nightproof.night import Night
from nightproof.readings import Readings
from nightproof.rejudge import Revision
from nightproof.verdict import Verdict

NEW = 2
"""Nights before a window within which a version of the model that came is new to it."""


@dataclass(frozen=True)
class Past:
    """What a verdict stands on beside tonight.

    Parameters
    ----------
    previous
        Verdict of the latest earlier night; ``None`` for the first.
    readings
        Of earlier nights, rising.
    history
        Evaluation ids that all of it comes from.
    revision
        What tonight's verdict takes the place of; ``None`` for a night's first evaluation.
    """

    previous: Verdict | None = None
    readings: Sequence[Readings] = ()
    history: Sequence[str] = ()
    revision: Revision | None = None

    def new_version(self, version: str | None, night: Night, window: int) -> str | None:
        """Tonight's version of the model, if nights of a window or just before it had another."""
        first = str(night.before(window + NEW))
        others = {found.version for found in self.readings if found.night >= first} - {None, version}
        return version if others else None

    def ended(self) -> Mapping[Trouble, date]:
        """When the last incident of each family was over."""
        found: dict[Trouble, date] = {}
        for incident in (*self.previous.ended, *self.previous.incidents) if self.previous else ():
            # What was withdrawn was nothing: looks may reach back over it.
            if incident.ended and incident.event != "withdrawn":
                for family in incident.families:
                    found[family] = max(date.fromisoformat(incident.ended), found.get(family, date.min))
        return found


NOTHING = Past()
"""Before the first night."""
