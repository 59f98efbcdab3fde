"""Parity between groups: fairlearn's values, laws of relabelling, and intervals that know of the choice."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from fairlearn.metrics import (
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.parity import Disparity, largest_gap, smallest_ratio
from scipy.stats import norm

LAW = settings(deadline=None, derandomize=True, max_examples=80)
CELL = st.integers(1, 30)
TABLES = st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=2, max_size=5)
RATE = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
RATES = st.lists(RATE, min_size=2, max_size=6)


def known(found: Disparity | Unknown) -> Disparity:
    assert isinstance(found, Disparity)
    return found


@settings(LAW, max_examples=25)
@given(tables=TABLES)
def test_values_are_fairlearns(tables: list[tuple[int, int, int, int]]) -> None:
    cells = [np.repeat([[1, 1], [0, 1], [1, 0], [0, 0]], counts, axis=0) for counts in tables]
    truth, predicted = np.concatenate(cells).T
    group = np.repeat(np.arange(len(tables)), [sum(counts) for counts in tables])
    rows = {"y_true": truth, "y_pred": predicted, "sensitive_features": group}
    selection = [(tp + fp, tp + fp + fn + tn) for tp, fp, fn, tn in tables]
    tpr, fpr = [(tp, tp + fn) for tp, _, fn, _ in tables], [(fp, fp + tn) for _, fp, _, tn in tables]
    oracles = [
        (largest_gap(selection), demographic_parity_difference),
        (smallest_ratio(selection), demographic_parity_ratio),
        (largest_gap(tpr), equal_opportunity_difference),
        (largest_gap(tpr, fpr), equalized_odds_difference),
    ]
    for found, oracle in oracles:
        assert known(found).change.value == pytest.approx(oracle(**rows), abs=1e-12)


@LAW
@given(rate=RATES, data=st.data())
def test_the_order_of_the_groups_does_not_matter(rate: list[tuple[int, int]], data: st.DataObject) -> None:
    turned = data.draw(st.permutations(rate))
    for measure in (largest_gap, smallest_ratio):
        found = [measure(order) for order in (rate, turned)]
        values = [() if isinstance(each, Unknown) else astuple(each.change) for each in found]
        assert values[0] == pytest.approx(values[1])


@LAW
@given(rate=RATES)
def test_the_interval_holds_the_value_and_the_groups_named_are_the_furthest_apart(rate: list[tuple[int, int]]) -> None:
    shares = [hits / n for hits, n in rate]
    gap = known(largest_gap(rate))
    assert gap.change.low <= gap.change.value <= gap.change.high <= 1.0
    assert shares[gap.most] - shares[gap.least] == pytest.approx(gap.change.value)
    assert gap.most != gap.least and gap.n == sum(n for _, n in rate)
    least = smallest_ratio(rate)
    if isinstance(least, Unknown):
        assert max(shares) == 0.0
    else:
        assert 0.0 <= least.change.low <= least.change.value <= least.change.high <= 1.0
        assert shares[least.least] / shares[least.most] == pytest.approx(least.change.value)


@LAW
@given(rate=RATES, hits=st.integers(0, 20), more=st.integers(0, 20))
def test_one_group_more_never_narrows_the_gap(rate: list[tuple[int, int]], hits: int, more: int) -> None:
    wider = known(largest_gap([*rate, (hits, hits + more + 1)])).change
    assert wider.value >= known(largest_gap(rate)).change.value - 1e-12


def test_two_groups_of_one_rate_have_newcombes_interval() -> None:
    # One pair, so nothing is paid for the choice: Newcombe's own example, 56 of 70 and 48 of 80.
    found = known(largest_gap([(56, 70), (48, 80)])).change
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_many_pairs_pay_for_the_choice() -> None:
    two = known(largest_gap([(300, 500), (200, 500)])).change
    ten = known(largest_gap([(300, 500), (200, 500), *[(250, 500)] * 8])).change
    assert ten.value == two.value and ten.low < two.low
    wider = norm.isf(0.025 / 45) / norm.isf(0.025)
    assert (ten.value - ten.low) / (two.value - two.low) == pytest.approx(wider, rel=0.02)


@pytest.mark.parametrize("rate", [[], [(1, 2)], [(0, 0), (1, 2)], [(0, 0), (0, 0)]])
def test_fewer_than_two_groups_tell_nothing(rate: list[tuple[int, int]]) -> None:
    for found in (largest_gap(rate), smallest_ratio(rate), largest_gap([(1, 2), (1, 2)], rate)):
        assert isinstance(found, Unknown) and found.why


def test_a_group_without_rows_is_left_out_and_places_stay() -> None:
    found = known(largest_gap([(5, 10), (0, 0), (9, 10)]))
    assert (found.most, found.least) == (2, 0)


def test_nobody_selected_in_one_group_is_a_ratio_of_zero_with_an_upper_end() -> None:
    found = known(smallest_ratio([(0, 200), (100, 200), (90, 200)])).change
    assert found.value == found.low == 0.0
    assert 0.0 < found.high < 0.1
    assert isinstance(smallest_ratio([(0, 200), (0, 100)]), Unknown)


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [
        ((0.3, 0.3, 0.3, 0.3), (30, 60, 200, 2000)),
        ((0.5, 0.4, 0.3), (2000, 300, 60)),
        ((0.05, 0.1, 0.2, 0.1, 0.15, 0.02), (2000, 500, 300, 100, 60, 30)),
    ],
)
def test_the_interval_covers_the_true_gap_and_ratio_at_least_as_often_as_it_says(
    shares: tuple[float, ...], sizes: tuple[int, ...]
) -> None:
    nights = np.random.default_rng(3).binomial(sizes, shares, (1500, len(sizes)))
    held = np.zeros(2)
    for night in nights:
        rate = [(int(hits), n) for hits, n in zip(night, sizes, strict=True)]
        gap, ratio = known(largest_gap(rate)).change, known(smallest_ratio(rate)).change
        held += (
            max(0.0, gap.low) <= max(shares) - min(shares) <= gap.high,
            (ratio.low <= min(shares) / max(shares) <= ratio.high),
        )
    assert (held / len(nights) >= 0.95 - 2 * 0.0056).all()


def test_groups_served_alike_are_found_apart_one_time_in_twenty_at_most() -> None:
    nights = np.random.default_rng(4).binomial(200, 0.3, (2000, 8))
    found = [known(largest_gap([(int(hits), 200) for hits in night])).change for night in nights]
    assert np.mean([change.low > 0.0 for change in found]) < 0.05
    # The point estimate alone would say that they differ by a tenth on the usual night.
    assert np.median([change.value for change in found]) > 0.08


def test_a_gap_that_is_just_the_limit_is_found_beyond_it_one_time_in_forty_at_most() -> None:
    draw = np.random.default_rng(5)
    nights = draw.binomial(300, [0.2, 0.35, 0.35, 0.2], (2000, 4))
    found = [known(largest_gap([(int(hits), 300) for hits in night])).change for night in nights]
    assert np.mean([change.excess_p_value(0.15) < 0.025 for change in found]) < 0.025 + 0.007
