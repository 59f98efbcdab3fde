"""Which slices got worse: mean loss in each beside the baseline's, ranked by harm and size together.

A slice's **contribution** is its share of the night's labelled rows times the rise of its mean loss: what it
adds to the whole model's change. Each slice is tested one-sided against "no worse than on the
baseline" by Welch's t [1]_, or Student's where its standard error is the larger: of few skewed losses
without one of the large ones both mean and variance come out too small, and Welch's test would take that
chance of a small baseline for harm. Many slices are looked at, and they overlap, so the p-values are adjusted by
Holm's step-down procedure [2]_, which holds whatever depends on what: the probability that any slice is
named that is no worse is at most 5 %. (The procedure of Benjamini and Yekutieli [3]_ would bound only the
share of such slices among the named ones, and asks more of the first ones than Holm's does.)

References
----------
.. [1] B. L. Welch, "The generalization of 'Student's' problem when several different population
   variances are involved", Biometrika 34 (1947), doi:10.1093/biomet/34.1-2.28.
.. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6 (1979), https://www.jstor.org/stable/4615733.
.. [3] Y. Benjamini and D. Yekutieli, "The control of the false discovery rate in multiple testing
   under dependency", Annals of Statistics 29 (2001), doi:10.1214/aos/1013699998.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.partition import Partition
from nightproof.profiles.sums import Loss

Floats = npt.NDArray[np.float64]
ALIKE = 0.1
"""Slices whose sizes and contributions differ by no more than this share are told once."""
LEVEL = 0.05
"""Probability that any slice is named on a night on which none is worse."""


@dataclass(frozen=True)
class SliceHarm:
    """How one slice's loss changed.

    Parameters
    ----------
    segment
        Value or range by column.
    share
        Of the night's labelled rows.
    now, then
        Mean loss of the night and of the baseline.
    change
        Their difference, by MOVER.
    contribution
        ``share`` times the change: what the slice adds to the model's mean loss.
    p_value
        Adjusted for all slices that were looked at.
    """

    segment: dict[str, str]
    share: float
    now: Estimate
    then: Estimate
    change: Change
    contribution: float
    p_value: float

    @property
    def surely_worse(self) -> bool:
        """Whether chance among so many slices does not explain it."""
        return self.p_value < LEVEL and self.change.value > 0.0


@dataclass(frozen=True)
class SliceHarms:
    """The worst slices, and how many were looked at."""

    looked_at: int
    worst: tuple[SliceHarm, ...]


@dataclass(frozen=True)
class _Candidates:
    """Slices with enough rows; arrays of equal length."""

    partition: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    sums: Floats
    """Rows, totals and squares of the night, then the baseline's."""
    share: Floats
    change: Floats
    contribution: Floats
    p_value: Floats


def slice_harms(partitions: Sequence[Partition], *, least: int, most: int, named: int) -> SliceHarms:
    """The slices that add most to the model's loss.

    Parameters
    ----------
    partitions
        Their bins are the slices.
    least
        A slice with fewer labelled rows, on the night or on the baseline, is not looked at.
    most
        How many that are surely worse are listed.
    named
        Where fewer than this are surely worse, others that look worse follow, up to this number.

    Returns
    -------
    SliceHarms
        Surely worse ones first, each by contribution. A slice that tells nothing beyond one
        listed before it is left out: see :func:`_says_more`.
    """
    if not partitions:
        return SliceHarms(0, ())
    found = _candidates(partitions, max(least, 2))
    sure = (found.p_value < LEVEL) & (found.change > 0.0)
    order = np.lexsort((-found.contribution, ~sure))
    listed: list[tuple[int, SliceHarm, dict[str, tuple[float, float]]]] = []
    for i in order[found.change[order] > 0.0]:
        if len(listed) >= (most if sure[i] else min(named, most)):
            break
        partition, place = partitions[found.partition[i]], int(found.place[i])
        harm = _harm(found, int(i), partition.segment(place))
        bounds = dict(zip(partition.columns, partition.bounds[place], strict=True))
        if all(_says_more(harm, bounds, other, around) for _, other, around in listed):
            listed.append((int(i), harm, bounds))
    return SliceHarms(len(found.share), tuple(harm for _, harm, _ in listed))


def _candidates(partitions: Sequence[Partition], least: int) -> _Candidates:
    sizes = [len(p.now.n) for p in partitions]
    owner = np.repeat(np.arange(len(partitions)), sizes)
    place = np.concatenate([np.arange(size) for size in sizes])
    sums = np.stack(
        [
            np.concatenate([getattr(getattr(p, side), part) for p in partitions])
            for side in ("now", "then")
            for part in ("n", "total", "squares")
        ]
    )
    whole = max(float(partitions[0].now.n.sum()), 1.0)
    share = sums[0] / whole
    # What holds nearly all rows is no slice but the model.
    kept = (sums[0] >= least) & (sums[3] >= least) & (share < 1.0 - ALIKE)
    owner, place, sums, share = owner[kept], place[kept], sums[:, kept], share[kept]
    change, p_value = _rises(sums)
    return _Candidates(owner, place, sums, share, change, share * change, holm(p_value))


def _rises(sums: Floats) -> tuple[Floats, Floats]:
    """Difference of mean losses and the one-sided p-value of "no rise", by the larger of two standard errors."""
    n1, total1, squares1, n0, total0, squares0 = sums
    mean1, mean0 = total1 / n1, total0 / n0
    left1, left0 = np.maximum(squares1 - n1 * mean1**2, 0.0), np.maximum(squares0 - n0 * mean0**2, 0.0)
    error1, error0 = left1 / (n1 - 1.0) / n1, left0 / (n0 - 1.0) / n0
    apart = error1 + error0
    freedom = apart**2 / np.maximum(error1**2 / (n1 - 1.0) + error0**2 / (n0 - 1.0), 1e-300)
    pooled = (left1 + left0) / (n1 + n0 - 2.0) * (1.0 / n1 + 1.0 / n0)
    freedom = np.where(pooled > apart, n1 + n0 - 2.0, np.maximum(freedom, 1.0))
    error = np.maximum(apart, pooled)
    change, known = mean1 - mean0, error > 0.0
    p_value = stdtr(freedom, -change / np.sqrt(np.where(known, error, 1.0)))
    return change, np.where(known, p_value, np.where(change > 0.0, 0.0, 1.0))


def holm(p_values: Floats) -> Floats:
    """P-values adjusted by Holm's step-down procedure, in the order given."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def _harm(found: _Candidates, i: int, segment: dict[str, str]) -> SliceHarm:
    n1, total1, squares1, n0, total0, squares0 = (float(value) for value in found.sums[:, i])
    now, then = mean_loss(Loss(round(n1), total1, squares1)), mean_loss(Loss(round(n0), total0, squares0))
    assert not isinstance(now, Unknown) and not isinstance(then, Unknown)  # two rows at least
    change = difference(now, then)
    share = float(found.share[i])
    return SliceHarm(segment, share, now, then, change, share * change.value, float(found.p_value[i]))


def _says_more(
    harm: SliceHarm,
    bounds: dict[str, tuple[float, float]],
    listed: SliceHarm,
    around: dict[str, tuple[float, float]],
) -> bool:
    """Whether a slice is worth telling after a listed one.

    Not if both have nearly the same size and contribution and share a column, or the very same
    size and losses; nor if it lies within the listed one and is not surely worse than that.
    """
    if harm.now == listed.now and harm.then == listed.then:
        return False
    common = set(harm.segment) & set(listed.segment)
    if not common:
        return True
    alike = abs(harm.share - listed.share) <= ALIKE * listed.share
    if alike and abs(harm.contribution - listed.contribution) <= ALIKE * listed.contribution:
        return False
    within = set(listed.segment) <= set(harm.segment) and all(
        _inside((harm.segment[name], bounds[name]), (listed.segment[name], around[name])) for name in common
    )
    return not within or harm.change.low > listed.change.value


def _inside(own: tuple[str, tuple[float, float]], other: tuple[str, tuple[float, float]]) -> bool:
    (value, (low, high)), (listed, (least, most)) = own, other
    return value == listed or (low >= least and high <= most)
