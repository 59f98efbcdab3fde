"""Features: rows by bin and by whether they were predicted right, with their losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch, bin_codes
from nightproof.profiles.counts import Dense, Facts, Shape, fixed
from nightproof.profiles.spec import CategoricalFeature, NumericFeature
from nightproof.profiles.strata import STRATA, stratum_codes
from nightproof.profiles.tasks.judged import Judged

UNSEEN_KEPT = 20
"""Values new since the baseline that a night names, per column; all are counted."""
UNSEEN_LENGTH = 80
"""Longer new values are cut: they are shown, not used."""
UNSEEN_HELD = 100_000
"""More new values than this are not held while counting; the rarest so far are let go."""
LARGEST_SD = 4096.0
"""In its mean, a number is held within so many baseline standard deviations."""

Codes = npt.NDArray[np.integer]


class NumericRows:
    """Counts of one numeric feature, with its range and sum."""

    def __init__(self, name: str, feature: NumericFeature) -> None:
        self.name, self._feature = name, feature
        self.bins = len(feature.edges) + 2
        self._count, self._total = 0, 0
        self._low, self._high = np.inf, -np.inf
        self._below, self._above = 0, 0

    def codes(self, batch: Batch) -> Codes:
        """Bin of each row, the last one for missing."""
        return bin_codes(batch.numbers(self.name), self._feature.edges)

    def add(self, batch: Batch) -> None:
        """Widen the range and add to the sum."""
        values = batch.numbers(self.name)
        if not np.isfinite(values.sum()):
            values = values[np.isfinite(values)]
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        # Adding zero makes a negative zero positive: the least of the two is the one that came first.
        self._low, self._high = min(self._low, low + 0.0), max(self._high, high + 0.0)
        self._count += len(values)
        self._total += int(fixed(self._standard(values, low, high)).sum())
        self._below += int(np.count_nonzero(values < self._feature.low)) if low < self._feature.low else 0
        self._above += int(np.count_nonzero(values > self._feature.high)) if high > self._feature.high else 0

    def _standard(self, values: npt.NDArray[np.float64], low: float, high: float) -> npt.NDArray[np.float64]:
        reach = LARGEST_SD * self._feature.sd
        if low < self._feature.mean - reach or high > self._feature.mean + reach:
            values = np.clip(values, self._feature.mean - reach, self._feature.mean + reach)
        standard: npt.NDArray[np.float64] = (values - self._feature.mean) * (1.0 / self._feature.sd)
        return standard

    def facts(self) -> list[Facts]:
        """Of finite values: count, sum once standardised, least, largest, and how many lie outside the baseline's."""
        known, one, zero = self._count > 0, np.array([self._count]), np.zeros(1, dtype=np.int64)
        low, high = (self._low, self._high) if known else (None, None)
        total = np.array([self._total])
        span = Facts("range", self.name, ("{}",), zero, zero - 1, zero, one, total, zero, low, high)
        places, counts = np.arange(2), np.array([self._below, self._above])
        used = counts > 0
        nothing = np.zeros(int(used.sum()), dtype=np.int64)
        outside = Facts(
            "outside", self.name, ("{}",), nothing, nothing - 1, places[used], counts[used], nothing, nothing
        )
        return [span, outside]


class CategoricalRows:
    """Counts of one categorical feature, with the names of values that the baseline does not know."""

    def __init__(self, name: str, feature: CategoricalFeature, *, kept: int | None = UNSEEN_KEPT) -> None:
        self.name, self._feature = name, feature
        self.bins = len(feature.vocabulary) + max(feature.buckets, 1) + 1
        self._kept, self._unseen = kept, Counter[str]()

    def codes(self, batch: Batch) -> Codes:
        """Bin of each row, the last one for missing."""
        return batch.category_codes(self.name)

    def add(self, batch: Batch) -> None:
        """Keep the names of unknown values."""
        if self._feature.buckets:
            return
        for value, count in batch.unknown_values(self.name).iter_rows():
            self._unseen[value[:UNSEEN_LENGTH]] += count
        if len(self._unseen) > UNSEEN_HELD:
            self._unseen = Counter(dict(self._unseen.most_common(UNSEEN_HELD // 2)))

    def facts(self) -> list[Facts]:
        """The most frequent unknown values."""
        kept = sorted(self._unseen.items(), key=lambda pair: (-pair[1], pair[0]))[: self._kept]
        one, zero = np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        return [
            Facts("unseen", f"{self.name}={value}", ("{}",), zero, -one, zero, count * one, zero, zero)
            for value, count in kept
        ]


class FeatureRows:
    """All features of a spec.

    Parameters
    ----------
    features
        What is counted.
    loss
        Which loss is added up by bin; ``None`` for a task whose rows have none of their own.
    time
        Column of the rows' times, if there is one.
    """

    def __init__(
        self, features: Sequence[NumericRows | CategoricalRows], *, loss: str | None, time: str | None
    ) -> None:
        self._features, self._loss, self._time = features, loss, time
        self._counts = [Dense(_shape("feature", f, (-1, 0, 1))) for f in features]
        self._timed = [Dense(_shape("timed", f, tuple(range(STRATA)))) for f in features] if time else []

    def add(self, judged: Judged) -> None:
        """Count a batch's rows."""
        batch = judged.batch
        total, squares, are_small = None, None, True
        if self._loss and judged.labelled.any():
            total, squares, are_small = judged.fixed(self._loss, weighed=False)
        right = judged.right.astype(np.uint16)
        strata = stratum_codes(batch, self._time) if self._time else None
        timed = None if strata is None else strata >= 0
        for place, feature in enumerate(self._features):
            codes = feature.codes(batch)
            self._counts[place].add(right * np.uint16(feature.bins) + codes, total, squares, are_small=are_small)
            if strata is not None and timed is not None:
                by_time = strata[timed] * feature.bins + codes[timed]
                self._timed[place].add(by_time)
            feature.add(batch)

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        counted = [counts.facts() for counts in (*self._counts, *self._timed)]
        return [*counted, *(fact for feature in self._features for fact in feature.facts())]


def _shape(fact: str, feature: NumericRows | CategoricalRows, labels: tuple[int, ...]) -> Shape:
    return Shape(fact, feature.name, labels=labels, bins=feature.bins, missing=True)
