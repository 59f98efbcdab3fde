"""Counts and sums of rows by code, exact whatever the order and the splits of the rows.

A batch's rows come as an array of codes, and weights and losses as whole numbers in floating point
(fixed point). Sums of whole numbers below 2**53 are exact in double precision; a batch has at most
2**17 rows, so values up to 2**36 add exactly as they are, and larger ones in two halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.errors import DataError

SCALE_BITS = 24
"""Sums are kept in units of 2**-24: per row at most 3e-8 off, and 8e9 rows before an overflow."""
_HALF = 2.0**26
_LIMIT = 2.0**62

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def fixed(values: Floats, bits: int = SCALE_BITS) -> Floats:
    """Values as whole multiples of ``2**-bits``."""
    scaled: Floats = np.rint(values * 2.0**bits)
    return scaled


def small(values: Floats) -> bool:
    """Whether up to 2**17 of these whole numbers add exactly as they are."""
    return len(values) == 0 or (float(values.max()) < 2.0**36 and float(values.min()) > -(2.0**36))


def sums_by_code(codes: Codes, values: Floats, size: int, *, are_small: bool = False) -> Counts:
    """Sum of whole numbers, each below 2**53, by code; exact for up to 2**17 rows.

    Parameters
    ----------
    are_small
        Whether the caller knows that they are :func:`small`: many sums are of the same numbers.
    """
    if are_small or small(values):
        return np.bincount(codes, weights=values, minlength=size).astype(np.int64)
    high = np.floor(values / _HALF)
    low = values - high * _HALF
    sums = [np.bincount(codes, weights=part, minlength=size) for part in (high, low)]
    if float(np.abs(sums[0]).max()) * _HALF > _LIMIT:
        raise DataError("The values of a column are too large to be added up: validate the night's data first.")
    return sums[0].astype(np.int64) * int(_HALF) + sums[1].astype(np.int64)


@dataclass(frozen=True)
class Shape:
    """What codes mean: ``code = (segment * len(labels) + label) * bins + bin``.

    Parameters
    ----------
    fact, column
        As in the profile's table.
    segments
        Texts of the segments.
    labels
        What the table says for each label.
    bins
        How many; where ``missing``, the last one is told as -1.
    places
        What the table says for each bin, where that is not its number.
    """

    fact: str
    column: str = ""
    segments: tuple[str, ...] = ("{}",)
    labels: tuple[int, ...] = (-1,)
    bins: int = 1
    missing: bool = False
    places: Counts | None = None

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.segments) * len(self.labels) * self.bins

    def facts(self, codes: Codes, count: Counts, total: Counts, squares: Counts) -> Facts:
        """Facts of some codes, each of them once."""
        rest, bins = np.divmod(codes, self.bins)
        segment, label = np.divmod(rest, len(self.labels))
        if self.missing:
            bins = np.where(bins == self.bins - 1, -1, bins)
        if self.places is not None:
            bins = self.places[bins]
        labels = np.array(self.labels, dtype=np.int64)[label]
        return Facts(self.fact, self.column, self.segments, segment, labels, bins, count, total, squares)


@dataclass(frozen=True)
class Facts:
    """Rows of the profile's table that share a fact and a column; arrays of equal length.

    Parameters
    ----------
    segment
        Place of each row's segment in ``segments``.
    low, high
        Only of a range.
    """

    fact: str
    column: str
    segments: tuple[str, ...]
    segment: Codes
    label: Codes
    bin: Codes
    count: Counts
    total: Counts
    squares: Counts
    low: float | None = None
    high: float | None = None


def table_of(facts: Sequence[Facts], schema: pl.Schema) -> pl.DataFrame:
    """The profile's table of some facts, in their order."""
    sizes = [len(part.count) for part in facts]
    starts = np.cumsum([0, *(len(part.segments) for part in facts)])
    segments = pl.Series([text for part in facts for text in part.segments], dtype=pl.String)
    own = np.repeat(np.arange(len(facts)), sizes)

    def each(name: str) -> npt.NDArray[np.int64]:
        arrays = [np.asarray(getattr(part, name), dtype=np.int64) for part in facts]
        return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)

    def shared(name: str, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        return pl.Series([getattr(part, name) for part in facts], dtype=kind).gather(own)

    columns = {
        "fact": shared("fact", pl.String),
        "segment": segments.gather(each("segment") + starts[:-1][own]),
        "column": shared("column", pl.String),
        **{name: each(name) for name in ("label", "bin", "count", "total", "squares")},
        "low": shared("low", pl.Float64),
        "high": shared("high", pl.Float64),
    }
    return pl.DataFrame(columns).cast(schema)


@dataclass
class Dense:
    """Counts of every code of a shape."""

    shape: Shape
    count: Counts = field(init=False)
    total: Counts = field(init=False)
    squares: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.count, self.total, self.squares = (np.zeros(self.shape.size, dtype=np.int64) for _ in range(3))

    def add(
        self, codes: Codes, total: Floats | None = None, squares: Floats | None = None, *, are_small: bool = False
    ) -> None:
        """Count some rows, and add up whole numbers of theirs."""
        size = self.shape.size
        codes = codes.astype(np.intp, copy=False)  # once, not in each sum
        self.count += np.bincount(codes, minlength=size)
        if total is not None:
            self.total += sums_by_code(codes, total, size, are_small=are_small)
        if squares is not None:
            self.squares += sums_by_code(codes, squares, size, are_small=are_small)

    def facts(self) -> Facts:
        """Facts of the codes that any row had."""
        used = np.flatnonzero(self.count)
        return self.shape.facts(used, self.count[used], self.total[used], self.squares[used])


COMPACTED = 1 << 20
"""Codes of batches that are held before they are added up."""


@dataclass
class Sparse:
    """Counts of the codes of a shape too large for an array."""

    shape: Shape
    _parts: list[tuple[Counts, Counts, Counts, Counts]] = field(default_factory=list)
    _held: int = 0

    def add(self, codes: Codes, total: Floats | None = None, squares: Floats | None = None) -> None:
        """Count some rows, and add up whole numbers of theirs."""
        known, place, count = np.unique(codes, return_inverse=True, return_counts=True)
        nothing = np.zeros(len(known), dtype=np.int64)
        sums = [nothing if s is None else sums_by_code(place, s, len(known)) for s in (total, squares)]
        self._parts.append((known.astype(np.int64), count.astype(np.int64), sums[0], sums[1]))
        self._held += len(known)
        if self._held > COMPACTED:
            self._parts = [self._together()]
            self._held = 0

    def facts(self) -> Facts:
        """Facts of the codes that any row had."""
        return self.shape.facts(*self._together())

    def _together(self) -> tuple[Counts, Counts, Counts, Counts]:
        if not self._parts:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, nothing, nothing
        table = pl.concat([_table(part) for part in self._parts]).group_by("code").sum().sort("code")
        return tuple(table[name].to_numpy() for name in ("code", "count", "total", "squares"))  # type: ignore[return-value]


def _table(part: Sequence[Counts]) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(("code", "count", "total", "squares"), part, strict=True)))
