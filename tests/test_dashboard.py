"""The dashboard's pages: sandboxed, guarded, and nothing but the pages."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from nightproof.dashboard.app import create_app
from nightproof.errors import StoreUnavailable

PAGE = b"<!doctype html><script>alert(1)</script>the report"
Get = Callable[[str], httpx.Response]


def everybody(dag_id: str) -> None:
    """Lets everybody read everything."""


def asked(app: FastAPI, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.fixture
def published(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two nights, of which the first has its pages."""
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(bench.models))
    bench.night("2024-03-01", count=100)
    bench.night("2024-03-02", count=100)
    first = bench.evaluate("2024-03-01")
    bench.evaluate("2024-03-02")
    dossier = bench.model_results().dossier("2024-03-01", first.id)
    dossier.write("report.html.gz", gzip.compress(PAGE))
    dossier.write("data_docs.html.gz", gzip.compress(b"the data docs"))
    bench.evaluation_id = first.id
    return bench


@pytest.fixture
def get(published: Any) -> Get:
    return lambda path: asked(create_app(published.open_store, everybody), path)


def test_a_nights_pages_are_served_as_they_were_written(published: Any, get: Get) -> None:
    night = f"/models/quiet/nights/2024-03-01/{published.evaluation_id}"
    assert get(f"{night}/report").content == PAGE
    assert get(f"{night}/data-docs").content == b"the data docs"


def test_the_latest_page_is_that_of_the_latest_night_that_has_one(get: Get) -> None:
    assert get("/models/quiet/latest/report").content == PAGE


PATHS = ["/models/quiet/latest/report", "/models/quiet/latest/nothing", "/models/nobody/latest/report"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_sandboxed(get: Get, path: str) -> None:
    headers = get(path).headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["Content-Security-Policy"].split(";")}
    # Scripts run, but without an origin and without a network.
    assert policy["sandbox"] == ["allow-scripts"]
    assert policy["default-src"] == ["'none'"]
    assert "connect-src" not in policy and "form-action" not in policy
    assert not any("http" in source or source == "*" for sources in policy.values() for source in sources)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    [
        "/models/nobody/latest/report",
        "/models/quiet/latest/manifest.json",
        "/models/quiet/nights/2024-03-02/{id}/report",
        "/models/quiet/nights/2024-03-01/0000000000000000/report",
        "/models/quiet/nights/2024-03-01/{id}/verdict.json",
        "/models/quiet/nights/not-a-night/{id}/report",
        "/models/quiet/nights/2024-03-01/{id}",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_not_there_is_404(published: Any, get: Get, path: str) -> None:
    assert get(path.format(id=published.evaluation_id)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/models/..%2F..%2Fsecret/latest/report",
        "/models/%2e%2e/latest/report",
        "/models/quiet%2F..%2Fother/latest/report",
        "/models/quiet/latest/..%2Fverdict.json",
        "/models/quiet/nights/..%2F..%2Flog/{id}/report",
        "/models/quiet/nights/2024-03-01/..%2F..%2F..%2Flog/report",
        "/models/quiet/nights/2024-03-01/{id}%0a/report",
        "/models/quiet/nights/%2e%2e/%2e%2e/report",
    ],
)
def test_no_path_leads_out_of_a_models_pages(published: Any, get: Get, path: str) -> None:
    answer = get(path.format(id=published.evaluation_id))
    assert answer.status_code in (404, 422)
    assert PAGE not in answer.content


def test_what_a_request_says_is_not_written_into_the_page(get: Get) -> None:
    answer = get("/models/%3Cscript%3Ealert(1)%3C%2Fscript%3E/latest/report")
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_a_store_that_is_down_is_503_and_says_so(published: Any) -> None:
    def down(root: str) -> Any:
        raise StoreUnavailable("No answer from object storage.")

    answer = asked(create_app(down, everybody), "/models/quiet/latest/report")
    assert answer.status_code == 503
    assert "No answer from object storage." in answer.text


def test_whoever_may_not_read_a_model_reads_none_of_its_pages(published: Any) -> None:
    asked_for: list[str] = []

    def nobody(dag_id: str) -> None:
        asked_for.append(dag_id)
        raise HTTPException(403)

    app = create_app(published.open_store, nobody)
    pages = ["/models/quiet/latest/report", f"/models/quiet/nights/2024-03-01/{published.evaluation_id}/data-docs"]
    for path in pages:
        answer = asked(app, path)
        assert answer.status_code == 403
        assert PAGE not in answer.content
    assert asked_for == ["quiet", "quiet"]


def test_every_route_is_guarded(published: Any) -> None:
    app = create_app(published.open_store, everybody)
    routes = [route for route in app.routes if hasattr(route, "dependencies")]
    assert len(routes) == len(app.routes) == 2
    assert all(everybody in [guard.dependency for guard in route.dependencies] for route in routes)
