"""Adjusting for the mix of strata: what they explain goes, what they do not stays, and p-values hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.jensen_shannon import jensen_shannon
from nightproof.metrics.psi import psi
from nightproof.metrics.shift import Shift
from nightproof.metrics.strata import Adjusted, Explained, adjusted, explained

Counts = npt.NDArray[np.int64]
quick = settings(deadline=None, derandomize=True, max_examples=80)
TABLE = arrays(np.int64, (4, 5), elements=st.integers(0, 400))
DAYS = np.array([[0.4, 0.3, 0.2, 0.1], [0.35, 0.3, 0.25, 0.1], [0.1, 0.2, 0.3, 0.4]])
WEEK = np.array([0.5, 0.3, 0.2])


def known(found: Adjusted | Unknown) -> Adjusted:
    assert isinstance(found, Adjusted)
    return found


def split(found: Explained | Unknown) -> Explained:
    assert isinstance(found, Explained)
    return found


def table(draw: np.random.Generator, rows: int, mix: npt.NDArray[np.float64]) -> Counts:
    return draw.multinomial(rows, (mix[:, None] * DAYS).ravel()).reshape(DAYS.shape)


@quick
@given(night=TABLE, baseline=TABLE)
def test_shares_add_up_and_effective_rows_are_no_more_than_rows(night: Counts, baseline: Counts) -> None:
    found = adjusted(night, baseline)
    if min(night.sum(), baseline.sum()) < 30:
        assert isinstance(found, Unknown)
        return
    weighted = known(found)
    assert weighted.shares.sum() == pytest.approx(1.0)
    assert 0 < weighted.effective_rows <= baseline.sum() * (1 + 1e-9)
    assert abs(weighted.expected.sum() - weighted.effective_rows) <= 3
    assert 0.0 <= weighted.fallback <= 1.0 + 1e-9
    assert np.array_equal(weighted.night, night.sum(0))


@quick
@given(baseline=arrays(np.int64, (4, 5), elements=st.integers(20, 400)), times=st.integers(1, 5))
def test_the_baselines_own_mix_leaves_the_baseline_as_it_is(baseline: Counts, times: int) -> None:
    found = known(adjusted(times * baseline, baseline))
    assert found.effective_rows == pytest.approx(baseline.sum())
    assert np.array_equal(found.expected, baseline.sum(0))


@quick
@given(night=TABLE, baseline=arrays(np.int64, (4, 5), elements=st.integers(20, 400)), seed=st.integers(0, 99))
def test_the_order_of_strata_is_nothing_and_one_stratum_is_a_plain_comparison(
    night: Counts, baseline: Counts, seed: int
) -> None:
    night = night + 10
    order = np.random.default_rng(seed).permutation(4)
    assert known(adjusted(night[order], baseline[order])).shares == pytest.approx(
        known(adjusted(night, baseline)).shares
    )
    pooled = known(adjusted(night.sum(0, keepdims=True), baseline.sum(0, keepdims=True)))
    assert np.array_equal(pooled.expected, baseline.sum(0))


def test_effective_rows_give_the_variance_of_the_expected_shares() -> None:
    draw = np.random.default_rng(8)
    mix = np.array([0.05, 0.05, 0.9])
    night = table(draw, 3000, mix)
    made = [known(adjusted(night, table(draw, 2000, WEEK))) for _ in range(3000)]
    seen = np.var([each.shares for each in made], axis=0)
    share = np.mean([each.shares for each in made], axis=0)
    said = share * (1 - share) / np.mean([each.effective_rows for each in made])
    # Strata are sampled apart, so the truth is at most what is said, and near it.
    assert np.all(seen <= 1.1 * said)
    assert np.all(seen >= 0.75 * said)


def test_a_saturday_is_not_drift_and_a_shift_within_saturday_is() -> None:
    draw = np.random.default_rng(9)
    baseline, saturday = table(draw, 50_000, WEEK), np.array([0.0, 0.0, 1.0])
    usual = split(explained(known(adjusted(table(draw, 2000, saturday), baseline)), psi))
    assert usual.plain.estimate.low > 0.1 and usual.plain.p_value < 1e-9
    assert usual.remainder.p_value > 0.01
    assert usual.by_strata == pytest.approx(usual.plain.estimate.value, abs=0.02)
    moved = np.zeros(DAYS.shape, dtype=np.int64)
    moved[2] = draw.multinomial(2000, DAYS[0])
    hidden = split(explained(known(adjusted(moved, baseline)), psi))
    # The whole baseline is much like what was seen; only beside other Saturdays does it show.
    assert hidden.remainder.estimate.low > 0.3
    assert hidden.by_strata < 0.0


def test_under_the_usual_strata_the_remainders_p_value_does_not_cry_wolf() -> None:
    draw = np.random.default_rng(10)
    found = []
    for _ in range(800):
        night, baseline = table(draw, 500, np.array([0.1, 0.1, 0.8])), table(draw, 5000, WEEK)
        split_up = split(explained(known(adjusted(night, baseline)), jensen_shannon))
        found.append((split_up.remainder.p_value < 0.05, split_up.plain.p_value < 0.05))
    remainder, plain = np.mean(found, axis=0)
    assert plain > 0.99
    assert 0.005 < remainder <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 800)


def test_a_stratum_that_the_baseline_hardly_has_is_compared_with_the_whole() -> None:
    baseline = np.array([[400, 400], [5, 24], [600, 200]])
    night = np.array([[0, 0], [300, 300], [0, 0]])
    found = known(adjusted(night, baseline))
    assert found.fallback == 1.0
    assert np.array_equal(found.expected, baseline.sum(0))
    half = known(adjusted(np.array([[150, 150], [150, 150], [0, 0]]), baseline))
    assert half.fallback == pytest.approx(0.5)
    assert half.shares[0] == pytest.approx(0.5 * 0.5 + 0.5 * baseline.sum(0)[0] / baseline.sum())


def test_too_few_rows_and_shapes_that_differ() -> None:
    few, many = np.array([[10, 10]]), np.array([[100, 100]])
    assert isinstance(adjusted(few, many), Unknown)
    found = adjusted(many, few)
    assert isinstance(found, Unknown) and "baseline" in found.why
    with pytest.raises(ValueError, match="strata"):
        adjusted(many, np.array([100, 100]))


def test_what_the_distance_cannot_tell_is_not_explained() -> None:
    def nothing(current: Counts, baseline: Counts) -> Shift | Unknown:
        return Unknown("no", 0)

    rows = np.array([[100, 100]])
    assert isinstance(explained(known(adjusted(rows, rows)), nothing), Unknown)
