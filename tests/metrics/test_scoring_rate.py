"""Scoring rate: numpy's median and share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.scoring_rate import median_cell, scoring_rate
from nightproof.profiles.sums import Scores

Counted = Callable[..., Scores]
STEPS = st.lists(st.integers(0, 20), min_size=1, max_size=60)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(everybody=STEPS, data=st.data())
def test_the_share_above_the_median_is_numpys(everybody: list[int], data: st.DataObject, scores_of: Counted) -> None:
    score = np.array(everybody) / 20
    own = score[: data.draw(st.integers(1, len(score)))]
    found = scoring_rate(scores_of([0] * len(own), own), median_cell(scores_of([1] * len(score), score)))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(np.mean(own > np.median(score)))
    assert found.n == len(own)


def test_no_rows_have_no_median_and_no_rate(scores_of: Counted) -> None:
    nothing = scores_of([], [])
    assert median_cell(nothing) is None
    assert isinstance(scoring_rate(nothing, None), Unknown)
