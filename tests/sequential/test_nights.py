"""Stretches of nights: a difference of two sums is the same as looking at the nights themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NIGHTS, SERIES = 20, 7


@pytest.fixture(scope="module")
def raw() -> tuple[np.ndarray, ...]:
    """Values, errors and rows, some of which tell nothing."""
    draw = np.random.default_rng(3)
    value = draw.normal(0.8, 0.02, (NIGHTS, SERIES))
    error = draw.uniform(0.001, 0.01, value.shape)
    n = draw.integers(1, 5000, value.shape).astype(float)
    value[draw.random(value.shape) < 0.1] = np.nan
    error[draw.random(value.shape) < 0.1] = np.inf
    error[draw.random(value.shape) < 0.05] = np.nan
    n[draw.random(value.shape) < 0.1] = 0.0
    value[:, 0] = np.nan  # a series that is never told
    return value, error, n


@settings(deadline=None, derandomize=True, max_examples=80)
@given(ends=st.tuples(st.integers(0, NIGHTS), st.integers(0, NIGHTS)))
def test_a_stretch_pooled_is_its_rows_pooled(
    ends: tuple[int, int], raw: tuple[np.ndarray, ...], nights_of: Any
) -> None:
    value, error, n = raw
    first, end = min(ends), max(ends)
    found = nights_of(*raw).pooled(first, end)
    for series in range(SERIES):
        told = slice(first, end), series
        kept = np.isfinite(value[told]) & np.isfinite(error[told]) & (n[told] > 0)
        x, v, rows = value[told][kept], error[told][kept] ** 2, n[told][kept]
        assert found.n[series] == pytest.approx(rows.sum())
        if not kept.any():
            assert (found.value[series], found.variance[series], found.nights[series]) == (0.0, 0.0, 0.0)
            continue
        assert found.value[series] == pytest.approx(np.average(x, weights=rows))
        share = rows / rows.sum()
        # The variance of a mean with fixed weights, as numpy has it of a diagonal covariance.
        assert found.variance[series] == pytest.approx(share @ np.diag(v) @ share)
        assert found.nights[series] == pytest.approx(1.0 / (share**2).sum())
        assert 1.0 - 1e-9 <= found.nights[series] <= kept.sum() + 1e-9


def test_no_nights_tell_nothing(nights_of: Any) -> None:
    empty = nights_of(np.empty((0, 3)), 1.0, 1.0)
    assert empty.count == 0
    assert not empty.pooled(0, 0).n.any() and not empty.pooled(0, 0).value.any()


def test_equal_nights_count_one_each(nights_of: Any) -> None:
    found = nights_of(np.full((9, 2), 0.5), 0.1, 40).pooled(2, 7)
    assert found.nights == pytest.approx([5.0, 5.0])
    assert found.variance == pytest.approx([0.01 / 5] * 2)


def test_a_night_with_an_incident_counts_but_does_not_tell_how_nights_differ(nights_of: Any) -> None:
    value = np.array([[0.1], [0.2], [0.9], [0.3]])
    nights = nights_of(value, 0.01, 10, usual=[[True], [True], [False], [True]])
    assert nights.pooled(0, 4).value == pytest.approx([value.mean()])
    assert nights.over("used", 0, 4) == pytest.approx([3.0])
    assert nights.over("w_value", 0, 4) == pytest.approx([6.0])
    # Only the first two such nights follow each other.
    assert nights.over("pairs", 0, 4) == pytest.approx([1.0])
    assert nights.over("pair_product", 0, 4) == pytest.approx([0.02])
