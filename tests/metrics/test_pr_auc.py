"""Average precision: scikit-learn's, exactly on grid scores and closely on raw ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.pr_auc import pr_auc
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.sums import Scores
from sklearn.metrics import average_precision_score

ScoresOf = Callable[..., Scores]

SCORE = st.sampled_from([0.0, 1e-9, 0.25, 0.5, 0.75, 1 - 1e-12, 1.0]) | st.floats(0.0, 1.0)
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORE), min_size=3, max_size=60).filter(
    lambda rows: 1 < sum(label for label, _ in rows) < len(rows)
)


def known(found: Estimate | Unknown) -> Estimate:
    assert isinstance(found, Estimate)
    return found


@settings(deadline=None, derandomize=True, max_examples=100)
@given(rows=ROWS)
def test_it_is_scikit_learns_on_the_grid(rows: list[tuple[int, float]], scores_of: ScoresOf) -> None:
    label, score = zip(*rows, strict=True)
    scores = scores_of(label, score)
    # The raw scores in their order share the cells out, rows of one cell being tied.
    place = np.repeat(centre_of(scores.cells), scores.positives + scores.negatives)
    snapped = np.empty(len(score))
    snapped[np.argsort(score, kind="stable")] = place
    found = known(pr_auc(scores))
    assert found.value == pytest.approx(average_precision_score(label, snapped), abs=1e-12)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_it_is_close_to_scikit_learns_on_raw_scores(share: float, scores_of: ScoresOf) -> None:
    draw = np.random.default_rng(3)
    label = (draw.random(5000) < share).astype(np.int64)
    score = 1 / (1 + np.exp(-draw.normal(label * 1.5, 1.0)))
    assert known(pr_auc(scores_of(label, score))).value == pytest.approx(
        average_precision_score(label, score), abs=1e-3
    )


@pytest.mark.parametrize(
    ("label", "words"), [([], "positive"), ([0, 0], "positive"), ([0, 1], "positive"), ([1, 1], "negative")]
)
def test_a_single_class_tells_nothing(label: list[int], words: str, scores_of: ScoresOf) -> None:
    found = pr_auc(scores_of(label, np.linspace(0, 1, len(label))))
    assert isinstance(found, Unknown)
    assert words in found.why and found.n == len(label)


def test_constant_scores_have_the_share_of_positives(scores_of: ScoresOf) -> None:
    found = known(pr_auc(scores_of([1] * 30 + [0] * 70, [0.4] * 100)))
    assert found.value == pytest.approx(0.3)
    assert found.low < 0.3 < found.high
