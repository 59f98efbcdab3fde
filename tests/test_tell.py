"""Telling from the record: late, by another process, under another config than the night was evaluated with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from nightproof.alert import Due
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.errors import SlackUnavailable
from nightproof.message import Links
from nightproof.tell import fleet_place, read_due, tell_fleet, tell_night

NOW = datetime(2024, 3, 2, 12, tzinfo=UTC)
NIGHT = "2024-03-01"
ALERTS = {"slack": {"channel": "#ml-network"}}


@pytest.fixture
def left(bench: Any, slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bad night that Slack was not there for."""
    monkeypatch.setattr("nightproof.alert.post.time.sleep", lambda seconds: None)
    config = bench.config(windows=[1], alerts=ALERTS)
    bench.night(NIGHT, count=300, noise=1.0)
    evaluation = bench.evaluate(NIGHT, config)
    slack.down = True
    links = Links(location="s3://there/", report="https://airflow/report")
    told = tell_night(evaluation, bench.resources(), models=bench.models, sender=slack.client(), links=links, now=NOW)
    assert isinstance(told.failures[0], SlackUnavailable)
    slack.down = False
    return bench


def fleet(bench: Any, slack: SlackRecorder) -> Any:
    return tell_fleet(bench.models, bench.resources(), sender=slack.client(), now=NOW)


def test_the_fleet_tells_what_is_left_with_the_links_of_the_night(left: Any, slack: SlackRecorder) -> None:
    assert fleet(left, slack).failures == []
    assert slack.messages and NIGHT in slack.messages[0]["text"]
    assert "https://airflow/report" in str(slack.messages[0]["blocks"])
    assert fleet(left, slack).sent == []


def test_a_config_that_has_changed_since_tells_the_night_by_the_one_it_had(left: Any, slack: SlackRecorder) -> None:
    changed = left.config(
        windows=[1, 3],
        columns={"score": "score", "label": "label", "features": {"numeric": ["x"]}},
        alerts={"slack": {"channel": "#elsewhere"}},
        owner="somebody-new",
    )
    store = left.model_results(changed).store
    (due,) = [store.read(found.key) for found in store.list("nightproof/quiet/alerts/due/")]
    evaluation = read_due(changed, left.resources())(Due.from_bytes(due, name="due"))
    assert evaluation.profile is not None and evaluation.config.columns.protected == ("group",)
    assert fleet(left, slack).failures == []
    assert {message["channel_name"] for message in slack.messages} == {"elsewhere"}
    assert "somebody-new" in str(slack.messages[0]["blocks"])


def test_a_night_whose_counts_are_gone_is_told_all_the_same(left: Any, slack: SlackRecorder) -> None:
    store = left.open_store("s3://ml-results")
    for key in [found.key for found in store.list("") if found.key.endswith("profile.parquet")]:
        store.put(key, b"of another format")
    assert fleet(left, slack).failures == []
    assert slack.messages


def test_a_model_that_cannot_be_read_stops_no_other(left: Any, slack: SlackRecorder) -> None:
    (left.models / "a_broken.yaml").write_text("model: [")
    assert fleet(left, slack).sent


def test_what_belongs_to_no_model_lies_beside_the_first_ones_results(left: Any) -> None:
    assert fleet_place(left.models, left.resources())[1] == "nightproof/fleet/"
    (left.models.parent / "fleet.yaml").write_text("results: s3://ml-results/all/\n")
    assert fleet_place(left.models, left.resources())[1] == "all/fleet/"
