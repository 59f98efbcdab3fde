"""The performance family of every task: harm is found, chance is not, and odd nights are explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.checks.finding import Finding, Findings
from nightproof.checks.performance import check_performance
from nightproof.config import ModelConfig
from nightproof.metrics import PERFORMANCE
from nightproof.profiles import collect
from nightproof.profiles.infer import infer_spec

Told = dict[tuple[str, str], Finding]
Check = Callable[..., Told]
NAMES = ["a", "b", "c", "d", "e", "f"]
COLUMNS: dict[str, dict[str, Any]] = {
    "multiclass": {"scores": {name: name for name in NAMES}, "slices": ["where"]},
    "regression": {"prediction": "y", "interval": {"lower": "low", "upper": "high"}, "slices": ["where"]},
    "ranking": {"query": "q", "score": "score", "k": 5},
}


def multiclass(n: int, *, seed: int, harm: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    table = draw.dirichlet(np.full(6, 0.4), n)
    label = (draw.random(n)[:, None] > np.cumsum(table, axis=1)).sum(axis=1).clip(0, 5)
    label = np.where(draw.random(n) < harm, draw.integers(0, 6, n), label)
    where = draw.choice(["north", "south"], n)
    return pl.DataFrame(
        {name: table[:, i] for i, name in enumerate(NAMES)} | {"label": np.array(NAMES)[label], "where": where}
    )


def regression(n: int, *, seed: int, harm: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    label, error = draw.normal(20, 5, n), draw.normal(harm, 1.0 + abs(harm), n)
    y = label + error
    where = draw.choice(["north", "south"], n)
    return pl.DataFrame({"y": y, "low": y - 1.645, "high": y + 1.645, "label": label, "where": where})


def ranking(n: int, *, seed: int, harm: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    gain = draw.integers(0, 3, (n, 6)).astype(float)
    score = gain + draw.normal(0, 0.5 + 3 * harm, (n, 6))
    query = np.repeat([f"q{i}" for i in range(n)], 6)
    return pl.DataFrame({"q": query, "score": score.ravel(), "label": gain.ravel()})


MAKE: dict[str, Callable[..., pl.DataFrame]] = {"multiclass": multiclass, "regression": regression, "ranking": ranking}
WORSE = {
    "multiclass": {
        "accuracy": {"max_drop": 0.02},
        "log_loss": {"max_rise": 0.05},
        "f1_macro": {"max_drop": 0.02},
        "roc_auc": {"max_drop": 0.02},
        "top_3_accuracy": {"max_drop": 0.01},
    },
    "regression": {
        "mae": {"max_rise": 0.1},
        "r2": {"max_drop": 0.02},
        "mean_error": {"max_rise": 0.2},
        "interval_coverage": {"max_drop": 0.05},
        "absolute_error_p90": {"max_rise": 0.2},
        "wape": {"max_rise": 0.01},
    },
    "ranking": {"ndcg": {"max_drop": 0.02}, "mrr": {"max_drop": 0.02}},
}


@pytest.fixture
def check(tmp_path: Any) -> Check:
    def make(
        task: str, night: pl.DataFrame, reference: pl.DataFrame, *, tolerances: Any = None, window: int = 1
    ) -> Told:
        paths = [tmp_path / "night.parquet", tmp_path / "reference.parquet"]
        for table, path in zip((night, reference), paths, strict=True):
            table.write_parquet(path)
        config = ModelConfig.model_validate(
            {
                "model": "checked",
                "task": task,
                "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
                "columns": {"label": "label", **COLUMNS[task]},
                "checks": {"performance": tolerances} if tolerances else {},
            }
        )
        spec = infer_spec(config, paths[1:])
        profiles = [collect([path], [], spec) for path in paths]
        found = check_performance(*profiles, config, window=window)
        raw = Findings(tuple(found)).to_bytes()
        json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        return {(f.metric, ",".join(f.segment.values())): f for f in found}

    return make


@pytest.mark.parametrize("task", MAKE)
def test_every_metric_is_told_and_the_same_rows_are_ok(task: str, check: Check) -> None:
    night = MAKE[task](12_000, seed=1)
    told = check(task, night, night, tolerances=WORSE[task])
    assert [metric for metric, segment in told if not segment] == list(PERFORMANCE[task])
    assert {told[metric, ""].status for metric in WORSE[task]} == {"ok"}
    assert all(f.value is not None and f.delta == 0.0 for f in told.values())


@pytest.mark.parametrize("task", MAKE)
def test_clear_harm_is_a_candidate(task: str, check: Check) -> None:
    make = MAKE[task]
    told = check(task, make(1500, seed=1, harm=0.6), make(3000, seed=2), tolerances=WORSE[task])
    for metric in WORSE[task]:
        finding = told[metric, ""]
        assert finding.status == "watch" and finding.p_value is not None and finding.p_value < 1e-4, metric


@pytest.mark.parametrize("task", MAKE)
def test_a_config_without_tolerances_has_the_tasks_own(task: str, check: Check) -> None:
    make = MAKE[task]
    told = check(task, make(1500, seed=1, harm=0.6), make(3000, seed=2))
    held = {metric for (metric, segment), f in told.items() if f.tolerance is not None and not segment}
    assert held == {"multiclass": {"accuracy", "log_loss"}, "regression": {"r2"}, "ranking": {"ndcg"}}[task]
    assert {told[metric, ""].status for metric in held} == {"watch"}


@pytest.mark.parametrize(
    ("now", "then", "status"), [(-1.0, 0.0, "watch"), (1.0, 0.0, "watch"), (-1.0, 1.0, "ok"), (0.0, 1.0, "ok")]
)
def test_a_mean_error_harms_by_its_distance_from_zero(now: float, then: float, status: str, check: Check) -> None:
    def night(shift: float, seed: int) -> pl.DataFrame:
        return regression(3000, seed=seed).with_columns(pl.col("y") + shift)

    found = check("regression", night(now, 1), night(then, 2), tolerances={"mean_error": {"max_rise": 0.2}})
    finding = found["mean_error", ""]
    assert finding.status == status
    assert finding.delta == pytest.approx(now - then, abs=0.1)
    assert ("its distance from 0 rose" in finding.reason) == (status == "watch")


@pytest.mark.parametrize(
    ("task", "metrics"),
    [("multiclass", {"accuracy", "brier"}), ("regression", {"mae", "mean_error"}), ("ranking", set())],
)
def test_slices_have_their_tasks_two_metrics(task: str, metrics: set[str], check: Check) -> None:
    make = MAKE[task]
    told = check(task, make(800, seed=1), make(800, seed=2))
    assert {pair for pair in told if pair[1]} == {(metric, where) for metric in metrics for where in ("north", "south")}
    assert all(f.p_value is None for (_, where), f in told.items() if where)
    assert not any(where for _, where in check(task, make(80, seed=1), make(80, seed=2), window=7))


def test_rows_that_have_no_percentage_are_counted_in_the_reason(check: Check) -> None:
    night = regression(500, seed=1).with_columns(label=pl.when(pl.int_range(pl.len()) < 7).then(0.0).otherwise("label"))
    finding = check("regression", night, regression(500, seed=2))["mape", ""]
    assert finding.n == 493
    assert finding.reason.endswith("Left out: 7 rows whose label is 0.")


def test_a_bound_of_binning_stands_in_the_reason(check: Check) -> None:
    told = check("regression", regression(500, seed=1), regression(500, seed=2))
    assert "binning may move it by up to 0.00" in told["median_absolute_error", ""].reason
    assert "binning" not in told["mae", ""].reason


@pytest.mark.parametrize("task", MAKE)
@pytest.mark.parametrize("rows", [0, 1, 29])
def test_few_rows_are_not_judged(task: str, rows: int, check: Check) -> None:
    make = MAKE[task]
    reference = make(500, seed=2)
    night = make(max(rows, 1), seed=1)
    told = check(task, night if rows else night.clear(), reference)
    assert {f.status for f in told.values()} == {"insufficient_data"}
    assert all(f.value is None and f.reason.endswith(".") for f in told.values())
