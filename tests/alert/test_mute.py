"""Mutes: told to nobody, lost to nobody, shown with their reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from nightproof.alert_sections import Mute
from nightproof.config import ModelConfig
from nightproof.mute import find_mute, matches, mute_warnings

from .conftest import NOON, Teller, broken, incident

MUTE = {"check": "performance", "until": "2024-03-25", "reason": "the feed is rebuilt"}
LATER = datetime(2024, 3, 25, 0, 0, tzinfo=UTC)


def test_a_muted_incident_is_told_as_it_stands_once_the_mute_is_over(teller: Teller) -> None:
    muted = teller.with_alerts(mute=[MUTE])
    for number, event in enumerate(("opened", "ongoing", "worsened", "ongoing"), start=1):
        muted.night(f"2024-03-0{number}", incident("performance", event, "2024-03-01"))
        assert muted.tell().sent == []
    assert muted.open_nights > 0
    assert len(muted.tell(LATER).sent) == 1
    (message,) = muted.slack.messages
    assert message["metadata"]["event_payload"]["night"] == "2024-03-04"
    assert "It was muted until 2024-03-25: the feed is rebuilt" in str(message["blocks"])
    assert muted.tell(LATER).sent == []
    assert muted.open_nights == 0


def test_what_was_over_before_its_mute_was_is_told_to_nobody(teller: Teller) -> None:
    muted = teller.with_alerts(mute=[MUTE])
    for number, event in enumerate(("opened", "worsened", "recovered"), start=1):
        muted.night(f"2024-03-0{number}", incident("performance", event, "2024-03-01"))
        muted.tell()
    assert muted.tell(LATER).sent == []
    assert muted.slack.messages == []
    assert muted.open_nights == 0


def test_an_incident_that_was_told_before_its_mute_has_its_end_told_after_it(teller: Teller) -> None:
    teller.life("performance", "opened")
    teller.tell()
    muted = teller.with_alerts(mute=[MUTE])
    for number, event in enumerate(("worsened", "recovered"), start=2):
        muted.night(f"2024-03-0{number}", incident("performance", event, "2024-03-01"))
        muted.tell()
    assert len(muted.slack.messages) == 1
    muted.tell(LATER)
    assert muted.events == ["opened", "recovered-2024-03-03"]


def test_a_mute_that_is_taken_out_of_the_file_is_over(teller: Teller) -> None:
    muted = teller.with_alerts(mute=[MUTE])
    muted.life("performance", "opened worsened")
    muted.tell()
    assert len(teller.tell().sent) == 1
    assert teller.events == ["opened"]


def test_other_incidents_go_on_being_told(teller: Teller) -> None:
    muted = teller.with_alerts(mute=[MUTE])
    night = "2024-03-01"
    muted.night(night, incident("performance", "opened", night), incident("bias", "opened", night))
    muted.tell()
    assert [message["channel_name"] for message in muted.slack.messages] == ["fairness"]


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"incident": "bias-2024-03-01"}, True),
        ({"incident": "bias-2024-03-02"}, False),
        ({"check": "bias"}, True),
        ({"check": "performance"}, False),
        ({"metric": "roc_auc"}, True),
        ({"metric": "tpr"}, False),
        ({"column": "g"}, True),
        ({"column": "x"}, True),
        ({"column": "z"}, False),
        ({"segment": {"g": "b"}}, True),
        ({"segment": {"g": "a"}}, False),
        ({"check": "bias", "segment": {"g": "b"}}, True),
        ({"check": "performance", "segment": {"g": "b"}}, False),
    ],
)
def test_all_that_a_mute_names_must_fit(said: dict[str, Any], fits: bool) -> None:
    found = incident("bias", "opened", "2024-03-01", segment={"g": "b"}, causes=broken("x"))
    mute = Mute(until=date(2024, 3, 25), reason="as agreed", **said)
    assert matches(mute, found) is fits
    assert (find_mute([mute], found, date(2024, 3, 24)) is mute) is fits
    assert find_mute([mute], found, date(2024, 3, 25)) is None


def test_a_mute_that_is_over_or_about_nothing_is_a_warning(teller: Teller) -> None:
    mutes = [
        MUTE | {"until": "2024-03-01"},
        {"until": "2025-01-01", "reason": "as agreed", "column": "xx"},
        {"until": "2025-01-01", "reason": "as agreed", "metric": "roc"},
        {"until": "2025-01-01", "reason": "as agreed", "incident": "perf-2024-03-01"},
        {"until": "2025-01-01", "reason": "as agreed", "segment": {"g": "b"}},
    ]
    config: ModelConfig = teller.with_alerts(mute=mutes).config
    warnings = mute_warnings(config, NOON.date())
    assert [warning.split()[0] for warning in warnings] == [f"alerts.mute.{n}" for n in range(4)]
    assert "is over since 2024-03-01" in warnings[0]
    assert "'xx'" in warnings[1] and "'roc'" in warnings[2] and "perf-2024-03-01" in warnings[3]
