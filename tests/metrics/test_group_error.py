"""Mean error by group: scipy's Student and Welch intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Change, Estimate, Unknown
from nightproof.metrics.group_error import Errors, mean_error, mean_error_gap
from scipy import stats

LAW = settings(deadline=None, derandomize=True, max_examples=80)
SOME = st.lists(st.floats(-50, 50), min_size=2, max_size=40)


def summed(errors: list[float]) -> Errors:
    values = np.array(errors, dtype=float)
    return Errors(len(values), float(values.sum()), float((values**2).sum()))


@LAW
@given(errors=SOME)
def test_the_interval_of_a_mean_error_is_students(errors: list[float]) -> None:
    assume(np.std(errors) > 1e-2)
    found = mean_error(summed(errors))
    assert isinstance(found, Estimate)
    oracle = stats.ttest_1samp(errors, 0.0).confidence_interval()
    assert (found.value, *found.interval) == pytest.approx((np.mean(errors), *oracle), rel=1e-5, abs=1e-6)


@LAW
@given(own=SOME, other=SOME)
def test_the_interval_of_a_gap_is_welchs_and_turns_with_the_groups(own: list[float], other: list[float]) -> None:
    assume(min(np.std(own), np.std(other)) > 1e-2)
    found, turned = mean_error_gap(summed(own), summed(other)), mean_error_gap(summed(other), summed(own))
    assert isinstance(found, Change) and isinstance(turned, Change)
    oracle = stats.ttest_ind(own, other, equal_var=False).confidence_interval()
    assert found.interval == pytest.approx(tuple(oracle), rel=1e-4, abs=1e-5)
    assert turned.reversed().interval == pytest.approx(found.interval)


@pytest.mark.parametrize(
    "few", [Errors(0, 0.0, 0.0), Errors(1, 3.0, 9.0), Errors(5, math.nan, 1.0), Errors(5, 1.0, math.inf)]
)
def test_what_tells_nothing_says_so(few: Errors) -> None:
    many = summed([1.0, 2.0, 4.0])
    for found in (mean_error(few), mean_error_gap(few, many), mean_error_gap(many, few)):
        assert isinstance(found, Unknown) and found.why


def test_errors_all_alike_have_no_spread() -> None:
    found = mean_error_gap(summed([1.0, 1.0]), summed([0.5, 0.5, 0.5]))
    assert found == Change(0.5, 0.5, 0.5)


@pytest.mark.parametrize(("n", "m"), [(30, 2000), (60, 60)])
def test_the_gap_covers_what_it_says_of_spreads_that_differ(n: int, m: int) -> None:
    draw = np.random.default_rng(7)
    own, other = draw.normal(1.0, 5.0, (2000, n)), draw.normal(0.0, 1.0, (2000, m))
    held = 0
    for a, b in zip(own, other, strict=True):
        found = mean_error_gap(Errors(n, a.sum(), (a**2).sum()), Errors(m, b.sum(), (b**2).sum()))
        assert isinstance(found, Change)
        held += found.low <= 1.0 <= found.high
    assert 0.935 < held / 2000 < 0.965
