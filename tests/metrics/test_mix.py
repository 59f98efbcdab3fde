"""Kitagawa's decomposition: it adds up, is what rows grouped one by one give, and its intervals hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.mix import Explanation, explained
from nightproof.metrics.partition import Partition, Sums

Floats = npt.NDArray[np.float64]
NO_RANGE = (float("nan"), float("nan"))


def sums(codes: npt.NDArray[Any], loss: Floats, bins: int) -> Sums:
    n, total, squares = (np.bincount(codes, w, minlength=bins) for w in (np.ones_like(loss), loss, loss**2))
    return Sums(n, total, squares)


def partition(now: tuple[Any, Floats], then: tuple[Any, Floats], bins: int, name: str = "x") -> Partition:
    values = tuple((str(i),) for i in range(bins))
    sides = [sums(np.asarray(codes, dtype=np.int64), loss, bins) for codes, loss in (now, then)]
    return Partition((name,), values, ((NO_RANGE,),) * bins, *sides, feature=False)


def split(*partitions: Partition) -> Explanation:
    found = explained(partitions, loss="brier")
    assert not isinstance(found, Unknown)
    return found


rows = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100, width=32)), min_size=2, max_size=60)


@settings(deadline=None)
@given(rows, rows)
def test_mix_and_worsening_add_up_to_the_whole(now: list[tuple[int, float]], then: list[tuple[int, float]]) -> None:
    sides = [(np.array([c for c, _ in side]), np.array([x for _, x in side])) for side in (now, then)]
    found = split(partition(sides[0], sides[1], 6))
    part = found.parts[0]
    scale = 1e-9 * (1.0 + max(x for _, x in [*now, *then]))
    assert part.mix.value + part.worsening.value == pytest.approx(sides[0][1].mean() - sides[1][1].mean(), abs=scale)
    assert found.whole.value == pytest.approx(sides[0][1].mean() - sides[1][1].mean(), abs=scale)
    assert part.mix.low <= part.mix.value <= part.mix.high


@settings(deadline=None)
@given(rows, rows)
def test_swapping_the_sides_turns_every_sign(now: list[tuple[int, float]], then: list[tuple[int, float]]) -> None:
    sides = [(np.array([c for c, _ in side]), np.array([x for _, x in side])) for side in (now, then)]
    one, other = split(partition(sides[0], sides[1], 6)).parts[0], split(partition(sides[1], sides[0], 6)).parts[0]
    assert one.mix.value == pytest.approx(-other.mix.value, abs=1e-7)
    assert one.worsening.value == pytest.approx(-other.worsening.value, abs=1e-7)


def test_it_is_what_pandas_gives_group_by_group() -> None:
    draw = np.random.default_rng(0)
    codes = [draw.integers(0, 5, 400), draw.integers(0, 4, 900)]
    losses = [draw.random(400) * (1 + codes[0]), draw.random(900) * (2 + codes[1])]
    tables = [pd.DataFrame({"bin": c, "loss": x}).groupby("bin")["loss"] for c, x in zip(codes, losses, strict=True)]
    frame = pd.DataFrame({"p1": tables[0].size() / 400, "p0": tables[1].size() / 900}).fillna(0.0)
    frame["m1"], frame["m0"] = tables[0].mean(), tables[1].mean()
    frame["m0"] = frame["m0"].fillna(frame["m1"])  # bin 4 is new tonight
    # The other form of the same: what each side's loss would be with the other's mix, averaged.
    swapped_now, swapped_then = (frame.p0 * frame.m1).sum(), (frame.p1 * frame.m0).sum()
    whole_now, whole_then = (frame.p1 * frame.m1).sum(), (frame.p0 * frame.m0).sum()
    part = split(partition((codes[0], losses[0]), (codes[1], losses[1]), 5)).parts[0]
    assert part.mix.value == pytest.approx((whole_now - swapped_now + swapped_then - whole_then) / 2)
    assert part.worsening.value == pytest.approx((whole_now - swapped_then + swapped_now - whole_then) / 2)


def test_a_bin_that_one_side_lacks_is_all_mix() -> None:
    part = split(partition(([0, 0, 1, 1], np.array([1.0, 1, 9, 9])), ([0, 0, 0], np.ones(3)), 2)).parts[0]
    assert (part.mix.value, part.worsening.value) == pytest.approx((4.0, 0.0))


def test_equal_mix_is_all_worsening_and_equal_losses_all_mix() -> None:
    codes = np.array([0, 0, 1, 1])
    worse = split(partition((codes, np.array([2.0, 2, 3, 3])), (codes, np.array([1.0, 1, 1, 1])), 2)).parts[0]
    assert (worse.mix.value, worse.worsening.value) == pytest.approx((0.0, 1.5))
    mixed = split(partition(([0, 1, 1, 1], np.array([1.0, 5, 5, 5])), (codes, np.array([1.0, 1, 5, 5])), 2)).parts[0]
    assert (mixed.mix.value, mixed.worsening.value) == pytest.approx((1.0, 0.0))
    assert mixed.moved is not None and mixed.moved.segment in ({"x": "0"}, {"x": "1"})


def test_too_few_labelled_rows_are_unknown() -> None:
    few, many = ([0], np.ones(1)), ([0, 1, 1], np.ones(3))
    assert isinstance(explained([partition(few, many, 2)], loss="brier"), Unknown)
    known = explained([partition(many, few, 2)], loss="brier")
    assert isinstance(known, Unknown) and "baseline" in known.why


@pytest.mark.parametrize(("n_now", "n_then"), [(300, 2000), (1500, 800)])
def test_intervals_hold_the_true_parts(n_now: int, n_then: int) -> None:
    draw = np.random.default_rng(7)
    shares = [np.array([0.4, 0.3, 0.15, 0.1, 0.05]), np.array([0.2, 0.3, 0.2, 0.2, 0.1])][::-1]
    means = np.array([[0.1, 0.2, 0.3, 0.4, 0.8], [0.1, 0.15, 0.35, 0.3, 0.6]])
    mix = ((shares[0] - shares[1]) * means.mean(axis=0)).sum()
    worsening = ((means[0] - means[1]) * (shares[0] + shares[1]) / 2).sum()
    hits = np.zeros(2)
    nights = 1500
    for _ in range(nights):
        sides = []
        for n, share, mean in zip((n_now, n_then), shares, means, strict=True):
            codes = draw.choice(5, n, p=share)
            sides.append((codes, mean[codes] * draw.gamma(1.0, 1.0, n)))
        part = split(partition(sides[0], sides[1], 5)).parts[0]
        hits += [part.mix.low <= mix <= part.mix.high, part.worsening.low <= worsening <= part.worsening.high]
    assert ((hits / nights > 0.935) & (hits / nights < 0.965)).all(), hits / nights


def test_by_chance_hardly_any_column_explains_anything() -> None:
    draw = np.random.default_rng(3)
    false = 0
    for _ in range(300):
        now, then = draw.exponential(1.0, 500), draw.exponential(1.0, 2000)
        cuts = [
            partition((draw.integers(0, 12, 500), now), (draw.integers(0, 12, 2000), then), 12, name=str(i))
            for i in range(20)
        ]
        false += any(part.p_value < 0.05 for part in split(*cuts).parts)
    assert false / 300 <= 0.08


def test_a_pair_is_told_only_where_it_explains_more_than_its_columns() -> None:
    draw = np.random.default_rng(5)
    n = 4000
    a, b = draw.integers(0, 2, (2, n)), draw.integers(0, 2, (2, n))
    a[0] |= draw.integers(0, 2, n)  # tonight's mix moves by the first column alone
    loss = [1.0 + 3.0 * a[i] + draw.random(n) for i in range(2)]
    one = partition((a[0], loss[0]), (a[1], loss[1]), 2, "a")
    pair = partition((2 * a[0] + b[0], loss[0]), (2 * a[1] + b[1], loss[1]), 4, "a")
    both = Partition(("a", "b"), tuple((v[0], v[0]) for v in pair.values), pair.bounds, pair.now, pair.then, False)
    assert [part.columns for part in split(both, one).leading(5)] == [("a",)]
