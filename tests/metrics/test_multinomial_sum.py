"""Moments of sums over histograms' bins: known closed forms, and simulation where bins are rare."""

from __future__ import annotations

import numpy as np
import pytest
from nightproof.metrics.multinomial_sum import moments
from nightproof.metrics.shift import Floats
from scipy import stats


@pytest.mark.parametrize("bins", [2, 5, 30])
@pytest.mark.parametrize(("n", "m"), [(200, 200), (200, 20_000), (50, 50)])
def test_pearsons_statistic_has_its_degrees_of_freedom(bins: int, n: int, m: int) -> None:
    pooled = np.full(bins, 1 / bins)

    def terms(x: Floats, y: Floats) -> Floats:
        return np.asarray((x / n - y / m) ** 2 / (pooled[:, None, None] * (1 / n + 1 / m)))

    mean, variance = moments(terms, n * pooled, m * pooled)
    assert mean == pytest.approx(bins - 1, rel=1e-4)
    # The known variance of the statistic with fixed shares is that of chi-square to the order 1/n.
    assert variance == pytest.approx(2 * (bins - 1), rel=0.1)


@pytest.mark.parametrize("mean_count", [0.01, 0.3, 1.0, 4.0, 60.0])
def test_a_count_of_its_own_has_the_poissons_mean_and_variance(mean_count: float) -> None:
    def terms(x: Floats, y: Floats) -> Floats:
        return np.asarray(np.sqrt(x + 0.5) + 0 * y)

    many = 10**7  # the other bin is so large that the first is Poisson
    found, variance = moments(
        lambda x, y: terms(x, y) * np.array([1.0, 0.0])[:, None, None],
        np.array([mean_count, many]),
        np.array([1.0, many]),
    )
    poisson = stats.poisson(mean_count)
    assert found == pytest.approx(poisson.expect(lambda x: np.sqrt(x + 0.5)), rel=1e-3)
    second = poisson.expect(lambda x: x + 0.5)
    assert variance == pytest.approx(second - poisson.expect(lambda x: np.sqrt(x + 0.5)) ** 2, rel=0.03)


def test_rare_bins_are_as_simulated() -> None:
    p = 1 / np.arange(1, 31) ** 2.5
    p, q = p / p.sum(), np.roll(p, 1) / p.sum()
    n, m = 150, 400

    def terms(x: Floats, y: Floats) -> Floats:
        return np.asarray((np.sqrt((x + 0.5) / n) - np.sqrt((y + 0.5) / m)) ** 2)

    draw = np.random.default_rng(3)
    x, y = draw.multinomial(n, p, 40_000), draw.multinomial(m, q, 40_000)
    drawn = terms(x, y).sum(axis=1)
    mean, variance = moments(terms, n * p, m * q)
    assert mean == pytest.approx(drawn.mean(), rel=0.01)
    assert variance == pytest.approx(drawn.var(), rel=0.05)


def test_cases_are_told_apart() -> None:
    p = np.array([[0.2, 0.8], [0.5, 0.5]])

    def terms(x: Floats, y: Floats) -> Floats:
        return np.asarray((x - y) ** 2)

    both = moments(terms, 100 * p, 200 * p)
    for i in range(2):
        one = moments(terms, 100 * p[i], 200 * p[i])
        assert (both[0][i], both[1][i]) == pytest.approx((float(one[0]), float(one[1])))
