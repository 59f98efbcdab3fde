"""The budget: shares that add up, means that lie between, and Holm's procedure against closed testing."""

from __future__ import annotations

from itertools import combinations
from statistics import harmonic_mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.sequential.budget import SHARES, joined, rejected, weights

FEW = settings(deadline=None, derandomize=True, max_examples=150)
P_VALUES = st.sampled_from([1e-30, 1e-9, 0.001, 0.0025, 0.005, 0.01, 0.5, 1.0]) | st.floats(1e-12, 0.03)


def closed(p_values: list[float], share: list[float], level: float) -> set[int]:
    """Closed testing: rejected where every intersection with it is, by Bonferroni with its members' shares."""
    places = range(len(p_values))
    holds = [
        set(some)
        for size in range(1, len(p_values) + 1)
        for some in combinations(places, size)
        if all(p_values[i] * sum(share[j] for j in some) > level * share[i] for i in some)
    ]
    return {place for place in places if share[place] > 0 and not any(place in some for some in holds)}


@FEW
@given(
    tests=st.lists(st.tuples(P_VALUES, st.sampled_from([0.0, 0.5, 1.0, 3.0])), max_size=8),
    level=st.sampled_from([0.003, 0.0333, 0.05, 0.5]),
)
def test_rejected_is_what_closed_testing_rejects(tests: list[tuple[float, float]], level: float) -> None:
    p_values, share = [p for p, _ in tests], [w for _, w in tests]
    found = set(np.flatnonzero(rejected(np.log(np.array(p_values)), np.array(share), level)).tolist())
    # What lies on the very edge may fall either way.
    assert closed(p_values, share, level * (1 - 1e-9)) <= found <= closed(p_values, share, level * (1 + 1e-9))


@FEW
@given(p_values=st.lists(P_VALUES, min_size=1, max_size=12), level=st.sampled_from([0.01, 0.1]), data=st.data())
def test_rejection_is_monotone_and_does_not_depend_on_the_order(
    p_values: list[float], level: float, data: st.DataObject
) -> None:
    log_p = np.log(np.array(p_values))
    share = np.full(len(p_values), 1.0 / len(p_values))
    found = rejected(log_p, share, level)
    assert (found <= rejected(log_p, share, 2 * level)).all()
    assert (found <= rejected(log_p - 1.0, share, level)).all()
    order = np.array(data.draw(st.permutations(range(len(p_values)))))
    assert np.array_equal(rejected(log_p[order], share, level), found[order])


def test_many_rows_are_each_a_test_of_its_own() -> None:
    draw = np.random.default_rng(5)
    log_p, share = np.log(draw.random((40, 6)) * 0.05), np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    together = rejected(log_p, share, 0.05)
    assert np.array_equal(together, [rejected(row, share, 0.05) for row in log_p])
    assert together.any() and not together.all()


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_nights_without_harm_are_rejected_no_more_often_than_the_level(shared: float) -> None:
    # Twelve series at their tolerance exactly, the worst case, from independent to one and the same.
    draw, tests, nights, level = np.random.default_rng(19), 12, 20_000, 0.025
    common = draw.normal(size=(nights, 1)) * np.sqrt(shared)
    z = common + draw.normal(size=(nights, tests)) * np.sqrt(1 - shared)
    ranks = (z.ravel().argsort().argsort().reshape(z.shape) + 0.5) / z.size
    share = weights(["performance"] * 3 + ["bias"] * 9)
    often = rejected(np.log(ranks), share, level).any(axis=1).mean()
    assert often < level + 4 * np.sqrt(level / nights)
    # Perfect dependence leaves most of it unspent.
    assert shared == 1.0 or often > 0.6 * level


# --- Shares -----------------------------------------------------------------------------------------------


@FEW
@given(families=st.lists(st.sampled_from([*SHARES, "blind"]), min_size=1, max_size=40))
def test_shares_add_up_and_are_equal_within_a_family(families: list[str]) -> None:
    share = weights(families)
    known = {name for name in families if name in SHARES}
    assert share.sum() == pytest.approx(1.0 if known else 0.0)
    for name in known:
        own = share[np.array(families) == name]
        assert np.ptp(own) == 0.0 and own[0] > 0.0
    for one in known:
        for other in known:
            sums = [share[np.array(families) == name].sum() for name in (one, other)]
            assert sums[0] * SHARES[other] == pytest.approx(sums[1] * SHARES[one])
    assert not share[np.array(families) == "blind"].any()


def test_a_family_that_is_not_there_leaves_its_share_to_the_others() -> None:
    assert weights(["performance"]).tolist() == [1.0]
    assert weights(["performance", "bias"]) == pytest.approx([0.5, 0.5])
    assert weights([]).size == 0


# --- Looks ------------------------------------------------------------------------------------------------


@FEW
@given(looks=st.lists(st.tuples(st.sampled_from([1, 2, 7, 28]), st.floats(1e-200, 1.0)), min_size=1, max_size=15))
def test_looks_are_joined_by_their_harmonic_mean(looks: list[tuple[int, float]]) -> None:
    found = float(joined([(window, np.log(np.array([p]))) for window, p in looks])[0])
    p_values = [p for _, p in looks]
    assert np.log(min(p_values)) - 1e-9 <= found <= np.log(max(p_values)) + 1e-9
    expected = harmonic_mean(p_values, weights=[1 / window for window, _ in looks])
    assert found == pytest.approx(float(np.log(expected)), abs=1e-9)


def test_a_short_look_weighs_more() -> None:
    strong, weak = np.array([-20.0]), np.array([0.0])
    assert joined([(1, strong), (28, weak)])[0] < joined([(1, weak), (28, strong)])[0]


def test_looks_of_no_use_cost_their_share() -> None:
    told = [(1, np.array([-12.0]))]
    assert joined(told)[0] == pytest.approx(-12.0)
    assert -12.0 < joined([*told, (2, np.array([0.0]))])[0] < -11.0
    assert joined([(7, np.log(np.array([1e-300, 1.0])))] * 3) == pytest.approx(np.log([1e-300, 1.0]))
