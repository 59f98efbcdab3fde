"""A cause that models share: one message to the owner of the source, and no pages beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest
from nightproof.alert import post, retry_handlers
from nightproof.alert.shared import Fault, SharedFaults
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.fleet import Upstream
from nightproof.storage import MemoryStore
from nightproof.verdict import Cause

from .conftest import NOON, Crash, CrashingClient, CrashingStore, PowerCut, Teller, broken, incident

NIGHT = "2024-03-01"
SOURCES = {
    "weather": Upstream(owner="met-team", channel="#feeds", columns=("x", "wind")),
    "fleet": Upstream(owner="ops", channel="#feeds", columns=("tail",)),
}


@pytest.fixture
def place() -> MemoryStore:
    return MemoryStore("fleet")


def shared_on(place: MemoryStore, slack: SlackRecorder, crash: Crash | None = None) -> SharedFaults:
    client, store = slack.client(retry_handlers=retry_handlers()), place
    if crash is not None:
        client = CrashingClient(slack.token, base_url=slack.base_url)
        client.crash = crash
        store = CrashingStore(place, crash)  # type: ignore[assignment]
    return SharedFaults(store, "nightproof/fleet/", sources=SOURCES, sender=client)


@pytest.fixture
def models(make_teller: Any, place: MemoryStore) -> list[Teller]:
    found = [make_teller(name, slack={"channel": "#ml", "mention": "S12345678"}) for name in ("one", "two", "three")]
    for teller in found:
        teller.shared = shared_on(place, teller.slack)
        teller.night(NIGHT, incident("data", "opened", NIGHT, causes=broken("x")))
    return found


def in_channel(teller: Teller, channel: str) -> list[dict[str, Any]]:
    return [message for message in teller.slack.messages if message["channel_name"] == channel]


def test_the_owner_is_told_once_two_are_affected_and_later_ones_join_the_thread(models: list[Teller]) -> None:
    one, two, three = models
    one.tell()
    assert in_channel(one, "feeds") == []
    two.tell()
    (told,) = in_channel(two, "feeds")
    assert "one" in told["text"] and "two" in told["text"] and "weather" in told["text"]
    three.tell()
    told, joined = in_channel(three, "feeds")
    assert joined["thread_ts"] == told["ts"] and "three" in joined["text"]
    for teller in models:
        assert teller.tell().sent == []
    assert len(in_channel(one, "feeds")) == 2


def test_a_model_whose_source_has_been_told_is_a_notice_that_says_so(models: list[Teller]) -> None:
    for teller in models:
        teller.tell()
    first, *others = [str(message["blocks"]) for message in in_channel(models[0], "ml")]
    assert "S12345678" in first and "was told in" not in first
    for text in others:
        assert "The owner of weather (met-team) was told in #feeds." in text
        assert "S12345678" not in text


def test_such_a_notice_waits_in_quiet_hours_and_the_owner_is_told(models: list[Teller]) -> None:
    one, two, _ = (teller.with_alerts(quiet_hours="22:00-07:00 UTC") for teller in models)
    one.tell(NOON.replace(hour=3))
    two.tell(NOON.replace(hour=3))
    assert len(in_channel(one, "ml")) == 1
    assert len(in_channel(one, "feeds")) == 1
    two.tell(NOON.replace(hour=7))
    assert len(in_channel(one, "ml")) == 2


@pytest.mark.parametrize(
    "causes",
    [
        (),
        (Cause(kind="concept", text="x means something else", columns=("x",)),),
        (Cause(kind="mix", text="others", columns=("g",)), *broken("x")),
        broken("x", "tail"),
        broken("unknown"),
        (Cause(kind="data_fault", text="something is broken"),),
    ],
    ids=["none", "concept", "second cause", "two sources", "no source", "no columns"],
)
def test_only_broken_columns_of_one_source_are_a_shared_cause(
    make_teller: Any, place: MemoryStore, causes: tuple[Cause, ...]
) -> None:
    for name in ("one", "two"):
        teller = make_teller(name)
        teller.shared = shared_on(place, teller.slack)
        teller.night(NIGHT, incident("performance", "opened", NIGHT, causes=causes))
        teller.tell()
    assert in_channel(teller, "feeds") == []
    assert len(in_channel(teller, "ml")) == 2


def test_other_nights_are_other_faults(models: list[Teller]) -> None:
    for teller in models:
        teller.tell()
        teller.night("2024-03-02", incident("data", "worsened", NIGHT, causes=broken("wind")))
        teller.tell()
    nights = [message["text"] for message in in_channel(models[0], "feeds") if "thread_ts" not in message]
    assert [NIGHT in nights[0], "2024-03-02" in nights[1], len(nights)] == [True, True, 2]


def test_a_muted_model_is_not_among_the_affected(models: list[Teller]) -> None:
    mute = {"check": "data", "until": "2024-04-01", "reason": "as agreed"}
    one, two, _ = models
    one.with_alerts(mute=[mute]).tell()
    two.tell()
    assert in_channel(one, "feeds") == []


def test_an_owner_who_cannot_be_told_costs_no_page(models: list[Teller], place: MemoryStore) -> None:
    one, two, _ = models
    one.tell()
    one.slack.script.append(403)
    failed = two.tell()
    assert len(failed.failures) == 1
    last = in_channel(one, "ml")[-1]
    assert "S12345678" in str(last["blocks"])
    sent, failures = shared_on(place, one.slack).tell_all()
    assert (len(sent), failures) == (1, [])
    assert shared_on(place, one.slack).tell_all() == ([], [])


def test_the_fleet_reads_nothing_of_faults_that_are_told(models: list[Teller], place: MemoryStore) -> None:
    for teller in models:
        teller.tell()
    shared_on(place, models[0].slack).tell_all()
    crash = Crash()
    assert shared_on(place, models[0].slack, crash).tell_all() == ([], [])
    assert [call.split()[0] for call in crash.calls] == ["store.list"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_tells_the_owner_once(slack: SlackRecorder, after: bool) -> None:
    def play(place: MemoryStore, crash: Crash) -> None:
        for model in ("one", "two", "three"):
            while True:
                try:
                    found = incident("data", "opened", NIGHT, causes=broken("x"))
                    shared_on(place, slack, crash).join(model, found, NIGHT)
                except PowerCut:
                    continue
                break

    counted = Crash()
    play(MemoryStore("counted"), counted)
    assert len(counted.calls) > 20
    for at in range(len(counted.calls)):
        seen = len(slack.messages)
        play(MemoryStore(f"crash-{at}-{after}"), Crash(at, after=after))
        told, joined = slack.messages[seen:]
        assert joined["thread_ts"] == told["ts"], counted.calls[at]


def test_models_at_once_tell_the_owner_once(
    slack: SlackRecorder, place: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # a claim that somebody is still at is waited for
    monkeypatch.setattr(post.time, "sleep", lambda seconds: sleep(0.01))

    def work(model: str) -> str | None:
        found = incident("data", "opened", NIGHT, causes=broken("x"))
        return shared_on(place, slack).join(model, found, NIGHT)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ["a", "b", "c", "d"]))
    shared_on(place, slack).tell_all()
    roots = [message for message in slack.messages if "thread_ts" not in message]
    assert len(roots) == 1
    assert len(shared_on(place, slack).models(Fault("weather", NIGHT))) == 4
    assert all(message["thread_ts"] == roots[0]["ts"] for message in slack.messages if message not in roots)
