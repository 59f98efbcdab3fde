"""A profile's spec: the bins, vocabularies and groups that the baseline fixes for all nights."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Literal

from nightproof.record import Record

OTHER = "(not in the baseline)"
"""The group of all values that the baseline does not know."""
MISSING = "(missing)"
"""The group of rows in which the column is null."""


class NumericFeature(Record):
    """How one numeric column is counted."""

    edges: tuple[float, ...]
    """Inner bin edges, rising; bin i holds ``edges[i-1] < x <= edges[i]``."""
    mean: float
    sd: float
    """Baseline standard deviation; 1 for a constant column."""
    low: float
    high: float
    """The baseline's least and largest finite value."""


class CategoricalFeature(Record):
    """How one categorical column is counted."""

    vocabulary: tuple[str, ...]
    """The baseline's values, most frequent first; all others share one bin."""


class Grouping(Record):
    """A column, or a pair of columns, whose groups are counted apart."""

    uses: tuple[Literal["protected", "slice", "version"], ...]
    """What for; a column may be protected and a slice, and its groups are counted once."""
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    """Those of the columns that hold numbers."""
    edges: dict[str, tuple[float, ...]]
    """Inner edges for numeric columns with many values, which are cut into ranges."""
    groups: tuple[tuple[str, ...], ...]
    """The baseline's groups, largest first. Versions have none fixed: every version is its own."""


class ProfileSpec(Record):
    """Everything that must be equal for two profiles to be added."""

    score: str
    label: str
    id: str | None
    threshold: float
    numeric: dict[str, NumericFeature]
    categorical: dict[str, CategoricalFeature]
    groupings: tuple[Grouping, ...]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the spec."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def is_numeric(self, column: str) -> bool:
        """Whether a column is read as numbers."""
        return column in self.numeric or any(column in grouping.numeric for grouping in self.groupings)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every prediction column that profiling reads, in order, each once."""
        grouped = [column for grouping in self.groupings for column in grouping.columns]
        return tuple(dict.fromkeys([self.score, *self.numeric, *self.categorical, *grouped]))
