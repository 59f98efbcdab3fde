"""Wasserstein distance of histograms, beside scipy's of the rows, and what binning and outliers cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.shift import Shift
from nightproof.metrics.wasserstein import wasserstein
from scipy.stats import wasserstein_distance

Floats = npt.NDArray[np.float64]
quick = settings(deadline=None, derandomize=True, max_examples=60)


def known(found: Shift | Unknown) -> Shift:
    assert isinstance(found, Shift)
    return found


def of_rows(current: Floats, baseline: Floats, bins: int = 20) -> Shift:
    """As a profile has it: edges at the baseline's quantiles, the top one at its greatest value."""
    quantiles = np.quantile(baseline, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = np.unique(np.append(quantiles, baseline.max()))
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (current, baseline)]
    ranges = [(float(side.min()), float(side.max())) for side in (current, baseline)]
    found = wasserstein(
        counts[0].astype(np.int64),
        counts[1].astype(np.int64),
        edges=edges.tolist(),
        current_range=ranges[0],
        baseline_range=ranges[1],
        sd=float(baseline.std()) or 1.0,
    )
    return known(found)


@quick
@given(rows=st.lists(st.tuples(st.integers(1, 300), st.integers(50, 100)), min_size=2, max_size=15))
def test_rows_that_are_uniform_within_bins_have_scipys_distance(rows: list[tuple[int, int]]) -> None:
    current, baseline = np.array(rows, dtype=np.int64).T * 10**6
    bins, fine = len(rows), 200
    places = (np.arange(bins * fine) + 0.5) / fine
    oracle = wasserstein_distance(places, places, np.repeat(current, fine), np.repeat(baseline, fine))
    reach, edges = (0.0, float(bins)), list(range(1, bins))
    found = wasserstein(current, baseline, edges=edges, current_range=reach, baseline_range=reach, sd=2.0)
    assert known(found).estimate.value * 2.0 == pytest.approx(oracle, rel=5e-3, abs=5e-3)


@pytest.mark.parametrize("shift", [0.2, 0.5, 1.0])
def test_a_shift_by_so_many_sd_is_that_distance(shift: float) -> None:
    draw = np.random.default_rng(3)
    found = of_rows(draw.normal(100 + 5 * shift, 5, 20_000), draw.normal(100, 5, 100_000))
    assert found.estimate.value == pytest.approx(shift, rel=0.08)
    assert found.p_value < 1e-6


@settings(quick, max_examples=25)
@given(seed=st.integers(0, 999), tail=st.floats(0.1, 2.0), shift=st.floats(-2, 2))
def test_no_raw_values_are_farther_off_than_hidden_says(seed: int, tail: float, shift: float) -> None:
    draw = np.random.default_rng(seed)
    baseline = draw.lognormal(0, tail, 30_000)
    current = draw.lognormal(0, tail, 30_000) + shift * baseline.std()
    found = of_rows(current, baseline)
    oracle = wasserstein_distance(current, baseline) / baseline.std()
    noise = found.estimate.high - found.estimate.low
    assert abs(found.estimate.value - oracle) <= found.hidden + noise


def test_one_far_outlier_on_a_side_is_no_great_shift() -> None:
    draw = np.random.default_rng(4)
    baseline = np.append(draw.lognormal(0, 1, 20_000), 4_000.0)
    found = of_rows(draw.lognormal(0, 1, 300), baseline)
    oracle = wasserstein_distance(draw.lognormal(0, 1, 300), baseline) / baseline.std()
    assert found.estimate.low == 0.0
    assert found.estimate.value < oracle + 0.05
    low = of_rows(np.append(draw.normal(0, 1, 999), -50.0), draw.normal(0, 1, 20_000))
    # The one row that lies so low is counted, in full and once.
    assert low.estimate.value == pytest.approx(0.046, abs=0.02)


@pytest.mark.parametrize("offset", [-100.0, 100.0])
def test_rows_that_all_lie_beyond_the_baseline_are_as_far_as_they_are(offset: float) -> None:
    draw = np.random.default_rng(5)
    current, baseline = draw.uniform(-1, 1, 2000) + offset, draw.normal(0, 1, 20_000)
    found = of_rows(current, baseline)
    assert found.estimate.value == pytest.approx(wasserstein_distance(current, baseline) / baseline.std(), rel=0.05)


def test_reversing_the_axis_changes_nothing_but_chance() -> None:
    draw = np.random.default_rng(6)
    current, baseline = draw.lognormal(0.1, 0.5, 5000), draw.lognormal(0, 0.5, 50_000)
    forth, back = of_rows(current, baseline), of_rows(-current, -baseline)
    assert forth.estimate.value == pytest.approx(back.estimate.value, rel=0.1)


def test_a_constant_feature_is_still_or_has_moved() -> None:
    same = of_rows(np.full(50, 7.0), np.full(500, 7.0))
    assert same.estimate == Estimate(0.0, 0.0, 0.0, 50)
    moved = of_rows(np.full(50, 9.0), np.full(500, 7.0))
    assert moved.estimate.value == pytest.approx(2.0, abs=0.1)
    assert moved.p_value < 1e-4


def test_without_edges_there_is_one_bin_and_no_distance() -> None:
    rows = np.array([40])
    found = wasserstein(rows, rows, edges=(), current_range=(0.0, 1.0), baseline_range=(0.0, 1.0), sd=1.0)
    assert known(found).estimate.value == 0.0


@pytest.mark.parametrize(("edges", "sd"), [((1.0, 2.0), 1.0), ((1.0,), 0.0), ((1.0,), float("nan"))])
def test_edges_and_sd_must_fit(edges: tuple[float, ...], sd: float) -> None:
    rows = np.array([40, 40])
    with pytest.raises(ValueError, match="edges"):
        wasserstein(rows, rows, edges=edges, current_range=(0.0, 3.0), baseline_range=(0.0, 3.0), sd=sd)
