"""Rows outside the baseline's range: scipy's interval, and how often an unchanged night is called out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.range_violations import RangeViolations, range_violations
from scipy.stats import betabinom, binomtest


def known(found: RangeViolations | Unknown) -> RangeViolations:
    assert isinstance(found, RangeViolations)
    return found


@settings(deadline=None, derandomize=True, max_examples=80)
@given(below=st.integers(0, 50), above=st.integers(0, 50), inside=st.integers(0, 5000), rows=st.integers(1, 10**6))
def test_the_shares_have_scipys_wilson_intervals(below: int, above: int, inside: int, rows: int) -> None:
    n = below + above + inside
    found = range_violations(below, above, n, baseline_rows=rows)
    if n == 0:
        assert isinstance(found, Unknown)
        return
    for hits, share in ((below + above, "share"), (below, "below"), (above, "above")):
        oracle = binomtest(hits, n).proportion_ci(method="wilson")
        estimate = getattr(known(found), share)
        assert estimate.interval == pytest.approx((oracle.low, oracle.high), abs=1e-9)
    rise = known(found).rise
    assert rise.low <= rise.value <= rise.high
    assert rise.value == pytest.approx(known(found).share.value - min(2, rows) / rows)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(outside=st.integers(0, 30), inside=st.integers(0, 3000), rows=st.integers(2, 10**5))
def test_the_p_value_is_that_of_an_order_statistics_coverage(outside: int, inside: int, rows: int) -> None:
    n = outside + inside
    if n:
        oracle = betabinom(n, 2, rows - 1).sf(outside - 1)
        found = known(range_violations(0, outside, n, baseline_rows=rows))
        assert found.p_value == pytest.approx(oracle, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(50, 1000), (200, 20_000), (2000, 2000)])
def test_an_unchanged_night_seldom_has_more_than_the_baseline(n: int, m: int) -> None:
    draw = np.random.default_rng(1)
    nights = draw.random((2000, n))
    # Uniform rows: the baseline's extremes are those of m draws.
    low, high = draw.beta(1, m, 2000), 1 - draw.beta(1, m, 2000)
    below, above = (nights < low[:, None]).sum(1), (nights > high[:, None]).sum(1)
    found = [known(range_violations(int(b), int(a), n, baseline_rows=m)) for b, a in zip(below, above, strict=True)]
    assert np.mean([each.p_value < 0.05 for each in found]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    if n >= 200:  # in fewer rows one that is outside is a large share at once
        assert np.mean([each.rise.low > 0 for each in found]) <= 0.025


def test_a_range_that_is_left_shows() -> None:
    found = known(range_violations(0, 20, 500, baseline_rows=20_000))
    assert found.rise.low > 0.02
    assert found.below.value == 0.0


def test_no_rows_on_a_side_tell_nothing() -> None:
    assert isinstance(range_violations(0, 0, 0, baseline_rows=10), Unknown)
    found = range_violations(0, 0, 10, baseline_rows=0)
    assert isinstance(found, Unknown) and "baseline" in found.why
