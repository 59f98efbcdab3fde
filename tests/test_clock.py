"""Hours on a clock that is changed twice a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.clock import DAYS, QuietHours, Weekly, week_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2024-01-10T21:59:59+01:00", None),
        ("2024-01-10T22:00:00+01:00", "2024-01-11T07:00:00+01:00"),
        ("2024-01-11T03:00:00+01:00", "2024-01-11T07:00:00+01:00"),
        ("2024-01-11T06:59:59+01:00", "2024-01-11T07:00:00+01:00"),
        ("2024-01-11T07:00:00+01:00", None),
        # The night of spring is an hour shorter, that of autumn an hour longer.
        ("2024-03-31T00:30:00+01:00", "2024-03-31T07:00:00+02:00"),
        ("2024-10-27T00:30:00+02:00", "2024-10-27T07:00:00+01:00"),
    ],
)
def test_a_night_is_quiet_until_its_morning(now: str, until: str | None) -> None:
    quiet = QuietHours.parse("22:00-07:00 Europe/Berlin")
    ends = datetime.fromisoformat(until) if until else None
    assert quiet.until(datetime.fromisoformat(now)) == ends


def test_a_time_that_the_clock_shows_twice_ends_the_quiet_once() -> None:
    quiet = QuietHours.parse("22:00-02:30 Europe/Berlin")
    night = [datetime(2024, 10, 26, 23, tzinfo=UTC) + timedelta(minutes=m) for m in range(0, 180, 10)]
    heard = [quiet.until(moment) is None for moment in night]
    assert heard == sorted(heard), "once it is over, it stays over"
    assert night[heard.index(True)] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_a_time_that_the_clock_skips_ends_the_quiet_all_the_same() -> None:
    quiet = QuietHours.parse("22:00-02:30 Europe/Berlin")
    assert quiet.until(datetime(2024, 3, 31, 0, 0, tzinfo=UTC)) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    assert quiet.until(datetime(2024, 3, 31, 1, 30, tzinfo=UTC)) is None


@given(start=clocks, end=clocks, zone=st.sampled_from(ZONES), now=moments)
def test_quiet_ends_when_it_says_and_the_clock_agrees(start: str, end: str, zone: str, now: datetime) -> None:
    if start == end:
        return
    until = (quiet := QuietHours.parse(f"{start}-{end} {zone}")).until(now)
    shown = now.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    within = start <= shown < end if start < end else shown >= start or shown < end
    if until is None:
        changed = (
            now.astimezone(ZoneInfo(zone)).utcoffset()
            != (now - timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset()
        )
        assert not within or changed
    else:
        assert now < until <= now + timedelta(hours=26)
        assert quiet.until(until - timedelta(seconds=1)) == until
        assert quiet.until(until) != until


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22-7",
        "22:00-07:00",
        "24:00-07:00 UTC",
        "22:60-07:00 UTC",
        "7:00-8:00 UTC",
        "22:00-22:00 UTC",
        "22:00-07:00 Europe/Berlin ",
        "22:00-07:00  UTC",
        "22:00-07:00 Europe",
        "22:00-07:00 Europe/Berlim",
        "22:00-07:00 ../../etc/passwd",
        "22:00-07:00 /etc/localtime",
        "22:00-07:00 CEST+99",
    ],
)
def test_what_is_no_stretch_of_hours_is_refused(text: str) -> None:
    if text.endswith(" ") and not text.isspace():
        assert QuietHours.parse(text) == QuietHours.parse(text.strip())
        return
    with pytest.raises(ValueError, match=r"write hours|another time|time zone"):
        QuietHours.parse(text)


def test_a_zone_that_is_misspelt_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        QuietHours.parse("22:00-07:00 Europe/Berlim")


@given(day=st.sampled_from(DAYS), at=clocks, zone=st.sampled_from(ZONES), now=moments)
def test_the_last_hour_of_a_week_is_at_most_a_week_ago(day: str, at: str, zone: str, now: datetime) -> None:
    found = Weekly.parse(f"{day} {at} {zone}").latest(now)
    assert found.astimezone(UTC) <= now
    # A zone that crosses the date line leaves a day out, once.
    assert now - found.astimezone(UTC) <= timedelta(days=8 if zone == "Pacific/Apia" else 7, hours=2)
    assert DAYS[found.weekday()] == day


def test_the_week_of_an_hour_is_that_of_its_own_clock() -> None:
    late = Weekly.parse("monday 00:30 Pacific/Auckland").latest(datetime(2024, 3, 3, 12, tzinfo=UTC))
    assert (late.isoformat(), week_of(late)) == ("2024-03-04T00:30:00+13:00", "2024-W10")


@pytest.mark.parametrize("text", ["", "monday", "mon 08:00 UTC", "monday 8:00 UTC", "monday 08:00", "funday 08:00 UTC"])
def test_what_is_no_hour_of_a_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a weekday"):
        Weekly.parse(text)
