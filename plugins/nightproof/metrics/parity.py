"""Parity over all groups of a column: the largest gap, and the smallest ratio, between any two.

The value is the plug-in one, ``max - min`` (or ``min / max``) over the groups, as other libraries
give it; it grows with the number of groups even where all are served alike. The interval knows that
the pair was chosen: every pair of groups gets its MOVER interval (see
:mod:`nightproof.metrics.estimate`) from Wilson intervals at level ``0.05 / pairs``, so that all of
them hold at once with at least 95 % (Bonferroni), whatever depends on what. Where all hold, the
largest gap lies between the largest of their lower and the largest of their upper ends. So the
interval covers at least 95 %, mostly more: it is wide rather than wrong. A gap has no sign, so beyond
a limit close to 0 it is found by chance up to one time in twenty; beyond one that is large
beside the noise, one time in forty.

References
----------
.. [1] O. J. Dunn, "Multiple comparisons among means", JASA 56 (1961),
   doi:10.1080/01621459.1961.10482090.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from nightproof.metrics.estimate import Change, Unknown

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Disparity:
    """How far apart the two groups lie that are furthest apart.

    Parameters
    ----------
    change
        The gap or ratio with its simultaneous 95 % interval.
    most, least
        Places of the groups with the higher and the lower rate.
    n
        Rows that the rates of all groups stand on.
    """

    change: Change
    most: int
    least: int
    n: int


@dataclass(frozen=True)
class _Shares:
    """A rate of those groups that have rows for it, with simultaneous intervals."""

    places: npt.NDArray[np.int64]
    value: Floats
    low: Floats
    high: Floats
    n: int


def largest_gap(
    *rates: Sequence[tuple[float, float]], nothing: str = "fewer than two groups have rows"
) -> Disparity | Unknown:
    """The largest difference between two groups in any of some rates.

    Parameters
    ----------
    *rates
        Of each rate, the (hits, rows) of every group, groups in the same order; of weighed rows,
        their weights. A group without rows for a rate is left out of it.
    nothing
        Why the answer is unknown, as part of a sentence.

    Returns
    -------
    Disparity | Unknown
        Unknown where one of the rates is known of fewer than two groups. The lower end may be
        negative: then the groups may well be served alike.
    """
    found = _simultaneous(rates)
    if found is None:
        return Unknown(nothing, round(sum(n for rate in rates for _, n in rate)))
    gaps = [_gaps(each) for each in found]
    widest = max(range(len(gaps)), key=lambda place: gaps[place][0].max())
    value, pair = _extreme(gaps[widest][0], found[widest])
    low = max(float(_pairs(low).max()) for _, low, _ in gaps)
    high = max(float(_pairs(high).max()) for _, _, high in gaps)
    change = Change(value, min(low, value), min(1.0, max(high, value)))
    return Disparity(change, *pair, n=sum(each.n for each in found))


def smallest_ratio(
    rate: Sequence[tuple[float, float]], *, nothing: str = "fewer than two groups have rows"
) -> Disparity | Unknown:
    """The smallest ratio, 0 to 1, of one group's rate to another's.

    Parameters
    ----------
    rate
        The (hits, rows) of every group.
    nothing
        Why the answer is unknown, as part of a sentence.
    """
    total = round(sum(n for _, n in rate))
    found = _simultaneous([rate])
    if found is None:
        return Unknown(nothing, total)
    [shares] = found
    if not shares.value.any():
        return Unknown("the rate is 0 in every group", total)
    _, pair = _extreme(shares.value[:, None] - shares.value[None, :], shares)
    value = float(shares.value.min() / shares.value.max())
    # A rate of 0 has no logarithm: there only its upper end speaks, for what the ratio is at most.
    tiny = 1e-12
    logs = [np.log(np.maximum(x, tiny)) for x in (shares.value, shares.low, shares.high)]
    logs[0] = np.where(shares.value > 0.0, logs[0], logs[2])
    _, low, high = _gaps(_Shares(shares.places, logs[0], logs[1], logs[2], shares.n))
    # Below a group without hits there is nothing, so the ratio to it cannot be bounded away from 0.
    least = 0.0 if value == 0.0 else float(np.exp(-_pairs(high).max()))
    most = float(np.exp(-max(0.0, _pairs(low).max())))
    return Disparity(Change(value, min(least, value), max(most, value)), *pair, n=total)


def _simultaneous(rates: Sequence[Sequence[tuple[float, float]]]) -> list[_Shares] | None:
    """Wilson intervals of all groups at the level that all pairs of all rates need."""
    kept = [[(place, hits, n) for place, (hits, n) in enumerate(rate) if n] for rate in rates]
    if any(len(rate) < 2 for rate in kept):
        return None
    pairs = sum(len(rate) * (len(rate) - 1) // 2 for rate in kept)
    z = float(-ndtri(0.025 / pairs))
    return [_wilson(np.array(rate, dtype=np.float64), z) for rate in kept]


def _wilson(rate: Floats, z: float) -> _Shares:
    places, hits, n = rate.T
    share, z2 = hits / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low, high = np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)
    return _Shares(places.astype(np.int64), share, low, high, round(float(n.sum())))


def _gaps(shares: _Shares) -> tuple[Floats, Floats, Floats]:
    """Row's value less column's, with its interval by MOVER, for every ordered pair."""
    value, below, above = shares.value, shares.value - shares.low, shares.high - shares.value
    gap = value[:, None] - value[None, :]
    low = gap - np.hypot(below[:, None], above[None, :])
    high = gap + np.hypot(above[:, None], below[None, :])
    return gap, low, high


def _pairs(ends: Floats) -> Floats:
    """The same without the diagonal: a group is not compared with itself."""
    return np.asarray(ends[~np.eye(len(ends), dtype=bool)])


def _extreme(gap: Floats, shares: _Shares) -> tuple[float, tuple[int, int]]:
    most, least = np.unravel_index(int(gap.argmax()), gap.shape)
    if most == least:  # all alike: name two that differ
        least = most + 1
    return float(gap[most, least]), (int(shares.places[most]), int(shares.places[least]))
