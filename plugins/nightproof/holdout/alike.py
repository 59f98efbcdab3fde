"""Rows that are alike in all features: how often training rows repeat held-out rows, and how often chance would.

Of two independent samples with shares ``p`` and ``q`` of each possible row, a pair with one row of each is alike
with probability ``sum(p q)``, and by Cauchy and Schwarz that is at most the geometric mean of ``sum(p p)`` and
``sum(q q)``: of how often two rows of one sample are alike, which each sample tells of itself. So pairs that are
alike much oftener than that mean are no chance, whatever the two samples are like. Counts have the exact limits
of a Poisson count [1]_, at 99.5 % on the side that speaks against a leak.

References
----------
.. [1] F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936),
   doi:10.1093/biomet/28.3-4.437.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl
from scipy.stats import chi2

from nightproof.holdout.candidates import row_ranks
from nightproof.holdout.version import Rule
from nightproof.profiles import ProfileSpec
from nightproof.profiles.text import value_text

OFTENER = 2.0
"""Alike this many times oftener than chance can make them, surely, is a leak: rows come in bunches, so that counts
spread wider than Poisson's."""
SAMPLED = 1 << 20
"""Training rows, the first ones, that tell how often training rows are alike."""
_MISSING, _BETWEEN = "\x00", "\x1f"
_TAIL = 0.005


def feature_keys(frame: pl.DataFrame, spec: ProfileSpec) -> pl.Series:
    """Each row's features as one text: equal texts are equal rows.

    Numbers in single precision, as training files often hold them; categories as text.
    """
    parts = []
    for name in spec.features:
        if spec.is_numeric(name):
            number = pl.col(name).cast(pl.Float64, strict=False).cast(pl.Float32) + 0.0  # minus nought is nought
            text = number.fill_nan(None).cast(pl.String)
        else:
            text = value_text(name, frame.schema)
        parts.append(text.fill_null(_MISSING))
    return frame.select(pl.concat_str(parts, separator=_BETWEEN).alias("key"))["key"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, and how many of them are alike."""

    alike: int
    all: int

    @property
    def least(self) -> float:
        """Lower limit of their share."""
        return float(chi2.ppf(_TAIL, 2 * self.alike)) / 2.0 / self.all if self.alike else 0.0

    @property
    def most(self) -> float:
        """Upper limit of their share."""
        return float(chi2.ppf(1.0 - _TAIL, 2 * (self.alike + 1))) / 2.0 / max(self.all, 1)

    @classmethod
    def within(cls, keys: pl.Series) -> Pairs:
        """Of the rows of one sample."""
        sizes = keys.value_counts()["count"].cast(pl.Int64)
        return cls(int((sizes * (sizes - 1) // 2).sum()), len(keys) * (len(keys) - 1) // 2)


@dataclass
class Sample:
    """The first training rows, by a hash of their features; where ids are known, each once and none that is held out.

    Parameters
    ----------
    held
        Ranks of the holdout's rows: with their copies they would make training rows look often alike.
    """

    spec: ProfileSpec
    rule: Rule
    held: pl.Series
    _parts: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take in some more rows, until there are enough."""
        taken = frame.head(SAMPLED - self._rows)
        if not taken.height:
            return
        # Compared within this process only, where equal texts hash alike.
        part = [feature_keys(taken, self.spec).hash().alias("key")]
        if self.rule.id in taken.columns:
            part.append(row_ranks(taken, self.rule))
        self._parts.append(pl.DataFrame(part))
        self._rows += taken.height

    def pairs(self) -> Pairs:
        """Pairs of its rows."""
        if not self._parts:
            return Pairs(0, 0)
        rows = pl.concat(self._parts)
        if "row" in rows.columns:
            rows = rows.unique("row").filter(~pl.col("row").is_in(self.held.implode()))
        return Pairs.within(rows["key"])


def against_chance(across: Pairs, held: Pairs, training: Pairs) -> tuple[Literal["passed", "leaking", "unknown"], str]:
    """Whether pairs across the two samples are alike oftener than chance can make them, and in words.

    Unknown where rows are alike and chance, of which too little was seen, can be neither blamed nor ruled out.
    """
    if not across.alike:
        return "passed", "none is"
    least = across.least / math.sqrt(held.most * training.most)
    if least > OFTENER:
        return "leaking", f"at least {least:.2g} times as many as chance can make"
    known = math.sqrt(held.alike / max(held.all, 1) * training.alike / max(training.all, 1))
    if known and across.alike / across.all <= OFTENER * known:
        return "passed", f"{across.alike / across.all / known:.2g} times as many as chance can make"
    return "unknown", "whether by chance cannot be told, for too few rows of the holdout or of training are alike"


def sizes(keys: pl.Series, names: pl.Series) -> Mapping[str, int]:
    """How many rows are alike, by the name of the first of them."""
    frame = pl.DataFrame([keys.alias("key"), names.alias("name")])
    alike = frame.group_by("key", maintain_order=True).agg(pl.col("name").first(), pl.len().alias("size"))
    return dict(alike.select("name", "size").iter_rows())
