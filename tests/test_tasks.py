"""Every task from its data to its report: a night like the baseline passes, a worse one does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

if TYPE_CHECKING:
    from conftest import Bench

# Evidently's own imports warn; that is not this module's to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Tables = tuple[pl.DataFrame, pl.DataFrame]
FEATURES = {"numeric": ["x"], "categorical": ["group"]}


def inputs(count: int, draw: np.random.Generator, night: str) -> dict[str, Any]:
    group = draw.choice(["a", "b"], count, p=[0.7, 0.3])
    return {"id": [f"{night}-{i}" for i in range(count)], "x": draw.normal(0, 1, count), "group": group}


def multiclass(count: int, *, seed: int, noise: float = 0.0, night: str = "r") -> Tables:
    draw = np.random.default_rng(seed)
    known = inputs(count, draw, night)
    weight = np.exp(np.column_stack([known["x"], -known["x"], np.zeros(count)]))
    truth = weight / weight.sum(axis=1, keepdims=True)
    label = np.array(["up", "down", "flat"])[(truth.cumsum(axis=1) < draw.random(count)[:, None]).sum(axis=1)]
    said = (1 - noise) * truth + noise * draw.dirichlet([1, 1, 1], count)
    scores = {f"p_{name}": said[:, i] for i, name in enumerate(["up", "down", "flat"])}
    return pl.DataFrame(known | scores), pl.DataFrame({"id": known["id"], "move": label})


def regression(count: int, *, seed: int, noise: float = 0.0, night: str = "r") -> Tables:
    draw = np.random.default_rng(seed)
    known = inputs(count, draw, night)
    label = 20.0 + 5.0 * known["x"] + draw.normal(0, 1, count)
    said = 20.0 + 5.0 * known["x"] + noise * draw.normal(0, 6, count)
    ends = {"low": said - 1.645, "high": said + 1.645}
    return pl.DataFrame(known | {"said": said} | ends), pl.DataFrame({"id": known["id"], "price": label})


def ranking(count: int, *, seed: int, noise: float = 0.0, night: str = "r") -> Tables:
    draw = np.random.default_rng(seed)
    known = inputs(count, draw, night)
    gain = draw.integers(0, 4, count)
    score = (1 - noise) * (gain + draw.normal(0, 0.5, count)) + noise * draw.normal(0, 2, count)
    query = [f"{night}-{i // 10}" for i in range(count)]
    return pl.DataFrame(known | {"query": query, "score": score}), pl.DataFrame({"id": known["id"], "gain": gain})


TASKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "multiclass": (
        multiclass,
        {"scores": {"up": "p_up", "down": "p_down", "flat": "p_flat"}, "label": "move", "protected": ["group"]},
    ),
    "regression": (
        regression,
        {
            "prediction": "said",
            "label": "price",
            "interval": {"lower": "low", "upper": "high"},
            "protected": ["group"],
            "slices": ["group"],
        },
    ),
    "ranking": (ranking, {"query": "query", "score": "score", "label": "gain"}),
}


def nights(bench: Bench, task: str, **columns: Any) -> Any:
    make, named = TASKS[task]
    predictions, labels = make(3000, seed=1)
    bench.put("reference/part-0.parquet", _bytes(predictions.join(labels, on="id").drop("id")))
    for night, noise in (("2026-03-01", 0.0), ("2026-03-02", 0.7)):
        bench.write(night, *make(2000, seed=int(night[-2:]), noise=noise, night=night))
    said = {"features": FEATURES} | named | columns
    return bench.config(task=task, columns=said, windows=[1], checks={"bias": {"min_group": 30}})


def _bytes(table: pl.DataFrame) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("task", TASKS)
def test_a_night_like_the_baseline_passes_and_a_worse_one_regresses(task: str, bench: Bench) -> None:
    config = nights(bench, task)
    good = bench.evaluate("2026-03-01", config)
    assert good.verdict.status in ("ok", "watch"), good.verdict.headline
    bad = bench.evaluate("2026-03-02", config)
    assert bad.verdict.status == "regression"
    assert bad.findings[0].check == "performance" and bad.findings[0].metric in config.tolerances
    for metric in ("value", "interval", "n"):
        assert getattr(bad.findings[0], metric) is not None


def test_a_group_whose_prices_are_set_too_high_shows(bench: Bench) -> None:
    config = nights(bench, "regression")
    predictions, labels = regression(2000, seed=5, night="2026-03-05")
    unfair = predictions.with_columns(said=pl.col("said") + 2.0 * (pl.col("group") == "b"))
    bench.write("2026-03-05", unfair, labels)
    told = {
        (f.metric, f.segment["group"]): f
        for f in bench.evaluate("2026-03-05", config).findings
        if f.check == "bias" and f.segment
    }
    both = unfair.join(labels, on="id").with_columns(error=pl.col("said") - pl.col("price"))
    means = dict(both.group_by("group").agg(pl.col("error").mean()).iter_rows())
    for group in "ab":
        assert told["mean_error", group].value == pytest.approx(means[group], abs=1e-5)
    gap = told["mean_error_gap", "b"]
    assert gap.value == pytest.approx(means["b"] - means["a"], abs=1e-5)
    assert gap.interval[0] < 2.0 < gap.interval[1] and gap.interval[0] > 1.5
    assert ("mean_error_gap", "a") not in told


def test_accuracy_by_group_is_told_of_several_classes(bench: Bench) -> None:
    config = nights(bench, "multiclass")
    findings = bench.evaluate("2026-03-02", config).findings
    told = {(f.metric, f.segment["group"]) for f in findings if f.check == "bias" and f.segment}
    assert told == {("accuracy", "a"), ("accuracy", "b"), ("accuracy_gap", "b")}


@pytest.mark.parametrize("task", TASKS)
def test_validation_and_report_know_the_task(task: str, bench: Bench) -> None:
    config = nights(bench, task)
    evaluation = bench.evaluate("2026-03-02", config, left_out=())
    assert evaluation.validation.outcome == "passed", [e for e in evaluation.validation.expectations if not e.success]
    assert any(name.endswith("report.html.gz") for name in bench.objects())


@pytest.mark.parametrize("task", TASKS)
def test_a_label_that_is_none_quarantines_the_night(task: str, bench: Bench) -> None:
    config = nights(bench, task)
    make, _ = TASKS[task]
    predictions, labels = make(500, seed=3, night="2026-03-03")
    name = config.columns.label
    wrong = pl.lit("sideways") if task == "multiclass" else pl.lit(-1.0 if task == "ranking" else float("inf"))
    bench.write("2026-03-03", predictions, labels.with_columns(wrong.alias(name)))
    evaluation = bench.evaluate("2026-03-03", config, left_out=("report",))
    assert evaluation.validation.outcome == "quarantined"


@pytest.mark.parametrize("task", TASKS)
def test_rows_may_be_weighed_and_dated(task: str, bench: Bench) -> None:
    config = nights(bench, task)
    make, _ = TASKS[task]
    when = pl.datetime_range(pl.datetime(2026, 2, 1), pl.datetime(2026, 2, 28), "13m", eager=True)
    for name, count in (("reference", 2000), ("2026-03-04", 1000)):
        predictions, labels = make(count, seed=4, night=name)
        more = predictions.with_columns(w=pl.Series([1.0, 3.0] * (count // 2)), at=when[:count])
        if name == "reference":
            bench.put("reference/part-0.parquet", _bytes(more.join(labels, on="id").drop("id")))
        else:
            bench.write(name, more, labels)
    columns = config.columns.model_dump(exclude_unset=True) | {"weight": "w", "time": "at"}
    weighed = bench.config(task=task, columns=columns, windows=[1])
    evaluation = bench.evaluate("2026-03-04", weighed, left_out=("report",))
    assert evaluation.verdict.status in ("ok", "watch"), evaluation.verdict.headline
    assert evaluation.validation.outcome == "passed"
