"""Gaps and ratios to the reference group cover what they say, for groups of 30 to 2,000.

Summed over the likely pairs of counts (every third or so of large groups), so that chance is not in
it but the steps of small counts are. MOVER on two Wilson intervals is a little wide where a rate is
near 0 and a group is small, never narrow beyond the band.
"""

from __future__ import annotations

import numpy as np
import pytest
from nightproof.metrics.comparisons import COMPARISONS, Comparison
from nightproof.metrics.estimate import Change, Estimate, Unknown
from nightproof.metrics.rates import wilson
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles.sums import Scores
from scipy.stats import binom

SIZES = [(30, 2000), (60, 2000), (60, 400), (200, 2000), (2000, 2000)]
PAIRS = [(0.1, 0.1), (0.2, 0.3), (0.5, 0.5), (0.9, 0.8)]


def likely(n: int, share: float) -> np.ndarray:
    """Hits that all but one night in a million has."""
    low, high = binom.ppf([5e-7, 1 - 5e-7], n, share).astype(int)
    return np.unique(np.linspace(low, high, min(high - low + 1, 90)).astype(int))


def coverage(comparison: Comparison, sizes: tuple[int, int], shares: tuple[float, float], truth: float) -> float:
    hits = [likely(n, share) for n, share in zip(sizes, shares, strict=True)]
    weights = [binom.pmf(h, n, share) for h, n, share in zip(hits, sizes, shares, strict=True)]
    rates = [[wilson(int(hit), n) for hit in h] for h, n in zip(hits, sizes, strict=True)]
    held = np.zeros((len(hits[0]), len(hits[1])))
    for i, own in enumerate(rates[0]):
        for j, other in enumerate(rates[1]):
            found = comparison.of({comparison.measure: own}, {comparison.measure: other})
            held[i, j] = isinstance(found, Change) and found.low <= truth <= found.high
    total = weights[0].sum() * weights[1].sum()
    return float(weights[0] @ held @ weights[1] / total)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shares", PAIRS)
def test_a_gap_of_rates(sizes: tuple[int, int], shares: tuple[float, float]) -> None:
    found = coverage(COMPARISONS["fpr_gap"], sizes, shares, shares[0] - shares[1])
    assert 0.935 < found < 0.972 if min(sizes) < 60 else 0.935 < found < 0.965


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shares", PAIRS)
def test_a_ratio_of_rates(sizes: tuple[int, int], shares: tuple[float, float]) -> None:
    found = coverage(COMPARISONS["impact_ratio"], sizes, shares, shares[0] / shares[1])
    assert 0.935 < found < 0.972 if min(sizes) < 60 else 0.935 < found < 0.965


@pytest.mark.parametrize(("n", "m"), [(30, 2000), (100, 400), (1000, 1000)])
def test_a_gap_of_areas(n: int, m: int) -> None:
    draw, nights, apart = np.random.default_rng(8), 1500, 1.2
    held = 0
    for _ in range(nights):
        own, other = (roc_auc(scored(draw, size, apart)) for size in (n, m))
        found = COMPARISONS["auc_gap"].of({"roc_auc": own}, {"roc_auc": other})
        assert isinstance(found, Change)
        held += found.low <= 0.0 <= found.high
    assert 0.935 < held / nights < 0.972


def scored(draw: np.random.Generator, n: int, apart: float) -> Scores:
    label = np.arange(n) % 2
    value = draw.normal(label * apart)
    order = np.argsort(value)
    positive = label[order].astype(np.int64)
    return Scores(np.arange(n, dtype=np.int64), 1 - positive, positive)


def test_swapping_the_groups_turns_a_gap_and_inverts_a_ratio() -> None:
    rates = {name: Estimate(0.4, 0.3, 0.5, 100) for name in ("tpr", "fpr", "ppv", "accuracy", "roc_auc")}
    other = {name: Estimate(0.55, 0.5, 0.62, 300) for name in rates}
    for name, comparison in COMPARISONS.items():
        pair = rates | {"selection_rate": rates["tpr"]}, other | {"selection_rate": other["tpr"]}
        there, back = comparison.of(*pair), comparison.of(*pair[::-1])
        assert isinstance(there, Change) and isinstance(back, Change)
        if comparison.way == "ratio":
            assert (1 / back.high, 1 / back.low) == pytest.approx(there.interval), name
        else:
            assert back.reversed().interval == pytest.approx(there.interval), name
        assert comparison.equal == (1.0 if comparison.way == "ratio" else 0.0)


def test_what_is_unknown_of_either_group_is_unknown_of_both() -> None:
    known, none = Estimate(0.4, 0.3, 0.5, 100), Unknown("no row has a positive label", 0)
    gap = COMPARISONS["tpr_gap"]
    assert gap.of({"tpr": none}, {"tpr": known}) == none
    assert gap.of({"tpr": known}, {"tpr": none}) == Unknown("in the reference group, no row has a positive label", 100)
    zero = Estimate(0.0, 0.0, 0.1, 40)
    assert isinstance(COMPARISONS["fpr_ratio"].of({"fpr": known}, {"fpr": zero}), Unknown)
