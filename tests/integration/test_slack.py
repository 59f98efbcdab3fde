"""The whole way of a bad night: from a bucket to a channel, with a Slack that stumbles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

import pytest
from nightproof.alert import raise_failures, retry_handlers
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.errors import AlertError
from nightproof.message import Links
from nightproof.tell import tell_fleet, tell_night

pytestmark = pytest.mark.integration

BAD = {"noise": 1.0}
TELL = """
import os, sys
from pathlib import Path
from nightproof.cli import main

sys.argv = ["nightproof", "replay", "quiet", "--from", "2024-03-01", "--to", "2024-03-03", "--json", "--alert",
            "--no-report", "--no-validate", "--models", sys.argv[1]]
main()
"""


@pytest.fixture
def bad_night(bucket_model: Any) -> Any:
    bucket_model.night("2024-03-01", count=300, **BAD)
    return bucket_model.evaluate("2024-03-01", bucket_model.config(windows=[1]))


def tell(bucket_model: Any, slack: SlackRecorder, evaluation: Any) -> int:
    client = slack.client(retry_handlers=retry_handlers())
    links, now = Links(location="s3://somewhere/"), datetime.now(UTC)
    resources = bucket_model.resources()
    told = tell_night(evaluation, resources, models=bucket_model.models, sender=client, links=links, now=now)
    raise_failures(told)
    return len(told.sent)


def test_429_then_500_then_ok_is_one_message_after_the_wait_that_slack_asked_for(
    bucket_model: Any, slack: SlackRecorder, bad_night: Any
) -> None:
    slack.script.extend([429, 500, "ok"])
    assert tell(bucket_model, slack, bad_night) == 1
    assert slack.calls.count("chat.postMessage") == 3
    assert tell(bucket_model, slack, bad_night) == 0
    assert len(slack.messages) == 1


def test_an_answer_that_is_lost_after_the_posting_is_one_message(
    bucket_model: Any, slack: SlackRecorder, bad_night: Any
) -> None:
    slack.script.extend(["posted_dropped"])
    assert tell(bucket_model, slack, bad_night) == 1
    assert tell(bucket_model, slack, bad_night) == 0
    assert len(slack.messages) == 1


def test_processes_that_replay_at_once_tell_each_event_once(
    bucket_model: Any, slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch, at_once: Callable[..., list[str]]
) -> None:
    bucket_model.config(windows=[1], alerts={"slack": {"channel": "#ml-network"}, "recover_after": 1})
    for night, knobs in (("2024-03-01", {}), ("2024-03-02", BAD), ("2024-03-03", {})):
        bucket_model.night(night, count=3000, **knobs)
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    printed = at_once(TELL, *([str(bucket_model.models)] for _ in range(2)))
    assert len(set(printed)) == 1
    events = [[i["event"] for i in json.loads(line)["incidents"]] for line in printed[0].splitlines()]
    assert events == [[], ["opened"], ["recovered"]]
    opened, recovered = slack.messages
    assert "Regression" in opened["text"] and "Recovered" in recovered["text"]
    assert recovered["thread_ts"] == opened["ts"]


def test_the_chart_is_seen_beside_its_message(bucket_model: Any, slack: SlackRecorder, bad_night: Any) -> None:
    assert tell(bucket_model, slack, bad_night) == 1
    (image,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "image"]
    path = f"/files/{image['slack_file']['id']}"
    with urlopen(slack.page_url) as page, urlopen(slack.page_url + path) as picture:
        assert f'src="{path}"' in page.read().decode()
        assert (picture.headers["Content-Type"], picture.read(8)) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert slack.calls.count("files.completeUploadExternal") == 1


def test_a_slack_that_comes_back_after_hours_hears_all_of_it_in_order(bucket_model: Any, slack: SlackRecorder) -> None:
    nights = ("2024-03-01", "2024-03-02")
    config = bucket_model.config(windows=[1])
    slack.failing["chat.postMessage"] = 403
    for night in nights:
        bucket_model.night(night, count=300, seed=1, **BAD)
        with pytest.raises(AlertError):
            tell(bucket_model, slack, bucket_model.evaluate(night, config))
    slack.failing.clear()
    told = tell_fleet(bucket_model.models, bucket_model.resources(), sender=slack.client(), now=datetime.now(UTC))
    heard = [message["metadata"]["event_payload"]["night"] for message in slack.messages]
    assert len(told.sent) == len(heard) and heard == sorted(heard) and heard[0] == nights[0]
    again = tell_fleet(bucket_model.models, bucket_model.resources(), sender=slack.client(), now=datetime.now(UTC))
    assert again.sent == []
