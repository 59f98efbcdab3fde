"""The four-fifths rule: three answers, and few false ones where groups are small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, ratio
from nightproof.metrics.four_fifths import FOUR_FIFTHS, four_fifths
from nightproof.metrics.rates import wilson


@pytest.mark.parametrize(
    ("interval", "answer"),
    [
        ((0.2, 0.7), "violation"),
        ((0.2, 0.8), "insufficient data"),
        ((0.7, 0.9), "insufficient data"),
        ((0.8, 0.8), "clear"),
        ((0.8, 1.3), "clear"),
        ((1.2, 9.0), "clear"),
        ((0.0, 0.0), "violation"),
        (None, "insufficient data"),
    ],
)
def test_answers(interval: tuple[float, float] | None, answer: str) -> None:
    assert four_fifths(interval) == answer


@given(low=st.floats(0, 3), width=st.floats(0, 3))
def test_a_wider_interval_never_says_more(low: float, width: float) -> None:
    answer = four_fifths((low, low + width))
    assert four_fifths((low / 2, low + width + 1)) in (answer, "insufficient data")


def answered(own: int, n: int, other: int, m: int) -> str:
    pair = wilson(own, n), wilson(other, m)
    assert isinstance(pair[0], Estimate) and isinstance(pair[1], Estimate)
    return four_fifths(ratio(*pair).interval)


@pytest.mark.parametrize(("n", "told"), [(50, 0.05), (2000, 0.95)])
def test_a_small_fair_group_is_not_accused_and_a_large_one_is_cleared(n: int, told: float) -> None:
    draw = np.random.default_rng(5)
    pairs = list(zip(draw.binomial(n, 0.3, 1000), draw.binomial(2000, 0.3, 1000), strict=True))
    answers = [answered(int(a), n, int(b), 2000) for a, b in pairs if b]
    assert answers.count("violation") / len(answers) <= 0.03
    if n == 50:  # the point estimate accuses one in seven
        assert np.mean([a / n < FOUR_FIFTHS * b / 2000 for a, b in pairs]) > 0.1
    clear = answers.count("clear") / len(answers)
    assert clear <= 0.35 if n == 50 else clear >= told


def test_a_group_just_at_four_fifths_is_accused_one_time_in_forty() -> None:
    draw = np.random.default_rng(6)
    pairs = zip(draw.binomial(400, 0.5 * FOUR_FIFTHS, 3000), draw.binomial(2000, 0.5, 3000), strict=True)
    answers = [answered(int(a), 400, int(b), 2000) for a, b in pairs]
    for wrong in ("violation", "clear"):
        assert 0.015 < answers.count(wrong) / len(answers) < 0.036
