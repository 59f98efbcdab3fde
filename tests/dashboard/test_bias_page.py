"""The bias page: groups as the findings tell them, the four fifths by the interval, nothing of a small group."""

from __future__ import annotations

import html
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from nightproof.dashboard.app import create_app
from nightproof.dashboard.source import Source
from nightproof.metrics.four_fifths import four_fifths

Get = Callable[[str], httpx.Response]
NIGHT = "2024-03-03"
API, PAGE = "/api/v1/models/groups/bias", "/models/groups/bias"


def parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def groups(benches: Callable[[], Any]) -> Any:
    """Three nights of two large groups, of which ``b`` is worse off, and a small one; the first is quarantined."""
    bench = benches()
    config = bench.config(model="groups", validate={"min_rows": 50})
    for night in ("2024-03-01", "2024-03-02", NIGHT):
        table = bench.night(night, 10 if night == "2024-03-01" else 900, unfair=0.35)
        small = pl.when(pl.int_range(pl.len()) < 12).then(pl.lit("tiny")).otherwise(pl.col("group"))
        named = table.with_columns(group=small)
        bench.write(night, named.drop("label"), named.select("id", "label"))
        bench.written[night] = bench.evaluate(night, config, left_out=("report",))
    return bench


@pytest.fixture
def look(groups: Any, ask: Callable[..., httpx.Response]) -> Get:
    app = create_app(Source(groups.open_store, models=groups.models))
    return lambda path: ask(app, path)


def findings(groups: Any, metric: str, window: int = 1) -> dict[str, Any]:
    found = groups.written[NIGHT].findings
    return {
        f.segment["group"]: f
        for f in found
        if (f.check, f.metric, f.window) == ("bias", metric, window) and f.segment and f.value is not None
    }


def told(answer: httpx.Response) -> dict[str, Any]:
    [grouping] = answer.json()["groupings"]
    return {group["name"]: group for group in grouping["groups"]}


@pytest.mark.parametrize("metric", ["tpr", "fpr", "selection_rate", "roc_auc", "calibration_gap", "tpr_gap"])
@pytest.mark.parametrize("window", [1, 7])
def test_groups_are_told_as_the_findings_tell_them(groups: Any, look: Get, metric: str, window: int) -> None:
    known, found = findings(groups, metric, window), told(look(f"{API}?measure={metric}&window={window}"))
    assert known
    for group, finding in known.items():
        chosen = found[group]["chosen"]
        assert (chosen["value"], tuple(chosen["interval"]), chosen["n"]) == (
            finding.value,
            finding.interval,
            finding.n,
        )


def test_the_four_fifths_are_answered_by_the_interval(groups: Any, look: Get) -> None:
    found = told(look(API))
    for group, finding in findings(groups, "impact_ratio").items():
        assert found[group]["four_fifths"] == four_fifths(finding.interval)
    assert found["b"]["four_fifths"] == "violation"
    assert "Violation" in look(PAGE).text
    assert found["a"]["is_reference"] and found["a"]["four_fifths"] is None


def test_a_small_group_is_named_and_nothing_of_it_is_shown(look: Get) -> None:
    [grouping] = look(API).json()["groupings"]
    assert [(group["name"], group["n"]) for group in grouping["small"]] == [("(not in the baseline)", 12)]
    assert "(not in the baseline)" not in {group["name"] for group in grouping["groups"]}
    assert "too few labelled rows" in look(PAGE).text


def test_a_group_is_followed_over_the_nights(look: Get) -> None:
    page = look(f"{PAGE}?column=group&group=a&measure=tpr").text
    assert "True-positive rate where group is a" in html.unescape(page)
    assert page.count('class="figure"') >= 3


def test_a_quarantined_night_says_so(look: Get) -> None:
    answer, page = look(f"{API}?night=2024-03-01"), look(f"{PAGE}?night=2024-03-01")
    assert answer.json()["groupings"] == [] and "quarantined" in answer.json()["without"]
    assert page.status_code == 200 and answer.json()["without"] in html.unescape(page.text)


@pytest.mark.parametrize(
    "query", ["measure=nothing", "window=3", "night=2020-01-01", "night=x", "column=group&group=c", "column=x&group=a"]
)
def test_what_there_is_not_is_said_in_words(look: Get, query: str) -> None:
    page, answer = look(f"{PAGE}?{query}"), look(f"{API}?{query}")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert answer.json()["detail"] in html.unescape(page.text)


def test_texts_of_the_data_stay_texts(hostile: Any, ask: Callable[..., httpx.Response]) -> None:
    app = hostile.app()
    for page in ("bias", "bias?window=7", "drift", "slices", "slices?window=7", "compare"):
        text = ask(app, f"/models/hostile/{page}").text
        assert "&lt;script&gt;alert(1)" in text
        assert not any(planted in text for planted in ("<script>alert", "<img src=x", "</script><!--"))


# --- Other tasks --------------------------------------------------------------------------------------------


def rows(task: str, count: int, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    x, group = draw.normal(size=count), draw.choice(["a", "b"], count, p=[0.7, 0.3])
    known = {"id": [f"{seed}-{i}" for i in range(count)], "x": x, "group": group}
    if task == "regression":
        return pl.DataFrame(known | {"said": x + 0.5 * (group == "b"), "truth": x + draw.normal(size=count)})
    if task == "ranking":
        query = [f"{seed}-{i // 10}" for i in range(count)]
        return pl.DataFrame(known | {"query": query, "score": x, "truth": draw.integers(0, 4, count)})
    share = draw.random(count)
    truth = np.where(draw.random(count) < share, "up", "down")
    return pl.DataFrame(known | {"p_up": share, "p_down": 1.0 - share, "truth": truth})


OUTPUTS: dict[str, dict[str, Any]] = {
    "regression": {"prediction": "said", "protected": ["group"], "slices": ["group"]},
    "multiclass": {"scores": {"up": "p_up", "down": "p_down"}, "protected": ["group"]},
    "ranking": {"query": "query", "score": "score"},
}


@pytest.mark.parametrize(
    ("task", "measures"), [("regression", {"mean_error", "mae"}), ("multiclass", {"accuracy"}), ("ranking", set())]
)
def test_every_task_has_its_pages(
    benches: Callable[[], Any], ask: Callable[..., httpx.Response], task: str, measures: set[str]
) -> None:
    bench = benches()
    columns = {"label": "truth", "features": {"numeric": ["x"], "categorical": ["group"]}} | OUTPUTS[task]
    config = bench.config(model="other", task=task, columns=columns, windows=[1])
    bench.put("reference/part-0.parquet", parquet(rows(task, 2000, 1).drop("id")))
    for seed, night in ((2, "2024-03-01"), (3, "2024-03-02")):
        table = rows(task, 800, seed)
        bench.write(night, table.drop("truth"), table.select("id", "truth").rename({"truth": "truth"}))
        bench.evaluate(night, config)
    app = create_app(Source(bench.open_store, models=bench.models))
    told = ask(app, "/api/v1/models/other/bias").json()
    assert measures <= {measure["metric"] for measure in told["measures"]}
    assert bool(told["without"]) == (task == "ranking")
    slices = ask(app, "/api/v1/models/other/slices").json()
    assert bool(slices["without"]) == (task == "ranking")
    compared = ask(app, "/api/v1/models/other/compare?a=2024-03-02&b=2024-03-01").json()["comparison"]
    assert compared["performance"] and compared["columns"]
    for page in ("drift", "features/x", "bias", "slices", "slices?window=7", "compare?a=2024-03-02&b=2024-03-01"):
        assert ask(app, f"/models/other/{page}").status_code == 200, page
