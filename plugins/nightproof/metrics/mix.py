"""What explains a change of the mean loss: the mix of a column's bins, or bins getting worse.

With the share ``p`` of labelled rows and the mean loss ``m`` of each bin, now (1) and on the
baseline (0), Kitagawa's decomposition [1]_, the symmetric form of Oaxaca's and Blinder's [2]_ [3]_, is::

    M1 - M0 = sum (p1 - p0) (m1 + m0) / 2  +  sum (m1 - m0) (p1 + p0) / 2
              what came from the mix          what came from bins getting worse

It adds up to the whole exactly. A bin without rows on one side takes the other side's loss, so all of it is
mix. Each part's 95 % interval is the delta method's, over what both samples' shares and losses leave
open. It is arithmetic and no proof of causes: columns that move together explain the same change.

References
----------
.. [1] E. M. Kitagawa, "Components of a difference between two rates", JASA 50 (1955),
   doi:10.1080/01621459.1955.10501299.
.. [2] R. Oaxaca, "Male-female wage differentials in urban labor markets", International Economic
   Review 14 (1973), doi:10.2307/2525981.
.. [3] A. S. Blinder, "Wage discrimination: reduced form and structural estimates", Journal of Human
   Resources 8 (1973), doi:10.2307/144855.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from nightproof.metrics.estimate import Z95, Change, Estimate, Unknown, difference
from nightproof.metrics.partition import Partition, features, groupings, ranges_of, task_loss
from nightproof.metrics.slice_harm import LEVEL, holm
from nightproof.profiles import Profile

Floats = npt.NDArray[np.float64]
PRIOR_ROWS = 5.0
"""The variance of a bin's losses is held towards that within all bins as if so many rows more had it."""


@dataclass(frozen=True)
class Moved:
    """The bins of a column whose moving explains most: one value, or neighbouring ranges.

    Parameters
    ----------
    segment
        Value or range by column.
    now, then
        Share of the labelled rows.
    mix
        What their moving adds to the loss, beside rows of average loss.
    """

    segment: dict[str, str]
    now: float
    then: float
    mix: float


@dataclass(frozen=True)
class Part:
    """How one column, or pair, splits the change.

    Parameters
    ----------
    columns
        The column, or the pair.
    mix, worsening
        What the moving of its bins explains, and what is left: rows of the same bins predicted
        worse. They add up to the whole.
    p_value
        Two-sided, of "its mix explains nothing", adjusted by Holm's procedure for all columns.
    moved
        Where its mix moved most in the direction of the change; ``None`` where nothing did.
    """

    columns: tuple[str, ...]
    mix: Change
    worsening: Change
    p_value: float
    moved: Moved | None

    @property
    def name(self) -> str:
        """The columns in words."""
        return " and ".join(self.columns)


@dataclass(frozen=True)
class Explanation:
    """A change of the mean loss, and how each column splits it.

    Parameters
    ----------
    loss
        ``brier``, ``absolute`` or ``error_rate``.
    now, then
        Mean over the labelled rows of the night and of the baseline.
    whole
        Their difference.
    parts
        Columns whose mix explains most of the change first.
    """

    loss: str
    now: Estimate
    then: Estimate
    whole: Change
    parts: tuple[Part, ...]

    def leading(self, most: int) -> tuple[Part, ...]:
        """Parts whose mix surely goes the way of the change, those that explain most first, at most so many.

        A pair is left out unless it surely explains more than either of its columns alone, and where
        another pair with one of its columns explains more still.
        """
        way = 1.0 if self.whole.value >= 0.0 else -1.0
        sure = [part for part in self.parts if part.p_value < LEVEL and part.mix.value * way > 0.0]
        alone = {part.columns[0]: part.mix.value * way for part in self.parts if len(part.columns) == 1}
        found: list[Part] = []
        paired: set[str] = set()
        for part in sure:
            if len(part.columns) > 1:
                least = part.mix.low if way > 0.0 else -part.mix.high
                if least <= max(alone.get(name, 0.0) for name in part.columns) or paired & set(part.columns):
                    continue
                paired |= set(part.columns)
            found.append(part)
        return tuple(found[:most])


def explain(current: Profile, baseline: Profile, *, loss: str | None = None) -> Explanation | Unknown:
    """Split the change of the mean loss by every feature, and by every grouping.

    Parameters
    ----------
    current, baseline
        Two profiles of one spec.
    loss
        The task's own (Brier score, absolute error) if left out; ``error_rate`` for the share of rows that a
        classifier predicts wrong, by features alone.

    Returns
    -------
    Explanation | Unknown
        Unknown for a ranking, for a model without features, and where fewer than two rows have a
        label on either side. Losses are unweighed.
    """
    wanted = loss or task_loss(current.spec)
    if wanted is None:
        return Unknown("a ranking has no loss of single rows", current.rows)
    cuts = features(current, baseline, wanted)
    if not cuts:
        return Unknown("the model has no features", current.rows)
    known = {cut.columns for cut in cuts}
    if wanted != "error_rate":
        cuts += [cut for cut in groupings(current, baseline, wanted) if cut.columns not in known]
    return explained(cuts, loss=wanted)


def explained(partitions: Sequence[Partition], *, loss: str) -> Explanation | Unknown:
    """Split the change by each of some partitions of the same rows, of which there is at least one."""
    now, then = partitions[0].now.mean(), partitions[0].then.mean()
    if isinstance(now, Unknown):
        return now
    if isinstance(then, Unknown):
        return Unknown(f"in the baseline, {then.why}", now.n)
    whole = difference(now, then)
    split = _split(partitions)
    p_values = holm(2.0 * ndtr(-np.abs(split.mix) / np.maximum(split.mix_error, 1e-300)))
    way = 1.0 if whole.value >= 0.0 else -1.0
    order = np.argsort(-way * split.mix, kind="stable")
    parts = tuple(_part(partitions[i], split, int(i), float(p_values[i]), way) for i in order)
    return Explanation(loss, now, then, whole, parts)


@dataclass(frozen=True)
class _Split:
    """The decomposition of every partition, and each bin's share in it."""

    mix: Floats
    worsening: Floats
    mix_error: Floats
    worsening_error: Floats
    bin_mix: Floats
    share: tuple[Floats, Floats]
    start: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Side:
    """One side's bins: rows, shares, mean losses and the variances of those means."""

    rows: float
    n: Floats
    share: Floats
    mean: Floats
    error: Floats

    @classmethod
    def of(cls, partitions: Sequence[Partition], side: str, owner: npt.NDArray[np.int64]) -> _Side:
        sums = [getattr(p, side) for p in partitions]
        n, total, squares = (np.concatenate([getattr(s, name) for s in sums]) for name in ("n", "total", "squares"))
        rows, some = float(sums[0].n.sum()), np.maximum(n, 1.0)
        mean = total / some
        left = np.maximum(squares - n * mean**2, 0.0)
        bins = np.bincount(owner, weights=n > 0)
        within = np.bincount(owner, weights=left) / np.maximum(rows - bins, 1.0)
        variance = (left + PRIOR_ROWS * within[owner]) / (np.maximum(n - 1.0, 0.0) + PRIOR_ROWS)
        return cls(rows, n, n / rows, mean, variance / some)


def _split(partitions: Sequence[Partition]) -> _Split:
    sizes = np.array([len(p.now.n) for p in partitions])
    owner, start = np.repeat(np.arange(len(sizes)), sizes), np.cumsum(sizes) - sizes
    now, then = _Side.of(partitions, "now", owner), _Side.of(partitions, "then", owner)
    both, only_now, only_then = (now.n > 0) & (then.n > 0), (now.n > 0) & (then.n == 0), (now.n == 0) & (then.n > 0)

    def added(values: Floats) -> Floats:
        return np.bincount(owner, weights=values, minlength=len(sizes)).astype(np.float64)

    # A bin that one side lacks has the other's loss.
    loss = np.where(both, (now.mean + then.mean) / 2.0, np.where(only_now, now.mean, then.mean))
    rise = np.where(both, now.mean - then.mean, 0.0)
    moved, middle = now.share - then.share, (now.share + then.share) / 2.0
    # Shares add up to 1, so that any constant may be taken off the losses.
    loss = loss - (added(now.share * now.mean) + added(then.share * then.mean))[owner] / 2.0
    slopes = (np.where(both, moved / 2.0, moved * only_now), np.where(both, moved / 2.0, moved * only_then))
    mix_error, worsening_error = np.zeros(len(sizes)), np.zeros(len(sizes))
    for side, slope in zip((now, then), slopes, strict=True):
        # What a row's bin moves, and what its loss moves within the bin.
        mix_error += (added(side.share * loss**2) - added(side.share * loss) ** 2) / side.rows
        mix_error += added(slope**2 * side.error)
        worsening_error += (added(side.share * rise**2) - added(side.share * rise) ** 2) / (4.0 * side.rows)
        worsening_error += added((middle * both) ** 2 * side.error)
    bin_mix = moved * loss
    errors = (np.sqrt(np.maximum(mix_error, 0.0)), np.sqrt(np.maximum(worsening_error, 0.0)))
    return _Split(added(bin_mix), added(middle * rise), *errors, bin_mix, (now.share, then.share), start)


def _part(partition: Partition, split: _Split, i: int, p_value: float, way: float) -> Part:
    own = slice(split.start[i], split.start[i] + len(partition.now.n))
    now, then = split.share[0][own], split.share[1][own]
    return Part(
        partition.columns,
        _change(split.mix[i], split.mix_error[i]),
        _change(split.worsening[i], split.worsening_error[i]),
        p_value,
        _moved(partition, split.bin_mix[own], now, then, way),
    )


def _change(value: float, error: float) -> Change:
    return Change(float(value), float(value - Z95 * error), float(value + Z95 * error))


def _moved(partition: Partition, mix: Floats, now: Floats, then: Floats, way: float) -> Moved | None:
    """The bin that moves the loss most, with neighbouring ranges that do the same."""
    best = int(np.argmax(mix * way))
    if mix[best] * way <= 0.0:
        return None
    first = last = best
    is_range = partition.feature and not np.isnan(partition.bounds[best][0][0])
    if is_range:
        alike = (mix * way > 0.0) & (np.sign(now - then) == np.sign(now[best] - then[best]))
        alike[-1] = False
        while first > 0 and alike[first - 1]:
            first -= 1
        while alike[last + 1]:
            last += 1
        # Above the baseline's largest value there may be nothing.
        last = len(mix) - 2 if last == len(mix) - 3 and now[-2] == then[-2] == 0.0 else last
    run = slice(first, last + 1)
    segment = partition.segment(best) if first == last else _range(partition, first, last)
    return Moved(segment, float(now[run].sum()), float(then[run].sum()), float(mix[run].sum()))


def _range(partition: Partition, first: int, last: int) -> dict[str, str]:
    low, high = partition.bounds[first][0][0], partition.bounds[last][0][1]
    cuts = [edge for edge in (low, high) if np.isfinite(edge)]
    names = [name for name, _ in ranges_of(cuts)]
    return {partition.columns[0]: names[1] if len(cuts) == 2 else names[0] if np.isinf(low) else names[-1]}
