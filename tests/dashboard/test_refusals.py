"""What fails is said: to people as a page, to programs as JSON, to nobody with a secret or a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nightproof.errors import StoreUnavailable

Paths = Callable[[FastAPI, Mapping[str, str]], list[str]]
Ask = Callable[..., httpx.Response]
AskAll = Callable[..., list[httpx.Response]]

KEY, PASSWORD = "AKIAEXAMPLE12345", "correct horse battery staple"
REASON = f"No answer from http://{KEY}:{PASSWORD.replace(' ', '-')}@minio:9000 with {PASSWORD}."


@pytest.fixture
def down(published: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes the store of `published` fail from some moment on, and say more than it should."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)

    class Down:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable(REASON)

    state: dict[str, Any] = {"store": published.open_store("s3://ml-results")}

    class Switched:
        def __getattr__(self, name: str) -> Any:
            return getattr(state["store"], name)

    def switch(*, at_once: bool) -> FastAPI:
        app = published.app(open_store={"s3://ml-results": Switched()}.__getitem__)
        if not at_once:
            app.state.source.fleet()
        state["store"] = Down()
        return app

    return switch


@pytest.mark.parametrize("at_once", [True, False], ids=["from the start", "in between"])
def test_a_store_that_is_down_is_said_so_without_its_secrets(
    published: Any, down: Callable[..., Any], ask_all: AskAll, paths: Paths, at_once: bool
) -> None:
    app = down(at_once=at_once)
    answers = ask_all(app, paths(app, published.sample("quiet")))
    assert {answer.status_code for answer in answers} <= {200, 302, 303, 307, 404, 422, 503}
    assert [answer for answer in answers if answer.status_code == 503]
    for answer in answers:
        assert "Traceback" not in answer.text
        for word in (KEY, PASSWORD, PASSWORD.replace(" ", "-")):
            assert word not in answer.text, answer.url
    said = [answer.text for answer in answers if answer.status_code == 503]
    assert all("No answer from" in text for text in said)


def test_a_fault_of_the_server_tells_its_log_and_not_its_user(
    published: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = published.app()

    def fails() -> Any:
        raise RuntimeError(f"at line 7 of {Path(__file__)}")

    monkeypatch.setattr(app.state.source, "fleet", fails)
    with caplog.at_level(logging.ERROR):
        page, answer = ask(app, "/"), ask(app, "/api/v1/models")
    for each in (page, answer):
        assert each.status_code == 500
        assert "line 7" not in each.text
        assert "Traceback" not in each.text
        [reference] = re.findall(r"reference ([0-9a-f]{8})", each.text)
        assert reference in caplog.text
    assert "line 7" in caplog.text
    assert answer.headers["content-type"] == "application/json"
    assert page.text.count("<h1>") == 1


def test_an_unknown_path_is_a_page_and_to_a_program_json(get: Ask) -> None:
    page, answer = get("/no/such/page"), get("/api/v1/no/such/thing")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert page.text.count("<h1>") == 1
    assert answer.json() == {"detail": "There is no such page."}


def test_a_query_that_cannot_be_is_said_by_its_name(published: Any, ask: Ask) -> None:
    app = published.app()

    @app.get("/probe")
    @app.get("/api/v1/probe")
    def probe(last: int) -> int:
        return last

    asked = "probe?last=%3Cscript%3Ealert(1)%3C/script%3E"
    page, answer = ask(app, f"/{asked}"), ask(app, f"/api/v1/{asked}")
    assert (page.status_code, answer.status_code) == (422, 422)
    assert "last: Input should be a valid integer" in page.text
    assert "alert(1)" not in page.text + answer.text
    assert answer.json()["detail"][0]["loc"] == ["query", "last"]
    assert ask(app, "/probe?last=7").json() == 7


def test_secrets_of_the_environment_are_taken_out_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    from nightproof.dashboard.serving.redaction import redacted

    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session-token")
    monkeypatch.setenv("MY_PASSWORD", "ok")  # too short to be one, and part of any text
    told = redacted("http://me:pass@minio:9000/ and s3://bucket/key@2 with a-session-token, ok?")
    assert told == "http://…@minio:9000/ and s3://bucket/key@2 with …, ok?"
