"""Labels that go missing, for all or for some, are found; labels that are late as always are not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.checks.labels import LEAST_NIGHTS, Usual, check_labels, gap
from nightproof.metrics.estimate import Unknown
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.revise import changes, revise
from statsmodels.stats.proportion import confint_proportions_2indep

QUICK = ("report", "validate")
FIRST = Night.parse("2024-03-01")


def name(day: int) -> str:
    return str(FIRST.before(1 - day))


def coverage(findings: Any, metric: str = "label_coverage") -> dict[str, Finding]:
    return {" ".join(f.segment.values()): f for f in findings if f.metric == metric}


# --- The gap --------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_the_gap_is_newcombes_interval_scaled_by_the_others_share(own: int, rest: int, data: Any) -> None:
    a, b = data.draw(st.integers(0, own)), data.draw(st.integers(0, rest))
    found = gap((own + rest, a + b), (own, a))
    assert not isinstance(found, Unknown)
    low, high = confint_proportions_2indep(b, rest, a, own, method="newcomb", compare="diff")
    share = rest / (own + rest)
    assert found.value == pytest.approx((a + b) / (own + rest) - a / own, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((share * low, share * high), abs=1e-9)
    assert found.low <= found.value <= found.high
    assert found.n == own


def test_a_group_that_is_all_rows_has_no_gap() -> None:
    assert isinstance(gap((50, 20), (50, 20)), Unknown)
    assert isinstance(gap((50, 20), (0, 0)), Unknown)


def test_the_gaps_interval_holds_the_truth() -> None:
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(2000):
        own, rest = 60, 400
        found = gap((own + rest, (a := draw.binomial(own, 0.8)) + draw.binomial(rest, 0.9)), (own, a))
        assert not isinstance(found, Unknown)
        held += found.low <= rest / (own + rest) * 0.1 <= found.high
    assert held / 2000 > 0.93


# --- Through the pipeline -------------------------------------------------------------------------------------


class Feed:
    """A model's nights, and what share of each group's rows has labels."""

    def __init__(self, bench: Any, make_rows: Any, **changes: Any) -> None:
        self.bench, self.rows = bench, make_rows
        data = bench.config().data
        self.places = {
            "predictions": data.predictions,
            "labels": data.labels,
            "reference": data.reference,
            "id": "id",
            "label_maturity": "2d",
        }
        checks = {"performance": {"roc_auc": {"max_drop": 0.2}}, "bias": {"tpr_gap": {}, "impact_ratio": {}}}
        self.config = bench.config(**({"data": self.places, "checks": checks, "windows": [1]} | changes))

    def night(self, day: int, count: int = 800, **shares: float) -> Any:
        """Evaluate a night on the morning after it; chances of a label for ``every`` row, or by group."""
        table = self.rows(count, seed=300 + day, name=name(day))
        draw = np.random.default_rng(day).random(count)
        chance = np.array([shares.get(group, shares.get("every", 1.0)) for group in table["group"]])
        self.bench.write(name(day), table.drop("label"), table.select("id", "label").filter(draw < chance))
        self.truth = table
        return self.evaluate(day)

    def evaluate(self, day: int, on: float | None = None) -> Any:
        now = Night.parse(name(day if on is None else int(on))).end
        resources = self.bench.resources()
        return evaluate(self.config, Night.parse(name(day)), resources, left_out=QUICK, now=now)

    def complete(self, day: int, count: int = 800) -> None:
        """All labels of a night are there."""
        table = self.rows(count, seed=300 + day, name=name(day))
        self.bench.write(name(day), table.drop("label"), table.select("id", "label"))

    def revise(self, on: int) -> list[Any]:
        resources, now = self.bench.resources(), Night.parse(name(on)).end
        results = resources.results(self.config)
        found = changes(self.config, results, open_store=resources.open_store, now=now)
        return list(revise(self.config, resources, found, now=now, left_out=QUICK))


@pytest.fixture(params=["memory", "folder"])
def feed(request: pytest.FixtureRequest, make_rows: Any) -> Any:
    place = "folder" if request.param == "folder" else "bench"
    bench = request.getfixturevalue(place)
    return lambda **changes: Feed(bench, make_rows, **changes)


def data_incidents(evaluation: Any) -> list[tuple[str, str]]:
    return [(i.metric, i.event) for i in evaluation.verdict.incidents if i.check == "data"]


def test_labels_that_vanish_wholly_page(feed: Any) -> None:
    model = feed()
    for day in range(1, LEAST_NIGHTS + 1):
        found = coverage(model.night(day, every=0.95).findings)[""]
        assert found.status == "ok" and "shown and not judged" in found.reason
    evaluation = model.night(LEAST_NIGHTS + 1, every=0.0)
    found = coverage(evaluation.findings)[""]
    assert (found.value, found.status) == (0.0, "regression")
    assert found.baseline == pytest.approx(0.95, abs=0.03)
    assert data_incidents(evaluation) == [("label_coverage", "opened")]
    [incident] = evaluation.verdict.incidents
    assert "label is missing in 100.0 % of rows" in incident.cause
    assert incident.causes[0].kind == "data_fault"


def test_labels_that_vanish_for_one_group_page_though_all_rows_look_well(feed: Any) -> None:
    model = feed(checks={"labels": {"max_coverage_drop": 0.4}, "bias": {"tpr_gap": {}, "impact_ratio": {}}})
    for day in range(1, LEAST_NIGHTS + 1):
        model.night(day, a=0.9, b=0.9)
    evaluation = model.night(LEAST_NIGHTS + 1, a=0.9, b=0.2)
    assert coverage(evaluation.findings)[""].status != "regression"
    gaps = coverage(evaluation.findings, "label_coverage_gap")
    assert gaps["b"].status == "regression" and gaps["a"].status != "regression"
    assert ("label_coverage_gap", "opened") in data_incidents(evaluation)
    [incident] = [i for i in evaluation.verdict.incidents if i.check == "data"]
    assert "where group is b" in incident.cause


def test_labels_that_come_late_as_usual_alarm_nobody(feed: Any) -> None:
    model = feed()
    for day in range(1, 13):
        for revised in model.revise(day):
            assert revised.error is None
            assert data_incidents(revised.evaluation) == []
            assert coverage(revised.evaluation.findings)[""].status in ("ok", "insufficient_data")
        evaluation = model.night(day, a=0.4, b=0.2)
        assert data_incidents(evaluation) == []
        found = coverage(evaluation.findings)[""]
        assert found.status == "ok"
        if day > LEAST_NIGHTS:
            assert found.baseline == pytest.approx(0.34, abs=0.04), "as it was at the same age, not as it became"
            gaps = coverage(evaluation.findings, "label_coverage_gap")
            assert {f.status for f in gaps.values()} == {"ok"}
        model.complete(day)


def test_labels_that_are_later_than_usual_are_found_and_withdrawn_when_they_come(feed: Any) -> None:
    model = feed()
    for day in range(1, 10):
        model.revise(day)
        model.night(day, every=0.6)
        model.complete(day)
    evaluation = model.night(10, every=0.1)
    assert data_incidents(evaluation) == [("label_coverage", "opened")]
    model.complete(10)
    revised = model.revise(12)[-1]
    assert str(revised.change.night) == name(10)
    assert data_incidents(revised.evaluation) == [("label_coverage", "withdrawn")]
    assert coverage(revised.evaluation.findings)[""].baseline == pytest.approx(1.0)


def test_a_revision_before_maturity_is_shown_and_not_judged(feed: Any) -> None:
    model = feed()
    for day in range(1, LEAST_NIGHTS + 2):
        model.night(day, every=0.6)
    model.complete(LEAST_NIGHTS + 1)
    [revised] = [r for r in model.revise(LEAST_NIGHTS + 1) if str(r.change.night) == name(LEAST_NIGHTS + 1)]
    found = coverage(revised.evaluation.findings)[""]
    assert (found.value, found.baseline, found.status) == (1.0, None, "ok")


def test_a_label_column_in_the_predictions_counts_its_nulls_as_missing(bench: Any, make_rows: Any) -> None:
    places = {"predictions": bench.config().data.predictions, "reference": bench.config().data.reference}
    config = bench.config(data=places)
    for day in range(1, LEAST_NIGHTS + 2):
        table = make_rows(600, seed=day, name=name(day))
        if day > LEAST_NIGHTS:
            table = table.with_columns(label=pl.when(pl.int_range(pl.len()) % 2 == 0).then("label"))
        bench.write(name(day), table, table.select("id", "label"))
        evaluation = bench.evaluate(name(day), config)
    found = coverage(evaluation.findings)[""]
    assert (found.value, found.status) == (0.5, "regression")


def test_small_groups_are_not_shown_and_cannot_be_worked_out(feed: Any) -> None:
    model = feed()
    evaluation = model.night(1, count=60)
    sizes = dict(model.truth["group"].value_counts().iter_rows())
    assert sizes["b"] < 30 <= sizes["a"]
    gaps = coverage(evaluation.findings, "label_coverage_gap")
    assert set(gaps) == {"a"}
    assert gaps["a"].n % 5 == 0


def test_seven_nights_are_needed(bench: Any, make_rows: Any) -> None:
    profile = Feed(bench, make_rows).night(1).profile
    config = bench.config()
    for nights, judged in ((LEAST_NIGHTS - 1, False), (LEAST_NIGHTS, True)):
        usual = Usual([(100, 90)] * nights, [profile] * nights)
        found = check_labels(profile, usual, config)
        assert coverage(found)[""].baseline == (pytest.approx(0.9) if judged else None)
        assert math.isfinite(coverage(found)[""].value or 0.0)


@pytest.mark.parametrize("task", ["multiclass", "regression", "ranking"])
def test_other_tasks_labels_are_counted_alike(task: str, bench: Any) -> None:
    from .test_tasks import TASKS, nights

    config = nights(bench, task)
    make, _ = TASKS[task]
    for day in range(1, LEAST_NIGHTS + 2):
        predictions, labels = make(600, seed=50 + day, night=name(day))
        gone = labels.clear() if task == "ranking" else labels.filter(predictions["group"] == "a")
        kept = labels if day <= LEAST_NIGHTS else gone
        bench.write(name(day), predictions, kept)
        evaluation = bench.evaluate(name(day), config)
    found = coverage(evaluation.findings)[""]
    assert found.value == pytest.approx(kept.height / 600)
    if task == "ranking":
        assert found.status == "regression"
    else:
        assert coverage(evaluation.findings, "label_coverage_gap")["b"].status == "regression"
    assert [i.check for i in evaluation.verdict.incidents if "data" in i.families]
