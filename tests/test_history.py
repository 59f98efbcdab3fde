"""A night's history: which earlier nights a verdict stands on, and that it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from nightproof.history import History
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.readings import Readings
from nightproof.series import LOOKED_BACK

TONIGHT = Night.parse("2026-06-01")


@dataclass
class Stored:
    """Results that remember what was asked of them."""

    asked: list[str] = field(default_factory=list)
    quarantined: tuple[str, ...] = ()

    def readings(self, entry: LogEntry) -> Readings | None:
        self.asked.append(entry.night)
        if entry.night in self.quarantined:
            return None
        return Readings(night=entry.night, rows=1, labelled=1, all=())


def entries(*back: int) -> tuple[LogEntry, ...]:
    """The evaluations of nights so long ago, rising."""
    nights = [str(TONIGHT.before(nights)) for nights in sorted(back, reverse=True)]
    return tuple(LogEntry.model_construct(night=night, evaluation_id=f"of-{night}", status="ok") for night in nights)


def history(results: Any, *back: int) -> History:
    return History(TONIGHT, results, entries(*back))


def test_readings_come_in_order_whoever_is_read_first() -> None:
    found = history(Stored(), *range(1, 40)).readings()
    assert [told.night for told in found] == sorted(told.night for told in found)
    assert len(found) == 39


def test_a_verdict_looks_back_so_far_and_no_further() -> None:
    stored = Stored()
    found = history(stored, 1, LOOKED_BACK - 1, LOOKED_BACK, LOOKED_BACK + 50).readings()
    assert [told.night for told in found] == [str(TONIGHT.before(LOOKED_BACK - 1)), str(TONIGHT.before(1))]
    assert len(stored.asked) == 2


def test_nights_that_were_quarantined_have_no_readings() -> None:
    stored = Stored(quarantined=(str(TONIGHT.before(2)),))
    assert [told.night for told in history(stored, 1, 2, 3).readings()] == ["2026-05-29", "2026-05-31"]


@pytest.mark.parametrize(("back", "used"), [((1, 3, LOOKED_BACK), 2), ((LOOKED_BACK + 9,), 1), ((), 0)])
def test_what_it_stands_on_is_named_and_the_night_before_always(back: tuple[int, ...], used: int) -> None:
    some = history(Stored(), *back)
    named = some.used([1, 7])
    assert named == tuple(entry.evaluation_id for entry in some.entries[len(some.entries) - used :])
    assert not back or some.entries[-1].evaluation_id in named


def test_the_first_night_has_none() -> None:
    first = history(Stored())
    assert (first.previous, first.readings(), first.used([1])) == (None, [], ())
