"""The profile: additive integer facts of a night, and the law that adds them.

Every fact is an integer count or a fixed-point integer sum (or a least and a largest value), so
adding profiles is exact: associative, commutative, and equal to the profile of the pooled rows to
the last bit, whatever the order, the engine or the number of threads.

One long table holds all facts::

    fact      segment           column      label  bin   count  total  low  high
    outcome   {"origin":"JFK"}              1      1     212
    score     {}                            0      8812  3
    loss      {}                brier       -1     0     868    1.9e9
    feature   {}                dep_delay   -1     4     45
    range     {}                dep_delay   -1     0     868    -3.1e8  -17  301
    unseen    {}                dest=XYZ    -1     0     2

``label`` is 0, 1, or -1 where it is unknown or not asked. ``bin`` is the predicted class for an
outcome, the grid cell for a score, the bin for a feature (-1 for missing). ``total`` is a sum in
units of ``2**-SCALE_BITS``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.errors import RecordError
from nightproof.profiles.spec import ProfileSpec

SCALE_BITS = 24
"""Sums are kept in units of 2**-24: per row at most 3e-8 off, and 8e9 rows before an overflow."""
SCHEMA = pl.Schema(
    {
        "fact": pl.String,
        "segment": pl.String,
        "column": pl.String,
        "label": pl.Int8,
        "bin": pl.Int32,
        "count": pl.Int64,
        "total": pl.Int64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
)
KEYS = ("fact", "segment", "column", "label", "bin")
ALL: Mapping[str, str] = {}
"""The segment of all rows."""

Counts = npt.NDArray[np.int64]


def segment_text(segment: Mapping[str, str]) -> str:
    """A segment as the text that facts are keyed by."""
    return json.dumps(dict(segment), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Outcomes:
    """Rows of one segment by label and predicted class.

    Parameters
    ----------
    tp, fp, fn, tn
        Labelled rows: true and false positives, false and true negatives.
    selected, passed
        All rows, labelled or not, predicted positive and negative.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    selected: int
    passed: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.selected + self.passed

    @property
    def labelled(self) -> int:
        """Rows with a label."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positives(self) -> int:
        """Labelled rows whose label is 1."""
        return self.tp + self.fn


@dataclass(frozen=True)
class Scores:
    """Labelled rows by grid cell, cells rising."""

    cells: Counts
    negatives: Counts
    positives: Counts


@dataclass(frozen=True)
class Loss:
    """Sum and sum of squares of a per-row loss over ``n`` labelled rows."""

    n: int
    total: float
    total_squared: float


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
    def _outcomes(self) -> dict[str, Outcomes]:
        counted: dict[str, dict[tuple[int, int], int]] = {}
        columns = self._of("outcome").select("segment", "label", "bin", "count")
        for segment, label, predicted, count in columns.iter_rows():
            counted.setdefault(segment, {})[label, predicted] = count
        return {segment: _outcomes(cells) for segment, cells in counted.items()}

    @property
    def rows(self) -> int:
        """All rows."""
        return self.outcomes().rows

    def outcomes(self, segment: Mapping[str, str] = ALL) -> Outcomes:
        """Rows of a segment by label and prediction; all zero for an unknown segment."""
        return self._outcomes.get(segment_text(segment), Outcomes(0, 0, 0, 0, 0, 0))

    def segments(self, columns: Sequence[str]) -> list[dict[str, str]]:
        """The segments of a grouping that have rows, largest first."""
        found = [(outcomes.rows, text) for text, outcomes in self._outcomes.items()]
        ordered = sorted(found, key=lambda pair: (-pair[0], pair[1]))
        decoded: list[dict[str, str]] = [json.loads(text) for _, text in ordered]
        return [segment for segment in decoded if tuple(segment) == tuple(columns)]

    @cached_property
    def scores(self) -> Scores:
        """Labelled rows of all segments together, by score."""
        labelled = self._of("score").filter(pl.col("label") >= 0)
        cells, place = np.unique(labelled["bin"].to_numpy(), return_inverse=True)
        counts = np.zeros((2, len(cells)), dtype=np.int64)
        np.add.at(counts, (labelled["label"].to_numpy(), place), labelled["count"].to_numpy())
        return Scores(cells.astype(np.int64), counts[0], counts[1])

    @cached_property
    def score_cells(self) -> tuple[Counts, Counts]:
        """All rows, labelled or not: cells, rising, and their counts."""
        pooled = self._of("score").group_by("bin").agg(pl.col("count").sum()).sort("bin")
        return pooled["bin"].to_numpy().astype(np.int64), pooled["count"].to_numpy()

    def loss(self, name: str, segment: Mapping[str, str] = ALL) -> Loss:
        """Sums of ``brier`` or ``log_loss``."""
        facts = self._of("loss").filter(pl.col("segment") == segment_text(segment))
        sums = {row["column"]: row for row in facts.iter_rows(named=True)}
        if name not in sums:
            return Loss(0, 0.0, 0.0)
        scale = 2.0**-SCALE_BITS
        squared = sums[f"{name}_squared"]["total"]
        return Loss(sums[name]["count"], sums[name]["total"] * scale, squared * scale)

    @cached_property
    def _bins(self) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {}
        for column, index, count in self._of("feature").select("column", "bin", "count").iter_rows():
            found.setdefault(column, {})[index] = count
        return found

    def bins(self, column: str) -> Counts:
        """Rows of a feature by bin, missing ones left out; for a category the last bin is `OTHER`."""
        if column in self.spec.numeric:
            size = len(self.spec.numeric[column].edges) + 1
        else:
            size = len(self.spec.categorical[column].vocabulary) + 1
        counted = self._bins.get(column, {})
        return np.array([counted.get(index, 0) for index in range(size)], dtype=np.int64)

    def missing(self, column: str) -> int:
        """Rows in which a feature is null or not a number."""
        return self._bins.get(column, {}).get(-1, 0)

    def range(self, column: str) -> tuple[float, float] | None:
        """Least and largest finite value of a numeric feature; ``None`` without any."""
        found = self._of("range").filter(pl.col("column") == column)
        if found.is_empty() or found["low"][0] is None:
            return None
        return float(found["low"][0]), float(found["high"][0])

    def mean(self, column: str) -> float | None:
        """Mean of a numeric feature, each value held within 4,096 baseline sd; ``None`` without any."""
        found = self._of("range").filter(pl.col("column") == column)
        if found.is_empty() or not found["count"][0]:
            return None
        feature = self.spec.numeric[column]
        standard = found["total"][0] * 2.0**-SCALE_BITS / found["count"][0]
        return float(feature.mean + feature.sd * standard)

    def unseen(self, column: str) -> dict[str, int]:
        """Some values that the baseline does not know, with their rows, most frequent first."""
        prefix = f"{column}="
        found = self._of("unseen").filter(pl.col("column").str.starts_with(prefix))
        ordered = found.sort(["count", "column"], descending=[True, False])
        return {text[len(prefix) :]: count for text, count in ordered.select("column", "count").iter_rows()}

    def versions(self) -> dict[str, int]:
        """Rows by model version, largest first; empty where the config names no such column."""
        grouping = next((found for found in self.spec.groupings if "version" in found.uses), None)
        if grouping is None:
            return {}
        segments = self.segments(grouping.columns)
        return {segment[grouping.columns[0]]: self.outcomes(segment).rows for segment in segments}

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


def _outcomes(cells: Mapping[tuple[int, int], int]) -> Outcomes:
    def rows(label: int, predicted: int) -> int:
        return cells.get((label, predicted), 0)

    return Outcomes(
        tp=rows(1, 1),
        fp=rows(0, 1),
        fn=rows(1, 0),
        tn=rows(0, 0),
        selected=rows(1, 1) + rows(0, 1) + rows(-1, 1),
        passed=rows(1, 0) + rows(0, 0) + rows(-1, 0),
    )


def merge(profiles: Sequence[Profile]) -> Profile:
    """The profile of all rows of some profiles together.

    Raises
    ------
    ValueError
        If there is none to merge, or they were counted by different specs.
    """
    if not profiles:
        raise ValueError("There is no profile to merge.")
    spec = profiles[0].spec
    if any(other.spec.fingerprint != spec.fingerprint for other in profiles[1:]):
        raise ValueError("Profiles of different specs cannot be merged: their bins differ.")
    if len(profiles) == 1:
        return profiles[0]
    return Profile(spec, add_facts([profile.facts for profile in profiles]))


def add_facts(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Facts of several tables added key by key, sorted by key."""
    return (
        pl.concat(tables)
        .group_by(KEYS)
        .agg(
            pl.col("count").sum(),
            pl.col("total").sum(),
            pl.col("low").min(),
            pl.col("high").max(),
        )
        .sort(KEYS)
    )
