"""The score grid: in order, fine near both ends, and its centres lie in their cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.profiles.score_grid import CELLS, MIDDLE, cell_of, centre_of

ENDS = st.sampled_from([0.0, -0.0, 5e-324, 2.0**-20, 2.0**-21, 0.25, 0.5, 0.75, 1 - 2.0**-20, 1.0])
NEAR_A_POWER = st.tuples(st.integers(1, 22), st.sampled_from([-1, 0, 1])).map(
    lambda pair: float(np.nextafter(2.0 ** -pair[0], pair[1] * 2.0) if pair[1] else 2.0 ** -pair[0])
)
SCORES = st.lists(
    ENDS | NEAR_A_POWER | NEAR_A_POWER.map(lambda p: 1 - p) | st.floats(0.0, 1.0), min_size=1, max_size=50
)
LAW = settings(deadline=None, derandomize=True, max_examples=100)


def cells(scores: list[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return cell_of(np.array(scores, dtype=np.float64))


@LAW
@given(scores=SCORES)
def test_cells_rise_with_the_score_within_the_grid(scores: list[float]) -> None:
    found = cells(sorted(scores))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0 and found.max() < CELLS


@LAW
@given(scores=SCORES)
def test_a_score_lies_within_half_a_cell_of_its_centre(scores: list[float]) -> None:
    score = np.array(scores)
    near = np.minimum(score, 1 - score)
    # A cell is at most 2**-12 of the distance to the nearer end, and 2**-20 next to it.
    half = np.maximum(2.0**-13 * near, 2.0**-21) * (1 + 1e-9)
    assert (np.abs(centre_of(cells(score)) - score) <= half).all()


def test_every_centre_lies_in_its_own_cell() -> None:
    every = np.arange(CELLS)
    assert (cells(centre_of(every)) == every).all()
    assert (np.diff(centre_of(every)) > 0).all()


def test_the_grid_is_the_same_from_both_ends() -> None:
    every = np.arange(CELLS)
    assert np.allclose(centre_of(every) + centre_of(2 * MIDDLE - every), 1.0, atol=1e-15, rtol=0)


def test_the_middle_cell_holds_one_half_and_nothing_else() -> None:
    around = cells([np.nextafter(0.5, 0), 0.5, np.nextafter(0.5, 1)])
    assert list(around) == [MIDDLE - 1, MIDDLE, MIDDLE + 1]
