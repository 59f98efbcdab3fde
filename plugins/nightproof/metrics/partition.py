"""Partitions: labelled rows cut into bins by a feature, or into groups by a grouping, with their losses.

Every partition of a night holds the same labelled rows, so the sums of its bins add up to the same
whole. Losses are counted unweighed here: where rows are weighed, only features cut them, because
groups then know weighed sums alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from json.encoder import encode_basestring

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import mean_loss
from nightproof.profiles import Profile
from nightproof.profiles.counts import SCALE_BITS
from nightproof.profiles.spec import MISSING, OTHER, Grouping, ProfileSpec, Regression
from nightproof.profiles.sums import BinLosses, Loss
from nightproof.profiles.text import range_texts
from nightproof.words import edges

Floats = npt.NDArray[np.float64]

LOSSES = {"binary": "brier", "multiclass": "brier", "regression": "absolute"}
"""The loss that a task's slices are compared by; a ranking has none of single rows."""
METRIC = {"brier": "brier", "absolute": "mae", "error_rate": "error_rate"}
"""The metric that is the mean of each loss."""
RARE = "(a rare value)"
"""The bin of a category's values outside a vocabulary that is too long to list."""
RANGES = 5
"""Into about so many ranges a numeric feature's bins are joined, for slices that can be read."""


@dataclass(frozen=True)
class Sums:
    """Labelled rows by bin, with sums of their losses and of the squares; arrays of equal length."""

    n: Floats
    total: Floats
    squares: Floats

    def joined(self, place: npt.NDArray[np.int64]) -> Sums:
        """Bins added up by the place that each is given."""
        sums = (np.bincount(place, weights=part) for part in (self.n, self.total, self.squares))
        return Sums(*(np.asarray(part, dtype=np.float64) for part in sums))

    def mean(self) -> Estimate | Unknown:
        """Mean loss over all bins."""
        return mean_loss(Loss(round(float(self.n.sum())), float(self.total.sum()), float(self.squares.sum())))


@dataclass(frozen=True)
class Partition:
    """One way to cut a night and its baseline into the same bins.

    Parameters
    ----------
    columns
        The column, or the pair of columns, that rows are cut by.
    values
        Of each bin, the value or range in each column.
    bounds
        Of each bin and column, the range as numbers, open below and closed above; not-a-number
        where the value is no range.
    now, then
        The night's rows and the baseline's.
    feature
        Whether it is a feature's own bins, in order, missing ones last.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    bounds: tuple[tuple[tuple[float, float], ...], ...]
    now: Sums
    then: Sums
    feature: bool

    def segment(self, place: int) -> dict[str, str]:
        """A bin as findings name it."""
        return dict(zip(self.columns, self.values[place], strict=True))

    @property
    def name(self) -> str:
        """The columns in words."""
        return " and ".join(self.columns)


def task_loss(spec: ProfileSpec) -> str | None:
    """The loss that a spec's slices are compared by; ``None`` for a ranking."""
    return LOSSES.get(spec.task.kind)


def features(current: Profile, baseline: Profile, loss: str) -> list[Partition]:
    """Every feature's bins; ``loss`` is the task's, or ``error_rate`` for the share predicted wrong."""
    return [_feature(current, baseline, name, loss) for name in current.spec.features]


def _feature(current: Profile, baseline: Profile, name: str, loss: str) -> Partition:
    spec = current.spec
    now, then = (_sums(profile.feature(name), loss, spec) for profile in (current, baseline))
    if name in spec.numeric:
        ranges = ranges_of(spec.numeric[name].edges)
        values, bounds = [*(text for text, _ in ranges), MISSING], [*(ends for _, ends in ranges), _NO_RANGE]
    else:
        feature = spec.categorical[name]
        values = [*feature.vocabulary, RARE if feature.buckets else OTHER, MISSING]
        bounds = [_NO_RANGE] * len(values)
        if feature.buckets:
            size, bins = len(feature.vocabulary), len(now.n)
            place = np.minimum(np.arange(bins), size)
            place[-1] = size + 1
            now, then = now.joined(place), then.joined(place)
    return Partition((name,), tuple((v,) for v in values), tuple((b,) for b in bounds), now, then, feature=True)


_NO_RANGE = (math.nan, math.nan)


def ranges_of(cuts: Sequence[float]) -> list[tuple[str, tuple[float, float]]]:
    """Names and ends of the ranges that rising inner edges cut numbers into; names in as few digits as tell apart."""
    if not cuts:
        return [("any number", (-math.inf, math.inf))]
    shown = [text.replace("−", "-").replace(",", "") for text in edges(cuts)]
    between = [f"over {low} to {high}" for low, high in pairwise(shown)]
    names = [f"up to {shown[0]}", *between, f"over {shown[-1]}"]
    return list(zip(names, pairwise((-math.inf, *cuts, math.inf)), strict=True))


def _sums(bins: BinLosses, loss: str, spec: ProfileSpec) -> Sums:
    n = (bins.wrong + bins.right).astype(np.float64)
    if loss == "error_rate":
        wrong = bins.wrong.astype(np.float64)
        return Sums(n, wrong, wrong)
    unit = _unit(spec)
    return Sums(n, bins.total * unit, bins.total_squared * unit**2)


def _unit(spec: ProfileSpec) -> float:
    return spec.task.error_scale if isinstance(spec.task, Regression) else 1.0


def groupings(current: Profile, baseline: Profile, loss: str) -> list[Partition]:
    """Groups of every grouping whose groups the baseline fixes; none where rows are weighed."""
    spec = current.spec
    if spec.weight is not None:
        return []
    cuts = [grouping for grouping in spec.groupings if "version" not in grouping.uses]
    groups = [_groups(grouping) for grouping in cuts]
    texts = [text for cut, found in zip(cuts, groups, strict=True) for text in _texts(cut.columns, found)]
    stops = np.cumsum([len(found) for found in groups])[:-1]
    now, then = (_by_segment(profile, loss, texts, stops) for profile in (current, baseline))
    return [
        Partition(cut.columns, tuple(found), _bounds(cut, found), own, known, feature=False)
        for cut, found, own, known in zip(cuts, groups, now, then, strict=True)
    ]


def _groups(grouping: Grouping) -> list[tuple[str, ...]]:
    own = list(grouping.groups)
    if len(grouping.columns) == 1 and (MISSING,) not in own:
        own.append((MISSING,))
    return [*own, tuple(OTHER for _ in grouping.columns)]


def _texts(columns: Sequence[str], groups: Sequence[tuple[str, ...]]) -> list[str]:
    """As :func:`nightproof.profiles.text.segment_text` writes each group, ten times as fast."""
    names = [encode_basestring(name) for name in columns]
    return [
        "{" + ",".join(f"{name}:{encode_basestring(value)}" for name, value in zip(names, group, strict=True)) + "}"
        for group in groups
    ]


def _by_segment(profile: Profile, loss: str, texts: list[str], stops: npt.NDArray[np.int64]) -> list[Sums]:
    if not texts:
        return []
    counted = profile.facts.filter((pl.col("fact") == "loss") & (pl.col("column") == loss))
    ordered = pl.DataFrame({"segment": texts}).join(
        counted.select("segment", "count", "total", "squares"), on="segment", how="left", maintain_order="left"
    )
    unit = 2.0**-SCALE_BITS * _unit(profile.spec)
    columns = ordered.select(pl.col(name).fill_null(0).cast(pl.Float64) for name in ("count", "total", "squares"))
    n, total, squares = (columns[name].to_numpy() for name in ("count", "total", "squares"))
    parts = (np.split(part, stops) for part in (n, total * unit, squares * unit * _unit(profile.spec)))
    return [Sums(*three) for three in zip(*parts, strict=True)]


def _bounds(grouping: Grouping, groups: Sequence[tuple[str, ...]]) -> tuple[tuple[tuple[float, float], ...], ...]:
    known = {
        name: dict(zip(range_texts(cuts), pairwise((-math.inf, *cuts, math.inf)), strict=True))
        for name, cuts in grouping.edges.items()
    }
    return tuple(
        tuple(known.get(name, {}).get(value, _NO_RANGE) for name, value in zip(grouping.columns, group, strict=True))
        for group in groups
    )


def readable(partition: Partition) -> Partition:
    """A numeric feature's bins joined into about five ranges of equal shares of the baseline; others as they are."""
    ends = np.array([bounds[0] for bounds in partition.bounds])
    if not partition.feature or np.isnan(ends[0, 0]) or len(ends) <= RANGES + 1:
        return partition
    rows = partition.then.n[:-1]
    before = np.cumsum(rows) - rows / 2
    place = np.minimum((before * RANGES / max(float(rows.sum()), 1.0)).astype(np.int64), RANGES - 1)
    place = np.unique(place, return_inverse=True)[1]
    last = np.append(np.flatnonzero(np.diff(place)), len(place) - 1)
    ranges = ranges_of([float(ends[i, 1]) for i in last[:-1]])
    every = np.append(place, len(ranges))
    return Partition(
        partition.columns,
        (*((text,) for text, _ in ranges), (MISSING,)),
        (*((both,) for _, both in ranges), (_NO_RANGE,)),
        partition.now.joined(every),
        partition.then.joined(every),
        feature=True,
    )
