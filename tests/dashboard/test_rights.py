"""Who may not read a model sees nothing of it, on any route: not in a page, an answer, a count or a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from nightproof.dashboard.app import create_app
from nightproof.dashboard.serving.access import Viewer
from nightproof.storage import MemoryStore

Paths = Callable[[FastAPI, Mapping[str, str]], list[str]]
AskAll = Callable[..., list[httpx.Response]]


def is_text(answer: httpx.Response) -> bool:
    """Whether the clock may stand in it: in pages and in answers to programs."""
    kind = answer.headers.get("content-type", "")
    return "json" in kind or ("html" in kind and "sandbox" not in answer.headers["content-security-policy"])


SECRET_NAME = "clandestine"
CLOCK = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\d+ (second|minute)s? ago")


def without_clock(answer: httpx.Response) -> str:
    return CLOCK.sub("…", answer.text)


@pytest.fixture(scope="module")
def alone(published: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first of the two models as the only one that there is."""
    folder = tmp_path_factory.mktemp("alone") / "include" / "models"
    folder.mkdir(parents=True)
    (folder / "quiet.yaml").write_bytes((published.models / "quiet.yaml").read_bytes())
    every, store = published.open_store("s3://ml-results"), MemoryStore("ml-results")
    for stored in every.list(""):
        if SECRET_NAME not in stored.key:
            store.put(stored.key, every.read(stored.key))
    return type(published)(folder, {"s3://ml-results": store}.__getitem__, {"quiet": published.evaluations["quiet"]})


ONE = Viewer(readable=frozenset({"quiet", "no-model-of-this-dag"}))
NOBODY = Viewer(readable=frozenset())


def test_whoever_may_read_one_model_sees_a_fleet_of_one(
    published: Any, alone: Any, ask_all: AskAll, paths: Paths
) -> None:
    app = published.app(ONE)
    every = paths(app, published.sample("quiet"))
    for seen, expected in zip(ask_all(app, every), ask_all(alone.app(), every), strict=True):
        assert seen.status_code == expected.status_code, seen.url
        if is_text(seen):
            assert without_clock(seen) == without_clock(expected), seen.url
        else:
            assert seen.content == expected.content, seen.url


@pytest.mark.parametrize("viewer", [ONE, NOBODY], ids=["one", "nobody"])
def test_nothing_tells_of_a_model_that_may_not_be_read(
    published: Any, ask_all: AskAll, paths: Paths, secret: tuple[str, ...], viewer: Viewer
) -> None:
    app = published.app(viewer)
    for answer in ask_all(app, paths(app, published.sample("quiet"))):
        for word in (*secret, published.last(secret[0]).id):
            assert word not in answer.text, f"{word} in {answer.url}"
            assert not [value for value in answer.headers.values() if word in value]


@pytest.mark.parametrize("viewer", [ONE, NOBODY], ids=["one", "nobody"])
def test_a_model_that_may_not_be_read_is_answered_as_one_that_there_is_not(
    published: Any, ask_all: AskAll, paths: Paths, secret: tuple[str, ...], viewer: Viewer
) -> None:
    app, hidden, missing = published.app(viewer), secret[0], "undiscoverable"[: len(secret[0])]
    asked = [path for path in paths(app, published.sample(hidden)) if hidden in path]
    assert len(asked) > 3
    answers = ask_all(app, asked)
    others = ask_all(app, [path.replace(hidden, missing) for path in asked])
    for answer, other in zip(answers, others, strict=True):
        assert answer.status_code == other.status_code, answer.url
        assert answer.status_code in (302, 303, 307, 404, 422), answer.url
        assert without_clock(answer).replace(hidden, missing) == without_clock(other), answer.url
        told = {name: value.replace(hidden, missing) for name, value in answer.headers.items()}
        assert told == dict(other.headers), answer.url


def test_nobody_is_answered_before_it_is_known_who_asks(published: Any, ask_all: AskAll, paths: Paths) -> None:
    def unknown() -> Viewer:
        raise HTTPException(401)

    app = create_app(published.source(), unknown)
    for answer in ask_all(app, paths(app, published.sample("quiet"))):
        assert answer.status_code == 401, answer.url
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "quiet" not in answer.text.replace(str(answer.url), "")
