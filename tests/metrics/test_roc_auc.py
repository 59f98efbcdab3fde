"""ROC AUC: scikit-learn's within the stated bound, and DeLong's variance from all pairs of rows."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Z95, Estimate, Unknown
from nightproof.metrics.roc_auc import ATOM, Area, area, auc_bound, binning_bound, roc_auc
from nightproof.profiles.score_grid import cell_of, centre_of
from nightproof.profiles.sums import Scores
from sklearn.metrics import roc_auc_score

ScoresOf = Callable[..., Scores]

LAW = settings(deadline=None, derandomize=True, max_examples=70)
EXTREME = st.sampled_from([0.0, 1e-12, 1e-9, 1e-6, 0.5, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12, 1.0])
TIED = st.integers(0, 10).map(lambda tenth: tenth / 10)
CLOSE = st.integers(0, 50).map(lambda step: 0.3 + step * 1e-5)
"""Scores of which many share a cell without being equal."""
ROWS = st.lists(
    st.tuples(st.integers(0, 1), EXTREME | TIED | CLOSE | st.floats(0.0, 1.0)), min_size=4, max_size=60
).filter(lambda rows: 2 <= sum(label for label, _ in rows) <= len(rows) - 2)


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def spread(found: Estimate) -> float:
    """The standard error that an interval on the logit scale was formed from."""
    low, high = (log(end / (1 - end)) for end in found.interval)
    return (high - low) / (2 * Z95) * found.value * (1 - found.value)


@LAW
@given(rows=ROWS)
def test_it_is_scikit_learns_within_the_bound(rows: list[tuple[int, float]], scores_of: ScoresOf) -> None:
    label, score = zip(*rows, strict=True)
    scores = scores_of(label, score)
    assert abs(known(roc_auc(scores)).value - roc_auc_score(label, score)) <= auc_bound(scores) + 1e-12


@LAW
@given(rows=ROWS)
def test_the_interval_is_a_part_of_the_scale_around_the_value(
    rows: list[tuple[int, float]], scores_of: ScoresOf
) -> None:
    found = known(roc_auc(scores_of(*zip(*rows, strict=True))))
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.n == len(rows)


@LAW
@given(rows=ROWS)
def test_turning_every_label_turns_the_area(rows: list[tuple[int, float]], scores_of: ScoresOf) -> None:
    label, score = zip(*rows, strict=True)
    there, back = known(roc_auc(scores_of(label, score))), known(roc_auc(scores_of([1 - y for y in label], score)))
    assert back.value == pytest.approx(1 - there.value, abs=1e-12)
    assert back.interval == pytest.approx((1 - there.high, 1 - there.low), abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "bound"),
    # The last are bunched in the middle, where cells are widest.
    [((1.0, 1.0), 1e-4), ((0.3, 3.0), 1e-4), ((3.0, 9.0), 1e-4), ((0.05, 0.05), 1e-4), ((8.0, 8.0), 2e-4)],
)
def test_continuous_scores_lose_about_a_ten_thousandth_to_the_grid(
    shape: tuple[float, float], bound: float, scores_of: ScoresOf
) -> None:
    draw = np.random.default_rng(7)
    score = draw.beta(*shape, 3000)
    label = (draw.random(3000) < score).astype(np.int64)
    scores = scores_of(label, score)
    assert auc_bound(scores) < bound
    assert known(roc_auc(scores)).value == pytest.approx(roc_auc_score(label, score), abs=1e-4)


def test_the_bound_is_reached_where_the_grid_hides_a_perfect_order(scores_of: ScoresOf) -> None:
    label, score = [0, 0, 0, 1, 1, 1], [0.300080 + step * 1e-6 for step in range(6)]
    scores = scores_of(label, score)
    assert len(scores.cells) == 1
    assert roc_auc_score(label, score) - known(roc_auc(scores)).value == pytest.approx(auc_bound(scores)) == 0.5


@LAW
@given(rows=ROWS)
def test_the_variance_is_delongs_over_all_pairs_of_rows(rows: list[tuple[int, float]], scores_of: ScoresOf) -> None:
    scores = scores_of(*zip(*rows, strict=True))
    found = area(scores)
    assert isinstance(found, Area)
    place = centre_of(scores.cells)
    above, below = np.repeat(place, scores.positives), np.repeat(place, scores.negatives)
    won = (np.sign(above[:, None] - below[None, :]) + 1) / 2
    # Sen's components: each row's share of pairs won, over rows of its own class.
    variance = won.mean(axis=1).var(ddof=1) / len(above) + won.mean(axis=0).var(ddof=1) / len(below)
    assert found.of_positives + found.of_negatives == pytest.approx(variance, rel=1e-6, abs=1e-12)


def test_the_variance_is_that_of_a_bootstrap(scores_of: ScoresOf) -> None:
    draw = np.random.default_rng(11)
    score = draw.random(500)
    label = (draw.random(500) < score**2).astype(np.int64)
    rank = score.argsort().argsort() + 1.0
    # Resampled within each class; no ties, so the rank sum gives each resample's area.
    positive, negative = rank[label == 1], rank[label == 0]
    areas = [
        np.mean(
            np.searchsorted(np.sort(draw.choice(negative, len(negative))), draw.choice(positive, len(positive)))
            / len(negative)
        )
        for _ in range(800)
    ]
    # 800 resamples know a standard deviation to 2.5 %; the drawn half ties are a little more.
    assert spread(known(roc_auc(scores_of(label, score)))) == pytest.approx(np.std(areas), rel=0.1)


def test_a_perfect_order_has_an_open_side_that_more_rows_close(scores_of: ScoresOf) -> None:
    few = known(roc_auc(scores_of([0] * 5 + [1] * 5, [0.1] * 5 + [0.9] * 5)))
    many = known(roc_auc(scores_of([0] * 500 + [1] * 500, [0.1] * 500 + [0.9] * 500)))
    assert few.value == many.value == few.high == 1.0
    # The rule of three: about 3/n is left open.
    assert many.low == pytest.approx(1 - 3 / 500, abs=1e-3)
    assert few.low < 0.6


@pytest.mark.parametrize(
    ("label", "words"), [([], "positive"), ([1, 0, 0], "positive"), ([1, 1, 0], "negative"), ([0] * 9, "positive")]
)
def test_a_class_of_fewer_than_two_rows_tells_nothing(label: list[int], words: str, scores_of: ScoresOf) -> None:
    found = roc_auc(scores_of(label, np.linspace(0, 1, len(label))))
    assert isinstance(found, Unknown)
    assert words in found.why and found.n == len(label)


def test_no_pairs_have_no_bound(scores_of: ScoresOf) -> None:
    assert auc_bound(scores_of([1, 1], [0.2, 0.3])) == 0.0


@LAW
@given(rows=ROWS)
def test_the_interval_has_room_for_the_bound(rows: list[tuple[int, float]], scores_of: ScoresOf) -> None:
    scores = scores_of(*zip(*rows, strict=True))
    found, exact = known(roc_auc(scores)), known(roc_auc(scores, bound=0.0))
    assert found.bound == binning_bound(scores) <= auc_bound(scores)
    assert found.low == pytest.approx(max(0.0, exact.low - found.bound))
    assert found.high == pytest.approx(min(1.0, exact.high + found.bound))


def test_a_value_that_many_rows_share_is_a_tie_and_no_fault_of_the_grid(scores_of: ScoresOf) -> None:
    # A model that broke, and gives every row the same score: that it has no order must stay plain.
    constant = scores_of([0, 1] * 200, [0.3] * 400)
    assert auc_bound(constant) == 0.5 and binning_bound(constant) == 0.0
    assert known(roc_auc(constant)).interval == pytest.approx((0.5, 0.5), abs=0.07)
    rounded = scores_of([0, 1] * 500, [i % 10 / 10 for i in range(1000)])
    assert binning_bound(rounded) == 0.0


def test_rows_close_together_are_not_taken_for_one_value(scores_of: ScoresOf) -> None:
    crowded = scores_of([0, 1] * 500, [0.3 + i * 1e-6 for i in range(1000)])
    assert len(crowded.cells) > 2 and binning_bound(crowded) == auc_bound(crowded) > 0.01
    few = scores_of([0, 1] * (ATOM // 2 - 1), [0.3] * (ATOM - 2))
    assert binning_bound(few) == auc_bound(few) == 0.5


@pytest.mark.parametrize("shape", [(1.0, 1.0), (0.3, 3.0), (3.0, 9.0)])
def test_weighed_rows_have_scikit_learns_area(shape: tuple[float, float]) -> None:
    draw = np.random.default_rng(5)
    score, weight = draw.beta(*shape, 2000), draw.gamma(2.0, 0.5, 2000)
    label = draw.random(2000) < score
    cells, place = np.unique(cell_of(score), return_inverse=True)
    sides = [np.bincount(place, weights=weight * side, minlength=len(cells)) for side in (~label, label)]
    scores = Scores(cells, sides[0], sides[1])
    expected = roc_auc_score(label, score, sample_weight=weight)
    assert abs(known(roc_auc(scores)).value - expected) <= auc_bound(scores) + 1e-12
