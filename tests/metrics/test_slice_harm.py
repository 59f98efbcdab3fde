"""Slices that got worse: each is what its rows say, chance is told from harm, and nothing is told twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.partition import Partition, Sums
from nightproof.metrics.slice_harm import SliceHarms, holm, slice_harms
from scipy import stats

NO_RANGE = (float("nan"), float("nan"))
Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def sums(codes: Codes, loss: Floats, bins: int) -> Sums:
    n, total, squares = (np.bincount(codes, w, minlength=bins) for w in (np.ones_like(loss), loss, loss**2))
    return Sums(n, total, squares)


def cut(name: str, codes: tuple[Codes, Codes], losses: tuple[Floats, Floats], bins: int) -> Partition:
    columns = tuple(name.split("+"))
    sides = [sums(c, x, bins) for c, x in zip(codes, losses, strict=True)]
    values = tuple(tuple(f"{column}{i}" for column in columns) for i in range(bins))
    return Partition(columns, values, ((NO_RANGE,) * len(columns),) * bins, *sides, feature=False)


def worst(*partitions: Partition, least: int = 30) -> SliceHarms:
    return slice_harms(partitions, least=least, most=20, named=5)


def test_a_slice_is_what_scipy_says_of_its_rows() -> None:
    draw = np.random.default_rng(0)
    codes = (draw.integers(0, 3, 500), draw.integers(0, 3, 2000))
    losses = (draw.random(500) + 0.3 * (codes[0] == 1), draw.random(2000))
    found = worst(cut("x", codes, losses, 3))
    harm, mine, theirs = found.worst[0], losses[0][codes[0] == 1], losses[1][codes[1] == 1]
    assert (found.looked_at, harm.segment, harm.surely_worse) == (3, {"x": "x1"}, True)
    assert (harm.now.value, harm.then.value) == pytest.approx((mine.mean(), theirs.mean()))
    assert harm.now.interval == pytest.approx(stats.ttest_1samp(mine, 0).confidence_interval())
    assert harm.contribution == pytest.approx(len(mine) / 500 * (mine.mean() - theirs.mean()))
    tests = [stats.ttest_ind(mine, theirs, equal_var=equal, alternative="greater").pvalue for equal in (True, False)]
    assert harm.p_value == pytest.approx(3 * max(tests), rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_reject_what_holm_rejects(p_values: list[float]) -> None:
    adjusted = holm(np.array(p_values))
    assert (adjusted >= np.array(p_values)).all() and (adjusted <= 1.0).all()
    order, count = np.argsort(p_values, kind="stable"), len(p_values)
    rejected = set()
    for step, place in enumerate(order):
        if p_values[place] * (count - step) > 0.05:
            break
        rejected.add(int(place))
    assert set(np.flatnonzero(adjusted <= 0.05).tolist()) == rejected


def skewed(draw: np.random.Generator, n: int, kind: str) -> Floats:
    if kind == "absolute":
        return draw.lognormal(0.0, 1.0, n)
    score = draw.random(n) if kind == "even" else draw.beta(0.3, 6.0, n)
    return np.asarray((score - (draw.random(n) < score)) ** 2)


@pytest.mark.parametrize("kind", ["even", "rare", "absolute"])
@pytest.mark.parametrize(("n_now", "n_then"), [(600, 2000), (2000, 2000), (5000, 600)])
def test_chance_names_a_slice_on_few_nights(kind: str, n_now: int, n_then: int) -> None:
    draw = np.random.default_rng(11)
    false = 0
    for _ in range(300):
        losses = (skewed(draw, n_now, kind), skewed(draw, n_then, kind))
        base = [draw.integers(0, 20, (8, n)) for n in (n_now, n_then)]
        ones = [cut(f"c{i}", (base[0][i] % 5, base[1][i] % 5), losses, 5) for i in range(8)]
        pairs = [
            cut(f"c{i}+c{j}", (base[0][i] % 4 * 4 + base[0][j] % 4, base[1][i] % 4 * 4 + base[1][j] % 4), losses, 16)
            for i in range(4)
            for j in range(i)
        ]
        false += any(harm.surely_worse for harm in worst(*ones, *pairs).worst)
    assert false / 300 <= 0.05


def test_small_slices_and_the_whole_model_are_not_looked_at() -> None:
    draw = np.random.default_rng(1)
    codes = (np.repeat([0, 1], [29, 971]), np.repeat([0, 1], [500, 500]))
    found = worst(cut("x", codes, (draw.random(1000), draw.random(1000)), 2))
    assert (found.looked_at, found.worst) == (0, ())
    assert worst().looked_at == 0
    empty = np.zeros(0, dtype=np.int64)
    assert worst(cut("x", (empty, codes[1]), (np.zeros(0), np.zeros(1000)), 2)).worst == ()


def test_a_slice_that_adds_nothing_to_a_listed_one_is_left_out() -> None:
    draw = np.random.default_rng(2)
    x, y, z = (tuple(draw.integers(0, 2, n) for n in (2000, 4000)) for _ in range(3))
    losses = (draw.random(2000) + 0.5 * x[0], draw.random(4000))
    pair = (2 * x[0] + y[0], 2 * x[1] + y[1])
    found = worst(
        cut("x", x, losses, 2),
        cut("copy", x, losses, 2),
        cut("x+y", pair, losses, 4),
        cut("z", z, losses, 2),
    )
    told = [harm.segment for harm in found.worst if harm.surely_worse]
    assert told[0] in ({"x": "x1"}, {"copy": "copy1"})
    assert sum(segment in ({"x": "x1"}, {"copy": "copy1"}) for segment in told) == 1


def test_within_a_listed_slice_only_what_is_surely_worse_is_told() -> None:
    draw = np.random.default_rng(4)
    nan = NO_RANGE
    n = 6000
    x = [draw.integers(0, 2, n) for _ in range(2)]
    y = [draw.integers(0, 4, n) for _ in range(2)]

    def found(extra: float) -> list[dict[str, str]]:
        losses = [draw.random(n) + (0.3 * x[0] + extra * x[0] * (y[0] == 3)) * (i == 0) for i in range(2)]
        one = Partition(
            ("x",), (("0",), ("1",)), ((nan,), (nan,)), *(sums(x[i], losses[i], 2) for i in range(2)), False
        )
        values = tuple((str(i), str(j)) for i in range(2) for j in range(4))
        both = [sums(4 * x[i] + y[i], losses[i], 8) for i in range(2)]
        two = Partition(("x", "y"), values, ((nan, nan),) * 8, *both, feature=False)
        return [harm.segment for harm in worst(one, two).worst if harm.surely_worse]

    assert found(0.0) == [{"x": "1"}]
    assert found(1.0) == [{"x": "1"}, {"x": "1", "y": "3"}]


def test_losses_without_any_spread_are_told_apart() -> None:
    codes = (np.repeat([0, 1], 50), np.repeat([0, 1], 50))
    found = worst(cut("x", codes, (np.repeat([0.5, 0.0], 50), np.zeros(100)), 2))
    assert [(h.segment, h.surely_worse) for h in found.worst] == [({"x": "x0"}, True)]
