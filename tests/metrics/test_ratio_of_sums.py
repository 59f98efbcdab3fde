"""Ratios of sums: beside scipy's t test and bootstrap, and how often their interval holds the truth."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.ratio_of_sums import ratio_of_sums
from nightproof.profiles.sums import RatioSums
from scipy import stats

Floats = npt.NDArray[np.float64]
Draw = np.random.Generator
STEPS = 2.0**18
NIGHTS = 2000


def sums_of(x: Floats, y: Floats, weight: Floats | None = None) -> RatioSums:
    """Sums of rows, each number a whole multiple of 2**-18."""
    w = np.ones(len(x)) if weight is None else weight
    a, b = ([int(v) for v in np.rint(values * w * STEPS)] for values in (x, y))
    more = {}
    if weight is not None:
        whole = [int(v) for v in np.rint(w * STEPS)]
        more = {"weight": sum(whole), "weight_squared": sum(v * v for v in whole)}
    products = {
        "xx": sum(v * v for v in a),
        "xy": sum(v * u for v, u in zip(a, b, strict=True)),
        "yy": sum(u * u for u in b),
    }
    return RatioSums(n=len(a), x=sum(a), y=sum(b), **products, unit=1.0, **more)


def told(x: Floats, y: Floats, weight: Floats | None = None) -> Estimate:
    found = ratio_of_sums(sums_of(x, y, weight))
    assert isinstance(found, Estimate), found
    return found


@pytest.mark.parametrize("seed", range(5))
def test_over_the_number_of_rows_it_is_the_mean_with_scipys_t_interval(seed: int) -> None:
    x = np.random.default_rng(seed).gamma(2.0, 5.0, 80)
    found, ends = told(x, np.ones(80)), stats.ttest_1samp(x, 0.0).confidence_interval()
    assert found.value == pytest.approx(x.mean(), rel=1e-6)
    assert found.interval == pytest.approx((ends.low, ends.high), rel=1e-5)
    assert found.n == 80


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_each_end_is_where_scipys_t_test_of_the_residuals_just_rejects(seed: int, sign: float) -> None:
    draw = np.random.default_rng(seed)
    y = sign * draw.gamma(1.0, 3.0, 60)
    x = 0.4 * y + draw.normal(0.5, 2.0, 60)
    found = told(x, y)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(x.sum() / y.sum(), rel=1e-5)
    for end in found.interval:
        assert stats.ttest_1samp(x - end * y, 0.0).pvalue == pytest.approx(0.05, abs=1e-4)


def test_of_many_rows_it_is_what_the_bootstrap_gives() -> None:
    draw = np.random.default_rng(1)
    y = draw.poisson(4.0, 3000) + 1.0
    x = y * draw.gamma(2.0, 1.0, 3000)
    found = told(x, y)

    def ratio(a: Floats, b: Floats, axis: int = -1) -> Floats:
        return a.sum(axis) / b.sum(axis)

    other = stats.bootstrap((x, y), ratio, paired=True, n_resamples=4000, rng=2, vectorized=True, batch=500)
    ends = other.confidence_interval
    width = ends.high - ends.low
    assert found.low == pytest.approx(ends.low, abs=0.07 * width)
    assert found.high == pytest.approx(ends.high, abs=0.07 * width)


def test_equal_weights_change_nothing_and_others_are_the_bootstraps() -> None:
    draw = np.random.default_rng(3)
    x, y, w = draw.gamma(2.0, 1.0, 2000), draw.gamma(3.0, 1.0, 2000), draw.gamma(2.0, 0.5, 2000)
    assert told(x, y, np.ones(2000)).interval == pytest.approx(told(x, y).interval, rel=1e-6)
    found = told(x, y, w)
    assert found.value == pytest.approx((w @ x) / (w @ y), rel=1e-5)
    assert found.n == round(w.sum() ** 2 / (w @ w))

    def ratio(a: Floats, b: Floats, c: Floats, axis: int = -1) -> Floats:
        return (a * c).sum(axis) / (b * c).sum(axis)

    ends = stats.bootstrap((x, y, w), ratio, paired=True, n_resamples=3000, rng=2, batch=500).confidence_interval
    assert found.low == pytest.approx(ends.low, abs=0.1 * (ends.high - ends.low))
    assert found.high == pytest.approx(ends.high, abs=0.1 * (ends.high - ends.low))


NUMBERS = st.integers(-(2**30), 2**30)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=0, max_size=30))
def test_whatever_the_rows_it_is_an_interval_around_the_exact_ratio_or_unknown(rows: list[tuple[int, int]]) -> None:
    x, y = (np.array([row[place] for row in rows], dtype=np.float64) / STEPS for place in (0, 1))
    found = ratio_of_sums(sums_of(x, y))
    if isinstance(found, Unknown):
        assert found.n == len(rows)
        return
    exact = Fraction(sum(row[0] for row in rows), sum(row[1] for row in rows))
    assert found.value == pytest.approx(float(exact), rel=1e-12)
    assert found.low <= found.value <= found.high
    assert np.isfinite(found.interval).all()


@settings(deadline=None, derandomize=True, max_examples=50)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=20), more=st.integers(2, 50))
def test_more_of_the_same_rows_tell_the_same_more_surely(rows: list[tuple[int, int]], more: int) -> None:
    x, y = (np.array([row[place] for row in rows], dtype=np.float64) / STEPS for place in (0, 1))
    few, many = ratio_of_sums(sums_of(x, y)), ratio_of_sums(sums_of(np.tile(x, more), np.tile(y, more)))
    if isinstance(few, Estimate):
        assert isinstance(many, Estimate)
        assert many.value == pytest.approx(few.value, rel=1e-12)
        assert many.high - many.low <= (few.high - few.low) * (1 + 1e-9)


def test_a_constant_has_no_error_however_large_and_many() -> None:
    # In floating point the sum of squares less n times the mean's would be a difference of rounding errors.
    whole = int(1e6 * STEPS / 1e3) + 1
    n = 10**7
    sums = RatioSums(n=n, x=n * whole, y=n * 2**18, xx=n * whole**2, xy=n * whole * 2**18, yy=n * 2**36, unit=1.0)
    found = ratio_of_sums(sums)
    assert isinstance(found, Estimate)
    assert found.low == found.value == found.high


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        ([], [], "fewer than two"),
        ([1.0], [1.0], "fewer than two"),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], "divided by is 0"),
        ([1.0, 2.0, 3.0], [1.0, -1.0, 0.0], "divided by is 0"),
        ([1.0, 2.0, 3.0], [5.0, -4.0, 0.5], "may be 0"),
    ],
)
def test_a_denominator_that_may_be_nothing_tells_nothing(x: list[float], y: list[float], why: str) -> None:
    found = ratio_of_sums(sums_of(np.array(x), np.array(y)))
    assert isinstance(found, Unknown)
    assert why in found.why and found.n == len(x)


def test_a_ratio_beyond_all_numbers_is_unknown() -> None:
    sums = sums_of(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    for unit in (1e308, float("inf")):
        found = ratio_of_sums(RatioSums(**{**vars(sums), "unit": unit}))
        assert isinstance(found, Unknown) and found.n == 3


def paid(draw: Draw, shape: tuple[int, int]) -> Floats:
    """A tenth of the rows pay, some of them a lot."""
    return np.where(draw.random(shape) < 0.1, draw.lognormal(3.0, 1.0, shape), 0.0)


CASES: dict[str, tuple[Callable[[Draw, tuple[int, int]], Floats], int, float, float, float]] = {
    # name: how x is drawn, rows, its mean, and between which shares of nights the interval holds it
    "normal, 50 rows": (lambda d, s: d.normal(10.0, 4.0, s), 50, 10.0, 0.935, 0.965),
    "gamma, 200 rows": (lambda d, s: d.gamma(2.0, 5.0, s), 200, 10.0, 0.93, 0.965),
    "log-normal of sigma 1, 200 rows": (lambda d, s: d.lognormal(0.0, 1.0, s), 200, np.exp(0.5), 0.90, 0.96),
    "log-normal of sigma 1, 2000 rows": (lambda d, s: d.lognormal(0.0, 1.0, s), 2000, np.exp(0.5), 0.93, 0.965),
    "a tenth pays, 200 rows": (paid, 200, 0.1 * np.exp(3.5), 0.84, 0.93),
    "a tenth pays, 2000 rows": (paid, 2000, 0.1 * np.exp(3.5), 0.92, 0.96),
    # Without a variance no interval of a mean holds.
    "Pareto of index 1.8, 2000 rows": (lambda d, s: d.pareto(1.8, s), 2000, 1.0 / 0.8, 0.70, 0.92),
}


@pytest.mark.parametrize("case", CASES)
def test_coverage_of_a_mean(case: str) -> None:
    drawn, n, truth, least, most = CASES[case]
    x = drawn(np.random.default_rng(11), (NIGHTS, n))
    assert least <= covered(x, np.ones((NIGHTS, n)), truth) <= most


@pytest.mark.parametrize("case", CASES)
def test_beside_a_baseline_it_covers_what_it_promises_where_few_rows_carry_most_too(case: str) -> None:
    drawn, n, truth, _, _ = CASES[case]
    draw = np.random.default_rng(13)
    x, usual = drawn(draw, (NIGHTS, n)), drawn(draw, (1, 20_000))[0]
    least = 0.93 if "Pareto" not in case else 0.90
    assert least <= covered(x, np.ones((NIGHTS, n)), truth, usual=sums_of(usual / 64.0, np.full(20_000, 1 / 64.0)))


def test_rows_that_vary_less_than_the_baselines_are_no_surer_and_others_are_as_they_are() -> None:
    draw = np.random.default_rng(5)
    wide, narrow = draw.gamma(2.0, 5.0, 400), draw.normal(10.0, 0.1, 400)
    ones = np.ones(400)
    usual = {"wide": sums_of(wide, ones), "narrow": sums_of(narrow, ones)}
    alone, beside = ratio_of_sums(usual["narrow"]), ratio_of_sums(usual["narrow"], usual=usual["wide"])
    whole = ratio_of_sums(usual["wide"])
    assert isinstance(alone, Estimate) and isinstance(beside, Estimate) and isinstance(whole, Estimate)
    assert beside.value == alone.value
    assert beside.high - beside.low == pytest.approx(whole.high - whole.low, rel=1e-6)
    assert beside.high - beside.low > 10 * (alone.high - alone.low)
    assert ratio_of_sums(usual["wide"], usual=usual["narrow"]) == whole
    few = sums_of(wide[:29], ones[:29])
    assert ratio_of_sums(usual["narrow"], usual=few) == alone


@pytest.mark.parametrize(("n", "noise"), [(30, 1.0), (200, 1.0), (200, 5.0)])
def test_coverage_of_a_ratio(n: int, noise: float) -> None:
    draw = np.random.default_rng(12)
    y = draw.gamma(1.0, 2.0, (NIGHTS, n))
    x = 3.0 * y + draw.normal(0.0, noise, (NIGHTS, n))
    assert 0.93 <= covered(x, y, 3.0) <= 0.97


def covered(x: Floats, y: Floats, truth: float, *, usual: RatioSums | None = None) -> float:
    """Share of nights whose interval holds the truth, from sums as profiles have them."""
    held = 0
    for one, two in zip(*(np.rint(values * 4096.0).astype(np.int64) for values in (x, y)), strict=True):
        u, v = one.astype(object), two.astype(object)  # whole numbers of any size
        sums = RatioSums(n=len(u), x=u.sum(), y=v.sum(), xx=u @ u, xy=u @ v, yy=v @ v, unit=1.0)
        found = ratio_of_sums(sums, usual=usual)
        held += isinstance(found, Estimate) and found.low <= truth <= found.high
    return held / len(x)
