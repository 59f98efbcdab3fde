"""The outbox: every event once, nights rising, whatever happened in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from nightproof.alert import post
from nightproof.alert.due import MOST_NIGHTS
from nightproof.errors import AlertError, SlackUnavailable
from nightproof.tell import tell

from .conftest import NOON, Crash, PowerCut, Teller, incident

DAY = timedelta(days=1)


# --- The life of an incident ------------------------------------------------------------------------------


def test_what_several_nights_left_is_told_in_the_order_of_nights(teller: Teller) -> None:
    teller.life("performance", "opened ongoing worsened ongoing")
    told = teller.tell()
    assert teller.events == ["opened", "worsened-2024-03-03"]
    assert [receipt.night for receipt in told.sent] == ["2024-03-01", "2024-03-03"]
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_an_incident_that_was_over_before_it_could_be_told_is_one_message_that_tells_both(teller: Teller) -> None:
    teller.life("performance", "opened worsened recovered")
    assert len(teller.tell().sent) == 1
    (message,) = teller.slack.messages
    assert "Recovered" in message["text"]
    assert "opened on 2024-03-01" in str(message["blocks"])
    assert "thread_ts" not in message
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_one_that_is_over_wakes_nobody_by_its_late_news(teller: Teller) -> None:
    teller.life("performance", "opened recovered")
    night = teller.with_alerts(quiet_hours="22:00-07:00 UTC")
    told = night.tell(NOON.replace(hour=3))
    assert (told.sent, list(told.waiting.values())) == ([], [1])
    assert len(night.tell(NOON.replace(hour=8)).sent) == 1


def test_what_reopens_comes_in_the_old_thread_and_in_the_channel(teller: Teller) -> None:
    teller.life("performance", "opened recovered reopened recovered")
    teller.night("2024-03-01", ask=False)
    teller.tell()
    assert teller.events == ["opened", "reopened-2024-03-03"]  # each was over before it could be told
    other = teller.life("bias", "opened", opened="2024-04-01")
    assert other is None
    teller.tell()
    for night, event in (("2024-04-02", "recovered"), ("2024-04-03", "reopened")):
        teller.night(night, incident("bias", event, "2024-04-01"))
        teller.tell()
    first, over, again = teller.slack.messages[2:]
    assert {over["thread_ts"], again["thread_ts"]} == {first["ts"]}
    assert again["reply_broadcast"]


def test_the_ongoing_is_told_in_the_thread_at_most_daily_and_as_it_is_last(teller: Teller) -> None:
    teller.life("performance", "opened")
    teller.tell()
    now = datetime.now(UTC)
    teller.night("2024-03-02", incident("performance", "ongoing", "2024-03-01"))
    assert teller.tell(now + timedelta(hours=3)).sent == []
    for night in ("2024-03-03", "2024-03-04", "2024-03-05"):
        teller.night(night, incident("performance", "ongoing", "2024-03-01"))
    assert len(teller.tell(now + DAY).sent) == 1
    assert teller.events == ["opened", "ongoing-2024-03-05"]
    assert "reply_broadcast" not in teller.slack.messages[-1]
    assert teller.slack.messages[-1]["thread_ts"] == teller.slack.messages[0]["ts"]
    assert teller.tell(now + 2 * DAY).sent == []


def test_an_ongoing_one_that_nobody_was_told_of_opens_as_it_stands(teller: Teller) -> None:
    teller.night("2024-03-01", incident("performance", "opened", "2024-03-01"), ask=False)
    teller.night("2024-03-02", incident("performance", "ongoing", "2024-03-01"))
    teller.night("2024-03-03", incident("performance", "ongoing", "2024-03-01"))
    assert len(teller.tell().sent) == 1
    assert teller.events == ["opened"]


def test_nights_that_nobody_asked_about_are_not_told(teller: Teller) -> None:
    teller.night("2024-03-01", incident("performance", "opened", "2024-03-01"), ask=False)
    teller.night("2024-03-02", incident("performance", "recovered", "2024-03-01"))
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_a_night_that_was_evaluated_again_is_told_as_it_was_last(teller: Teller) -> None:
    teller.night("2024-03-01", incident("performance", "opened", "2024-03-01"))
    teller.night("2024-03-01", incident("bias", "opened", "2024-03-01"), version=1)
    teller.tell()
    assert [message["channel_name"] for message in teller.slack.messages] == ["fairness"]
    teller.night("2024-03-01", version=2)
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_an_earlier_night_than_was_told_of_is_not_told(teller: Teller) -> None:
    teller.night("2024-03-05", incident("performance", "worsened", "2024-03-01"))
    teller.tell()
    teller.night("2024-03-04", incident("performance", "opened", "2024-03-01"))
    assert teller.tell().sent == []


def test_only_the_last_nights_are_looked_at(teller: Teller) -> None:
    for number in range(MOST_NIGHTS + 5):
        night = str((datetime(2024, 1, 1, tzinfo=UTC) + number * DAY).date())
        teller.night(night, incident("performance", "opened", night))
    crash = Crash()
    teller.tell(crash=crash)
    assert len(teller.slack.messages) == MOST_NIGHTS
    assert sum("verdict.json" in call for call in crash.calls) == MOST_NIGHTS


def test_a_model_with_nothing_to_tell_costs_one_listing(teller: Teller) -> None:
    teller.life("performance", "opened")
    teller.tell()
    crash = Crash()
    teller.tell(crash=crash)
    assert [call.split()[0] for call in crash.calls] == ["store.list"]


# --- Where it goes, and how loud --------------------------------------------------------------------------


def test_each_kind_of_trouble_goes_to_its_channel_and_pages_mention(make_teller: Any) -> None:
    slack = {"channel": "#ml", "channels": {"bias": "#fairness"}, "mention": "S12345678"}
    teller = make_teller("quiet", slack=slack, severity={"bias": "notice"})
    night = "2024-03-01"
    teller.night(night, incident("performance", "opened", night), incident("bias", "opened", night))
    teller.tell()
    by_channel = {message["channel_name"]: message for message in teller.slack.messages}
    assert set(by_channel) == {"ml", "fairness"}
    assert "S12345678" in str(by_channel["ml"]["blocks"])
    assert "S12345678" not in str(by_channel["fairness"]["blocks"])


def test_notices_wait_for_the_end_of_quiet_hours_and_pages_do_not(make_teller: Any) -> None:
    teller = make_teller("quiet", quiet_hours="22:00-07:00 Europe/Berlin", severity={"bias": "notice"})
    night = "2024-03-19"
    teller.night(night, incident("performance", "opened", night), incident("bias", "opened", night))
    early = datetime(2024, 3, 20, 3, tzinfo=UTC)
    assert len(teller.tell(early).sent) == 1
    assert [message["channel_name"] for message in teller.slack.messages] == ["ml"]
    assert teller.tell(early.replace(hour=5, minute=59)).sent == []
    assert len(teller.tell(early.replace(hour=6)).sent) == 1
    assert teller.open_nights == 0


def test_a_page_takes_the_notices_before_it_along(make_teller: Any) -> None:
    teller = make_teller("quiet", quiet_hours="22:00-07:00 UTC")
    teller.life("performance", "opened")
    teller.tell()
    teller.night("2024-03-02", incident("performance", "recovered", "2024-03-01"))
    assert teller.tell(NOON.replace(hour=1)).sent == []
    teller.night("2024-03-03", incident("performance", "reopened", "2024-03-01"))
    teller.tell(NOON.replace(hour=2))
    assert teller.events == ["opened", "recovered-2024-03-02", "reopened-2024-03-03"]


# --- Outages ----------------------------------------------------------------------------------------------


def test_an_outage_of_hours_is_told_late_and_in_order_and_nothing_is_lost(teller: Teller) -> None:
    teller.slack.down = True
    expected = []
    for number in range(1, 6):
        night = f"2024-03-0{number}"
        teller.night(night, incident("performance", "opened", night), incident("bias", "opened", night))
        expected += [f"performance-{night}", f"bias-{night}"]
        failed = teller.tell()
        assert len(failed.failures) == 1 and isinstance(failed.failures[0], SlackUnavailable)
    assert teller.slack.messages == []
    teller.slack.down = False
    assert len(teller.tell().sent) == 10
    keys = [message["metadata"]["event_payload"]["key"] for message in teller.slack.messages]
    assert [key.split("/")[-2] for key in keys] == expected
    assert teller.tell().sent == []
    assert teller.open_nights == 0


def test_a_channel_stops_at_its_first_failure_and_the_others_go_on(teller: Teller) -> None:
    for night in ("2024-03-01", "2024-03-02"):
        teller.night(night, incident("performance", "opened", night), incident("bias", "opened", night))
    teller.slack.script.append(403)
    told = teller.tell()
    assert [type(failure) for failure in told.failures] == [AlertError]
    assert [message["channel_name"] for message in teller.slack.messages] == ["fairness", "fairness"]
    teller.tell()
    assert [message["channel_name"] for message in teller.slack.messages] == ["fairness", "fairness", "ml", "ml"]


def test_models_that_share_a_channel_are_told_in_the_order_of_nights(make_teller: Any) -> None:
    one, two = make_teller("one"), make_teller("two")
    for number in range(1, 5):
        night = f"2024-03-0{number}"
        teller = one if number % 2 else two
        teller.night(night, incident("performance", "opened", night))
    tell([two.outbox(), one.outbox()], now=NOON)
    keys = [message["metadata"]["event_payload"]["night"] for message in one.slack.messages]
    assert keys == [f"2024-03-0{number}" for number in range(1, 5)]


def test_a_model_whose_record_is_broken_stops_no_other(make_teller: Any) -> None:
    one, two = make_teller("one"), make_teller("two")
    for teller in (one, two):
        teller.life("performance", "opened")
    due = next(iter(one.store.list(f"{one.results.folder}alerts/due/")))
    one.store.put(due.key, b"{")  # type: ignore[attr-defined]
    told = tell([one.outbox(), two.outbox()], now=NOON)
    assert "is not a Due" in str(told.failures[0])
    assert len(two.slack.messages) == 1


# --- Charts -----------------------------------------------------------------------------------------------


def test_the_chart_is_uploaded_and_shown(teller: Teller) -> None:
    teller.picture = b"\x89PNG a picture"
    teller.life("performance", "opened")
    teller.tell()
    (message,) = teller.slack.messages
    (image,) = [block for block in message["blocks"] if block["type"] == "image"]
    assert teller.slack.log.file_path(image["slack_file"]["id"]).read_bytes() == teller.picture


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
def test_an_upload_that_fails_stops_no_message(teller: Teller, method: str) -> None:
    teller.picture = b"\x89PNG a picture"
    teller.slack.failing[method] = 500
    teller.life("performance", "opened")
    assert len(teller.tell().sent) == 1
    assert "slack_file" not in str(teller.slack.messages)


def test_a_chart_that_slack_does_not_take_is_left_out(teller: Teller) -> None:
    teller.picture = b"\x89PNG a picture"
    teller.slack.refuses_files = True
    teller.life("performance", "opened")
    assert len(teller.tell().sent) == 1
    assert "slack_file" not in str(teller.slack.messages)


def test_a_chart_that_cannot_be_drawn_stops_no_message(teller: Teller) -> None:
    teller.life("performance", "opened")
    outbox = teller.outbox()
    outbox._draw = lambda *_: 1 / 0  # type: ignore[assignment,return-value]
    assert len(tell([outbox], now=NOON).sent) == 1


# --- Crashes and several at once --------------------------------------------------------------------------

STORY = ["opened", "worsened-2024-03-02", "recovered-2024-03-03"]


def play(teller: Teller, crash: Crash | None = None) -> None:
    """Three nights, told one by one; each is told again until it went through."""
    for event, night in zip(("opened", "worsened", "recovered"), ("01", "02", "03"), strict=True):
        due = teller.night(f"2024-03-{night}", incident("performance", event, "2024-03-01"), ask=False)
        while True:
            try:
                outbox = teller.outbox(crash)
                outbox.ask(due, teller.evaluations[due.evaluation_id].verdict)
                assert tell([outbox], now=NOON).failures == []
            except PowerCut:
                continue
            break


def calls_of_the_story(teller: Teller) -> int:
    crash = Crash()
    play(teller, crash)
    return len(crash.calls)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_costs_no_message_and_makes_no_second(make_teller: Any, after: bool) -> None:
    first = make_teller()
    first.picture = b"\x89PNG a picture"
    calls = calls_of_the_story(first)
    assert calls > 60
    for at in range(calls):
        teller = make_teller()
        teller.picture = first.picture
        seen = len(teller.slack.messages)
        crash = Crash(at, after=after)
        play(teller, crash)
        assert teller.events[seen:] == STORY, (at, crash.calls[at])
        assert teller.open_nights == 0


def test_workers_at_once_tell_each_event_once_and_in_order(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(post, "time", Impatient())
    for number in range(1, 4):
        night = f"2024-03-0{number}"
        teller.night(night, incident("performance", "opened", night))
    barrier = Barrier(4, timeout=60)

    def work(_: int) -> int:
        barrier.wait()
        return len(teller.tell().sent)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 3
    keys = [message["metadata"]["event_payload"]["night"] for message in teller.slack.messages]
    assert keys == ["2024-03-01", "2024-03-02", "2024-03-03"]


def test_a_worker_that_knows_the_opening_and_one_that_knows_the_end_tell_both_once(teller: Teller) -> None:
    teller.night("2024-03-01", incident("performance", "opened", "2024-03-01"))
    early = teller.outbox()
    assert len(early.items(NOON)) == 1
    teller.night("2024-03-02", incident("performance", "recovered", "2024-03-01"))
    tell([teller.outbox()], now=NOON)
    tell([early], now=NOON)
    assert teller.events == ["opened"]
    assert "Recovered" in teller.slack.messages[0]["text"]


class Impatient:
    """The clock, but for waits."""

    def sleep(self, seconds: float) -> None:
        import time

        time.sleep(0.01)


def test_a_message_is_looked_for_where_it_was_sent_and_not_where_the_config_says_by_now(teller: Teller) -> None:
    teller.life("performance", "opened")
    counted = Crash()
    teller.with_alerts().tell(crash=counted)
    posted = next(place for place, call in enumerate(counted.calls) if call == "slack.chat.postMessage")
    teller.life("performance", "opened", opened="2024-03-10")
    with pytest.raises(PowerCut):
        teller.tell(crash=Crash(posted, after=True))
    assert len(teller.slack.messages) == 2
    moved = teller.with_alerts(slack={"channel": "#feeds"})
    assert moved.tell().sent == []
    assert [message["channel_name"] for message in moved.slack.messages] == ["ml", "ml"]
    assert moved.open_nights == 0
