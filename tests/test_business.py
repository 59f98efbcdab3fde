"""The team's own metrics from data to report and message, on a model whose every other number stays as it was."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from nightproof.alert.picture import PastNight, trend_of
from nightproof.chart import draw
from nightproof.errors import DataError
from nightproof.message import Links, compose
from nightproof.policy import judge_again
from nightproof.report import render
from nightproof.report.business import section as business_section

if TYPE_CHECKING:
    from conftest import Bench

# Evidently's own imports warn; that is not this module's to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

METRICS: dict[str, Any] = {
    "revenue_per_decision": {"sum": "revenue", "over": "count", "max_drop": 0.3},
    "cost_share": {"sum": "cost", "over": "revenue"},
    "margin": {"python": "margin", "max_drop": 0.05},
}
MARGIN = """\
COLUMNS = ("revenue", "cost")


def margin(rows):
    return rows["revenue"] - rows["cost"], rows["revenue"]
"""
FIRST = date(2026, 3, 1)


def money(table: pl.DataFrame, seed: int, *, factor: float = 1.0, of_b: float = 1.0) -> pl.DataFrame:
    """Rows with what came of them: about 10 a row, a fifth of it cost."""
    draw = np.random.default_rng([seed, 7])
    worth = np.where(table["group"] == "b", of_b, 1.0) * factor
    revenue = draw.gamma(4.0, 2.5, table.height)
    return table.with_columns(revenue=revenue * worth, cost=revenue * draw.uniform(0.1, 0.3, table.height) * worth)


def night_of(place: int) -> str:
    return str(FIRST + timedelta(days=place))


def prepared(bench: Bench, rows: Any, *, quiet: int, factor: float = 1.0, of_b: float = 1.0, worse: int = 0) -> Any:
    """Quiet nights, then worse ones, revenue coming with the labels; gives the config."""
    bench.put("reference/part-0.parquet", _bytes(money(rows(3000, seed=1), 1).drop("id")))
    folder = bench.models.parent / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "margin.py").write_text(MARGIN, "utf-8")
    for place in range(quiet + worse):
        change = {"factor": factor, "of_b": of_b} if place >= quiet else {}
        table = money(rows(800, seed=100 + place, name=str(place)), place, **change)
        bench.write(night_of(place), table.drop("label", "revenue"), table.select("id", "label", "revenue"))
    columns = {
        "score": "score",
        "label": "label",
        "features": {"numeric": ["x"], "categorical": ["group"]},
        "protected": ["group"],
        "slices": ["x"],
    }
    return bench.config(metrics=METRICS, columns=columns)


def _bytes(table: pl.DataFrame) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def evaluated(bench: Bench, config: Any, nights: int) -> list[Any]:
    resources = bench.resources()
    return [bench.evaluate(night_of(place), config, resources=resources) for place in range(nights)]


def test_revenue_that_falls_by_a_fifth_pages_once_and_quiet_nights_do_not(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=10, worse=4, factor=0.8)
    found = evaluated(bench, config, 14)
    events = [[(i.check, i.metric, i.event) for i in e.verdict.incidents] for e in found]
    assert events[:10] == [[]] * 10
    opened = [(place, event) for place, some in enumerate(events) for event in some if event[2] == "opened"]
    [(place, event)] = opened
    assert event[:2] == ("business", "revenue_per_decision") and place <= 12
    night = found[place]
    [incident] = night.verdict.incidents
    assert incident.cause.startswith("Revenue per decision") and "fell by" in incident.cause
    assert night.verdict.status == "regression"
    worst = night.findings[0]
    assert (worst.check, worst.metric, worst.status) == ("business", "revenue_per_decision", "regression")
    assert worst.value == pytest.approx(8.0, abs=0.4) and worst.baseline == pytest.approx(10.0, abs=0.3)

    results = bench.model_results(config)
    past = [PastNight(entry, results.readings(entry)) for entry in results.log.latest().values()]
    trend = trend_of(incident, night, past)
    assert trend is not None and trend.worse == "lower" and trend.title.startswith("Revenue per decision")
    assert len(trend.points) == place + 1
    assert trend.limit == pytest.approx(worst.baseline - 0.3)
    assert draw(trend).startswith(b"\x89PNG")

    told = compose(incident, night, Links(location="s3://somewhere/"), chart="F1")
    assert "Revenue per decision" in told.text and "Business metric" in told.blocks[0]["text"]["text"]
    assert "Likely cause" in json.dumps(told.blocks)

    again = list(judge_again(config, results))
    assert [i.id for j in again for i in j.now.incidents if i.event == "opened"] == [incident.id]


def test_a_fall_in_one_group_is_told_as_its_cause(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=8, worse=3, of_b=0.4)
    found = evaluated(bench, config, 11)
    [incident] = [i for e in found for i in e.verdict.incidents if i.event == "opened"]
    assert incident.check == "business"
    [cause, *_] = incident.causes
    assert cause.kind == "concept" and cause.segment == {"group": "b"} and "where group is b" in incident.cause
    assert cause.share is not None and cause.share > 0.8


def test_values_are_those_of_the_rows_in_all_and_in_each_group(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=1)
    [evaluation] = evaluated(bench, config, 1)
    rows = money(make_rows(800, seed=100, name="0"), 0)
    business = [f for f in evaluation.findings if f.check == "business"]
    told = {(f.metric, f.segment.get("group", "")): f for f in business if "x" not in f.segment}
    for group in ("", "a", "b"):
        own = rows.filter(pl.col("group") == group) if group else rows
        revenue, cost = own["revenue"].to_numpy(), own["cost"].to_numpy()
        assert told["revenue_per_decision", group].value == pytest.approx(revenue.mean(), abs=1e-4)
        assert told["cost_share", group].value == pytest.approx(cost.sum() / revenue.sum(), abs=1e-5)
        assert told["margin", group].value == pytest.approx(1.0 - cost.sum() / revenue.sum(), abs=1e-5)
        assert told["margin", group].n == len(own)
    assert told["cost_share", ""].tolerance is None and "not judged" in told["cost_share", ""].reason
    assert sum(f.metric == "margin" and "x" in f.segment for f in business) == 5


def test_groups_are_evidence_alone_and_small_ones_are_not_shown(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=1)
    table = money(make_rows(800, seed=100, name="0"), 0, of_b=0.2)
    few = [place for place, group in enumerate(table["group"]) if group == "b"][20:]
    table = table.with_row_index("place").filter(~pl.col("place").is_in(few)).drop("place")
    bench.write(night_of(0), table.drop("label", "revenue"), table.select("id", "label", "revenue"))
    [evaluation] = evaluated(bench, config, 1)
    # Group a alone would give b away: all rows' sums less a's.
    assert [f for f in evaluation.findings if f.check == "business" and "group" in f.segment] == []


def test_revenue_that_only_some_rows_have_counts_where_it_is_there(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=1)
    table = money(make_rows(800, seed=100, name="0"), 0)
    bench.write(night_of(0), table.drop("label", "revenue"), table.select("id", "label", "revenue").head(300))
    [evaluation] = evaluated(bench, config, 1)
    [found] = [f for f in evaluation.findings if f.metric == "revenue_per_decision" and not f.segment]
    assert found.n == 300
    assert found.value == pytest.approx(table["revenue"].head(300).mean(), abs=1e-4)


@pytest.mark.parametrize(
    ("revenue", "expectation"),
    [
        (pl.lit(float("inf")), "expect_column_values_to_be_between"),
        (pl.lit("a lot"), "expect_column_values_to_be_in_type_list"),
        (None, "expect_column_to_exist"),
    ],
)
def test_hostile_numbers_quarantine_the_night(revenue: Any, expectation: str, bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=1)
    table = money(make_rows(300, seed=100, name="0"), 0)
    labels = table.select("id", "label", "revenue")
    labels = labels.drop("revenue") if revenue is None else labels.with_columns(revenue=revenue)
    bench.write(night_of(0), table.drop("label", "revenue"), labels)
    evaluation = bench.evaluate(night_of(0), config, left_out=("report",))
    assert evaluation.verdict.status == "quarantined"
    failed = evaluation.validation.failed("critical")
    assert {(e.type, e.column) for e in failed} == {(expectation, "revenue")}


def test_numbers_beyond_all_measure_are_held_and_counted(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=1)
    table = money(make_rows(800, seed=100, name="0"), 0)
    wild = table.with_columns(revenue=pl.when(pl.int_range(800) < 3).then(1e300).otherwise("revenue"))
    bench.write(night_of(0), wild.drop("label", "revenue"), wild.select("id", "label", "revenue"))
    [evaluation] = evaluated(bench, config, 1)
    [found] = [f for f in evaluation.findings if f.metric == "revenue_per_decision" and not f.segment]
    assert found.value is not None and np.isfinite(found.value)
    assert "held within 4,096 units of the baseline: 3 rows" in found.reason


def test_another_source_of_a_function_is_another_evaluation_and_stands_in_the_manifest(
    bench: Bench, make_rows: Any
) -> None:
    config = prepared(bench, make_rows, quiet=1)
    [first] = evaluated(bench, config, 1)
    (bench.models.parent / "metrics" / "margin.py").write_text(MARGIN + "\n# the same, said otherwise\n", "utf-8")
    changed = bench.config(metrics=METRICS, columns=json.loads(config.columns.model_dump_json(exclude_defaults=True)))
    assert changed.fingerprint != config.fingerprint
    [second] = evaluated(bench, changed, 1)
    assert second.id != first.id
    hashes = set()
    for name, raw in bench.objects().items():
        if name.endswith("manifest.json"):
            metric = json.loads(raw)["config"]["metrics"]["margin"]
            assert metric["source"].keys() == {"sha256", "columns", "text_columns"}
            hashes.add(metric["source"]["sha256"])
    assert len(hashes) == 2
    # Nothing that could be run is in the bucket.
    assert not [name for name, raw in bench.objects().items() if b"def margin" in raw]


def test_a_function_that_fails_on_a_night_says_which(bench: Bench, make_rows: Any) -> None:
    prepared(bench, make_rows, quiet=1)
    text = MARGIN.replace(
        "    return", "    if len(rows['cost']) < 700:\n        raise KeyError('no rate')\n    return"
    )
    (bench.models.parent / "metrics" / "margin.py").write_text(text, "utf-8")
    config = bench.config(metrics={"margin": METRICS["margin"]})
    with pytest.raises(DataError, match=r"metrics/margin\.py, margin\(rows\) of the metric margin: it raised KeyError"):
        bench.evaluate(night_of(0), config)


def test_the_report_tells_of_them_and_of_nothing_where_there_are_none(bench: Bench, make_rows: Any) -> None:
    config = prepared(bench, make_rows, quiet=2)
    evaluation = evaluated(bench, config, 2)[-1]
    rendered = render(evaluation)
    for text in (b"Revenue per decision", b"Cost share", b"In each group", b"the sum of cost over the sum of revenue"):
        assert text in rendered.html.replace(b"\\u2191", b""), text
    plain = bench.config()
    assert business_section(bench.evaluate(night_of(0), plain)).blocks == ()


def test_weighed_rows_weigh_in_both_sums(bench: Bench, make_rows: Any) -> None:
    table = money(make_rows(900, seed=3), 3).with_columns(weight=pl.Series(np.random.default_rng(3).gamma(2, 1, 900)))
    bench.put("reference/part-0.parquet", _bytes(table.drop("id")))
    bench.write(night_of(0), table.drop("label"), table.select("id", "label"))
    columns = {"score": "score", "label": "label", "weight": "weight", "features": {"numeric": ["x"]}}
    metrics = {name: METRICS[name] for name in ("revenue_per_decision", "cost_share")}
    evaluation = bench.evaluate(night_of(0), bench.config(metrics=metrics, columns=columns))
    told = {f.metric: f for f in evaluation.findings if f.check == "business"}
    w, revenue, cost = (table[name].to_numpy() for name in ("weight", "revenue", "cost"))
    assert told["revenue_per_decision"].value == pytest.approx(np.average(revenue, weights=w), rel=1e-5)
    assert told["cost_share"].value == pytest.approx((w @ cost) / (w @ revenue), rel=1e-5)
    assert told["cost_share"].n == round(w.sum() ** 2 / (w @ w))
