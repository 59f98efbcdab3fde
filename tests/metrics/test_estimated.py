"""Estimates without labels: what raw rows give one by one, and what is realised lies in their intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.estimated import ESTIMATES, Calibration, ScoredRows, estimate_binary, estimate_mae
from nightproof.profiles.score_grid import cell_of
from nightproof.profiles.sums import BinLosses, Scores
from scipy import stats
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
HALF = int(cell_of(np.array([0.5]))[0])


def scored(score: Floats) -> ScoredRows:
    cells, count = np.unique(cell_of(score), return_counts=True)
    return ScoredRows.split(cells, count.astype(np.float64), HALF, float((score >= 0.5).sum()))


def counted(score: Floats, label: npt.NDArray[np.int64]) -> Scores:
    cells, place = np.unique(cell_of(score), return_inverse=True)
    sides = [np.bincount(place[label == side], minlength=len(cells)).astype(np.int64) for side in (0, 1)]
    return Scores(cells, *sides)


def realised(score: Floats, label: npt.NDArray[np.int64]) -> dict[str, float]:
    chosen = score >= 0.5
    return {
        "roc_auc": sk.roc_auc_score(label, score),
        "brier": sk.brier_score_loss(label, score),
        "accuracy": sk.accuracy_score(label, chosen),
        "precision": sk.precision_score(label, chosen, zero_division=0),
        "recall": sk.recall_score(label, chosen),
        "f1": sk.f1_score(label, chosen),
    }


def known(estimate: Estimate | Unknown) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    draw = np.random.default_rng(0)
    score = draw.random(20_000)
    found = Calibration.of(counted(score, (draw.random(20_000) < score**1.5).astype(np.int64)))
    assert not isinstance(found, Unknown)
    return found


def test_calibration_rises_and_is_near_scikit_learns_on_rows() -> None:
    draw = np.random.default_rng(1)
    score = draw.beta(0.5, 2.0, 20_000)
    label = (draw.random(20_000) < score**1.5).astype(np.int64)
    found = Calibration.of(counted(score, label))
    assert not isinstance(found, Unknown)
    assert (np.diff(found.share) > 0.0).all() and found.rows.sum() == 20_000
    assert (found.share * found.rows).sum() == pytest.approx(label.sum())
    at = np.linspace(0.02, 0.95, 50)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(score, label).predict(at)
    assert np.abs(found.share[found.block(cell_of(at))] - oracle).mean() < 0.02


def test_estimates_are_what_scikit_learn_gives_of_rows_with_both_labels(calibration: Calibration) -> None:
    """A row of probability p is a positive of weight p and a negative of weight 1 - p."""
    score = np.random.default_rng(2).beta(0.8, 1.5, 700)
    chance = calibration.share[calibration.block(cell_of(score))]
    twice, label = np.tile(score, 2), np.repeat([1, 0], 700)
    weight, chosen = np.concatenate([chance, 1.0 - chance]), np.tile(score >= 0.5, 2)
    oracle = {
        "roc_auc": sk.roc_auc_score(label, twice, sample_weight=weight),
        "brier": sk.brier_score_loss(label, twice, sample_weight=weight),
        "accuracy": sk.accuracy_score(label, chosen, sample_weight=weight),
        "precision": sk.precision_score(label, chosen, sample_weight=weight),
        "recall": sk.recall_score(label, chosen, sample_weight=weight),
        "f1": sk.f1_score(label, chosen, sample_weight=weight),
    }
    values = {name: known(estimate_binary(name, scored(score), calibration)).value for name in ESTIMATES}
    assert values == pytest.approx(oracle, abs=2e-4)


def even(draw: np.random.Generator, n: int) -> Floats:
    return draw.random(n)


def low(draw: np.random.Generator, n: int) -> Floats:
    return draw.beta(0.5, 2.0, n)


def moved(draw: np.random.Generator, n: int) -> Floats:
    return draw.beta(0.9, 2.0, n)


@pytest.mark.parametrize(("before", "tonight", "power"), [(even, even, 1.0), (low, moved, 1.3)])
def test_what_labels_say_lies_in_the_interval(before: Draw, tonight: Draw, power: float) -> None:
    draw, nights = np.random.default_rng(5), 1000
    hits = dict.fromkeys(ESTIMATES, 0)
    for _ in range(nights):
        known_score, score = before(draw, 2000), tonight(draw, 600)
        calibration = Calibration.of(counted(known_score, (draw.random(2000) < known_score**power).astype(np.int64)))
        assert not isinstance(calibration, Unknown)
        truth = _realised(score, (draw.random(600) < score**power).astype(np.int64))
        rows = scored(score)
        for name in ESTIMATES:
            estimate = known(estimate_binary(name, rows, calibration))
            hits[name] += estimate.low <= truth[name] <= estimate.high
    shares = {name: count / nights for name, count in hits.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


def _realised(score: Floats, label: npt.NDArray[np.int64]) -> dict[str, float]:
    """As `realised`, without scikit-learn's checks, which take longer than all else."""
    chosen, ranks = score >= 0.5, stats.rankdata(score)
    hits, positives = float((chosen & (label == 1)).sum()), int(label.sum())
    negatives = len(label) - positives
    return {
        "roc_auc": float(ranks[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives),
        "brier": float(((score - label) ** 2).mean()),
        "accuracy": float((chosen == label).mean()),
        "precision": hits / chosen.sum(),
        "recall": hits / positives,
        "f1": 2 * hits / (chosen.sum() + positives),
    }


def test_the_quick_oracle_is_scikit_learns() -> None:
    draw = np.random.default_rng(8)
    score = draw.random(200)
    label = (draw.random(200) < score).astype(np.int64)
    assert _realised(score, label) == pytest.approx(realised(score, label))


def test_the_thresholds_cell_is_split_as_the_predictions_were() -> None:
    cells, rows = np.array([10, 20, 30]), np.array([5.0, 4.0, 3.0])
    found = ScoredRows.split(cells, rows, 20, 5.0)
    assert found.cells.tolist() == [10, 20, 20, 30]
    assert (found.rows.sum(), (found.rows * found.selected).sum()) == (12.0, 5.0)
    assert ScoredRows.split(cells, rows, 20, 7.0).selected.tolist() == [0.0, 1.0, 1.0]
    assert ScoredRows.split(cells, rows, 25, 3.0).cells.tolist() == [10, 20, 30]


def test_too_little_to_tell_is_unknown(calibration: Calibration) -> None:
    draw = np.random.default_rng(3)
    nothing = estimate_binary("recall", scored(draw.random(0)), calibration)
    few = estimate_binary("roc_auc", scored(draw.random(29)), calibration)
    unselected = estimate_binary("precision", scored(draw.random(100) / 3), calibration)
    assert all(isinstance(found, Unknown) for found in (nothing, few, unselected))
    for label in (np.zeros(100), np.ones(100)):
        assert isinstance(Calibration.of(counted(draw.random(100), label.astype(np.int64))), Unknown)
    assert isinstance(Calibration.of(counted(draw.random(20), np.tile([0, 1], 10))), Unknown)


def test_one_score_for_all_rows_can_be_estimated() -> None:
    found = Calibration.of(counted(np.full(400, 0.3), np.repeat([0, 0, 0, 1], 100)))
    assert not isinstance(found, Unknown)
    rows = scored(np.full(100, 0.3))
    assert known(estimate_binary("accuracy", rows, found)).value == pytest.approx(0.75)
    assert known(estimate_binary("roc_auc", rows, found)).value == pytest.approx(0.5)


def losses(codes: npt.NDArray[np.int64], error: Floats, leaves: int) -> BinLosses:
    count = np.bincount(codes, minlength=leaves)
    sums = [np.bincount(codes, weights=part, minlength=leaves) for part in (error, error**2)]
    return BinLosses(count, count * 0, count, *sums)


def test_the_mean_absolute_error_follows_the_mix_of_leaves() -> None:
    draw, nights, hits = np.random.default_rng(9), 2000, 0
    scale = np.array([1.0, 2.0, 5.0, 9.0])
    for _ in range(nights):
        before = draw.choice(4, 1500, p=[0.4, 0.3, 0.2, 0.1])
        known_losses = losses(before, scale[before] * draw.exponential(1.0, 1500), 4)
        tonight = draw.choice(4, 500, p=[0.2, 0.3, 0.2, 0.3])
        error = 3.0 * scale[tonight] * draw.exponential(1.0, 500)
        rows = np.bincount(tonight, minlength=4).astype(np.float64)
        found = known(estimate_mae(rows, known_losses, unit=3.0))
        hits += found.low <= error.mean() <= found.high
    assert 0.935 <= hits / nights <= 0.97


def test_leaves_that_the_baseline_cannot_tell_are_unknown() -> None:
    draw = np.random.default_rng(4)
    found = losses(np.zeros(100, dtype=np.int64), draw.random(100), 2)
    assert isinstance(estimate_mae(np.array([50.0, 10.0]), found, unit=1.0), Unknown)
    assert isinstance(estimate_mae(np.array([10.0, 0.0]), found, unit=1.0), Unknown)
    assert known(estimate_mae(np.array([50.0, 0.0]), found, unit=1.0)).value == pytest.approx(found.total[0] / 100)
