"""Due: when a schedule brings a model's next night.

A tick of the cron expression ends an interval, and the night is the day on which that interval began: at 04:00 the
night just ended is evaluated. Labels that are due later than the tick are waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from nightproof.sections import Duration

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


@dataclass(frozen=True)
class Coming:
    """A night that is to come.

    Parameters
    ----------
    night
        It.
    due
        When it can be evaluated, in UTC.
    step
        How much later that is than the night before it could be.
    """

    night: str
    due: datetime
    step: timedelta


@lru_cache(maxsize=4096)
def coming(schedule: str, last: str, label_delay: timedelta) -> Coming | None:
    """The night after a model's last one; ``None`` where the schedule has no more ticks.

    Parameters
    ----------
    schedule
        Cron expression, in UTC.
    last
        Its last night.
    label_delay
        How long after a night's end its labels are due.
    """
    try:
        after = datetime.combine(date.fromisoformat(last) + timedelta(days=1), time(), UTC)
        before = _previous(schedule, after)
        start = _next(schedule, after - timedelta(seconds=1))
        due, had = _due(schedule, start, label_delay), _due(schedule, before, label_delay)
    except (ValueError, OverflowError):  # croniter's own errors among them
        return None
    return Coming(start.date().isoformat(), due, due - had)


@lru_cache(maxsize=4096)
def first(schedule: str, label_delay: timedelta, now: datetime) -> Coming | None:
    """The first night of a model that has none: that of the next tick; ``None`` where there is none.

    Parameters
    ----------
    schedule, label_delay
        As :func:`coming` has them.
    now
        UTC, to the minute or coarser: answers are kept.
    """
    try:
        start = _previous(schedule, now + timedelta(seconds=1))
        due = _due(schedule, start, label_delay)
    except (ValueError, OverflowError):
        return None
    return Coming(start.date().isoformat(), due, timedelta(0))


def delay_of(text: str) -> timedelta:
    """A duration such as `1d`; none where the text is no duration."""
    try:
        return _read(text)
    except ValidationError:
        return timedelta(0)


@lru_cache(maxsize=256)
def _read(text: str) -> timedelta:
    return _DURATION.validate_python(text)


def _due(schedule: str, start: datetime, label_delay: timedelta) -> datetime:
    end_of_day = datetime.combine(start.date() + timedelta(days=1), time(), UTC)
    return max(_next(schedule, start), end_of_day + label_delay)


def _next(schedule: str, after: datetime) -> datetime:
    from croniter import croniter

    found: datetime = croniter(schedule, after).get_next(datetime)
    return found


def _previous(schedule: str, before: datetime) -> datetime:
    from croniter import croniter

    found: datetime = croniter(schedule, before).get_prev(datetime)
    return found
