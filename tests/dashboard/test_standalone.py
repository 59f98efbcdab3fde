"""The dashboard alone: for its owner on this machine, for whoever has the token elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from nightproof.dashboard.serving import door, neighbours
from nightproof.dashboard.serving.door import COOKIE, Door
from nightproof.dashboard.standalone import create_standalone, is_loopback, url_of

TOKEN = "a token of this test alone"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def owners(published: Any) -> FastAPI:
    """The dashboard on a loopback address, without a token."""
    return create_standalone(published.source(), host="127.0.0.1", token=None)


@pytest.fixture
def guarded(published: Any, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The dashboard with a token, whose door does not keep a test waiting."""
    monkeypatch.setattr(Door.__init__, "__kwdefaults__", {"wrong_s": 0.0})
    return create_standalone(published.source(), host="0.0.0.0", token=TOKEN)


# --- Without a token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_this_machine_is_asked_by_its_own_names(owners: FastAPI, ask: Ask, host: str) -> None:
    assert ask(owners, "/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "evil.example:127", "", "[::1", "*"],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/models", "/static/style.css", "/models/quiet/latest/report"])
def test_a_name_of_another_site_that_leads_here_is_refused(owners: FastAPI, ask: Ask, host: str, path: str) -> None:
    answer = ask(owners, path, headers={"Host": host})
    assert answer.status_code == 403
    assert "quiet" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_other_site_is_given_anything(owners: FastAPI, ask: Ask) -> None:
    answer = ask(owners, "/api/v1/models", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_another_user_of_the_machine_is_refused(published: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = [os.getuid()]
    monkeypatch.setattr(neighbours, "owner_of", lambda client, server: owner[0])
    app = create_standalone(published.source(), host="127.0.0.1", token=None)
    at = {"base_url": "http://127.0.0.1:8080"}
    assert ask(app, "/", **at).status_code == 200
    owner[0] = 0
    assert ask(app, "/", **at).status_code == 200
    owner[0] = os.getuid() + 12345
    refused = ask(app, "/", **at)
    assert refused.status_code == 403
    assert "quiet" not in refused.text


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux alone says whose a connection is")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_is_known_to_be_of_whoever_opened_it(family: socket.AddressFamily, host: str) -> None:
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"{host} is not to be had here")
    with server, socket.create_connection(server.getsockname()[:2]) as client:
        ends = client.getsockname()[:2], server.getsockname()[:2]
        assert neighbours.owner_of(*ends) == os.getuid()
        assert not neighbours.is_neighbour(*ends)
        assert neighbours.owner_of(("127.0.0.1", 1), ends[1]) is None
    assert neighbours.owner_of(("no address", 1), ("localhost", 2)) is None


def test_elsewhere_it_is_not_served_without_a_token(published: Any) -> None:
    for host in ("0.0.0.0", "10.0.0.1", "example.org", "::"):
        with pytest.raises(ValueError, match="token"):
            create_standalone(published.source(), host=host, token=None)
        assert not is_loopback(host)
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert url_of("::1", 80) == "http://[::1]:80/"
    assert url_of("0.0.0.0", 80) == f"http://{socket.gethostname()}:80/"


# --- With a token -------------------------------------------------------------------------------------------


def test_without_the_token_nothing_is_shown_but_its_form(
    guarded: FastAPI, ask_all: Any, paths: Any, published: Any, secret: tuple[str, ...]
) -> None:
    every = [path for path in paths(guarded, published.sample(secret[0])) if not path.startswith("/static/")]
    for answer in ask_all(guarded, [*every, "/no/such/page"]):
        assert answer.status_code == 401
        assert TOKEN not in answer.text
        assert secret[1] not in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        if "/api/" in answer.url.path:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "token" in answer.json()["detail"]
        else:
            assert '<label for="token">' in answer.text
    assert ask_all(guarded, ["/static/style.css"])[0].status_code == 200


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(guarded: FastAPI, ask: Ask) -> None:
    answer = ask(guarded, f"/?q=a%26b&token={quote(TOKEN)}&tag=x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?q=a%26b&tag=x"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert quote(TOKEN) not in cookie
    session = cookie.partition(";")[0]
    page = ask(guarded, "/", headers={"Cookie": session})
    assert page.status_code == 200
    assert "clandestine" in page.text
    secure = ask(guarded, f"/?token={quote(TOKEN)}", base_url="https://nightproof.example")
    assert "Secure" in secure.headers["set-cookie"]


def test_the_form_takes_the_token_and_leads_on(guarded: FastAPI, ask: Ask) -> None:
    def sent(token: str, then: str) -> httpx.Response:
        body = f"token={quote(token)}&next={quote(then)}".encode()
        return ask(guarded, "/token", method="POST", content=body)

    answer = sent(TOKEN, "/models/quiet?last=30")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/models/quiet?last=30"
    assert COOKIE in answer.headers["set-cookie"]
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:1",
        "",
    ):
        assert sent(TOKEN, elsewhere).headers["location"] == "/"
    wrong = sent("another token entirely", "/models/quiet")
    assert wrong.status_code == 401
    assert "That is not the token." in wrong.text
    assert 'value="/models/quiet"' in wrong.text
    assert "set-cookie" not in wrong.headers
    hostile = sent("wrong", '"><script>alert(1)</script>')
    assert "<script>alert" not in hostile.text
    assert ask(guarded, "/token", method="POST", content=b"x" * 100_000).status_code == 401
    assert ask(guarded, "/token", method="POST", content=b"\xff\xfe").status_code == 401


def test_programs_send_it_as_a_bearer(guarded: FastAPI, ask: Ask) -> None:
    assert ask(guarded, "/api/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}).json()["total"] == 2
    for wrong in ("Bearer nonsense", "Bearer ", "bearer x", f"Basic {TOKEN}", TOKEN):
        assert ask(guarded, "/api/v1/models", headers={"Authorization": wrong}).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session[:-1] + ("0" if session[-1] != "0" else "1"),
        lambda session: "9" + session[1:],
        lambda session: session.partition(".")[0],
        lambda session: "." + session.partition(".")[2],
        lambda session: "",
        lambda session: "1" * 400 + session,
        lambda session: "\u0661" + session,
    ],
)
def test_a_session_that_was_not_given_is_none(guarded: FastAPI, ask: Ask, change: Callable[[str], str]) -> None:
    given = ask(guarded, f"/?token={quote(TOKEN)}").headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert ask(guarded, "/", headers={"Cookie": f"{COOKIE}={given}"}).status_code == 200
    changed = f"{COOKIE}={change(given)}".encode()
    assert ask(guarded, "/", headers={"Cookie": changed}).status_code == 401


def test_a_session_ends_and_is_of_one_token(
    guarded: FastAPI, published: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ask(guarded, f"/?token={quote(TOKEN)}").headers["set-cookie"].partition(";")[0]
    other = create_standalone(published.source(), host="0.0.0.0", token="another token entirely")
    assert ask(other, "/", headers={"Cookie": session}).status_code == 401
    now = door.time.time()
    monkeypatch.setattr(door.time, "time", lambda: now + door.SESSION_S + 1)
    assert ask(guarded, "/", headers={"Cookie": session}).status_code == 401


def test_a_link_on_another_site_asks_again_and_only_once(guarded: FastAPI, ask: Ask) -> None:
    # The strict cookie stays away when another site leads here; asked again by the page itself, it comes along.
    cross = ask(guarded, "/", headers={"Sec-Fetch-Site": "cross-site"})
    assert 'http-equiv="refresh"' in cross.text
    assert 'http-equiv="refresh"' not in ask(guarded, "/", headers={"Sec-Fetch-Site": "same-origin"}).text
    with_one = {"Sec-Fetch-Site": "cross-site", "Cookie": f"{COOKIE}=1.2"}
    assert 'http-equiv="refresh"' not in ask(guarded, "/", headers=with_one).text


def test_many_wrong_tokens_are_thought_about_one_after_the_other(published: Any) -> None:
    async def asked_at_once() -> tuple[list[int], int]:
        app = Door(published.app(), token=TOKEN, wrong_s=0.01)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            wrong = [client.get("/?token=wrong") for _ in range(door.WAITING + 15)]
            right = client.get(f"/?token={quote(TOKEN)}")
            *answers, entered = await asyncio.gather(*wrong, right)
        return [answer.status_code for answer in answers], entered.status_code

    wrong, right = asyncio.run(asked_at_once())
    assert wrong.count(401) == door.WAITING
    assert wrong.count(429) == 15
    assert right == 303


def test_pages_are_packed_for_who_takes_them_so(owners: FastAPI, ask: Ask) -> None:
    packed = ask(owners, "/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "content-encoding" not in ask(owners, "/", headers={"Accept-Encoding": "identity"}).headers


# --- The command --------------------------------------------------------------------------------------------

MAIN = """
import sys, typer
from nightproof.cli_ui import ui
from nightproof.errors import ConfigError
app = typer.Typer()
app.command()(ui)
try:
    app(prog_name="nightproof ui")
except ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End a server as Ctrl-C does; gives what it printed and was not read yet."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    # Not communicate(): it passes over what readline() took into its buffer.
    printed = process.stdout.read(), process.stderr.read()
    process.wait(timeout=30)
    process.stdout.close()
    process.stderr.close()
    return printed


def refusal(*arguments: str, **environment: str) -> str:
    process = started(*arguments, **environment)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Traceback" not in said
    return re.sub(r"[\s│╭╮╰╯─]+", " ", said)


@pytest.fixture
def fleet(folder: Any) -> Path:
    """A folder of one model's config."""
    folder.config()
    models: Path = folder.models
    return models


def test_it_says_its_address_and_ends_when_it_is_told_to(fleet: Path) -> None:
    process = started("--models", str(fleet), "--port", "0", "--json")
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert said["entry"] == said["url"]
    answer = httpx.get(f"{said['url']}api/v1/models", trust_env=False)
    assert [model["model"] for model in answer.json()["models"]] == ["quiet"]
    assert "server" not in answer.headers
    port = said["url"].rstrip("/").rpartition(":")[2]
    assert f"port {port}" in refusal("--models", str(fleet), "--port", port)
    assert ended(process) == ("", "")
    assert process.returncode == 0


def test_elsewhere_it_makes_a_token_and_logs_none(fleet: Path) -> None:
    process = started("--models", str(fleet), "--port", "0", "--host", "0.0.0.0")
    assert process.stdout is not None
    entry = process.stdout.readline().split()[-1]
    token, port = entry.partition("?token=")[2], entry.partition("?")[0].rstrip("/").rpartition(":")[2]
    assert len(token) >= door.SHORTEST
    here = f"http://127.0.0.1:{port}/"
    assert httpx.get(here, trust_env=False).status_code == 401
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        page = browser.get(f"{here}?token={token}")
        assert (page.status_code, str(page.url)) == (200, here)
    out, err = ended(process)
    assert token not in out + err
    assert "TLS" in out


def test_a_token_of_the_environment_is_asked_for_on_loopback_too(fleet: Path) -> None:
    process = started("--models", str(fleet), "--port", "0", "--json", NIGHTPROOF_UI_TOKEN=TOKEN)
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert said["entry"] == said["url"]
    assert httpx.get(said["url"], trust_env=False).status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{said['url']}api/v1/models", headers=bearer, trust_env=False).status_code == 200
    ended(process)


def test_bad_usage_is_said_in_words(fleet: Path, tmp_path: Path) -> None:
    models = ("--models", str(fleet))
    assert "at least 16" in refusal(*models, NIGHTPROOF_UI_TOKEN="short")
    assert "--results" in refusal(*models, "--results", "ftp://somewhere/")
    assert "nothing can be served" in refusal(*models, "--host", "no.such.host.invalid")
    assert "no .yaml file" in refusal("--models", str(tmp_path / "nowhere"))
