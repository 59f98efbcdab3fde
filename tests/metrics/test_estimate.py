"""Differences and ratios: published worked examples, and agreement of p-values with intervals."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference, ratio
from nightproof.metrics.rates import wilson
from scipy.stats import norm

LAW = settings(deadline=None, derandomize=True, max_examples=100)
RATE = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
REAL = st.floats(-5, 5)
ARM = st.floats(1e-6, 3)


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


# R. G. Newcombe, "Interval estimation for the difference between independent proportions",
# Statistics in Medicine 17 (1998), table II, method 10 (score, no continuity correction).
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_differences_of_shares_are_newcombes(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = difference(known(wilson(*first)), known(wilson(*second)))
    assert found.interval == pytest.approx((low, high), abs=5e-5)


@LAW
@given(first=RATE, second=RATE)
def test_a_difference_counted_the_other_way_is_the_reversed_one(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    a, b = known(wilson(*first)), known(wilson(*second))
    there, back = difference(a, b), difference(b, a).reversed()
    assert (back.value, *back.interval) == pytest.approx((there.value, *there.interval), abs=1e-12)
    assert there.low <= there.value <= there.high


@LAW
@given(first=RATE, second=RATE)
def test_a_ratio_is_the_inverse_of_its_inverse(first: tuple[int, int], second: tuple[int, int]) -> None:
    assume(first[0] > 0 and second[0] > 0)
    a, b = known(wilson(*first)), known(wilson(*second))
    there, back = ratio(a, b), ratio(b, a)
    assert there.value == pytest.approx(a.value / b.value)
    assert there.low <= there.value <= there.high
    assert there.interval == pytest.approx((1 / back.high, 1 / back.low), rel=1e-9)


@LAW
@given(second=RATE, n=st.integers(1, 5000))
def test_nobody_selected_has_a_ratio_of_zero_with_an_upper_end(second: tuple[int, int], n: int) -> None:
    assume(second[0] > 0)
    found = ratio(known(wilson(0, n)), known(wilson(*second)))
    assert found.value == found.low == 0.0 < found.high < math.inf
    # No more than the most of the one over the least of the other.
    assert found.high == pytest.approx(known(wilson(0, n)).high / known(wilson(*second)).low)


@LAW
@given(value=REAL, below=ARM, above=ARM, limit=REAL)
def test_the_p_value_is_below_a_fortieth_just_where_the_interval_is_beyond_the_limit(
    value: float, below: float, above: float, limit: float
) -> None:
    change = Change(value, value - below, value + above)
    assume(abs(change.low - limit) > 1e-9)
    assert (change.excess_p_value(limit) < 0.025) == (change.low > limit)
    assert 0.0 <= change.excess_p_value(limit) <= 1.0


@pytest.mark.parametrize("limit", [-0.1, 0.0, 0.02, 0.3])
def test_the_p_value_of_a_symmetric_interval_is_the_normal_one(limit: float) -> None:
    change = Change(0.05, 0.05 - 1.959963984540054 * 0.04, 0.05 + 1.959963984540054 * 0.04)
    assert change.excess_p_value(limit) == pytest.approx(norm.sf(0.05, loc=limit, scale=0.04), rel=1e-9)


def test_a_change_without_spread_is_certain() -> None:
    certain = Change(0.5, 0.5, 0.5)
    assert (certain.excess_p_value(0.4), certain.excess_p_value(0.5), certain.excess_p_value(0.6)) == (0.0, 1.0, 1.0)


def test_a_detectable_change_is_shown_four_times_in_five() -> None:
    spread = 0.03
    change = Change(0.0, -1.959963984540054 * spread, 1.959963984540054 * spread)
    # If the truth were that large, the lower end would be above zero with 80 % probability.
    shown = norm.sf(1.959963984540054 * spread, loc=change.detectable(), scale=spread)
    assert shown == pytest.approx(0.8, abs=1e-9)
