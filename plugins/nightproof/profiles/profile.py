"""The profile: additive integer facts of a night, and the law that adds them.

Every fact is an integer count or a fixed-point integer sum (or a least and a largest value), so
adding profiles is exact: associative, commutative, and equal to the profile of the pooled rows to
the last bit, whatever the order, the engine or the number of threads.

One long table holds all facts::

    fact      segment           column      label  bin   count  total   squares  low  high
    outcome   {"origin":"JFK"}              1      1     212
    score     {}                            0      8812  3
    loss      {}                brier       -1     0     868    1.9e9   4.1e8
    feature   {}                dep_delay   1      4     45     6.2e7   2.2e7
    timed     {}                dep_delay   17     4     12
    range     {}                dep_delay   -1     0     868    -3.1e8           -17  301
    outside   {}                dep_delay   -1     1     2
    unseen    {}                dest=XYZ    -1     0     2

``label`` is -1 where it is unknown or not asked. For an outcome and a score it is the label (the
place of the true class among several); for a feature it is 1 for rows that were predicted right
and 0 for wrong ones; for ``timed`` the stratum of time. ``bin`` is the predicted class for an
outcome, the grid cell for a score, the bin for a feature (-1 for missing). ``total`` and
``squares`` are sums in units of ``2**-SCALE_BITS``: of losses and of their squares for a loss and a
feature, of weights and of theirs for an outcome and a score, where rows are weighed. Further facts
are a task's own (``rank``, ``error``, ``moment``, ``leaf``), ``sketch``, whose segment is one, and ``metric``: the
sums of a team's own metric by ``bin`` (see ``metric_rows``), whose products are ``total * 2**30 + squares``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from datasketches import compact_theta_sketch

from nightproof.errors import RecordError
from nightproof.profiles.component_rows import DISTANCE_BITS, SQUARE_BITS
from nightproof.profiles.counts import SCALE_BITS
from nightproof.profiles.distinct import FACT, read_sketch
from nightproof.profiles.error_grid import upper_of
from nightproof.profiles.spec import Multiclass, ProfileSpec, Regression
from nightproof.profiles.strata import STRATA
from nightproof.profiles.sums import BinLosses, Loss, Outcomes, Scores, by_bin, outcomes_of, size_of
from nightproof.profiles.tasks.regression import MOMENTS, label_scale
from nightproof.profiles.text import segment_text

SCHEMA = pl.Schema(
    {
        "fact": pl.String,
        "segment": pl.String,
        "column": pl.String,
        "label": pl.Int32,
        "bin": pl.Int32,
        "count": pl.Int64,
        "total": pl.Int64,
        "squares": pl.Int64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
)
KEYS = ("fact", "segment", "column", "label", "bin")
ALL: Mapping[str, str] = {}
"""The segment of all rows."""

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_UNIT = 2.0**-SCALE_BITS


@dataclass(frozen=True)
class Profile:
    """Facts of any number of rows under one spec.

    Parameters
    ----------
    spec
        What the facts were counted by.
    facts
        The long table of the module's docstring, one row a key, sorted by key.
    """

    spec: ProfileSpec
    facts: pl.DataFrame

    @cached_property
    def _by_fact(self) -> dict[str, pl.DataFrame]:
        parts = self.facts.partition_by("fact", as_dict=True)
        return {str(key[0]): part for key, part in parts.items()}

    def _of(self, fact: str) -> pl.DataFrame:
        return self._by_fact.get(fact, self.facts.clear())

    @cached_property
    def _outcomes(self) -> dict[str, dict[tuple[int, int], tuple[int, int, int]]]:
        counted: dict[str, dict[tuple[int, int], tuple[int, int, int]]] = {}
        columns = self._of("outcome").select("segment", "label", "bin", "count", "total", "squares")
        for segment, label, predicted, *sums in columns.iter_rows():
            counted.setdefault(segment, {})[label, predicted] = (sums[0], sums[1], sums[2])
        return counted

    @property
    def rows(self) -> int:
        """All rows."""
        return self.size()[0]

    def size(self, segment: Mapping[str, str] = ALL) -> tuple[int, int]:
        """All rows of a segment and labelled ones, unweighted; zero for an unknown segment."""
        return size_of(self._outcomes.get(segment_text(segment), {}))

    def outcomes(self, segment: Mapping[str, str] = ALL) -> Outcomes:
        """Rows of a segment by label and prediction; all zero for an unknown segment. Binary models only."""
        return outcomes_of(self._weighed(segment))

    def confusion(self, segment: Mapping[str, str] = ALL) -> Floats:
        """Labelled rows of a segment by true class and predicted class; weighed as :class:`Outcomes`."""
        assert isinstance(self.spec.task, Multiclass)
        table = np.zeros((len(self.spec.task.classes),) * 2)
        for (label, predicted), count in self._weighed(segment).items():
            if label >= 0:
                table[label, predicted] = count
        return table

    def held(self, segment: Mapping[str, str] = ALL) -> tuple[float, float]:
        """Labelled rows that a regression's interval held, and all labelled rows."""
        cells = {place: count for place, count in self._weighed(segment).items() if place[0] >= 0}
        return cells.get((0, 1), 0.0), sum(cells.values())

    def _weighed(self, segment: Mapping[str, str]) -> dict[tuple[int, int], float]:
        cells = self._outcomes.get(segment_text(segment), {})
        if self.spec.weight is None:
            return {place: count for place, (count, _, _) in cells.items()}
        weight, squares = (sum(sums[i] for sums in cells.values()) for i in (1, 2))
        scale = weight / squares * _UNIT if squares else 0.0
        return {place: total * scale for place, (_, total, _) in cells.items()}

    @cached_property
    def _segments(self) -> dict[tuple[str, ...], list[dict[str, str]]]:
        found = [(size_of(cells)[0], text) for text, cells in self._outcomes.items()]
        groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for _, text in sorted(found, key=lambda pair: (-pair[0], pair[1])):
            segment: dict[str, str] = json.loads(text)
            groups.setdefault(tuple(segment), []).append(segment)
        return groups

    def segments(self, columns: Sequence[str]) -> list[dict[str, str]]:
        """The segments of a grouping that have rows, largest first."""
        return list(self._segments.get(tuple(columns), []))

    @cached_property
    def _scores(self) -> dict[tuple[str, str], pl.DataFrame]:
        parts = self._of("score").partition_by("segment", "column", as_dict=True)
        return {(str(key[0]), str(key[1])): part for key, part in parts.items()}

    @cached_property
    def scores(self) -> Scores:
        """Labelled rows of all segments together, by score. Binary models only."""
        return self.scores_of(ALL)

    def scores_of(self, segment: Mapping[str, str]) -> Scores:
        """Labelled rows of a segment of a protected column, by the run of the score grid that groups are counted on."""
        return self._scores_in(segment_text(segment), "")

    def class_scores(self, name: str) -> Scores:
        """Labelled rows by one class's probability: rows of the class against all others."""
        return self._scores_in(segment_text(ALL), name)

    def _scores_in(self, segment: str, column: str) -> Scores:
        found = self._scores.get((segment, column), self.facts.clear())
        label = found["label"].to_numpy()
        known = label >= 0
        cells, place = np.unique(found["bin"].to_numpy()[known], return_inverse=True)
        weighed = self.spec.weight is not None
        values, scale = found["total" if weighed else "count"].to_numpy()[known], 1.0
        if weighed:
            scale = float(values.sum()) / max(float(found["squares"].to_numpy()[known].sum()), 1.0) * _UNIT
        counts = np.zeros((2, len(cells)), dtype=np.float64 if weighed else np.int64)
        np.add.at(counts, (label[known], place), values * scale if weighed else values)
        return Scores(cells.astype(np.int64), counts[0], counts[1])

    @cached_property
    def score_cells(self) -> tuple[Counts, Counts]:
        """All rows, labelled or not: cells, rising, and their counts."""
        everyone = self._scores.get((segment_text(ALL), ""), self.facts.clear())
        pooled = everyone.group_by("bin").agg(pl.col("count").sum()).sort("bin")
        return pooled["bin"].to_numpy().astype(np.int64), pooled["count"].to_numpy()

    @cached_property
    def _losses(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        columns = self._of("loss").select("segment", "column", "count", "total", "squares")
        return {(segment, column): (sums[0], sums[1], sums[2]) for segment, column, *sums in columns.iter_rows()}

    def loss(self, name: str, segment: Mapping[str, str] = ALL) -> Loss:
        """Sums of a loss, in its own unit; none for an unknown segment or loss.

        Binary and multiclass models have ``brier`` and ``log_loss`` (segments ``brier`` only),
        regression ``absolute``, ``error``, ``size`` (of the label), ``percentage``, ``lower_pinball``,
        ``upper_pinball``, their mean ``pinball`` and ``width`` (segments the first two), ranking
        ``ndcg``, ``map``, ``recall`` and ``mrr``; all that has components has ``reconstruction``, unweighed.
        """
        text = segment_text(segment)
        unit = self._unit_of(name)
        n, total, squared = self._losses.get((text, name), (0, 0, 0))
        if name == "reconstruction":
            return Loss(n, total * 2.0**-DISTANCE_BITS, squared * 2.0**-SQUARE_BITS)
        sums = total * _UNIT * unit, squared * _UNIT * unit**2
        if (text, f"{name}:weight") not in self._losses:
            return Loss(n, *sums)
        _, weight, weight_squared = self._losses[text, f"{name}:weight"]
        _, cross, _ = self._losses[text, f"{name}:cross"]
        return Loss(n, *sums, weight * _UNIT, weight_squared * _UNIT, cross * _UNIT * unit)

    def _unit_of(self, name: str) -> float:
        task = self.spec.task
        if not isinstance(task, Regression) or name == "percentage":
            return 1.0
        return label_scale(task) if name == "size" else task.error_scale

    @cached_property
    def ranks(self) -> Floats:
        """Labelled rows by how many classes were placed before the true one; weighed as :class:`Outcomes`."""
        assert isinstance(self.spec.task, Multiclass)
        found = self._of("rank")
        ranks = np.zeros(len(self.spec.task.classes))
        weighed = self.spec.weight is not None
        values = found["total" if weighed else "count"].to_numpy().astype(np.float64)
        if weighed and len(values):
            values = values * (float(found["total"].sum()) / max(float(found["squares"].sum()), 1.0) * _UNIT)
        ranks[found["bin"].to_numpy()] = values
        return ranks

    @cached_property
    def errors(self) -> tuple[Counts, Floats]:
        """Labelled rows by size of their error: cells of the error grid, rising, and rows; weighed as `Outcomes`."""
        cells, _, rows = self._sizes("")
        known, place = np.unique(cells, return_inverse=True)
        return known, np.bincount(place, weights=rows, minlength=len(known)).astype(np.float64)

    def sizes(self, name: str) -> tuple[Floats, Floats]:
        """Labelled rows by a regression's loss: what it is in the middle of a cell, and rows; weighed as `Outcomes`.

        ``absolute`` is in units of the baseline's root mean squared error and has the error's sign;
        ``pinball`` and ``width`` are in the same unit, ``percentage`` in none.
        """
        cells, side, rows = self._sizes("" if name == "absolute" else name)
        upper = upper_of(cells)
        lower = np.where(cells > 0, upper_of(np.maximum(cells - 1, 0)), 0.0)
        return np.where(side > 0, 1.0, -1.0) * np.where(np.isfinite(upper), (lower + upper) / 2.0, lower), rows

    def _sizes(self, column: str) -> tuple[Counts, Counts, Floats]:
        found = self._of("error").filter(pl.col("column") == column)
        cells, side = (found[name].to_numpy().astype(np.int64) for name in ("bin", "label"))
        if self.spec.weight is None:
            return cells, side, found["count"].to_numpy().astype(np.float64)
        scale = float(found["total"].sum()) / max(float(found["squares"].sum()), 1.0) * _UNIT
        return cells, side, found["total"].to_numpy() * scale

    @cached_property
    def moments(self) -> dict[str, tuple[int, float]]:
        """Rows and sums of powers of error and label, in the baseline's units (see the regression task)."""
        found = self._of("moment").select("column", "count", "total")
        return {name: (count, total * 2.0 ** -MOMENTS[name]) for name, count, total in found.iter_rows()}

    @cached_property
    def leaves(self) -> BinLosses:
        """Rows by node of the loss tree; ``wrong`` is nothing, ``right`` are the labelled ones."""
        assert self.spec.loss_tree is not None
        return by_bin(self._of("leaf"), len(self.spec.loss_tree.feature), missing=False)

    @cached_property
    def _features(self) -> dict[str, pl.DataFrame]:
        return {str(key[0]): part for key, part in self._of("feature").partition_by("column", as_dict=True).items()}

    def size_of(self, column: str) -> int:
        """How many bins a feature has, missing left out."""
        if column in self.spec.numeric:
            return len(self.spec.numeric[column].edges) + 1
        feature = self.spec.categorical[column]
        return len(feature.vocabulary) + max(feature.buckets, 1)

    def feature(self, column: str) -> BinLosses:
        """Rows of a feature by bin with what is known of their predictions; the last bin is for missing."""
        if column not in self._counted:
            found = self._features.get(column, self.facts.clear())
            self._counted[column] = by_bin(found, self.size_of(column) + 1, missing=True)
        return self._counted[column]

    @cached_property
    def _counted(self) -> dict[str, BinLosses]:
        return {}

    def bins(self, column: str) -> Counts:
        """Rows of a feature by bin, missing ones left out; for a category the last bin is `OTHER`."""
        return self.feature(column).rows[:-1]

    def missing(self, column: str) -> int:
        """Rows in which a feature is null or not a number."""
        return int(self.feature(column).rows[-1])

    @cached_property
    def _timed(self) -> dict[str, pl.DataFrame]:
        return {str(key[0]): part for key, part in self._of("timed").partition_by("column", as_dict=True).items()}

    def strata(self, column: str) -> Counts:
        """Rows of a feature by stratum of time and bin, missing ones left out; no rows without a time column."""
        table = np.zeros((STRATA, self.size_of(column)), dtype=np.int64)
        found = self._timed.get(column, self.facts.clear()).filter(pl.col("bin") >= 0)
        table[found["label"].to_numpy(), found["bin"].to_numpy()] = found["count"].to_numpy()
        return table

    @cached_property
    def _ranges(self) -> dict[str, tuple[int, int, float | None, float | None]]:
        columns = self._of("range").select("column", "count", "total", "low", "high")
        return {column: (count, total, low, high) for column, count, total, low, high in columns.iter_rows()}

    def range(self, column: str) -> tuple[float, float] | None:
        """Least and largest finite value of a numeric feature; ``None`` without any."""
        _, _, low, high = self._ranges.get(column, (0, 0, None, None))
        return None if low is None or high is None else (low, high)

    def mean(self, column: str) -> float | None:
        """Mean of a numeric feature, each value held within 4,096 baseline sd; ``None`` without any."""
        count, total, _, _ = self._ranges.get(column, (0, 0, None, None))
        if not count:
            return None
        feature = self.spec.numeric[column]
        return feature.mean + feature.sd * total * _UNIT / count

    @cached_property
    def _outside(self) -> dict[tuple[str, int], int]:
        return {(c, place): n for c, place, n in self._of("outside").select("column", "bin", "count").iter_rows()}

    def outside(self, column: str) -> tuple[int, int]:
        """Finite values of a numeric feature below and above all of the baseline's."""
        return self._outside.get((column, 0), 0), self._outside.get((column, 1), 0)

    @cached_property
    def _sketches(self) -> dict[str, str]:
        found = self._of(FACT)
        return dict(zip(found["column"].to_list(), found["segment"].to_list(), strict=True))

    def sketch(self, column: str) -> compact_theta_sketch | None:
        """Of a column with too many values to list, the sketch of its different values; else ``None``."""
        return read_sketch(self._sketches[column]) if column in self._sketches else None

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What has been computed of this profile, by name: a baseline is asked every night, through every window."""
        return {}

    @cached_property
    def _unseen(self) -> list[tuple[str, int]]:
        return list(self._of("unseen").select("column", "count").iter_rows())

    def unseen(self, column: str) -> dict[str, int]:
        """Some values that the baseline does not know, with their rows, most frequent first."""
        prefix = f"{column}="
        found = [(text.removeprefix(prefix), count) for text, count in self._unseen if text.startswith(prefix)]
        return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def versions(self) -> dict[str, int]:
        """Rows by model version, largest first; empty where the config names no such column."""
        grouping = next((found for found in self.spec.groupings if "version" in found.uses), None)
        if grouping is None:
            return {}
        segments = self.segments(grouping.columns)
        return {segment[grouping.columns[0]]: self.size(segment)[0] for segment in segments}

    def to_bytes(self) -> bytes:
        """Parquet, the same bytes for the same facts; carries the spec's fingerprint."""
        buffer = io.BytesIO()
        metadata = {"nightproof.spec": self.spec.fingerprint}
        self.facts.write_parquet(buffer, compression="zstd", statistics=False, metadata=metadata)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes, *, spec: ProfileSpec, name: str) -> Profile:
        """Read a stored profile.

        Raises
        ------
        RecordError
            If the bytes are not a profile, or one of another spec; ``name`` says where they lie.
        """
        try:
            fingerprint = pl.read_parquet_metadata(io.BytesIO(raw)).get("nightproof.spec")
            facts = pl.read_parquet(io.BytesIO(raw))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise RecordError(f"{name} is not a stored profile: {error}") from error
        if fingerprint != spec.fingerprint:
            raise RecordError(f"{name} was counted by another spec than this baseline's.")
        return cls(spec, facts)
