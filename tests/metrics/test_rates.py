"""Rates: scipy's Wilson intervals, scikit-learn's values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.rates import RATES, accuracy, f1, precision, recall, selection_rate, wilson
from nightproof.profiles.sums import Outcomes
from scipy.stats import binomtest
from sklearn import metrics as sk

LAW = settings(deadline=None, derandomize=True, max_examples=80)
CELL = st.integers(0, 40)


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def outcomes(tp: int, fp: int, fn: int, tn: int, selected: int = 0, passed: int = 0) -> Outcomes:
    """With ``selected`` and ``passed`` rows more that have no label."""
    return Outcomes(tp, fp, fn, tn, selected + tp + fp, passed + fn + tn)


@LAW
@given(n=st.integers(1, 10**7), share=st.floats(0, 1))
def test_the_interval_is_wilsons(n: int, share: float) -> None:
    hits = round(n * share)
    found, oracle = known(wilson(hits, n)), binomtest(hits, n).proportion_ci(method="wilson")
    assert found.value == hits / n
    assert found.interval == pytest.approx((oracle.low, oracle.high), abs=1e-12)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@pytest.mark.parametrize("n", [1, 2, 30, 10**6])
def test_at_both_ends_the_interval_is_open_on_one_side_only(n: int) -> None:
    assert known(wilson(0, n)).low == 0.0 < known(wilson(0, n)).high < 1.0
    assert known(wilson(n, n)).high == 1.0 > known(wilson(n, n)).low > 0.0


@LAW
@given(tp=CELL, fp=CELL, fn=CELL, tn=CELL)
def test_values_are_scikit_learns(tp: int, fp: int, fn: int, tn: int) -> None:
    truth = [1] * tp + [0] * fp + [1] * fn + [0] * tn
    predicted = [1] * (tp + fp) + [0] * (fn + tn)
    rows = outcomes(tp, fp, fn, tn)
    pairs = [
        (accuracy(rows), sk.accuracy_score if truth else None),
        (precision(rows), sk.precision_score if tp + fp else None),
        (recall(rows), sk.recall_score if tp + fn else None),
        (f1(rows), sk.f1_score if tp + fp + fn else None),
    ]
    for found, oracle in pairs:
        if oracle is None:
            assert isinstance(found, Unknown)
        else:
            assert known(found).value == pytest.approx(oracle(truth, predicted), abs=1e-12)
            assert 0.0 <= known(found).low <= known(found).value <= known(found).high <= 1.0


def test_rows_without_a_label_count_where_no_label_is_asked() -> None:
    rows = outcomes(3, 1, 2, 4, selected=30, passed=60)
    assert known(selection_rate(rows)).value == 34 / 100
    assert known(selection_rate(rows)).n == 100
    assert known(accuracy(rows)).n == 10
    assert known(precision(rows)).n == 4


def test_no_rows_tell_nothing_and_say_why() -> None:
    nothing = outcomes(0, 0, 0, 0)
    for rate in (*RATES.values(), accuracy, f1):
        found = rate(nothing)
        assert isinstance(found, Unknown)
        assert found.n == 0 and found.why
