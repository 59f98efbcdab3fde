"""Population stability index: its null distribution, its interval, and scipy's test of the same table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.psi import psi
from nightproof.metrics.shift import Shift
from scipy import stats

COUNTS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=25)
P = np.arange(1, 11) / 55


def known(found: Shift | Unknown) -> tuple[Estimate, float]:
    assert isinstance(found, Shift)
    return found.estimate, found.p_value


def index(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    """The index of two known distributions, as the sum of two relative entropies."""
    return float(stats.entropy(p, q) + stats.entropy(q, p))


def tables(
    count: int, n: int, m: int, q: npt.NDArray[np.float64]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    draw = np.random.default_rng(13)
    return list(zip(draw.multinomial(n, P, count), draw.multinomial(m, q, count), strict=True))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(rows=COUNTS)
def test_whatever_the_counts_value_and_interval_are_in_order(rows: list[tuple[int, int]]) -> None:
    current, baseline = np.array(rows, dtype=np.int64).T
    found = psi(current, baseline)
    if min(current.sum(), baseline.sum()) < 30:
        assert isinstance(found, Unknown)
    else:
        estimate, p_value = known(found)
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high < np.inf
        assert 0.0 <= p_value <= 1.0
        assert estimate.n == current.sum()


def test_without_a_shift_the_plain_index_has_its_known_mean_and_the_corrected_one_little_of_it() -> None:
    n, m = 400, 900
    made = tables(2000, n, m, P)
    expected = 9 * (1 / n + 1 / m)
    smoothed = [index((a + 0.5) / (n + 5), (b + 0.5) / (m + 5)) for a, b in made]
    assert np.mean(smoothed) == pytest.approx(expected, rel=0.06)
    corrected = [known(psi(*table))[0].value for table in made]
    # What is left is the positive part of chance: about a fifth, and nothing at the median.
    assert np.mean(corrected) < 0.3 * expected
    assert np.mean(np.array(corrected) == 0.0) > 0.5


def test_without_a_shift_the_p_value_is_uniform() -> None:
    p_values = np.array([known(psi(*table))[1] for table in tables(2000, 500, 2000, P)])
    for level in (0.05, 0.2, 0.5, 0.8):
        # Within four standard errors of 2,000 draws, and what asymptotics leaves.
        assert np.mean(p_values < level) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 2000) + 0.01)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.02])
def test_with_many_rows_the_p_value_is_that_of_pearsons_test(shift: float) -> None:
    q = P + shift * np.where(np.arange(10) % 2, 0.5, -0.5) * P.min() * 5
    for current, baseline in tables(20, 20_000, 30_000, q / q.sum()):
        oracle = stats.chi2_contingency(np.array([current, baseline])).pvalue
        assert known(psi(current, baseline))[1] == pytest.approx(oracle, abs=0.01)


@pytest.mark.parametrize("rows", [300, 3000])
def test_a_known_shift_is_covered_as_often_as_the_interval_says_and_not_overstated(rows: int) -> None:
    q = P[::-1] * 0.3 + P * 0.7
    truth = index(P, q)
    found = [known(psi(*table))[0] for table in tables(1500, rows, 2 * rows, q)]
    # 1,500 tables know a share of 95 % to 0.6 %.
    assert 0.93 < np.mean([each.low <= truth <= each.high for each in found]) < 0.975
    assert np.mean([each.value for each in found]) == pytest.approx(truth, rel=0.04)


def test_few_rows_over_many_bins_do_not_hide_a_shift() -> None:
    p, q = np.ones(21) / 21, np.linspace(0.4, 1.6, 21) / 21
    draw = np.random.default_rng(17)
    found = [known(psi(draw.multinomial(40, q), draw.multinomial(4000, p)))[0] for _ in range(1000)]
    assert np.mean([each.high >= index(q, p) for each in found]) > 0.95


def test_far_shifts_have_an_interval_too() -> None:
    current, baseline = np.array([10**6, 0, 10]), np.array([0, 10**6, 10])
    estimate, p_value = known(psi(current, baseline))
    assert p_value == 0.0
    assert 10 < estimate.low < estimate.value < estimate.high < 40


def test_the_interval_does_not_jump_where_its_approximation_changes() -> None:
    found = []
    for rows in range(8_000, 40_000, 400):
        estimate, _ = known(psi(np.array([rows, 2 * rows]), np.array([2 * rows, rows])))
        found.append(((estimate.high - estimate.low) * np.sqrt(rows), estimate.value))
    widths, values = np.array(found).T
    assert np.ptp(widths) < 0.01 * widths.mean()
    assert np.ptp(values) < 0.01 * values.mean()


def test_equal_histograms_and_constant_features_have_no_shift() -> None:
    same = np.array([50, 0, 70, 80])
    assert known(psi(same, 3 * same))[0].value == known(psi(same, 3 * same))[0].low == 0.0
    assert known(psi(same, 3 * same))[0].high > known(psi(10 * same, 30 * same))[0].high > 0.0
    assert known(psi(np.array([0, 99, 0]), np.array([0, 1234, 0]))) == (Estimate(0.0, 0.0, 0.0, 99), 1.0)


def test_too_few_rows_on_either_side_tell_nothing() -> None:
    few, many = np.array([10, 19]), np.array([100, 100])
    assert isinstance(psi(few, many), Unknown)
    found = psi(many, few)
    assert isinstance(found, Unknown)
    assert "baseline" in found.why
    assert isinstance(psi(np.array([0, 0]), many), Unknown)
