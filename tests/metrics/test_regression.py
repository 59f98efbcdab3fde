"""Regression metrics from the profile: scikit-learn's and numpy's on the raw rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics import PERFORMANCE, performance
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles import Profile
from scipy import stats
from sklearn import metrics as sk

Profiled = Callable[..., Profile]
LAW = settings(deadline=None, derandomize=True, max_examples=25)
INTERVAL = {"lower": "low", "upper": "high", "coverage": 0.8}
NUMBER = st.integers(-40, 40).map(lambda quarters: quarters / 4)
"""Labels and predictions of few values: many ties, zeros and right predictions."""
ROWS = st.lists(st.tuples(NUMBER, NUMBER, st.integers(0, 6), st.sampled_from([0.5, 1.0, 3.0])), min_size=2, max_size=40)
REFERENCE = pl.DataFrame(
    {
        "y": [float(i % 7 - 3) for i in range(30)],
        "label": [float(i % 11 - 4) for i in range(30)],
        "low": [-1.0] * 30,
        "high": [1.0] * 30,
        "weight": [1.0, 0.5, 1.5] * 10,
    }
)


def measured(profile: Profile) -> dict[str, Estimate | Unknown]:
    return {name: metric(profile) for name, metric in PERFORMANCE["regression"].items()}


def frame(rows: list[tuple[float, float, int, float]]) -> pl.DataFrame:
    label, y, width, weight = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    return pl.DataFrame({"y": y, "label": label, "low": y - width / 2, "high": y + width, "weight": weight})


def oracle(night: pl.DataFrame, weight: Any = None) -> dict[str, float]:
    label, y, low, high = (night[name].to_numpy() for name in ("label", "y", "low", "high"))
    given: dict[str, Any] = {"sample_weight": weight}
    found = {
        "mae": sk.mean_absolute_error(label, y, **given),
        "rmse": sk.root_mean_squared_error(label, y, **given),
        "mean_error": np.average(y - label, weights=weight),
        "interval_coverage": np.average((low <= label) & (label <= high), weights=weight),
        "interval_width": np.average(high - low, weights=weight),
        "pinball_loss": np.mean(
            [sk.mean_pinball_loss(label, end, alpha=alpha, **given) for end, alpha in ((low, 0.1), (high, 0.9))]
        ),
    }
    if label.std() > 0:
        found["r2"] = sk.r2_score(label, y, **given)
    used = label != 0
    if used.any():
        weights = None if weight is None else weight[used]
        found["mape"] = sk.mean_absolute_percentage_error(label[used], y[used], sample_weight=weights)
        found["wape"] = found["mae"] / np.average(np.abs(label), weights=weight)
    return found


@LAW
@given(rows=ROWS, weighed=st.booleans())
def test_every_number_is_scikit_learns(rows: list[Any], weighed: bool, profiled: Profiled) -> None:
    night = frame(rows)
    columns: dict[str, Any] = {"prediction": "y", "interval": INTERVAL} | ({"weight": "weight"} if weighed else {})
    told = measured(profiled(night, task="regression", reference=REFERENCE, **columns))
    for name, expected in oracle(night, night["weight"].to_numpy() if weighed else None).items():
        found = told[name]
        if isinstance(found, Unknown):
            assert found.n < 3, name
            continue
        assert found.value == pytest.approx(expected, rel=1e-5, abs=1e-5), name
        assert found.low <= found.value <= found.high
        assert np.isfinite([found.low, found.high]).all()


@pytest.mark.parametrize("n", [80, 81, 1500])
def test_quantiles_are_numpys_within_the_bound_and_scipys_interval(n: int, profiled: Profiled) -> None:
    draw = np.random.default_rng(n)
    label, y = draw.normal(10, 3, n), draw.normal(10, 3, n)
    told = measured(profiled(pl.DataFrame({"label": label, "y": y}), task="regression", prediction="y"))
    error = np.abs(y - label)
    for name, share in (("median_absolute_error", 0.5), ("absolute_error_p90", 0.9)):
        found = told[name]
        assert isinstance(found, Estimate)
        expected = np.quantile(error, share, method="averaged_inverted_cdf")
        # Two ranks' rows may lie in two cells, each up to its own width off.
        assert abs(found.value - expected) <= found.bound + 1e-9
        assert 0.0 < found.bound <= 0.004 * expected * 1.01
        # scipy's interval is of whole ranks: the interpolated one lies within it, by less than a rank.
        exact = stats.quantile_test(error, q=np.quantile(error, share), p=share).confidence_interval(0.95)
        ordered = np.sort(error)
        inner = [ordered[np.searchsorted(ordered, exact.low) + 1], ordered[np.searchsorted(ordered, exact.high) - 1]]
        assert exact.low * (1 - 0.005) <= found.low <= inner[0] * (1 + 0.005)
        assert inner[1] * (1 - 0.005) <= found.high <= exact.high * (1 + 0.005)


def test_so_few_errors_bound_no_quantile(profiled: Profiled) -> None:
    def told(n: int) -> dict[str, Estimate | Unknown]:
        night = pl.DataFrame({"label": [float(i) for i in range(n)], "y": [0.5] * n})
        return measured(profiled(night, task="regression", reference=REFERENCE, prediction="y"))

    assert isinstance(told(5)["median_absolute_error"], Unknown) and isinstance(
        told(6)["median_absolute_error"], Estimate
    )
    assert isinstance(told(35)["absolute_error_p90"], Unknown) and isinstance(told(36)["absolute_error_p90"], Estimate)


def test_metrics_of_an_interval_are_not_asked_for_where_there_is_none(profiled: Profiled) -> None:
    profile = profiled(REFERENCE, task="regression", prediction="y")
    absent = {"pinball_loss", "interval_coverage", "interval_width"}
    assert set(PERFORMANCE["regression"]) - set(performance(profile)) == absent


@pytest.mark.parametrize(
    ("label", "missing"),
    [
        ([], {"mae", "r2", "mape", "wape", "interval_coverage"}),
        ([2.0], {"mae", "r2", "mape", "wape"}),
        ([None] * 40, {"mae", "r2", "mape", "wape", "interval_coverage"}),
        ([float("inf"), float("nan")] * 20, {"mae", "r2", "mape", "wape", "interval_coverage"}),
        ([3.0] * 40, {"r2"}),
        ([0.0] * 40, {"r2", "mape", "wape"}),
    ],
    ids=["empty", "one row", "no label", "no number", "constant", "all zero"],
)
def test_nights_that_tell_little_say_what_is_missing(
    label: list[float | None], missing: set[str], profiled: Profiled
) -> None:
    size = len(label)
    night = pl.DataFrame(
        {"label": label, "y": [1.0] * size, "low": [0.0] * size, "high": [2.0] * size},
        schema=dict.fromkeys(("label", "y", "low", "high"), pl.Float64),
    )
    told = measured(profiled(night, task="regression", reference=REFERENCE, prediction="y", interval=INTERVAL))
    assert {name for name, found in told.items() if isinstance(found, Unknown)} >= missing
    for found in told.values():
        if isinstance(found, Unknown):
            assert found.why and found.n <= size
        else:
            assert found.low <= found.value <= found.high
            assert np.isfinite([found.low, found.high]).all()


def test_perfect_predictions_have_no_error(profiled: Profiled) -> None:
    label = [float(i) for i in range(50)]
    told = measured(profiled(pl.DataFrame({"label": label, "y": label}), task="regression", prediction="y"))
    expected = {"mae": 0.0, "rmse": 0.0, "r2": 1.0, "mean_error": 0.0, "mape": 0.0, "wape": 0.0}
    for name, value in expected.items():
        found = told[name]
        assert isinstance(found, Estimate) and found.value == value
