"""The whole way of a bad night: from a bucket to a channel, with a Slack that stumbles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from nightproof.alert import alert, retry_handlers
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.message import Links

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
    links = Links(location="s3://somewhere/")
    return len(alert(evaluation, results=bucket_model.model_results(), sender=client, links=links))


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
    bucket_model.config(windows=[1], checks={"performance": {"roc_auc": {"max_drop": 0.1}}})
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
