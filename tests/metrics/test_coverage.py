"""Intervals cover what they say: 95 % of simulated nights, within 93 to 97.

The band is wide enough for what a few thousand nights can tell (three standard errors are about 1 %)
and for the steps of discrete counts, and narrow enough to catch a wrong variance: a standard error
that is a fifth too small covers 88 %, one a fifth too large 98 %.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference, ratio
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.pr_auc import pr_auc
from nightproof.metrics.rates import f1, wilson
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles.sums import Loss, Outcomes, Scores
from scipy.stats import binom, norm

NIGHTS = 2000
CELLS = np.arange(40, dtype=np.int64) * 1000
Shares = npt.NDArray[np.float64]


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def covers(found: Estimate | Change, truth: float) -> bool:
    return found.low <= truth <= found.high


def classes(apart: float) -> tuple[Shares, Shares]:
    """Scores of negatives and positives over the cells, their means so many sd apart."""
    edges = np.linspace(-4, 4 + apart, len(CELLS) + 1)
    pair = [np.diff(norm.cdf(edges - mean)) for mean in (0.0, apart)]
    return pair[0] / pair[0].sum(), pair[1] / pair[1].sum()


def area(negative: Shares, positive: Shares) -> float:
    won = np.sign(np.subtract.outer(np.arange(len(CELLS)), np.arange(len(CELLS)))) / 2 + 0.5
    return float(positive @ won @ negative)


def nights(apart: float, negatives: int, positives: int, *, seed: int) -> list[Scores]:
    draw, (below, above) = np.random.default_rng(seed), classes(apart)
    pairs = zip(draw.multinomial(negatives, below, NIGHTS), draw.multinomial(positives, above, NIGHTS), strict=True)
    kept = [(negative, positive, (negative + positive) > 0) for negative, positive in pairs]
    return [Scores(CELLS[used], negative[used], positive[used]) for negative, positive, used in kept]


@pytest.mark.parametrize(("apart", "negatives", "positives"), [(0.5, 200, 60), (1.5, 300, 300), (2.5, 900, 100)])
def test_roc_auc(apart: float, negatives: int, positives: int) -> None:
    truth = area(*classes(apart))
    found = [known(roc_auc(night)) for night in nights(apart, negatives, positives, seed=1)]
    assert 0.93 < np.mean([covers(each, truth) for each in found]) < 0.97


def test_a_difference_of_two_areas() -> None:
    pairs = zip(nights(1.5, 200, 100, seed=2), nights(1.2, 500, 200, seed=3), strict=True)
    truth = area(*classes(1.5)) - area(*classes(1.2))
    found = [difference(known(roc_auc(a)), known(roc_auc(b))) for a, b in pairs]
    assert 0.93 < np.mean([covers(each, truth) for each in found]) < 0.97


def test_an_area_that_fell_by_just_the_tolerance_is_found_beyond_it_one_time_in_forty() -> None:
    pairs = zip(nights(1.2, 300, 100, seed=4), nights(1.5, 900, 300, seed=5), strict=True)
    tolerance = area(*classes(1.5)) - area(*classes(1.2))
    found = [difference(known(roc_auc(a)), known(roc_auc(b))).reversed().excess_p_value(tolerance) for a, b in pairs]
    # 2,000 nights know a share of 2.5 % to 0.35 %.
    assert 0.012 < np.mean(np.array(found) < 0.025) < 0.04


def test_average_precision() -> None:
    below, above = classes(1.5)
    share = 100 / 400
    hits, chosen = np.cumsum(above[::-1]) * share, np.cumsum((above * share + below * (1 - share))[::-1])
    truth = float(np.dot(above[::-1], hits / chosen))
    found = [known(pr_auc(night)) for night in nights(1.5, 300, 100, seed=6)]
    # Boyd's interval is cruder than DeLong's: it counts the positives alone.
    assert 0.92 < np.mean([covers(each, truth) for each in found]) <= 0.99


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("n", [100, 500])
def test_rates_over_every_possible_night(n: int, share: float) -> None:
    hits = np.arange(n + 1)
    covered = [covers(known(wilson(int(hit), n)), share) for hit in hits]
    # Exact, so only the steps of a count are left: small counts step widely.
    assert 0.925 < np.dot(binom.pmf(hits, n, share), covered) < 0.98


def test_a_difference_of_rates_over_every_possible_pair_of_nights() -> None:
    n, m, p, q = 80, 120, 0.15, 0.3
    own, other = [[known(wilson(hit, size)) for hit in range(size + 1)] for size in (n, m)]
    covered = np.array([[covers(difference(a, b), p - q) for b in other] for a in own])
    assert 0.93 < binom.pmf(np.arange(n + 1), n, p) @ covered @ binom.pmf(np.arange(m + 1), m, q) < 0.97


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.3), (0.24, 0.3), (0.1, 0.5)])
def test_an_impact_ratio(p: float, q: float) -> None:
    draw = np.random.default_rng(7)
    pairs = zip(draw.binomial(90, p, NIGHTS), draw.binomial(400, q, NIGHTS), strict=True)
    found = [ratio(known(wilson(int(a), 90)), known(wilson(int(b), 400))) for a, b in pairs]
    assert 0.93 < np.mean([covers(each, p / q) for each in found]) < 0.97


def test_f1() -> None:
    shares = np.array([0.15, 0.1, 0.08, 0.67])
    drawn = np.random.default_rng(8).multinomial(400, shares, NIGHTS)
    truth = 2 * 0.15 / (2 * 0.15 + 0.1 + 0.08)
    found = [known(f1(Outcomes(*map(int, cells), 0, 0))) for cells in drawn]
    assert 0.93 < np.mean([covers(each, truth) for each in found]) < 0.97


@pytest.mark.parametrize("n", [60, 600])
def test_brier_and_log_loss(n: int) -> None:
    draw = np.random.default_rng(9)
    score = draw.uniform(0.05, 0.95, (NIGHTS, n))
    label = draw.random((NIGHTS, n)) < score
    # Of calibrated scores p the expected losses are p (1 - p) and the entropy of p.
    grid = np.linspace(0.05, 0.95, 20_001)
    entropy = -(grid * np.log(grid) + (1 - grid) * np.log(1 - grid))
    losses = {
        float(np.mean(grid * (1 - grid))): (score - label) ** 2,
        float(np.mean(entropy)): -np.log(np.where(label, score, 1 - score)),
    }
    for truth, loss in losses.items():
        sums = zip(loss.sum(axis=1), (loss**2).sum(axis=1), strict=True)
        found = [known(mean_loss(Loss(n, float(total), float(squared)))) for total, squared in sums]
        assert 0.93 < np.mean([covers(each, truth) for each in found]) < 0.97
