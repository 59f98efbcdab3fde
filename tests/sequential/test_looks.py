"""Looks: Student's t against scipy, how often a harmless run of nights looks harmful, and the limits of freedom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nightproof.sequential.looks import TINY, WINDOWS, log_tail, look, look_back
from scipy import stats

TOLERANCE = 0.02


def test_the_tail_is_students() -> None:
    t, freedom = (
        grid.ravel() for grid in np.meshgrid([-9, -1.5, -1e-9, 0, 1e-6, 0.5, 2, 6, 20], [8, 9.5, 60, 1e4, 1e8])
    )
    assert log_tail(t, freedom) == pytest.approx(stats.t.logsf(t, freedom), rel=1e-6, abs=1e-4)


def test_the_tail_ends_before_it_vanishes() -> None:
    found = log_tail(np.array([1e3, 1e150]), np.array([1e6, 1e6]))
    assert found == pytest.approx(np.log(TINY))


@pytest.mark.parametrize("freedom", [1e9, 1e20, np.inf])
def test_with_freedom_without_end_it_is_the_normal_distributions(freedom: float) -> None:
    t = np.array([-3.0, 0.1, 3.0, 12.0, 30.0])
    assert log_tail(t, np.full(5, freedom)) == pytest.approx(stats.norm.logsf(t), rel=1e-4)


def looked(nights: Any, window: int, *, limit: float = TOLERANCE, rows: float = 0.0) -> Any:
    series = nights.over("n", 0, 0).shape
    return look(
        nights,
        window,
        limit=np.full(series, limit),
        reference_variance=np.full(series, rows),
        expected=np.full(series, TOLERANCE),
    )


SERIES, HISTORY, LEVEL = 3000, 60, 0.01


@pytest.mark.parametrize("window", [1, 3, 7, 14, 28])
@pytest.mark.parametrize(
    "how",
    [
        {"spread": 0.0, "error": 0.01},
        {"spread": 0.01, "error": 0.005},
        {"spread": 0.03, "error": 0.005},
        {"spread": 0.01, "error": 0.005, "alike": 0.5},
        {"spread": 0.03, "error": 0.005, "alike": 0.5},
        {"spread": 0.01, "error": 0.01, "claimed": 0.005},
        {"spread": 0.0, "error": 0.03, "claimed": 0.01},
    ],
    ids=["iid", "differ", "differ much", "alike", "alike and much", "clustered", "clustered much"],
)
def test_nights_at_their_tolerance_seldom_look_harmful(
    how: dict[str, float], window: int, nights_of: Any, walk: Any
) -> None:
    # Sixty nights that go together for long are few to know by how much.
    most = 2 * LEVEL if how["spread"] > TOLERANCE and "alike" in how else LEVEL
    how = dict(how)
    claimed = how.pop("claimed", how["error"])
    # A reference of as many nights as looks take it for, long before.
    whole = walk(28 + 100 + HISTORY + window, SERIES, seed=window, **how)
    reference, nights = whole[:28].mean(axis=0), whole[128:]
    held = nights_of(TOLERANCE + nights - reference, claimed, 2000)
    found = looked(held, window, rows=claimed**2 / 28)
    share = float(np.mean(found.log_p < np.log(LEVEL)))
    # 3,000 runs know a share of 1 % to 0.2 %.
    assert share < most + 3 * np.sqrt(LEVEL / SERIES)


@pytest.mark.parametrize("window", [1, 7])
def test_harm_is_seen(window: int, nights_of: Any, walk: Any) -> None:
    nights = walk(HISTORY + window, 500, spread=0.005, error=0.005)
    nights[-window:] += 3 * TOLERANCE
    found = looked(nights_of(nights, 0.005, 2000), window)
    assert float(np.mean(found.log_p < np.log(LEVEL))) > 0.7
    assert found.harm == pytest.approx(nights[-window:].mean(axis=0) - TOLERANCE)


def test_freedom_is_that_of_the_nights_or_of_the_reference_that_is_known(nights_of: Any, walk: Any) -> None:
    nights = nights_of(walk(60, 1, spread=0.01, error=0.001), 0.001, 1000)
    least, some, all_known = (looked(nights, 7, rows=rows) for rows in (0.0, 1e-4, 1e6))
    assert 8.0 <= least.freedom[0] < some.freedom[0] < all_known.freedom[0]
    assert all_known.freedom[0] > 1e6
    # Then it is the normal distribution's tail.
    z = all_known.harm / all_known.spread
    assert all_known.log_p == pytest.approx(stats.norm.logsf(z), rel=1e-4)
    assert all_known.spread[0] == pytest.approx(1e3, rel=1e-6)


def test_a_window_that_tells_nothing_tests_nothing(nights_of: Any) -> None:
    value = np.vstack([np.zeros((20, 2)), np.full((3, 2), np.nan)])
    value[-1, 1] = 1.0
    found = looked(nights_of(value, 0.01, 100), 3)
    assert found.log_p[0] == 0.0 and found.log_p[1] < np.log(1e-3)


def test_windows_rise_and_each_fits(nights_of: Any, walk: Any) -> None:
    assert list(WINDOWS) == sorted(set(WINDOWS)) and WINDOWS[0] == 1
    nights = nights_of(walk(max(WINDOWS), 4, spread=0.01, error=0.01), 0.01, 100)
    for window in WINDOWS:
        found = looked(nights, window)
        assert np.isfinite(found.log_p).all() and (found.log_p <= 0).all() and (found.spread > 0).all()


# --- The nights before ------------------------------------------------------------------------------------


def back(nights: Any, window: int, before: int) -> Any:
    series = nights.over("n", 0, 0).shape
    return look_back(nights, window, before, limit=np.full(series, TOLERANCE), expected=np.full(series, TOLERANCE))


@pytest.mark.parametrize(("window", "before"), [(1, 28), (7, 28), (7, 7), (3, 400)])
def test_a_look_back_compares_with_the_nights_before_the_window(
    window: int, before: int, nights_of: Any, walk: Any
) -> None:
    values = walk(70, 20, spread=0.01, error=0.002)
    found = back(nights_of(values, 0.002, 100), window, before)
    then = values[max(0, 70 - window - before) : 70 - window].mean(axis=0)
    assert found.harm == pytest.approx(values[-window:].mean(axis=0) - then - TOLERANCE)


def test_what_was_always_so_is_no_change_and_what_began_is_one(nights_of: Any, walk: Any) -> None:
    # A level that is far beyond what is tolerated of the baseline.
    always = walk(60, 200, spread=0.003, error=0.003) + 10 * TOLERANCE
    assert np.all(looked(nights_of(always, 0.003, 500), 5).log_p < np.log(1e-6))
    assert np.mean(back(nights_of(always, 0.003, 500), 5, 28).log_p < np.log(0.05)) < 0.05
    began = always.copy()
    began[-5:] += 4 * TOLERANCE
    assert np.mean(back(nights_of(began, 0.003, 500), 5, 28).log_p < np.log(0.01)) > 0.9


def test_without_nights_before_there_is_nothing_to_compare_with(nights_of: Any, walk: Any) -> None:
    assert not back(nights_of(walk(5, 3, spread=0.0, error=0.1) + 99, 0.1, 10), 5, 28).log_p.any()
