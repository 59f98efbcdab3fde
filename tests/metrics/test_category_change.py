"""New and vanished categories: scipy's exact test, Holm's family-wise error, and the plain cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.category_change import CategoryChange, category_change, holm
from scipy import stats

quick = settings(deadline=None, derandomize=True, max_examples=80)


@quick
@given(rows=st.integers(1, 500), held=st.integers(1, 200), other=st.integers(1, 5000))
def test_the_p_value_of_one_absent_category_is_fishers(rows: int, held: int, other: int) -> None:
    current, baseline = np.array([0, rows]), np.array([held, other])
    oracle = stats.fisher_exact(np.array([current, baseline]), alternative="less").pvalue
    # Two categories are in the column's family.
    assert category_change(current, baseline).p_value == pytest.approx(min(1.0, 2 * oracle), rel=1e-9)


@quick
@given(p_values=st.lists(st.floats(0, 1), max_size=20))
def test_holms_rule_rejects_what_it_rejects_one_by_one(p_values: list[float]) -> None:
    given_p = np.array(p_values)
    adjusted = holm(given_p)
    assert np.all(adjusted >= given_p) and np.all(adjusted <= 1.0)
    bonferroni = np.minimum(given_p * max(1, len(given_p)), 1.0)
    assert np.all(adjusted <= bonferroni)
    for level in (0.01, 0.05, 0.2):
        rejected = np.zeros(len(given_p), dtype=bool)
        for step, at in enumerate(np.argsort(given_p, kind="stable")):
            if given_p[at] * (len(given_p) - step) > level:
                break
            rejected[at] = True
        assert np.array_equal(adjusted <= level, rejected)


def test_without_a_change_hardly_a_column_loses_a_category() -> None:
    shares = 1 / np.arange(1, 31) ** 1.5
    shares /= shares.sum()
    draw = np.random.default_rng(2)
    nights = zip(draw.multinomial(300, shares, 1000), draw.multinomial(20_000, shares, 1000), strict=True)
    false = np.mean([bool(category_change(*night).vanished) for night in nights])
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_what_came_and_what_went_is_named() -> None:
    current, baseline = np.array([90, 0, 0, 0, 10, 0]), np.array([5000, 900, 3000, 3, 0, 0])
    found = category_change(current, baseline)
    assert found.new == (4,)
    assert [gone.index for gone in found.vanished] == [2, 1]
    assert found.vanished[0].share == pytest.approx(3000 / 8903)
    assert found.vanished[0].p_value == found.p_value < 1e-6


@pytest.mark.parametrize("empty", [([0, 0], [5, 5]), ([5, 5], [0, 0]), ([0, 0], [0, 0])])
def test_with_no_rows_on_a_side_nothing_has_come_or_gone(empty: tuple[list[int], list[int]]) -> None:
    assert category_change(np.array(empty[0]), np.array(empty[1])) == CategoryChange((), (), 1.0)


def test_categories_must_match() -> None:
    with pytest.raises(ValueError, match="same categories"):
        category_change(np.array([1]), np.array([1, 2]))
