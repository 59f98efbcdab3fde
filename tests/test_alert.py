"""Alerts: one message an event, whatever is retried, wherever it crashes, however Slack answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Barrier
from typing import Any

import pytest
from nightproof import alert as alerts
from nightproof.alert import (
    Claim,
    Due,
    Outbox,
    Receipt,
    claims,
    client_from_environment,
    post,
    post_notice,
    raise_failures,
    retry_handlers,
)
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.errors import AlertError, StoreUnavailable
from nightproof.evaluation import Evaluation
from nightproof.message import Links, compose_failure
from nightproof.night import Night
from nightproof.results import ModelResults
from nightproof.tell import tell as tell_all
from nightproof.verdict import Incident
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

LINKS = Links(location="s3://ml-results/nightproof/quiet/", report="https://airflow/report", run="https://airflow/run")
BAD = {"noise": 1.0}


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim without a receipt is given up at once, and nobody sleeps."""
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 0)
    monkeypatch.setattr(post.time, "sleep", lambda seconds: None)


@pytest.fixture
def night(bench: Any) -> Evaluation:
    """A night on which one incident opened."""
    bench.night("2024-03-01", count=300, **BAD)
    evaluation = bench.evaluate("2024-03-01", bench.config(windows=[1]))
    assert [i.event for i in evaluation.verdict.incidents] == ["opened"]
    return evaluation


def as_event(evaluation: Evaluation, event: str, night: str | None = None) -> Evaluation:
    """The same evaluation, as if this had happened to its incident."""
    (incident,) = evaluation.verdict.incidents
    changed: Incident = incident.model_copy(update={"event": event})
    verdict = evaluation.verdict.model_copy(update={"incidents": (changed,)})
    return replace(evaluation, verdict=verdict, night=Night.parse(night) if night else evaluation.night)


def tell(
    bench: Any,
    slack: SlackRecorder,
    evaluation: Evaluation,
    *,
    results: ModelResults | None = None,
    client: WebClient | None = None,
) -> list[str]:
    """What one run of the alert task sent."""
    sender = client or slack.client(retry_handlers=retry_handlers())
    return [receipt.text for receipt in alert(evaluation, results or bench.model_results(), sender)]


def alert(evaluation: Evaluation, results: ModelResults, sender: WebClient) -> list[Receipt]:
    outbox = Outbox(evaluation.config, results, read=lambda _: evaluation, sender=sender)
    outbox.ask(Due.ask(str(evaluation.night), evaluation.id, LINKS), evaluation.verdict)
    told = tell_all([outbox], now=datetime.now(UTC))
    raise_failures(told)
    return told.sent


def roots(slack: SlackRecorder) -> list[str]:
    return [m["text"] for m in slack.messages if "thread_ts" not in m]


# --- Once -------------------------------------------------------------------------------------------------


def test_an_incident_that_opens_is_told_once(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    (text,) = tell(bench, slack, night)
    assert "Regression: quiet, 2024-03-01" in text and "ROC AUC" in text
    (message,) = slack.messages
    assert (message["text"], message["channel_name"]) == (text, "ml-network")
    assert message["blocks"][0]["type"] == "header"


def test_a_retry_of_the_task_posts_nothing(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    tell(bench, slack, night)
    assert tell(bench, slack, night) == []
    assert slack.calls.count("chat.postMessage") == 1


def test_a_model_without_a_channel_is_not_told_of(bench: Any, slack: SlackRecorder) -> None:
    bench.night("2024-03-01", **BAD)
    evaluation = bench.evaluate("2024-03-01", bench.config(alerts={}))
    assert evaluation.verdict.incidents
    assert tell(bench, slack, evaluation) == []
    assert slack.calls == []


def test_a_quiet_night_says_nothing(bench: Any, slack: SlackRecorder) -> None:
    bench.night("2024-03-01")
    evaluation = bench.evaluate("2024-03-01")
    assert evaluation.verdict.incidents == ()
    assert tell(bench, slack, evaluation) == []
    assert slack.calls == []


def test_the_receipt_holds_where_the_message_is(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    (receipt,) = alert(night, bench.model_results(), slack.client())
    (message,) = slack.messages
    assert (receipt.channel, receipt.ts) == (message["channel"], message["ts"])
    assert message["metadata"]["event_payload"] == {"key": receipt.key, "night": "2024-03-01"}
    due = f"due/2024-03-01-{night.id}"
    incident = night.verdict.incidents[0].id
    assert sorted(name.removeprefix("alerts/") for name in bench.objects("alerts/")) == sorted(
        [f"{due}.json", f"{due}.done.json", f"{incident}/opened.claim-000.json", f"{incident}/opened.sent.json"]
    )
    assert slack.token.encode() not in b"".join(bench.objects().values())


# --- The life of an incident ------------------------------------------------------------------------------


def test_an_incident_is_one_thread_from_its_first_night_to_its_last(
    bench: Any, slack: SlackRecorder, night: Evaluation
) -> None:
    assert len(tell(bench, slack, night)) == 1
    assert tell(bench, slack, as_event(night, "ongoing", "2024-03-02")) == []
    assert len(tell(bench, slack, as_event(night, "worsened", "2024-03-03"))) == 1
    assert tell(bench, slack, as_event(night, "worsened", "2024-03-03")) == []
    assert len(tell(bench, slack, as_event(night, "recovered", "2024-03-04"))) == 1
    assert tell(bench, slack, as_event(night, "recovered", "2024-03-04")) == []
    first, *rest = slack.messages
    assert len(rest) == 2
    assert all(m["thread_ts"] == first["ts"] and m["channel"] == first["channel"] for m in rest)
    assert all(m["reply_broadcast"] for m in rest)
    assert "Recovered" in rest[-1]["text"]


@pytest.mark.parametrize("event", ["ongoing", "worsened"])
def test_an_open_incident_that_was_never_told_of_is_told_once(
    bench: Any, slack: SlackRecorder, night: Evaluation, event: str
) -> None:
    assert len(tell(bench, slack, as_event(night, event, "2024-03-02"))) == 1
    assert tell(bench, slack, as_event(night, event, "2024-03-02")) == []
    assert tell(bench, slack, as_event(night, "ongoing", "2024-03-03")) == []
    assert len(tell(bench, slack, as_event(night, "recovered", "2024-03-04"))) == 1
    first, last = slack.messages
    assert last["thread_ts"] == first["ts"]


def test_the_end_of_what_was_never_told_is_not_told(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    assert tell(bench, slack, as_event(night, "recovered", "2024-03-02")) == []
    assert slack.messages == []


# --- Slack that stumbles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        [429],
        [500],
        [503, 503, 503],
        [429, 500, "ok"],
        ["dropped"],
        ["dropped", 429, 500],
        ["posted_500"],
        ["posted_dropped"],
        [500, "posted_500"],
        [429, "posted_dropped"],
    ],
    ids=lambda script: "-".join(map(str, script)),
)
def test_whatever_slack_answers_there_is_one_message(
    bench: Any, slack: SlackRecorder, night: Evaluation, script: list[Any]
) -> None:
    slack.script.extend(script)
    assert len(tell(bench, slack, night)) == 1
    assert tell(bench, slack, night) == []
    assert len(slack.messages) == 1
    assert not slack.script


def test_a_slack_that_stays_down_is_an_error_and_the_message_is_sent_once_it_is_up(
    bench: Any, slack: SlackRecorder, night: Evaluation
) -> None:
    slack.script.extend([500] * alerts.TRIES)
    with pytest.raises(AlertError, match=r"#ml-network.*not lost: run the alert task again"):
        tell(bench, slack, night)
    assert slack.messages == []
    assert len(tell(bench, slack, night)) == 1
    assert len(slack.messages) == 1


def test_a_failed_run_leaves_its_claim_so_that_the_next_need_not_wait(
    bench: Any, slack: SlackRecorder, night: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 3600)
    with pytest.raises(AlertError):
        tell(bench, slack, night, client=WebClient("xoxb-wrong", base_url=slack.base_url))
    assert len(tell(bench, slack, night)) == 1


class Proxy(BaseHTTPRequestHandler):
    """Something in between that answers with a page of its own."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Bad gateway</html>")

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(params=[200, 403, 502])
def proxy(request: pytest.FixtureRequest) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Proxy)
    server.status = request.param  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/"
    server.shutdown()
    server.server_close()


def test_an_answer_that_is_not_slacks_is_an_alert_error(
    bench: Any, slack: SlackRecorder, night: Evaluation, proxy: str
) -> None:
    with pytest.raises(AlertError, match="Slack did not take the message") as caught:
        tell(bench, slack, night, client=WebClient("xoxb-secret", base_url=proxy))
    assert "xoxb-secret" not in str(caught.value)


@pytest.mark.parametrize("channel", ["#nowhere", "C0NOWHERE1"])
def test_an_unknown_channel_is_named(bench: Any, slack: SlackRecorder, night: Evaluation, channel: str) -> None:
    # The recorder takes any channel, so the answer is put in its place.
    client = slack.client()
    client.chat_postMessage = _refusing(client, "channel_not_found")  # type: ignore[method-assign]
    config = bench.config(windows=[1], alerts={"slack": {"channel": channel}})
    with pytest.raises(AlertError, match=rf"to {channel}: it answered channel_not_found"):
        tell(bench, slack, replace(night, config=config), client=client)


def _refusing(client: WebClient, error: str) -> Callable[..., Any]:
    def refuse(**arguments: Any) -> Any:
        answer = SlackResponse(
            client=client,
            http_verb="POST",
            api_url="chat.postMessage",
            req_args={"headers": {"Authorization": f"Bearer {client.token}"}},
            data={"ok": False, "error": error},
            headers={},
            status_code=200,
        )
        raise SlackApiError("refused", answer)

    return refuse


def test_an_invalid_token_is_said_and_not_shown(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    with pytest.raises(AlertError, match="invalid_auth") as caught:
        tell(bench, slack, night, client=WebClient("xoxb-a-secret-token", base_url=slack.base_url))
    assert "xoxb-a-secret-token" not in str(caught.value)
    assert slack.messages == []


def test_a_slack_that_is_not_there_is_an_alert_error(bench: Any, slack: SlackRecorder, night: Evaluation) -> None:
    client = slack.client()
    slack.stop()
    with pytest.raises(AlertError, match=r"no answer|not lost"):
        tell(bench, slack, night, client=client)
    slack.start()


# --- Crashes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, but not told"])
@pytest.mark.parametrize("fails", [0, 1, 2], ids=["due", "claim", "receipt"])
def test_a_crash_at_any_write_costs_no_message_and_makes_no_second(
    bench: Any, slack: SlackRecorder, night: Evaluation, failing: Any, fails: int, written: bool
) -> None:
    results = bench.model_results()
    breaking = failing(results.store, fails=fails, written=written)
    with pytest.raises(StoreUnavailable):
        tell(bench, slack, night, results=ModelResults(breaking, results.folder))
    assert len(slack.messages) == (fails == 2)
    tell(bench, slack, night)
    assert tell(bench, slack, night) == []
    assert len(slack.messages) == 1
    assert any(name.endswith("opened.sent.json") for name in bench.objects("alerts/"))


def test_a_crash_between_the_posting_and_the_receipt_of_a_reply_makes_no_second(
    bench: Any, slack: SlackRecorder, night: Evaluation, failing: Any
) -> None:
    tell(bench, slack, night)
    spread = as_event(night, "worsened", "2024-03-02")
    results = bench.model_results()
    with pytest.raises(StoreUnavailable):
        tell(bench, slack, spread, results=ModelResults(failing(results.store, fails=2), results.folder))
    assert tell(bench, slack, spread) == []
    assert len(slack.messages) == 2


def test_a_message_is_found_behind_many_others(
    bench: Any, slack: SlackRecorder, night: Evaluation, failing: Any
) -> None:
    results = bench.model_results()
    with pytest.raises(StoreUnavailable):
        tell(bench, slack, night, results=ModelResults(failing(results.store, fails=2), results.folder))
    for number in range(450):
        slack.log.post("#ml-network", {"text": f"chatter {number}"})
    assert tell(bench, slack, night) == []
    assert len([m for m in slack.messages if "metadata" in m]) == 1


def test_a_claim_that_somebody_is_still_at_is_waited_for(
    bench: Any, slack: SlackRecorder, night: Evaluation, failing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = bench.model_results()
    with pytest.raises(StoreUnavailable):
        tell(bench, slack, night, results=ModelResults(failing(results.store, fails=1, written=True), results.folder))
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 3600)
    waited: list[float] = []

    def grow_old(seconds: float) -> None:
        waited.append(seconds)
        monkeypatch.setattr(claims, "CLAIM_SECONDS", 0)

    monkeypatch.setattr(post.time, "sleep", grow_old)
    assert len(tell(bench, slack, night)) == 1
    assert len(waited) == 1


def test_a_worker_whose_claim_was_taken_over_posts_no_more(
    bench: Any, slack: SlackRecorder, night: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = bench.model_results()
    folder = f"{results.folder}alerts/{night.verdict.incidents[0].id}/"
    taken = Claim(number=1, claimed_at="2100-01-01T00:00:00+00:00").to_bytes()

    def take_over(_: float) -> None:
        results.store.create(f"{folder}opened.claim-001.json", taken, content_type="application/json")

    monkeypatch.setattr(post.time, "sleep", take_over)
    slack.script.append("dropped")
    with pytest.raises(AlertError, match="another worker"):
        tell(bench, slack, night, results=results)
    assert slack.messages == []


def test_workers_at_once_post_one_message(
    bench: Any, slack: SlackRecorder, night: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(post, "time", _Impatient(time))
    barrier = Barrier(4, timeout=60)
    config = bench.config()

    def work(results: Any) -> int:
        client = slack.client()
        barrier.wait()
        return len(tell(bench, slack, night, results=results, client=client))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, [bench.model_results(config) for _ in range(4)])) == 1
    assert len(slack.messages) == 1


class _Impatient:
    """The clock, but for waits."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(0.01)


# --- Notices and clients ----------------------------------------------------------------------------------


def test_a_failed_run_is_told(slack: SlackRecorder) -> None:
    message = compose_failure("quiet", "2024-03-01", step="pull", problem="There is no object.", run=None)
    post_notice(slack.client(), "#ml-network", message)
    assert roots(slack) == ["⚠️ Not evaluated: quiet, 2024-03-01. pull failed: There is no object."]


def test_a_notice_that_slack_refuses_is_an_alert_error_without_the_token(slack: SlackRecorder) -> None:
    message = compose_failure("quiet", "2024-03-01", step="pull", problem="x", run=None)
    with pytest.raises(AlertError, match="invalid_auth") as caught:
        post_notice(WebClient("xoxb-a-secret-token", base_url=slack.base_url), "#ml-network", message)
    assert "xoxb-a-secret-token" not in str(caught.value)


def test_a_client_is_made_where_there_is_a_token(slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_from_environment() is None
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    client = client_from_environment()
    assert client is not None and client.auth_test()["ok"]
