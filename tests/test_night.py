"""A night: one UTC day, half open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.errors import NightError
from nightproof.night import Night, nights_between

DAYS = st.dates(date(1970, 1, 1), date(9990, 1, 1))


@given(day=DAYS)
def test_a_night_is_read_from_what_it_writes(day: date) -> None:
    assert Night.parse(str(Night(day))) == Night(day)


@given(day=DAYS)
def test_nights_meet_without_a_gap_or_an_overlap(day: date) -> None:
    night, next_one = Night(day), Night(day + timedelta(days=1))
    assert night.end == next_one.start
    assert night.end - night.start == timedelta(days=1)
    assert next_one.before(1) == night


@given(day=DAYS, hours=st.integers(0, 1000))
def test_a_night_matures_when_its_labels_are_due_and_passes_its_delay_on(day: date, hours: int) -> None:
    night = Night(day, timedelta(hours=hours))
    assert night.matures_at == night.end + timedelta(hours=hours)
    assert night.before(3).label_delay == night.label_delay


@given(day=DAYS, count=st.integers(0, 60))
def test_the_nights_between_are_in_order_and_hold_both_ends(day: date, count: int) -> None:
    first, last = Night(day), Night(day + timedelta(days=count))
    found = list(nights_between(first, last))
    assert (found[0], found[-1], len(found)) == (first, last, count + 1)
    assert found == sorted(set(found))


def test_a_night_begins_and_ends_in_utc() -> None:
    night = Night.parse("2013-12-14")
    assert night.start == datetime(2013, 12, 14, tzinfo=UTC)
    assert night.end == datetime(2013, 12, 15, tzinfo=UTC)


def test_the_last_night_may_not_be_before_the_first() -> None:
    with pytest.raises(NightError, match="2024-02-01, is earlier than the first, 2024-02-02"):
        list(nights_between(Night.parse("2024-02-02"), Night.parse("2024-02-01")))


@pytest.mark.parametrize(
    "text", ["2013-02-29", "2013-13-01", "14.12.2013", "2013-12-14T00:00", "today", "", "2013-12-14 ", "../2013-12-14"]
)
def test_what_is_no_date_is_no_night(text: str) -> None:
    with pytest.raises(NightError, match="YYYY-MM-DD"):
        Night.parse(text)


def test_a_place_is_filled_with_the_nights_own_date() -> None:
    assert Night.parse("2013-02-03").place("s3://b/%Y/%m/dt=%Y-%m-%d/") == "s3://b/2013/02/dt=2013-02-03/"
