"""The weekly digest: once a channel and week, from its hour on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightproof.alert import claims, post
from nightproof.alert.digest import digests
from nightproof.alert.told import Told
from nightproof.alert.week import nights_of, week_line
from nightproof.cache import Cache
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.resources import Resources
from nightproof.storage import MemoryStore
from nightproof.tell import tell_digests

from .conftest import Teller, incident

MONDAY = datetime(2024, 3, 11, 8, tzinfo=UTC)


def verdicts(teller: Teller) -> list[Any]:
    found = [evaluation.verdict for evaluation in teller.evaluations.values()]
    return sorted(found, key=lambda verdict: verdict.night)


def line(teller: Teller, at: datetime = MONDAY, told: dict[str, Told] | None = None) -> Any:
    return week_line(teller.config, verdicts(teller), at=at, told=lambda name: (told or {}).get(name, Told({})))


def test_a_weeks_nights_are_those_whose_labels_were_due(teller: Teller) -> None:
    assert [str(night) for night in nights_of(teller.config, MONDAY)] == ["2024-03-04", "2024-03-10"]
    data = teller.config.data.model_copy(update={"label_delay": timedelta(days=2)})
    late = teller.config.model_copy(update={"data": data})
    assert [str(night) for night in nights_of(late, MONDAY)] == ["2024-03-02", "2024-03-08"]


def test_the_line_says_what_opened_what_ended_and_what_is_open(teller: Teller) -> None:
    events = {1: "opened", 2: "ongoing", 5: "recovered", 7: "reopened"}
    for day in range(1, 11):
        found = [incident("performance", events[day], "2024-03-01")] if day in events else []
        if day >= 7 and not found:
            found = [incident("performance", "ongoing", "2024-03-01")]
        teller.night(f"2024-03-{day:02d}", *found)
    told = line(teller)
    assert (told.model, told.nights, told.status) == ("quiet", 7, "regression")
    assert [(found.opened, found.nights) for found in told.open] == [("2024-03-01", 10)]
    assert len(told.opened) == 1 and len(told.recovered) == 1
    assert told.recovered[0].nights == 4
    assert told.budget == pytest.approx(7 / 90)


def test_only_pages_that_were_told_are_counted(teller: Teller) -> None:
    teller.life("performance", "opened worsened ongoing recovered", opened="2024-03-05")
    teller.tell()
    told = Told({"opened": claims.Receipt(key="k", channel="c", ts="1", text="t")})
    assert line(teller).pages == 0
    assert line(teller, told={"performance-2024-03-05": told}).pages == 1


def test_what_is_muted_is_said_with_its_reason(teller: Teller) -> None:
    teller.life("performance", "opened", opened="2024-03-05")
    mutes = [
        {"until": "2024-03-25", "reason": "the feed is rebuilt", "check": "performance", "segment": {"g": "b"}},
        {"until": "2024-03-11", "reason": "over", "metric": "psi"},
    ]
    muted = teller.with_alerts(mute=mutes)
    (found,) = line(muted).muted
    assert (found.what, found.reason) == ("check performance, g is b", "the feed is rebuilt")


def test_a_model_that_fell_silent_is_said_to_be_and_one_that_is_long_gone_is_not(teller: Teller) -> None:
    assert line(teller) is None
    teller.night("2024-02-01")
    assert line(teller).is_silent
    assert line(teller, datetime(2024, 5, 6, 8, tzinfo=UTC)) is None


def test_each_channel_has_its_hour_and_week(make_teller: Any) -> None:
    berlin = make_teller("one", slack={"channel": "#ml", "digest": "tuesday 09:00 Europe/Berlin"}).config
    monday = make_teller("two", slack={"channel": "#ml"}).config
    never = make_teller("three", slack={"channel": "#net", "digest": "none"}).config
    nobody = make_teller("four", slack=None).config
    (due,) = digests([berlin, monday, never, nobody], MONDAY)
    assert (due.channel, due.week, due.at, len(due.models)) == ("#ml", "2024-W11", MONDAY, 2)
    (before,) = digests([berlin, monday], MONDAY - timedelta(seconds=1))
    assert before.week == "2024-W10"


class Fleet:
    """Two models of a folder, and the digests of their channels."""

    def __init__(self, folder: Path, slack: SlackRecorder, bench: Any) -> None:
        self.slack, self.bench, self.folder = slack, bench, folder

    def tell(self, now: datetime, channel: str | None = None) -> list[str]:
        opened = self.bench.resources()
        told = tell_digests(self.bench.models, opened, sender=self.slack.client(), now=now, channel=channel)
        assert told.failures == []
        return [receipt.text for receipt in told.sent]


@pytest.fixture
def fleet(tmp_path: Path, slack: SlackRecorder, bench: Any) -> Fleet:
    bench.config(windows=[1], alerts={"slack": {"channel": "#ml"}})
    for night in ("2024-03-05", "2024-03-06"):
        bench.night(night, count=300)
        bench.evaluate(night, bench.config(windows=[1], alerts={"slack": {"channel": "#ml"}}))
    return Fleet(tmp_path, slack, bench)


def test_it_is_told_once_a_week_from_its_hour_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(fleet.tell(MONDAY)) == 1
    assert fleet.tell(MONDAY + timedelta(days=6)) == []
    assert len(fleet.tell(MONDAY + timedelta(days=7))) == 1
    assert [message["channel_name"] for message in fleet.slack.messages] == ["ml", "ml"]
    assert "2024-W11" in fleet.slack.messages[0]["text"]


def test_a_crash_after_the_posting_makes_no_second(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post.time, "sleep", lambda seconds: None)
    fleet.slack.script.append("posted_500")
    assert len(fleet.tell(MONDAY)) == 1
    assert fleet.tell(MONDAY) == []
    assert len(fleet.slack.messages) == 1


def test_one_channel_can_be_asked_for(fleet: Fleet) -> None:
    assert fleet.tell(MONDAY, "#other") == []
    assert len(fleet.tell(MONDAY, "#ml")) == 1


def test_no_digest_where_there_is_no_record(tmp_path: Path, slack: SlackRecorder, bench: Any) -> None:
    bench.config()
    resources = Resources(cache=Cache(tmp_path / "c"), suites=bench.suites, open_store=lambda _: MemoryStore())
    assert tell_digests(bench.models, resources, sender=slack.client(), now=MONDAY).sent == []
    assert tell_digests(bench.models, resources, sender=None, now=MONDAY).sent == []
