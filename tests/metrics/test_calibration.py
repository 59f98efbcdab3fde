"""Calibration error: nothing for calibrated scores, the known gap for shifted ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from nightproof.metrics.calibration import calibration_error, reliability
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles.sums import Scores
from sklearn.calibration import calibration_curve

ScoresOf = Callable[..., Scores]


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def plain(label: npt.NDArray[np.int64], score: npt.NDArray[np.float64]) -> float:
    """Mean squared gap over ten bins of equal size, with its bias."""
    share, mean = calibration_curve(label, score, n_bins=10, strategy="quantile")
    return float(np.mean((share - mean) ** 2))


def nights(count: int, rows: int, shift: float) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    draw = np.random.default_rng(5)
    drawn = []
    for _ in range(count):
        truth = draw.uniform(0.15, 0.85, rows)
        drawn.append(((draw.random(rows) < truth).astype(np.int64), truth + shift))
    return drawn


def test_the_bias_of_small_samples_is_taken_away(scores_of: ScoresOf) -> None:
    made = nights(200, 300, 0.0)
    corrected = [known(calibration_error(scores_of(*night))).value ** 2 for night in made]
    biased = [plain(*night) for night in made]
    # Calibrated: about half the nights show nothing at all, and the rest little.
    assert 0.4 < np.mean(np.array(corrected) == 0.0) < 0.8
    assert np.mean(corrected) < 0.3 * np.mean(biased)


def test_a_shift_of_a_tenth_is_a_tenth_at_any_size(scores_of: ScoresOf) -> None:
    made = nights(150, 400, 0.1)
    squared = [known(calibration_error(scores_of(*night))).value ** 2 for night in made]
    error = np.std(squared) / np.sqrt(len(squared))
    assert np.mean(squared) == pytest.approx(0.01, abs=3 * error)
    # The plain estimate is far from it, so this test could tell.
    assert np.mean([plain(*night) for night in made]) > 0.01 + 6 * error


def test_known_shares_have_the_known_error(scores_of: ScoresOf) -> None:
    centres = np.linspace(0.15, 0.85, 10)
    label = np.concatenate([np.arange(2000) < 2000 * round(centre - 0.05, 4) for centre in centres])
    found = known(calibration_error(scores_of(label.astype(np.int64), np.repeat(centres, 2000))))
    # 0.05 ** 2 less the bins' own noise, 0.2 / 2000.
    assert found.value == pytest.approx(0.049, abs=1e-3)
    assert found.low < 0.05 < found.high


def test_the_diagram_is_scikit_learns(scores_of: ScoresOf) -> None:
    draw = np.random.default_rng(9)
    score = draw.beta(2, 5, 4000)
    label = (draw.random(4000) < score).astype(np.int64)
    bins = reliability(scores_of(label, score))
    share, mean = calibration_curve(label, score, n_bins=10, strategy="quantile")
    assert bins.rows.sum() == 4000 and len(bins.rows) == 10
    assert bins.score == pytest.approx(mean, abs=2e-3)
    assert bins.share == pytest.approx(share, abs=2e-2)


def test_its_interval_covers_a_shift_as_often_as_it_says(scores_of: ScoresOf) -> None:
    found = [known(calibration_error(scores_of(*night))) for night in nights(300, 500, 0.1)]
    covered = np.mean([each.low <= 0.1 <= each.high for each in found])
    # 300 nights know a share of 95 % to 1.3 %; the delta method is approximate at this size.
    assert 0.92 < covered <= 0.99


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_constant_scores_make_one_bin(score: float, scores_of: ScoresOf) -> None:
    found = known(calibration_error(scores_of([0, 1] * 20, [score] * 40)))
    gap = abs(score - 0.5)
    assert found.value == pytest.approx(np.sqrt(max(0.0, gap**2 - 0.25 / 39)), abs=1e-5)
    assert found.low <= found.value <= found.high


def test_too_few_rows_tell_nothing(scores_of: ScoresOf) -> None:
    found = calibration_error(scores_of([0, 1] * 9, [0.5] * 18))
    assert isinstance(found, Unknown)
    assert found.n == 18
    assert isinstance(calibration_error(scores_of([], [])), Unknown)
