"""The drift page: what lies beyond its limit is said, marked and ranked, and every column leads to its own page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nightproof.dashboard.app import create_app
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source

Get = Callable[[str], httpx.Response]
PAGE, API = "/models/moving/drift", "/api/v1/models/moving/drift"
MOVED = ("2024-03-03", "2024-03-04", "2024-03-05")


@pytest.fixture(scope="module")
def moving(benches: Callable[[], Any]) -> Any:
    """Five nights, of which the last three have their feature moved; before them one that is quarantined."""
    bench = benches()
    config = bench.config(model="moving", validate={"min_rows": 50})
    bench.night("2024-02-28", 10)
    bench.evaluate("2024-02-28", config, left_out=("report",))
    for night in ("2024-03-01", "2024-03-02", *MOVED):
        bench.night(night, 700, drift=1.0 if night in MOVED else 0.0)
        bench.evaluate(night, config)
    return bench


@pytest.fixture
def look(moving: Any, ask: Callable[..., httpx.Response]) -> Get:
    app = create_app(Source(moving.open_store, models=moving.models))
    return lambda path: ask(app, path)


def figure(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" class="figure">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    return made


def by_column(answer: httpx.Response) -> dict[str, Any]:
    return {column["column"]: column for column in answer.json()["columns"]}


def test_a_column_that_moved_says_since_when_and_how_often(look: Get) -> None:
    answer = look(API)
    found = by_column(answer)
    assert (found["x"]["since"], found["x"]["beyond"], found["x"]["told"]) == ("2024-03-03", 3, 5)
    assert found["group"]["since"] is None and not found["group"]["now"]["is_beyond"]
    assert answer.json()["night"] == "2024-03-05"
    assert answer.json()["columns"][0]["now"]["is_beyond"]


def test_every_value_has_its_interval_its_rows_and_its_limit(look: Get) -> None:
    told = look(API).json()
    for column in told["columns"]:
        for i, _ in enumerate(told["nights"]):
            if column["value"][i] is not None:
                assert column["low"][i] <= column["value"][i] <= column["high"][i]
                assert column["n"][i] > 0 and column["limit"][i] is not None


def test_the_heat_map_marks_just_what_is_beyond_its_limit(look: Get) -> None:
    told, data = look(API).json(), figure(look(PAGE).text)["data"]
    marked = {(trace["x"][i], y) for trace in data[1:] for i, y in enumerate(trace["y"])}
    beyond = {
        (told["nights"][i], place)
        for place, column in enumerate(told["columns"])
        for i, value in enumerate(column["value"])
        if value is not None and value > column["limit"][i]
    }
    assert beyond and marked == beyond
    # Colour is not the only sign: each mark has a shape of its own.
    assert {trace["marker"]["symbol"] for trace in data[1:]} <= {"x", "circle"}


def test_every_cell_and_every_row_leads_to_the_columns_page(look: Get) -> None:
    page = look(PAGE).text
    links = figure(page)["data"][0]["links"]
    assert all(look(f"{link}2024-03-05").status_code == 200 for link in links)
    rows = {html.unescape(href) for href in re.findall(r'href="(/models/moving/features/[^"]*)"', page)}
    assert {f"{link}2024-03-05" for link in links} <= rows
    assert all(look(row).status_code == 200 for row in rows)


def test_nights_without_numbers_say_why(look: Get) -> None:
    [(night, why)] = look(API).json()["without"]
    assert night == "2024-02-28" and "quarantined" in why
    assert why in html.unescape(look(PAGE).text)


@pytest.mark.parametrize("measure", ["psi", "missing_rate", "unseen_rate", "outside_rate", "vanished_share"])
def test_every_measure_has_a_page(look: Get, measure: str) -> None:
    assert look(f"{PAGE}?measure={measure}").status_code == 200
    told = look(f"{API}?measure={measure}").json()
    assert told["measure"] == measure
    if measure == "vanished_share":
        assert told["columns"] == []


@pytest.mark.parametrize("query", ["measure=nothing", "last=many", "last=0", "from=2024-03-09&to=2024-03-01"])
def test_what_there_is_not_is_said_in_words(look: Get, query: str) -> None:
    page, answer = look(f"{PAGE}?{query}"), look(f"{API}?{query}")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert answer.json()["detail"] in html.unescape(page.text)


def test_whoever_may_not_read_the_model_is_told_that_there_is_none(moving: Any, ask: Any) -> None:
    app = create_app(Source(moving.open_store, models=moving.models), lambda: Viewer(readable=frozenset({"other"})))
    for page in ("drift", "features/x", "features?column=x", "bias", "slices", "compare"):
        for root in ("/models/", "/api/v1/models/"):
            hidden, absent = (ask(app, f"{root}{model}/{page}") for model in ("moving", "nobody"))
            assert hidden.status_code == absent.status_code == 404
            assert hidden.text.replace("moving", "") == absent.text.replace("nobody", "") or root == "/models/"
