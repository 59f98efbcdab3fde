"""Comparing: a side beside itself differs in nothing, the other way round is the opposite, and faults are sentences."""

from __future__ import annotations

import html
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import httpx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.checks.performance_family import check_performance_family
from nightproof.dashboard.app import create_app
from nightproof.dashboard.compare_pages.chosen_nights import parsed
from nightproof.dashboard.source import Source
from nightproof.errors import NightError
from nightproof.profiles import merge

Compare = Callable[..., dict[str, Any]]
MODEL = "clandestine"
BAD, GOOD = "2024-03-04", "2024-03-02"


@pytest.fixture
def compare(published: Any, ask: Callable[..., httpx.Response]) -> Compare:
    app = published.app()

    def compared(a: str, b: str, model: str = MODEL) -> dict[str, Any]:
        answer = ask(app, f"/api/v1/models/{model}/compare?{urlencode({'a': a, 'b': b})}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["comparison"]
        return found

    return compared


def by_metric(found: dict[str, Any]) -> dict[str, Any]:
    return {told["metric"]: told for told in found["performance"]}


def test_a_side_beside_itself_differs_in_nothing(compare: Compare) -> None:
    found = compare(BAD, BAD)
    assert found["performance"] and found["groups"]
    assert {told["verdict"] for told in (*found["performance"], *found["groups"])} <= {"alike", "unknown"}
    assert all(told["delta"] == 0.0 for told in found["performance"])
    assert not any(column["is_beyond"] for column in found["columns"])
    assert not any(told["is_sure"] for told in found["slices"])


def test_the_other_way_round_is_the_opposite(compare: Compare) -> None:
    there, back = by_metric(compare(BAD, GOOD)), by_metric(compare(GOOD, BAD))
    assert set(there) == set(back)
    opposite = {"worse": {"better"}, "regressed": {"better"}, "better": {"worse", "regressed"}}
    for metric, told in there.items():
        assert told["delta"] == pytest.approx(-back[metric]["delta"])
        assert told["a"] == back[metric]["b"] and told["b"] == back[metric]["a"]
        assert back[metric]["verdict"] in opposite.get(told["verdict"], {told["verdict"]})


def test_beside_the_baseline_it_says_what_the_night_said(published: Any, compare: Compare) -> None:
    found, last = by_metric(compare(BAD, "baseline")), published.last(MODEL)
    known = {f.metric: f for f in last.findings if f.check == "performance" and f.window == 1 and not f.segment}
    assert {"roc_auc", "brier"} <= set(found)
    for metric, told in found.items():
        assert told["delta"] == pytest.approx(known[metric].delta)
        assert told["a"]["value"] == pytest.approx(known[metric].value)
        # The night's own interval has room for how much nights differ; two choices of rows know of none.
        low, high = known[metric].delta_interval
        assert low - 1e-9 <= told["low"] <= told["high"] <= high + 1e-9
        assert told["a"]["n"] == known[metric].n


def test_merged_nights_are_all_their_rows_together(published: Any, compare: Compare) -> None:
    nights = published.evaluations[MODEL]
    window = compare("2024-03-01..2024-03-03", "baseline")
    merged, last = merge([made.profile for made in nights[:3]]), nights[-1]
    known = {
        f.metric: f
        for f in check_performance_family(merged, last.baseline.profile, last.config, window=1)
        if not f.segment
    }
    assert (window["a"]["rows"], window["a"]["labelled"]) == merged.size()
    assert window["a"]["nights"] == [str(made.night) for made in nights[:3]]
    assert all(told["a"]["value"] == pytest.approx(known[metric].value) for metric, told in by_metric(window).items())


def test_a_night_that_broke_is_told_to_be_worse(compare: Compare) -> None:
    found = compare(BAD, "trailing 3 nights")
    assert found["b"]["nights"] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert by_metric(found)["roc_auc"]["verdict"] == "regressed"
    assert found["said"][0].startswith("A is worse")
    for told in (*found["performance"], *found["groups"]):
        if told["verdict"] != "unknown":
            assert told["low"] <= told["delta"] <= told["high"]
            assert told["a"]["n"] > 0


def test_all_that_is_offered_can_be_compared(published: Any, ask: Callable[..., httpx.Response]) -> None:
    app = published.app()
    for model in published.evaluations:
        offered = ask(app, f"/api/v1/models/{model}/compare").json()["suggestions"]
        assert offered
        for choice in offered:
            query = urlencode({"a": choice["a"], "b": choice["b"]})
            assert ask(app, f"/models/{model}/compare?{query}").status_code == 200, choice


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ("baseline", "baseline", "both sides"),
        ("yesterday", "baseline", "Write a night such as"),
        ("2024-03-04..2024-03-01", "baseline", "ends before it begins"),
        ("2020-01-01..2024-01-01", "baseline", "at most 60"),
        ("trailing 61 nights", "baseline", "1 to 60"),
        ("2023-03-04", "baseline", "not evaluated"),
        ("2024-13-45", "baseline", "is not a night"),
        ("version:<b>9</b>", "baseline", "no column of versions"),
        (BAD, "trailing 2 nights..", "Write a night such as"),
    ],
)
def test_what_cannot_be_compared_is_said_and_the_form_stays(
    published: Any, ask: Callable[..., httpx.Response], a: str, b: str, why: str
) -> None:
    query, app = urlencode({"a": a, "b": b}), published.app()
    page, answer = ask(app, f"/models/{MODEL}/compare?{query}"), ask(app, f"/api/v1/models/{MODEL}/compare?{query}")
    assert (page.status_code, answer.status_code) == (422, 404)
    assert why in answer.json()["detail"]
    assert why in html.unescape(page.text) and '<input type="text" name="a"' in page.text
    assert "<b>9</b>" not in page.text


@given(
    st.text(max_size=40) | st.from_regex(r"(trailing|version:|\d{4}-\d\d-\d\d(\.\.)?)[ \d:.-]{0,14}", fullmatch=True)
)
def test_any_text_is_a_choice_or_a_sentence(text: str) -> None:
    try:
        choice = parsed(text)
    except NightError as error:
        assert str(error).endswith(".") and len(str(error)) < 500
    else:
        assert parsed(str(choice)) == choice


@pytest.fixture(scope="module")
def renewed(benches: Callable[[], Any]) -> Any:
    """A model of two versions whose reference changed after its second night; one is quarantined, of one is pruned."""
    bench = benches()
    columns = {
        "score": "score", "label": "label", "features": {"numeric": ["x"], "categorical": ["group"]},
        "protected": ["group"], "model_version": "version",
    }  # fmt: skip
    config = bench.config(model="renewed", columns=columns, validate={"min_rows": 50})
    for place, night in enumerate(f"2024-03-0{day}" for day in range(1, 7)):
        if place in (0, 2):
            reference = bench.night("2023-01-01", 1500 + place, seed=place).with_columns(version=pl.lit("v0"))
            buffer = BytesIO()
            reference.drop("id").write_parquet(buffer)
            bench.put("reference/part-0.parquet", buffer.getvalue())
        version = pl.lit("v1" if place < 4 else "v2")
        table = bench.night(night, 10 if place == 3 else 400).with_columns(version=version)
        bench.write(night, table.drop("label"), table.select("id", "label"))
        bench.written[night] = bench.evaluate(night, config, left_out=("report",))
    results = bench.model_results(config)
    results.store.delete(f"{results.folder}2024-03-05/{bench.written['2024-03-05'].id}/profile.parquet")
    return bench


def test_nights_of_two_baselines_are_never_mixed(renewed: Any, ask: Callable[..., httpx.Response]) -> None:
    app = create_app(Source(renewed.open_store, models=renewed.models))
    for a, b in (("2024-03-06", "2024-03-01"), ("2024-03-01..2024-03-06", "baseline")):
        answer = ask(app, f"/api/v1/models/renewed/compare?{urlencode({'a': a, 'b': b})}")
        assert answer.status_code == 404
        assert "2 baselines" in answer.json()["detail"] and "2024-03-01" in answer.json()["detail"]
    same = ask(app, "/api/v1/models/renewed/compare?a=2024-03-02&b=2024-03-01")
    assert same.status_code == 200
    assert same.json()["comparison"]["baseline_id"] == renewed.written["2024-03-01"].baseline.id


def test_nights_that_are_left_out_are_named_with_the_reason(renewed: Any, ask: Callable[..., httpx.Response]) -> None:
    app = create_app(Source(renewed.open_store, models=renewed.models))
    found = ask(app, "/api/v1/models/renewed/compare?a=2024-03-03..2024-03-07&b=baseline").json()["comparison"]["a"]
    assert found["nights"] == ["2024-03-03", "2024-03-06"]
    said = " ".join(found["left_out"])
    assert "2024-03-04 was quarantined" in said and "profile of the night 2024-03-05" in said
    assert "1 night from 2024-03-03 to 2024-03-07 was not evaluated" in said
    alone = ask(app, "/api/v1/models/renewed/compare?a=2024-03-04&b=baseline")
    assert alone.status_code == 404 and "quarantined" in alone.json()["detail"]


def test_a_version_is_the_nights_that_it_answered(renewed: Any, ask: Callable[..., httpx.Response]) -> None:
    app = create_app(Source(renewed.open_store, models=renewed.models))
    found = ask(app, "/api/v1/models/renewed/compare?a=version:v2&b=2024-03-03").json()["comparison"]
    assert found["a"]["nights"] == ["2024-03-06"] and found["a"]["versions"] == [["v2", 400]]
    unknown = ask(app, "/api/v1/models/renewed/compare?a=version:v9&b=baseline").json()["detail"]
    assert "v1" in unknown and "v2" in unknown
