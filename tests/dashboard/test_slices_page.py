"""The slices page: ranked by what each slice adds to the model's loss, as the search found it, through any window."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nightproof.checks.slices import worst_slices
from nightproof.dashboard.app import create_app
from nightproof.dashboard.source import Source
from nightproof.profiles import merge

Get = Callable[[str], httpx.Response]
API, PAGE = "/api/v1/models/clandestine/slices", "/models/clandestine/slices"


@pytest.fixture
def look(published: Any, ask: Callable[..., httpx.Response]) -> Get:
    app = published.app()
    return lambda path: ask(app, path)


def test_slices_are_ranked_by_what_each_adds(published: Any, look: Get) -> None:
    last = published.last("clandestine")
    harms = worst_slices(last.profile, last.baseline.profile, last.config).worst
    found = look(API).json()["found"]
    assert harms and len(found) == len(harms)
    known = {tuple(harm.segment.items()): harm for harm in harms}
    for told in found:
        harm = known[tuple(told["finding"]["segment"].items())]
        assert told["adds"] == pytest.approx(harm.contribution, rel=1e-6)
        assert told["share"] == pytest.approx(harm.share)
        assert told["is_sure"] == harm.surely_worse
        assert told["finding"]["interval"] and told["finding"]["n"] == harm.now.n
    sure = [told["adds"] for told in found if told["is_sure"]]
    assert sure == sorted(sure, reverse=True)


def test_a_window_looks_at_all_rows_of_its_nights(published: Any, look: Get) -> None:
    nights = published.evaluations["clandestine"]
    merged = merge([made.profile for made in nights])
    last = nights[-1]
    harms = worst_slices(merged, last.baseline.profile, last.config).worst
    answer = look(f"{API}?window=7").json()
    assert answer["is_computed"] and len(answer["nights"]) == len(nights)
    assert {tuple(harm.segment.items()) for harm in harms} == {
        tuple(told["finding"]["segment"].items()) for told in answer["found"]
    }
    assert answer["change"]["n"] == merged.size()[1]


def test_a_good_night_says_that_nothing_was_found(look: Get) -> None:
    page = html.unescape(look("/models/quiet/slices").text)
    assert "No slice surely got worse" in page
    assert "never wakes anybody" in page


def test_a_change_is_told_with_its_interval(look: Get) -> None:
    change = look(API).json()["change"]
    low, high = change["delta_interval"]
    assert low <= change["delta"] <= high
    assert change["reason"] in html.unescape(look(PAGE).text)


@pytest.mark.parametrize("query", ["window=3", "window=x", "night=2020-01-01", "night=x"])
def test_what_there_is_not_is_said_in_words(look: Get, query: str) -> None:
    page, answer = look(f"{PAGE}?{query}"), look(f"{API}?{query}")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert answer.json()["detail"] in html.unescape(page.text)


def test_a_quarantined_night_says_so(bench: Any, ask: Callable[..., httpx.Response]) -> None:
    config = bench.config(validate={"min_rows": 50})
    bench.night("2024-03-01", 10)
    bench.evaluate("2024-03-01", config, left_out=("report",))
    app = create_app(Source(bench.open_store, models=bench.models))
    for window in (1, 7):
        answer = ask(app, f"/api/v1/models/quiet/slices?window={window}").json()
        assert "quarantined" in answer["without"] and not answer["found"]
        assert ask(app, f"/models/quiet/slices?window={window}").status_code == 200
