"""What holds for every route of the dashboard, whoever wrote it: hostile text, rights, headers, reading alone."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

Paths = Callable[[FastAPI, Mapping[str, str]], list[str]]
Ask = Callable[..., httpx.Response]
AskAll = Callable[..., list[httpx.Response]]

ESCAPES = [
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fsecret",
    "..%2F..%2Fsecret",
    "%2fetc%2fpasswd",
    "quiet%2F..%2Fclandestine",
    "quiet%00",
    "%00",
    "quiet%0a",
    "%5c..%5c",
    "x" * 5000,
    "%F0%9F%92%A9",
    "%C3%28",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%27%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    "%7B%7B7*7%7D%7D",
]
QUERIES = [
    "",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "'%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    "-1",
    "9" * 40,
    "%00",
]


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.texts: dict[str, list[str]] = {"title": [], "h1": []}
        self._within: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within.append(tag)
        if tag in self.texts and "svg" not in self._within:  # a drawing's title is its own
            self.texts[tag].append("")
        if tag == "script":
            self.data.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while tag in self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in self.texts:
            if tag in self._within and "svg" not in self._within:
                self.texts[tag][-1] += data
        if self._within[-1:] == ["script"]:
            self.data[-1] += data


def pages_of(answers: list[httpx.Response]) -> Iterator[tuple[httpx.Response, Seen]]:
    """The dashboard's own pages; a night's report is not one."""
    for answer in answers:
        if is_page(answer):
            yield answer, seen_in(answer.text)


@cache
def seen_in(text: str) -> Seen:
    """A page, parsed once for all that is asked of it."""
    return Seen(text)


def is_page(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html") and not is_sandboxed(answer)


def is_sandboxed(answer: httpx.Response) -> bool:
    return "sandbox" in answer.headers.get("content-security-policy", "")


# --- Hostile text -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walked(hostile: Any, ask_all: AskAll, paths: Paths) -> list[httpx.Response]:
    """Every route, on the model whose every text means harm."""
    app = hostile.app()
    found = paths(app, hostile.sample("hostile"))
    found += paths(app, {**hostile.sample("hostile"), "column": "group'\"><img src=x onerror=alert(1)></script><!--"})
    before = hostile.evaluations["hostile"][-2]
    found += paths(app, {**hostile.sample("hostile"), "night": str(before.night), "evaluation_id": before.id})
    return ask_all(app, list(dict.fromkeys(found)))


@pytest.fixture(scope="module")
def escaped(hostile: Any, ask_all: AskAll, routes: Callable[[FastAPI], Any], paths: Paths) -> list[httpx.Response]:
    """Every route with hostile text for one of its parameters at a time, and for one of its query's."""
    app, sample = hostile.app(), hostile.sample("hostile")
    found = []
    for route in routes(app):
        known = {name: quote(sample.get(name, "report"), safe="") for name in route.param_convertors}
        for name in known:
            found += [filled(route.path, known | {name: escape}) for escape in ESCAPES]
        path = filled(route.path, known)
        asked = [field.alias for field in queries_of(route)]
        found += [f"{path}?{name}={text}" for name in asked for text in QUERIES]
        found.append(f"{path}?%3Cscript%3Ealert(1)%3C/script%3E=1")
    return ask_all(app, found)


def filled(path: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    return path


def queries_of(route: Any) -> Iterator[Any]:
    """What a route takes in its query, one by one or as a model of several."""
    for field in route.dependant.query_params:
        inner = getattr(field.field_info.annotation, "model_fields", None)
        if inner is None:
            yield field
        else:
            yield from (_Named(info.alias or name) for name, info in inner.items())


class _Named:
    def __init__(self, alias: str) -> None:
        self.alias = alias


def test_no_text_of_a_model_or_of_a_request_becomes_an_element(walked: Any, escaped: Any) -> None:
    shown = 0
    for answer, seen in pages_of([*walked, *escaped]):
        shown += "alert(1)" in answer.text
        for tag, attributes in seen.elements:
            where = f"{answer.url}: <{tag} {attributes}>"
            assert tag not in ("img", "b", "iframe", "object", "embed", "base") or harmless(tag, attributes), where
            assert not [name for name in attributes if name.startswith("on")], where
            for name in ("href", "src", "action", "formaction"):
                assert harmless_address(attributes.get(name)), where
            if tag == "script":
                assert attributes.get("src") or attributes.get("type") == "application/json", where
    # Else nothing of it was there to be escaped.
    assert shown > 10
    assert [answer.url for answer in walked if "observed &lt;script&gt;" in answer.text]


def harmless(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """An element of a page's own, not the planted one: pages may frame reports, and print in bold."""
    return tag == "b" or (attributes.get("src") or "").startswith("/")


def harmless_address(address: str | None) -> bool:
    return address is None or bool(re.match(r"(/(?!/)|#|\?|https://|data:text/|$)", address))


def test_what_is_planted_in_bold_is_not_printed_so(walked: Any, escaped: Any) -> None:
    for answer, _ in pages_of([*walked, *escaped]):
        for planted in ("<script>alert", "<img src=x", "<b>bold</b>", "</script><!--", "</title><script"):
            assert planted not in answer.text, f"{planted} in {answer.url}"


def test_data_in_pages_is_json_that_nothing_ends(walked: Any) -> None:
    for answer, seen in pages_of(walked):
        kinds = [attributes.get("type") for tag, attributes in seen.elements if tag == "script"]
        for kind, text in zip(kinds, seen.data, strict=True):
            if kind == "application/json":
                json.loads(text)
                assert "<" not in text, answer.url


def test_templates_do_not_evaluate_what_they_show(walked: Any) -> None:
    assert all("{{ 7 * 7 }}" in seen.text for seen in walked if seen.url.path == "/api/v1/models")
    assert not [answer.url for answer, _ in pages_of(walked) if "<b>bold</b>" in answer.text]


def test_each_page_has_one_heading_and_a_title(walked: Any, escaped: Any) -> None:
    for answer, seen in pages_of([*walked, *escaped]):
        assert len(seen.texts["h1"]) == 1, f"{answer.url}: {seen.texts['h1']}"
        assert len(seen.texts["title"]) == 1, answer.url
        assert seen.texts["h1"][0].strip()
        assert seen.texts["title"][0].strip() not in ("", "Nightproof"), answer.url


def test_no_request_makes_the_server_fail(walked: Any, escaped: Any) -> None:
    assert [str(answer.url)[:200] for answer in [*walked, *escaped] if answer.status_code >= 500] == []
    assert {answer.status_code for answer in escaped} <= {200, 302, 303, 304, 307, 404, 422}


def test_every_answer_has_the_headers_that_keep_it_harmless(walked: Any, escaped: Any) -> None:
    for answer in [*walked, *escaped]:
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", answer.url
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer"), answer.url
        kept = headers["Cache-Control"]
        assert kept.startswith("private") or "/static/" in answer.url.path, f"{answer.url}: {kept}"
        if is_page(answer) or answer.status_code >= 400:
            policy = policy_of(answer)
            assert policy["default-src"] == ["'none'"], answer.url
            assert is_sandboxed(answer) or policy["script-src"] == ["'self'"], answer.url
            assert is_sandboxed(answer) or policy["frame-ancestors"] == ["'self'"], answer.url
        if headers.get("content-type", "").startswith("application/json"):
            json.loads(answer.text)


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {part.split()[0]: part.split()[1:] for part in parts if part.strip()}


def test_what_others_made_is_sandboxed_whatever_is_answered(published: Any, ask_all: AskAll) -> None:
    last = published.last("quiet")
    night = f"/models/quiet/nights/{last.night}/{last.id}"
    found = ask_all(
        published.app(),
        ["/models/quiet/latest/report", f"{night}/report", f"{night}/data-docs", "/models/nobody/latest/report"],
    )
    assert [answer.status_code for answer in found] == [200, 200, 200, 404]
    stored = published.open_store("s3://ml-results")
    folder = f"nightproof/quiet/{last.night}/{last.id}"
    assert found[1].content == gzip.decompress(stored.read(f"{folder}/report.html.gz"))
    assert found[2].content == gzip.decompress(stored.read(f"{folder}/data_docs.html.gz"))
    assert "<script>alert(1)</script>" in found[0].text  # as it was written, and without an origin
    for answer in found[:3]:
        policy = policy_of(answer)
        assert policy["sandbox"] == ["allow-scripts"]
        assert policy["default-src"] == ["'none'"]
        assert "connect-src" not in policy
        assert "form-action" not in policy
        sources = [source for each in policy.values() for source in each]
        assert not [source for source in sources if "http" in source or source == "*"]


def test_the_latest_report_is_that_of_the_latest_night_that_has_one(bench: Any, ask: Ask, published: Any) -> None:
    for night in ("2024-03-01", "2024-03-02"):
        bench.night(night, 100)
        found = bench.evaluate(night)
        if night == "2024-03-01":
            dossier = bench.model_results().dossier(night, found.id)
            dossier.write("report.html.gz", gzip.compress(b"<h1>of the first night</h1>"))
    house = type(published)(bench.models, bench.open_store, {"quiet": [found]})
    assert ask(house.app(), "/models/quiet/latest/report").content == b"<h1>of the first night</h1>"


# --- Reading alone ------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(published: Any, recording: Any) -> tuple[FastAPI, Any]:
    """The dashboard over a store that remembers what was asked of it."""
    store = recording(published.open_store("s3://ml-results"))
    return published.app(open_store={"s3://ml-results": store}.__getitem__), store


def test_only_looking_is_routed(published: Any, routes: Callable[[FastAPI], Any], ask: Ask) -> None:
    app = published.app()
    assert {method for route in routes(app) for method in route.methods} == {"GET"}
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/", "/api/v1/models", "/models/quiet/latest/report"):
            answer = ask(app, path, method=method)
            assert answer.status_code == 405
            assert "changed" in answer.text


def test_a_walk_through_everything_writes_nothing(
    recorded: tuple[FastAPI, Any], published: Any, ask_all: AskAll, paths: Paths
) -> None:
    app, store = recorded
    ask_all(app, [*paths(app, published.sample("quiet")), *paths(app, published.sample("clandestine"))])
    assert store.written == []
    assert store.asked != []
    assert not [key for key in store.asked if not key.startswith("nightproof/")]


def test_no_path_leads_out_of_the_results_of_its_model(
    recorded: tuple[FastAPI, Any], published: Any, ask_all: AskAll, routes: Callable[[FastAPI], Any]
) -> None:
    app, store = recorded
    sample = published.sample("quiet")
    asked = []
    for route in routes(app):
        known = {name: quote(sample.get(name, "report"), safe="") for name in route.param_convertors}
        asked += [filled(route.path, known | {name: escape}) for name in known for escape in ESCAPES]
    answers = ask_all(app, asked)
    assert {answer.status_code for answer in answers} <= {200, 302, 303, 307, 404, 422}
    assert not [key for key in store.asked if not key.startswith(("nightproof/quiet/", "nightproof/board/"))]
    assert not [key for key in store.asked if ".." in key or "//" in key or "\0" in key]


@pytest.mark.parametrize(
    "path",
    [
        "/models/..%2F..%2Fsecret/latest/report",
        "/models/%2e%2e/latest/report",
        "/models/quiet/latest/..%2Fverdict.json",
        "/models/quiet/nights/..%2F..%2Flog/{id}/report",
        "/models/quiet/nights/{night}/..%2F..%2F..%2Flog/report",
        "/models/quiet/nights/{night}/{id}%0a/report",
        "/models/quiet/nights/%2e%2e/%2e%2e/report",
        "/models/quiet/nights/{night}/0000000000000000/report",
        "/models/quiet/nights/not-a-night/{id}/report",
        "/models/nobody/latest/report",
        "/static/..%2Fapp.py",
        "/static/%2e%2e%2fapp.py",
        "/static/nothing.css",
        "/docs",
        "/openapi.json",
        "/redoc",
    ],
)
def test_what_is_not_there_is_not_found(published: Any, ask: Ask, path: str) -> None:
    last = published.last("quiet")
    answer = ask(published.app(), path.format(id=last.id, night=last.night))
    assert answer.status_code in (404, 422)
    assert "The report" not in answer.text


def test_head_is_answered_as_get_is_without_a_body(published: Any, ask_all: AskAll, paths: Paths) -> None:
    app = published.app()
    every = paths(app, published.sample("quiet"))
    for head, get in zip(ask_all(app, every, method="HEAD"), ask_all(app, every), strict=True):
        assert head.status_code == get.status_code, head.url
        assert head.content == b""
        assert set(head.headers) == set(get.headers)


def test_a_static_file_that_is_known_is_not_sent_again(published: Any, ask: Ask) -> None:
    app = published.app()
    first = ask(app, "/static/style.css")
    again = ask(app, "/static/style.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ask(app, "/static/style.css", headers={"If-None-Match": '"other"'}).content == first.content
