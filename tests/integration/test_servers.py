"""The real S3 server and the Slack recorder, as the demo and the other tests stand on them."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from nightproof.demo.processes import Identity, Server, are_free, end_leftover, free_ports, members
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.demo.slack_recorder import Reply, SlackRecorder
from nightproof.errors import DemoError
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

pytestmark = pytest.mark.integration
BUCKET = "ml-tests"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackRecorder]:
    with SlackRecorder(tmp_path / "slack") as recorder:
        yield recorder


def scripted(slack: SlackRecorder, *replies: Reply) -> SlackRecorder:
    slack.script.extend(replies)
    return slack


def page_of(slack: SlackRecorder) -> str:
    with urlopen(slack.page_url) as answer:
        return str(answer.read().decode())


# --- S3 ---------------------------------------------------------------------------------------------------


def test_one_of_many_conditional_creates_wins(s3: SeaweedFS) -> None:
    client = s3.client(attempts=1)

    def create(writer: int) -> int | None:
        try:
            client.put_object(Bucket=BUCKET, Key="race", Body=str(writer).encode(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            return None
        return writer

    with ThreadPoolExecutor(8) as pool:
        won = [writer for writer in pool.map(create, range(8)) if writer is not None]
    assert len(won) == 1
    assert client.get_object(Bucket=BUCKET, Key="race")["Body"].read() == str(won[0]).encode()


def test_wrong_keys_are_refused(s3: SeaweedFS) -> None:
    stranger = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key="wrong",
        region_name="us-east-1",
    )
    with pytest.raises(ClientError) as caught:
        stranger.put_object(Bucket=BUCKET, Key="stolen", Body=b"")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_client_finds_it_by_the_environment(s3: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client("s3")
    assert BUCKET in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]


def test_versions_are_kept(s3: SeaweedFS) -> None:
    client = s3.client()
    first = client.put_object(Bucket=BUCKET, Key="twice", Body=b"1")["VersionId"]
    client.put_object(Bucket=BUCKET, Key="twice", Body=b"2")
    assert client.get_object(Bucket=BUCKET, Key="twice", VersionId=first)["Body"].read() == b"1"


def test_it_leaves_no_bucket_of_its_own(s3: SeaweedFS) -> None:
    assert [bucket["Name"] for bucket in s3.client().list_buckets()["Buckets"]] == [BUCKET]


def test_the_keys_are_private(s3: SeaweedFS) -> None:
    assert stat.S_IMODE((s3.folder / "s3.json").stat().st_mode) == 0o600


def test_it_listens_on_loopback_only(s3: SeaweedFS) -> None:
    session = json.loads((s3.folder / "server.pid").read_text())["session"]
    listening = [
        connection.laddr.ip
        for pid in members(session)
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_a_restart_keeps_data_and_keys(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        server.make_bucket(BUCKET)
        server.client().put_object(Bucket=BUCKET, Key="kept", Body=b"1")
        keys = server.access_key, server.secret_key
    with SeaweedFS(tmp_path) as server:
        server.make_bucket(BUCKET)
        assert server.client().get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"1"
        assert (server.access_key, server.secret_key) == keys
        ports = json.loads((tmp_path / "ports.json").read_text())
    assert are_free(ports)
    assert not [left for port in ports for left in Path("/tmp").glob(f"seaweedfs-*{port}.sock")]


STARTS_S3 = """
import sys, time
from pathlib import Path
from nightproof.demo.seaweedfs import SeaweedFS
with SeaweedFS(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""


def test_killing_the_parent_leaves_no_server(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", STARTS_S3, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    session = json.loads((tmp_path / "server.pid").read_text())["session"]
    running = [psutil.Process(pid) for pid in members(session)]
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs(running, timeout=30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    SeaweedFS(tmp_path).stop()  # its Unix sockets outlive it


# --- Processes --------------------------------------------------------------------------------------------


def sleeper(tmp_path: Path) -> Server:
    server = Server(tmp_path / "sleeper.pid", grace_s=0.2)
    program = "import sys, time; print('up', flush=True); time.sleep(600)"
    guard = server.start(
        [sys.executable, "-c", program], log=tmp_path / "log", environment=os.environ, stdout=subprocess.PIPE
    )
    assert guard.stdout is not None
    guard.stdout.readline()
    return server


def test_a_server_whose_guard_was_killed_is_ended_by_the_next_start(tmp_path: Path) -> None:
    server = sleeper(tmp_path)
    session = json.loads(server.pid_file.read_text())["session"]
    os.kill(session, signal.SIGKILL)
    server.wait(30)
    (left,) = members(session)
    orphan = Identity.of(left)
    assert orphan.is_alive()
    assert end_leftover(server.pid_file, grace_s=0.2)
    assert not orphan.is_alive()
    server.stop()


def test_a_pid_that_was_given_to_another_process_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    pid_file = tmp_path / "old.pid"
    old = {"pid": bystander.pid, "started_s": Identity.of(bystander.pid).started_s - 3600}
    pid_file.write_text(json.dumps({"session": bystander.pid, "processes": [old]}))
    assert not end_leftover(pid_file, grace_s=0)
    assert bystander.poll() is None
    assert not pid_file.exists()
    bystander.kill()
    bystander.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"session": 1}', "null"])
def test_a_broken_pid_file_is_no_obstacle(tmp_path: Path, content: str) -> None:
    pid_file = tmp_path / "broken.pid"
    pid_file.write_text(content)
    assert not end_leftover(pid_file, grace_s=0)
    assert not pid_file.exists()


def test_the_exit_code_of_a_server_is_known(tmp_path: Path) -> None:
    server = Server(tmp_path / "short.pid", grace_s=0)
    server.start([sys.executable, "-c", "raise SystemExit(7)"], log=tmp_path / "log", environment=os.environ)
    assert server.wait(30) == 7
    server.stop()


def test_a_program_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    server = Server(tmp_path / "none.pid", grace_s=0)
    server.start(["/nowhere/at-all"], log=tmp_path / "log", environment=os.environ)
    assert server.wait(30) not in (0, None)
    assert "/nowhere/at-all" in (tmp_path / "log").read_text()
    server.stop()


def test_ports_are_different_and_free() -> None:
    ports = free_ports(5, offsets=(0, 10_000))
    assert len(set(ports)) == 5
    assert are_free([port + plus for port in ports for plus in (0, 10_000)])


def test_a_server_that_was_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="never started"):
        _ = SeaweedFS(tmp_path).endpoint_url


# --- Slack ------------------------------------------------------------------------------------------------


def test_a_message_is_kept_as_it_was_posted(slack: SlackRecorder) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]
    answer = slack.client().chat_postMessage(channel="#ml-network", text="hello", blocks=blocks)
    (message,) = slack.messages
    assert (answer["channel"], answer["ts"]) == (message["channel"], message["ts"])
    assert (message["channel_name"], message["text"], message["blocks"]) == ("ml-network", "hello", blocks)


def test_a_form_is_read_like_json(slack: SlackRecorder) -> None:
    body = b"channel=%23ml-network&text=hi&metadata=%7B%22event_type%22%3A%22e%22%7D"
    request = Request(slack.base_url + "chat.postMessage", data=body)
    request.add_header("Authorization", f"Bearer {slack.token}")
    with urlopen(request) as answer:
        assert json.loads(answer.read())["ok"]
    assert slack.messages[0]["metadata"] == {"event_type": "e"}


def test_timestamps_are_unique_and_increase(slack: SlackRecorder) -> None:
    client = slack.client()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: client.chat_postMessage(channel="#a", text=str(n)), range(20)))
    stamps = [message["ts"] for message in slack.messages]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 20


def test_a_wrong_token_is_refused(slack: SlackRecorder) -> None:
    client = slack.client()
    client.token = "xoxb-wrong"
    with pytest.raises(SlackApiError, match="invalid_auth"):
        client.auth_test()
    assert slack.client().auth_test()["bot_id"]


def test_rate_limits_are_waited_out(slack: SlackRecorder) -> None:
    client = scripted(slack, 429).client(retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)])
    assert client.chat_postMessage(channel="#a", text="x")["ok"]
    assert slack.calls == ["chat.postMessage"] * 2


def test_a_rate_limit_says_how_long(slack: SlackRecorder) -> None:
    with pytest.raises(SlackApiError) as caught:
        scripted(slack, 429).client().chat_postMessage(channel="#a", text="x")
    assert caught.value.response.headers["Retry-After"] == "1"
    assert slack.messages == []


def test_a_refused_post_is_not_recorded(slack: SlackRecorder) -> None:
    with pytest.raises(SlackApiError) as caught:
        scripted(slack, 500).client().chat_postMessage(channel="#a", text="x")
    assert caught.value.response.status_code == 500
    assert slack.messages == []


def test_an_answer_can_be_lost_though_the_message_was_posted(slack: SlackRecorder) -> None:
    client = scripted(slack, "posted_500", "posted_dropped").client(retry_handlers=[])
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel="#a", text="one")
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        client.chat_postMessage(channel="#a", text="two")
    assert [message["text"] for message in slack.messages] == ["one", "two"]


def test_a_connection_can_drop_before_the_message_is_posted(slack: SlackRecorder) -> None:
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        scripted(slack, "dropped").client(retry_handlers=[]).chat_postMessage(channel="#a", text="x")
    assert slack.messages == []


def test_history_has_metadata_only_where_asked(slack: SlackRecorder) -> None:
    client = slack.client()
    metadata = {"event_type": "incident", "event_payload": {"key": "k"}}
    channel = client.chat_postMessage(channel="#a", text="x", metadata=metadata)["channel"]
    (plain,) = client.conversations_history(channel=channel)["messages"]
    (full,) = client.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert "metadata" not in plain
    assert full["metadata"] == metadata


def test_history_is_newest_first_within_bounds_and_page_by_page(slack: SlackRecorder) -> None:
    client = slack.client()
    posted = [client.chat_postMessage(channel="#a", text=str(n)) for n in range(5)]
    channel = posted[0]["channel"]
    bounds = {"oldest": posted[0]["ts"], "latest": posted[4]["ts"]}
    pages = [
        [message["text"] for message in page["messages"]]
        for page in client.conversations_history(channel=channel, limit=2, **bounds)
    ]
    assert pages == [["3", "2"], ["1"]]
    inclusive = client.conversations_history(channel=channel, inclusive=True, **bounds)
    assert [message["text"] for message in inclusive["messages"]] == ["4", "3", "2", "1", "0"]


def test_replies_are_in_the_thread_and_only_broadcasts_in_the_channel(slack: SlackRecorder) -> None:
    client = slack.client()
    root = client.chat_postMessage(channel="#a", text="root")
    thread = {"channel": root["channel"], "thread_ts": root["ts"]}
    client.chat_postMessage(text="quiet", **thread)
    client.chat_postMessage(text="loud", reply_broadcast=True, **thread)
    replies = client.conversations_replies(channel=root["channel"], ts=root["ts"])["messages"]
    history = client.conversations_history(channel=root["channel"])["messages"]
    assert [message["text"] for message in replies] == ["root", "quiet", "loud"]
    assert [message["text"] for message in history] == ["loud", "root"]


def test_a_message_can_be_changed(slack: SlackRecorder) -> None:
    client = slack.client()
    posted = client.chat_postMessage(channel="#a", text="before")
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="after")
    assert [message["text"] for message in slack.messages] == ["after"]
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel=posted["channel"], ts="1.000000", text="x")


def test_channels_are_listed_before_anybody_posts(slack: SlackRecorder) -> None:
    (channel,) = slack.client().conversations_list()["channels"]
    assert channel["name"] == "ml-network"
    assert slack.client().chat_postMessage(channel="#ml-network", text="x")["channel"] == channel["id"]


def test_a_file_is_uploaded(slack: SlackRecorder) -> None:
    client = slack.client()
    channel = client.conversations_list()["channels"][0]["id"]
    client.files_upload_v2(channel=channel, content="proof", filename="a.txt", title="Proof", initial_comment="see")
    (message,) = slack.messages
    file = message["attachments"][0]["file"]
    assert (message["text"], file["title"]) == ("see", "Proof")
    with urlopen(f"{slack.page_url}/files/{file['id']}") as answer:
        assert answer.read() == b"proof"
        assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"text": ""}, "no_text"), ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks")],
)
def test_what_slack_would_not_take_is_not_taken(slack: SlackRecorder, arguments: dict, error: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(SlackApiError, match=error):
        slack.client().api_call("chat.postMessage", json={"channel": "#a", **arguments})


def test_an_unknown_method_is_said_to_be_unknown(slack: SlackRecorder) -> None:
    with pytest.raises(SlackApiError, match="unknown_method"):
        slack.client().api_call("chat.deleteEverything")


def test_messages_survive_a_restart_even_one_in_mid_write(tmp_path: Path) -> None:
    with SlackRecorder(tmp_path) as before:
        before.client().chat_postMessage(channel="#a", text="kept")
    with (tmp_path / "messages.jsonl").open("a") as lines:
        lines.write('{"type": "mess')
    with SlackRecorder(tmp_path) as after:
        assert [message["text"] for message in after.messages] == ["kept"]
        assert "kept" in page_of(after)


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
HOSTILE_BLOCKS = [
    {"type": "header", "text": {"type": "plain_text", "text": HOSTILE}},
    {"type": "section", "text": {"type": "mrkdwn", "text": f"*{HOSTILE}* `{HOSTILE}` ```{HOSTILE}```"}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": f"<https://e.example/\"onclick=x|{HOSTILE}>"}]},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "<javascript:alert(1)|click>"}]},
    {"type": "actions", "elements": [
        {"type": "button", "text": {"type": "plain_text", "text": HOSTILE}, "url": "javascript:alert(1)"},
        {"type": "button", "text": {"type": "plain_text", "text": "b"}, "url": 'https://e.example/"><script>'},
    ]},
    {"type": "image", "image_url": 'https://e.example/"><script>', "alt_text": HOSTILE},
    {"type": "section", "accessory": HOSTILE},
    {"type": HOSTILE, "deep": [HOSTILE]},
]  # fmt: skip


def test_the_page_escapes_hostile_text(slack: SlackRecorder) -> None:
    client = slack.client()
    everywhere = {
        "username": HOSTILE,
        "metadata": {"event_type": HOSTILE, "event_payload": {HOSTILE: HOSTILE}},
    }
    client.chat_postMessage(channel=f"#{HOSTILE}", text=HOSTILE, **everywhere)
    client.chat_postMessage(channel="#a", text="x", blocks=HOSTILE_BLOCKS, attachments=[{"text": HOSTILE}])
    page = page_of(slack)
    outside_of_ours = page.replace('<script src="/page.js" defer></script>', "")
    assert "<script" not in outside_of_ours.lower()
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page.lower()
    assert '"onclick' not in page


def test_the_page_says_what_it_is_and_forbids_scripts_from_elsewhere(slack: SlackRecorder) -> None:
    with urlopen(slack.page_url) as answer:
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
    assert "This is a local recorder that speaks Slack&#x27;s API; nothing was sent to Slack." in page
    assert "All quiet" in page


def test_another_host_name_is_not_answered(slack: SlackRecorder) -> None:
    request = Request(slack.page_url, headers={"Host": "rebound.example"})
    with pytest.raises(OSError, match="421"):
        urlopen(request)
