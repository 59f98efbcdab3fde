"""How much nights differ: against quadratic forms, against known truth, and while nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nightproof.sequential.noise import CLUSTERED, MEMORY, MOST_ALIKE, PRIOR_NIGHTS, Noise, noise

TOLERANCE = np.array([0.02])


def between(x: np.ndarray, v: np.ndarray, w: np.ndarray) -> float:
    """The general method of moments: a weighted sum of squares less what the rows explain of it.

    As the expectation of a quadratic form in the nights, ``E[x'Ax] = tr(AV) + between tr(A)``.
    """
    a = np.diag(w) - np.outer(w, w) / w.sum()
    return max(float(x @ a @ x - np.trace(a @ np.diag(v))), 0.0) / float(np.trace(a))


def neighbours(alike: float, nights: int) -> float:
    """Variance of the mean of nights in a row, from their whole matrix of correlations."""
    place = np.arange(nights)
    return float((alike ** np.abs(place[:, None] - place)).mean())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("nights", [2, 5, 40, MEMORY, MEMORY + 30])
def test_the_variance_is_that_of_the_method_of_moments_held_towards_the_expectation(
    nights: int, seed: int, nights_of: Any, walk: Any
) -> None:
    draw = np.random.default_rng(seed)
    error = draw.uniform(0.002, 0.01, (nights, 1))
    n = draw.integers(100, 3000, (nights, 1)).astype(float)
    x = walk(nights, 1, spread=0.015, seed=seed) + error * draw.normal(size=error.shape)
    found = noise(nights_of(x, error, n), nights, expected=TOLERANCE)
    kept = slice(max(0, nights - MEMORY), nights)
    used, freedom = min(nights, MEMORY), min(nights, MEMORY) - 1
    told = between(x[kept, 0], error[kept, 0] ** 2, n[kept, 0])
    # Before any history, nights differ by a tolerance and by some of what a usual night's rows explain.
    usual = np.average(error**2, weights=n**2)
    prior = TOLERANCE[0] ** 2 + CLUSTERED * usual
    held = (PRIOR_NIGHTS * prior + freedom * told) / (PRIOR_NIGHTS + freedom)
    seen = max(1.0 - neighbours(float(found.alike[0]), used), 0.3)
    assert found.variance[0] == pytest.approx(held / seen)


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("nights", [1, 2, 7, 28])
def test_the_mean_of_neighbours_varies_as_their_correlations_say(alike: float, nights: int) -> None:
    found = Noise(np.array([0.04]), np.array([alike]), np.array([8.0])).of_mean(np.array([float(nights)]))
    assert found[0] == pytest.approx(0.04 * neighbours(alike, nights))


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03])
def test_known_truth_is_found(spread: float, nights_of: Any, walk: Any) -> None:
    # Rows that explain half of 0.01 a night, and no expectation to be held to.
    x = walk(MEMORY, 800, spread=spread, error=0.005, seed=1)
    found = noise(nights_of(x, 0.005, 1000), MEMORY, expected=np.full(800, 1e-9))
    freedom = MEMORY - 1
    mean = float(np.mean(found.variance)) * (PRIOR_NIGHTS + freedom) / freedom
    assert mean == pytest.approx(spread**2, rel=0.15, abs=6e-6)


def test_rows_that_come_in_clusters_show_as_nights_that_differ(nights_of: Any, walk: Any) -> None:
    # The rows claim an error of 0.005 and have one of 0.01.
    found = noise(
        nights_of(walk(MEMORY, 500, spread=0.0, error=0.01), 0.005, 1000), MEMORY, expected=np.full(500, 1e-9)
    )
    assert float(np.median(found.variance)) + 0.005**2 == pytest.approx(0.01**2, rel=0.12)


def test_neighbours_that_are_alike_are_found_to_be(nights_of: Any, walk: Any) -> None:
    told = []
    for alike in (0.0, 0.4, 0.8):
        x = walk(MEMORY, 600, spread=0.02, alike=alike, error=0.002, seed=2)
        told.append(float(np.mean(noise(nights_of(x, 0.002, 1000), MEMORY, expected=np.full(600, 0.02)).alike)))
    assert told == sorted(told)
    assert told == pytest.approx([0.0, 0.4, 0.8], abs=0.16)


def test_alike_nights_that_move_together_are_known_less_well(nights_of: Any, walk: Any) -> None:
    freedom = []
    for alike in (0.0, 0.8):
        x = walk(60, 300, spread=0.02, alike=alike, error=0.001)
        freedom.append(float(np.mean(noise(nights_of(x, 0.001, 1000), 60, expected=np.full(300, 0.02)).freedom)))
    assert PRIOR_NIGHTS < freedom[1] < freedom[0] < PRIOR_NIGHTS + 59


@pytest.mark.parametrize("nights", [0, 1])
def test_without_a_history_nights_may_differ_by_a_tolerance(nights: int, nights_of: Any) -> None:
    found = noise(nights_of(np.zeros((3, 1)), 0.001, 100), nights, expected=TOLERANCE)
    assert found.variance[0] >= TOLERANCE[0] ** 2
    assert (found.alike[0], found.freedom[0]) == (0.5, PRIOR_NIGHTS)


def test_more_spread_is_never_less_noise(nights_of: Any, walk: Any) -> None:
    x = walk(40, 50, spread=0.01, seed=4)
    expected = np.full(50, 0.02)
    told = [noise(nights_of(x * times, 0.001, 500), 40, expected=expected).variance for times in (0.5, 1.0, 2.0, 8.0)]
    assert (np.diff(told, axis=0) >= 0).all()
    wider = [noise(nights_of(x, 0.001, 500), 40, expected=expected * times).variance for times in (0.5, 1.0, 2.0)]
    assert (np.diff(wider, axis=0) > 0).all()


def test_what_is_asked_of_nights_is_told_by_nights_before_them(nights_of: Any, walk: Any) -> None:
    x = walk(50, 5, spread=0.01)
    changed = np.vstack([x[:40], x[40:] + 9.0])
    expected = np.full(5, 0.02)
    one, other = (noise(nights_of(values, 0.001, 500), 40, expected=expected) for values in (x, changed))
    assert np.array_equal(one.variance, other.variance) and np.array_equal(one.alike, other.alike)


def test_extremes_stay_finite(nights_of: Any) -> None:
    nights = 30
    cases = np.column_stack(
        [
            np.zeros(nights),  # never moves
            np.arange(nights) * 1e6,  # goes straight up
            np.where(np.arange(nights) % 2, 1.0, -1.0),  # to and fro
            np.full(nights, np.nan),  # never told
            np.where(np.arange(nights) == 3, 1.0, np.nan),  # told once
        ]
    )
    found = noise(nights_of(cases, 0.0, 1), nights, expected=np.full(5, 0.01))
    for told in (found.variance, found.alike, found.freedom, found.of_mean(np.array([0.0, 1.0, 2.0, 7.0, 28.0]))):
        assert np.isfinite(told).all() and (told >= 0).all()
    assert (found.alike <= MOST_ALIKE).all()
