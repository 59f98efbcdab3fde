"""Mean losses: scipy's interval of a mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import mean_loss
from nightproof.profiles.sums import Loss
from scipy import stats


@settings(deadline=None, derandomize=True, max_examples=100)
@given(losses=st.lists(st.floats(0.0, 35.0), min_size=2, max_size=50))
def test_the_interval_is_students_held_at_zero(losses: list[float]) -> None:
    values = np.array(losses)
    found = mean_loss(Loss(len(values), float(values.sum()), float(np.dot(values, values))))
    assert isinstance(found, Estimate)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(values.mean())
    if values.std(ddof=1) > 1e-3:  # a sum of squares has no digits for less
        low, high = stats.t.interval(0.95, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
        assert found.interval == pytest.approx((max(0.0, low), high), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_rows_tell_nothing(n: int) -> None:
    assert mean_loss(Loss(n, 0.1 * n, 0.01 * n)) == Unknown("fewer than two rows have a label", n)
