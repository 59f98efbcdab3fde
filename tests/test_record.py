"""What every stored JSON object holds to: the same bytes on every writing, nothing but JSON, strict on reading."""

from __future__ import annotations

import json
import math
from functools import cached_property

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.errors import RecordError
from nightproof.record import Record, canonical


class Sample(Record):
    name: str
    number: float | None
    named: dict[str, int]


SAMPLES = st.builds(
    Sample,
    name=st.text(st.characters(exclude_categories=["Cs"])),
    number=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    named=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(), max_size=4),
)


@given(record=SAMPLES)
def test_a_record_is_read_from_what_it_writes(record: Sample) -> None:
    assert Sample.from_bytes(record.to_bytes(), name="here") == record


@given(record=SAMPLES)
def test_equal_records_give_equal_bytes_whatever_the_order_of_their_keys(record: Sample) -> None:
    turned = record.model_copy(update={"named": dict(reversed(record.named.items()))})
    assert turned.to_bytes() == record.to_bytes()


@given(record=SAMPLES)
def test_a_record_is_json_that_ends_in_a_newline(record: Sample) -> None:
    assert json.loads(record.to_bytes()) == record.model_dump()
    assert record.to_bytes().endswith(b"}\n")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_hold_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Sample(name="a", number=number, named={})
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": number})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the whole"),
        (b"[]", "the whole"),
        (b'{"name": "a", "number": 1}', "named"),
        (b'{"name": 1, "number": 1, "named": {}}', "name"),
        (b'{"name": "a", "number": 1, "named": {}, "more": 1}', "more"),
        (b'{"name": "a", "number": NaN, "named": {}}', "number|the whole"),
    ],
)
def test_what_is_no_such_record_says_what_it_is_and_where_it_came_from(raw: bytes, said: str) -> None:
    with pytest.raises(RecordError, match=rf"^s3://b/key is not a Sample: ({said})"):
        Sample.from_bytes(raw, name="s3://b/key")


def test_a_record_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Sample(name="a", number=None, named={}).name = "b"  # type: ignore[misc]


class Computing(Record):
    number: int

    @cached_property
    def doubled(self) -> int:
        return 2 * self.number


def test_a_changed_copy_computes_anew() -> None:
    one = Computing(number=1)
    assert one.doubled == 2
    assert one.model_copy(update={"number": 5}).doubled == 10
    assert one.doubled == 2
