"""Calibration in the large: numpy's value, and coverage where positives are few."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.calibration_gap import calibration_gap
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles.sums import Scores

Counted = Callable[..., Scores]
LAW = settings(deadline=None, derandomize=True, max_examples=80)


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


@LAW
@given(rows=st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=2, max_size=60))
def test_the_value_is_mean_score_less_mean_label(rows: list[tuple[int, float]], scores_of: Counted) -> None:
    label, score = zip(*rows, strict=True)
    found = known(calibration_gap(scores_of(label, score)))
    assert found.value == pytest.approx(np.mean(score) - np.mean(label), abs=3e-4)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.n == len(rows)


@pytest.mark.parametrize("rows", [[], [(1, 0.5)]])
def test_fewer_than_two_rows_tell_nothing(rows: list[tuple[int, float]], scores_of: Counted) -> None:
    found = calibration_gap(scores_of([label for label, _ in rows], [score for _, score in rows]))
    assert isinstance(found, Unknown) and found.n == len(rows)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_and_one_score_still_have_an_interval(label: int, scores_of: Counted) -> None:
    found = known(calibration_gap(scores_of([label] * 40, [0.3] * 40)))
    assert found.low < found.value or found.value < found.high


def test_scores_that_promise_too_much_are_above_zero(scores_of: Counted) -> None:
    found = known(calibration_gap(scores_of([0, 1] * 500, [0.9, 0.9] * 500)))
    assert found.low > 0.3 and found.value == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("n", [30, 100, 400, 2000])
@pytest.mark.parametrize("rare", [1.0, 0.3])
def test_coverage(n: int, rare: float, scores_of: Counted) -> None:
    draw, nights = np.random.default_rng(11), 1500
    score = draw.beta(1.0, 2.0, (nights, n)) * rare
    label = (draw.random((nights, n)) < score).astype(np.int64)
    found = [known(calibration_gap(scores_of(y, s))) for y, s in zip(label, score, strict=True)]
    assert 0.935 < np.mean([each.low <= 0.0 <= each.high for each in found]) < 0.975
