"""A feature's page: its bins are the profile's, whatever it is called, and what is not there is said."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import polars as pl
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.dashboard.app import create_app
from nightproof.dashboard.drift_pages.distribution import distribution
from nightproof.dashboard.drift_pages.feature_path import feature_path
from nightproof.dashboard.source import Source

Get = Callable[[str], httpx.Response]
NAMES = {"x": "a/../b %2F'\"<x>?#&", "group": ".."}
"""What the columns are called: nothing of it may be taken for a path."""


def parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def oddly(benches: Callable[[], Any]) -> Any:
    """A model whose columns have names that no path would hold; of its second night the profile is deleted."""
    bench = benches()
    columns = {
        "score": "score",
        "label": "label",
        "features": {"numeric": [NAMES["x"]], "categorical": [NAMES["group"]]},
        "protected": [NAMES["group"]],
    }
    config = bench.config(model="oddly", columns=columns, validate={"min_rows": 50})
    reference = bench.night("2023-01-01", 2000).rename(NAMES)
    bench.put("reference/part-0.parquet", parquet(reference.drop("id")))
    for night in ("2024-03-01", "2024-03-02", "2024-03-03"):
        table = bench.night(night, 10 if night == "2024-03-01" else 500).rename(NAMES)
        bench.write(night, table.drop("label"), table.select("id", "label"))
        bench.written[night] = bench.evaluate(night, config, left_out=("report",))
    results = bench.model_results(config)
    for name in ("profile.parquet", "findings.json"):
        results.store.delete(f"{results.folder}2024-03-02/{bench.written['2024-03-02'].id}/{name}")
    return bench


@pytest.fixture
def look(oddly: Any, ask: Callable[..., httpx.Response]) -> Get:
    app = create_app(Source(oddly.open_store, models=oddly.models))
    return lambda path: ask(app, path)


def answer(look: Get, column: str, night: str = "") -> dict[str, Any]:
    path = feature_path("oddly", column, night).replace("/features/", "/features?column=")
    query = path.partition("column=")[2].replace("?night=", "&night=")
    found: dict[str, Any] = look(f"/api/v1/models/oddly/features?column={query}").json()
    return found


@pytest.mark.parametrize("column", [*NAMES.values(), "score", "label"])
def test_every_column_has_a_page_whatever_it_is_called(look: Get, column: str) -> None:
    page = look(feature_path("oddly", column, "2024-03-03"))
    assert page.status_code == 200
    assert f"<h1>{html.escape(column).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')} " in page.text
    assert answer(look, column, "2024-03-03")["column"] == column


@settings(max_examples=150, deadline=None)
@given(column=st.text(min_size=1, max_size=30), model=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True))
def test_a_columns_address_names_it_and_no_other(column: str, model: str) -> None:
    app = FastAPI()

    @app.get("/models/{name}/features")
    def by_query(name: str, column: str) -> list[str]:
        return [name, column]

    @app.get("/models/{name}/features/{column:path}")
    def by_path(name: str, column: str) -> list[str]:
        return [name, column]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.get(feature_path(model, column, "2024-03-01"))

    assert asyncio.run(ask()).json() == [model, column]


def test_the_bins_are_those_of_the_profile_and_of_the_baseline(oddly: Any, look: Get) -> None:
    last = oddly.written["2024-03-03"]
    for column in (*NAMES.values(), "score"):
        drawn = answer(look, column)["distribution"]
        for place, profile in enumerate((last.profile, last.baseline.profile)):
            counted = [bin_["now" if place == 0 else "then"] for bin_ in drawn["bins"]]
            shares = [bin_["now_share" if place == 0 else "then_share"] for bin_ in drawn["bins"]]
            assert sum(counted) == profile.bins(column).sum()
            assert sum(shares) == pytest.approx(1.0)
            assert drawn["rows"][place] == profile.rows == sum(counted) + drawn["missing"][place]


def test_a_label_is_shown_by_its_classes(oddly: Any, look: Get) -> None:
    found = answer(look, "label")
    assert found["role"] == "label"
    rows = oddly.written["2024-03-03"].profile.outcomes()
    assert [bin_["now"] for bin_ in found["distribution"]["bins"]] == [rows.labelled - rows.positives, rows.positives]


def test_findings_of_the_night_are_told_with_interval_and_rows(look: Get) -> None:
    found = {f["metric"]: f for f in answer(look, NAMES["x"])["findings"]}
    distances = {"psi", "jensen_shannon", "hellinger", "cramers_v", "kolmogorov_smirnov", "wasserstein"}
    assert distances <= set(found)
    assert all(found[name]["interval"] and found[name]["n"] == 500 for name in distances)


def test_what_is_quarantined_or_deleted_is_said(look: Get) -> None:
    quarantined, deleted = (answer(look, NAMES["x"], night) for night in ("2024-03-01", "2024-03-02"))
    assert quarantined["distribution"] is None and "quarantined" in quarantined["without"]
    assert deleted["distribution"] is None and "Retention deleted the profile" in deleted["without"]
    for found in (quarantined, deleted):
        page = look(feature_path("oddly", NAMES["x"], found["shown"]["night"]))
        assert page.status_code == 200 and found["without"] in html.unescape(page.text)
    # Series are the board's, and stay.
    assert [night["night"] for night in deleted["series"][0]["nights"]] == ["2024-03-02", "2024-03-03"]


def test_nights_lead_to_those_beside_them(look: Get) -> None:
    shown = answer(look, "score", "2024-03-02")["shown"]
    assert (shown["previous"], shown["next"]) == ("2024-03-01", "2024-03-03")
    assert answer(look, "score", "2024-03-03")["shown"]["next"] is None


@pytest.mark.parametrize("path", ["features/nothing", "features?column=nothing", "features/score?night=x", "features/"])
def test_what_there_is_not_is_not_found(look: Get, path: str) -> None:
    assert look(f"/models/oddly/{path}").status_code in (404, 422)


def test_many_values_are_told_one_by_one_up_to_a_point(make_rows: Any, benches: Callable[[], Any]) -> None:
    bench = benches()
    table = make_rows(4000, seed=5).with_columns(group=pl.Series([f"v{i % 60:02d}" for i in range(4000)]))
    bench.put("reference/part-0.parquet", parquet(table.drop("id")))
    other = table.with_columns(group=pl.Series([f"v{i % 60:02d}" if i % 4 else "new" for i in range(4000)]))
    bench.write("2024-03-01", other.drop("label"), other.select("id", "label"))
    columns = {"score": "score", "label": "label", "features": {"numeric": ["x"], "categorical": ["group"]}}
    made = bench.evaluate("2024-03-01", bench.config(columns=columns))
    drawn = distribution("group", made.profile, made.baseline.profile)
    assert drawn is not None and len(drawn.bins) < 60
    assert sum(bin_.now for bin_ in drawn.bins) == 4000 == sum(bin_.then for bin_ in drawn.bins)
    assert drawn.bins[-1].name == "(not in the baseline)" and drawn.bins[-1].now == 1000
    assert dict(drawn.unseen) == {"new": 1000}
