"""Hours and weeks as people write them: when notices wait, and when a week is summed up.

Both are told in a time zone of the IANA database and compared as instants, so that a night on
which the clock is changed has its one beginning and its one end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S+)")
_WEEKLY = re.compile(rf"((?i:{'|'.join(DAYS)})) ([01]\d|2[0-3]):([0-5]\d) (\S+)")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


@dataclass(frozen=True)
class QuietHours:
    """A stretch of every day, over midnight where it ends before it begins.

    Parameters
    ----------
    start, end
        On the clock of ``zone``; from ``start`` on, up to and without ``end``. A time that the clock
        shows twice is the first of the two; one that it skips is as far behind the skip.
    zone
        Whose clock.

    Examples
    --------
    >>> quiet = QuietHours.parse("22:00-07:00 Europe/Berlin")
    >>> quiet.until(datetime(2026, 1, 1, 23, 30, tzinfo=UTC))
    datetime.datetime(2026, 1, 2, 6, 0, tzinfo=datetime.timezone.utc)
    >>> quiet.until(datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) is None
    True
    """

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read such as ``22:00-07:00 Europe/Berlin``; raises ``ValueError``."""
        match = _HOURS.fullmatch(text.strip())
        if match is None:
            raise ValueError("write hours and a time zone, such as '22:00-07:00 Europe/Berlin'")
        start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        if start == end:
            raise ValueError("quiet hours must end at another time than they begin")
        return cls(start, end, zone(match[5]))

    def until(self, now: datetime) -> datetime | None:
        """When the quiet that holds at an instant ends, in UTC; ``None`` where it is not quiet."""
        today = now.astimezone(self.zone).date()
        over_midnight = timedelta(days=self.end < self.start)
        for first in (today - timedelta(days=1), today):
            begins, ends = self._at(first, self.start), self._at(first + over_midnight, self.end)
            if begins <= now < ends:
                return ends
        return None

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Weekly:
    """An hour of every week.

    Parameters
    ----------
    weekday
        0 is Monday.
    at, zone
        On which clock.
    """

    weekday: int
    at: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read such as ``monday 08:00 Europe/Berlin``; raises ``ValueError``."""
        match = _WEEKLY.fullmatch(text.strip())
        if match is None:
            raise ValueError("write a weekday, an hour and a time zone, such as 'monday 08:00 Europe/Berlin', or none")
        return cls(DAYS.index(match[1].lower()), time(int(match[2]), int(match[3])), zone(match[4]))

    def latest(self, now: datetime) -> datetime:
        """The last such hour at or before an instant, on its own clock.

        Examples
        --------
        >>> monday = Weekly.parse("monday 08:00 UTC")
        >>> monday.latest(datetime(2026, 11, 23, 7, 59, tzinfo=UTC)).date().isoformat()
        '2026-11-16'
        """
        today = now.astimezone(self.zone).date()
        day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
        found = datetime.combine(day, self.at, tzinfo=self.zone)
        # As instants: on one clock, Python compares what the hands show.
        if found.astimezone(UTC) <= now.astimezone(UTC):
            return found
        return datetime.combine(day - timedelta(days=7), self.at, tzinfo=self.zone)


def zone(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database; raises ``ValueError`` with the nearest name."""
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    near = get_close_matches(name, available_timezones(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name[:60]!r} is no time zone of the IANA database, such as Europe/Berlin or UTC{hint}")


def week_of(moment: datetime) -> str:
    """The ISO week of an instant on its own clock, such as ``2026-W48``."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"
