"""A batch of rows, each column decoded once to the arrays that counting works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.rows import LABEL, Listed
from nightproof.profiles.spec import MISSING, OTHER, CategoricalFeature, Grouping, ProfileSpec
from nightproof.profiles.text import number_text, range_texts

_RUN = 1 << 15
"""Numbers compared at a time, so that they stay in the processor's cache."""

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def bin_codes(values: Floats, edges: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Bin of each number among rising inner edges, each edge belonging to the bin below it.

    What is not a number has the code after the last bin. Comparing with every edge costs a tenth
    of a binary search, whose branches no processor can foretell.
    """
    codes = np.zeros(len(values), dtype=np.uint8)
    above = np.empty(min(len(values), _RUN), dtype=np.bool_)
    for start in range(0, len(values), _RUN):
        run, out = values[start : start + _RUN], codes[start : start + _RUN]
        found = above[: len(run)]
        for edge in edges:
            np.greater(run, edge, out=found)
            np.add(out, found.view(np.uint8), out=out)
    unknown = np.isnan(values)
    if unknown.any():
        codes[unknown] = len(edges) + 1
    return codes


class Levels:
    """Values of a column that have codes; then one code for all others, and one for none."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = tuple(dict.fromkeys(values))
        self.other, self.missing = len(self.values), len(self.values) + 1
        self._kind = pl.Enum(self.values)

    def codes_of(self, listed: Listed) -> Codes:
        """Code of each row of a column whose values are listed."""
        place = {value: code for code, value in enumerate(self.values)}
        # A row without a value has the place -1, which is the last one.
        codes = np.array([*(place.get(value, self.other) for value in listed.values), self.missing])
        found: Codes = codes[listed.places]
        return found

    def codes(self, text: pl.Series) -> Codes:
        """Code of each text."""
        known = text.cast(self._kind, strict=False)
        if known.null_count() == 0:
            return known.to_physical().to_numpy()
        places = known.to_physical().cast(pl.Float64).to_numpy()
        codes = np.where(np.isnan(places), self.other, places).astype(np.int64)
        if text.null_count():
            codes[text.is_null().to_numpy()] = self.missing
        return codes


class Plan:
    """What a spec's columns are encoded by, made once for all batches."""

    def __init__(self, spec: ProfileSpec) -> None:
        self.spec = spec
        named: dict[str, list[str]] = {name: list(f.vocabulary) for name, f in spec.categorical.items()}
        for grouping in spec.groupings:
            for place, column in enumerate(grouping.columns):
                if column not in grouping.numeric:
                    values = [group[place] for group in grouping.groups]
                    named.setdefault(column, []).extend(value for value in values if value != MISSING)
        self.levels = {column: Levels(values) for column, values in named.items()}

    @cached_property
    def groups(self) -> tuple[Groups, ...]:
        """One encoder a grouping with fixed groups."""
        return tuple(Groups(grouping, self) for grouping in self.spec.groupings if "version" not in grouping.uses)


class Batch:
    """Some rows of a night.

    Parameters
    ----------
    frame
        Columns as :func:`nightproof.profiles.rows.typed` gives them.
    plan
        How they are encoded.
    listed
        Further columns of text.
    """

    def __init__(self, frame: pl.DataFrame, plan: Plan, listed: Mapping[str, Listed] | None = None) -> None:
        self.frame = frame
        self.plan = plan
        self._listed = listed or {}
        self._numbers: dict[str, Floats] = {}
        self._codes: dict[str, Codes] = {}
        self._categories: dict[str, Codes] = {}

    def __len__(self) -> int:
        return self.frame.height

    def keep(self, mask: Mask) -> Batch:
        """The rows for which ``mask`` is true."""
        if mask.all():
            return self
        listed = {name: column.keep(mask) for name, column in self._listed.items()}
        return Batch(self.frame.filter(pl.Series(mask)), self.plan, listed)

    def numbers(self, column: str) -> Floats:
        """A column of numbers; NaN where it is null or no number."""
        if column not in self._numbers:
            # Nulls become NaN on the way.
            self._numbers[column] = self.frame[column].cast(pl.Float64).to_numpy()
        return self._numbers[column]

    def text(self, column: str) -> pl.Series:
        """A column as text."""
        if column in self._listed:
            return self._listed[column].text
        values = self.frame[column]
        if values.dtype == pl.String:
            return values
        return self.frame.select(number_text(pl.col(column)))[column]

    def codes(self, column: str) -> Codes:
        """Codes of a column of text among its levels."""
        if column not in self._codes:
            self._codes[column] = self.coded(column, self.plan.levels[column])
        return self._codes[column]

    def coded(self, column: str, levels: Levels) -> Codes:
        """Codes of a column of text among some levels."""
        return levels.codes_of(self._listed[column]) if column in self._listed else levels.codes(self.text(column))

    def label_codes(self) -> npt.NDArray[np.int64]:
        """A binary label as 0 or 1, and -1 for anything else."""
        label = self.frame[LABEL].to_numpy()
        codes: npt.NDArray[np.int64] = 2 * (label == 1.0) + (label == 0.0) - np.int64(1)
        return codes

    def category_codes(self, column: str) -> Codes:
        """Bins of a categorical feature: its vocabulary, then others or their buckets, then missing."""
        if column not in self._categories:
            self._categories[column] = self._category_codes(column)
        return self._categories[column]

    def _category_codes(self, column: str) -> Codes:
        feature, levels = self.plan.spec.categorical[column], self.plan.levels[column]
        codes = self.codes(column)
        size = len(feature.vocabulary)
        if levels.other != size:
            # Groups know values that the vocabulary does not.
            table = np.arange(levels.missing + 1)
            table[size : levels.missing], table[levels.missing] = size, size + 1
            codes = table[codes]
        return self._hashed(column, codes, feature) if feature.buckets else codes

    def _hashed(self, column: str, codes: Codes, feature: CategoricalFeature) -> Codes:
        """Rare values spread over buckets, which come after the vocabulary; missing last."""
        size = len(feature.vocabulary)
        rare, missing = codes == size, codes == size + 1
        if not (rare | missing).any():
            return codes
        spread = codes.astype(np.int64)
        spread[missing] = size + feature.buckets
        spread[rare] = size + buckets_of(self.text(column).filter(pl.Series(rare)), feature.buckets)
        return spread

    def unknown_values(self, column: str) -> pl.DataFrame:
        """Values outside a column's vocabulary with their rows; columns ``value`` and ``count``."""
        feature, levels = self.plan.spec.categorical[column], self.plan.levels[column]
        codes = self.codes(column)
        outside = (codes >= len(feature.vocabulary)) & (codes != levels.missing)
        if not outside.any():
            return pl.DataFrame(schema={"value": pl.String, "count": pl.UInt32})
        values = self.text(column).filter(pl.Series(outside)).alias("value")
        return values.value_counts(name="count")


def buckets_of(text: pl.Series, buckets: int) -> Codes:
    """A bucket for each text, the same on every machine: CRC-32 of its UTF-8 bytes."""
    kinds = text.unique()
    numbers = [crc32(kind.encode("utf-8", "surrogatepass")) % buckets for kind in kinds.to_list()]
    return text.replace_strict(kinds, pl.Series(numbers, dtype=pl.Int64), return_dtype=pl.Int64).to_numpy()


class Groups:
    """Code of each row's group in one grouping; the codes' texts are ``segments``."""

    def __init__(self, grouping: Grouping, plan: Plan) -> None:
        self.grouping = grouping
        self._columns = [_column(name, grouping, plan) for name in grouping.columns]
        groups = list(grouping.groups)
        if len(grouping.columns) == 1 and (MISSING,) not in groups:
            # A protected column that stops arriving is a group to look at, not an unknown value.
            groups.append((MISSING,))
        groups.append(tuple(OTHER for _ in grouping.columns))
        self.groups = tuple(groups)
        self._table = self._places()

    def _places(self) -> npt.NDArray[np.int64]:
        places = np.full([column.size for column in self._columns], len(self.groups) - 1, dtype=np.int64)
        for place, group in enumerate(self.groups[:-1]):
            codes = [column.code(value) for column, value in zip(self._columns, group, strict=True)]
            if all(code is not None for code in codes):
                places[tuple(codes)] = place
        return places.ravel()

    def codes(self, batch: Batch) -> Codes:
        """Place of each row's group in ``groups``."""
        places = self._columns[0].codes(batch)
        for column in self._columns[1:]:
            places = places.astype(np.int64) * column.size + column.codes(batch)
        found: npt.NDArray[np.int64] = self._table[places]
        return found


class TextColumn:
    """A column of text in a grouping."""

    def __init__(self, name: str, levels: Levels) -> None:
        self.name, self.levels = name, levels
        self.size = levels.missing + 1

    def code(self, value: str) -> int | None:
        """Code of a group's value."""
        if value == MISSING:
            return self.levels.missing
        return self.levels.values.index(value)

    def codes(self, batch: Batch) -> Codes:
        """Code of each row."""
        return batch.codes(self.name)


class RangedColumn:
    """A column of numbers in a grouping, cut into ranges."""

    def __init__(self, name: str, edges: tuple[float, ...]) -> None:
        self.name, self.edges = name, edges
        self.values = [*range_texts(edges), MISSING]
        self.size = len(self.values)

    def code(self, value: str) -> int | None:
        """Code of a group's value."""
        return self.values.index(value)

    def codes(self, batch: Batch) -> Codes:
        """Code of each row."""
        return bin_codes(batch.numbers(self.name), self.edges)


class NumberColumn:
    """A column of few different numbers in a grouping."""

    def __init__(self, name: str, values: Sequence[str]) -> None:
        self.name = name
        self._known = np.unique([float(value) for value in values if value != MISSING])
        self.size = len(self._known) + 2

    def code(self, value: str) -> int | None:
        """Code of a group's value."""
        return self.size - 1 if value == MISSING else int(np.searchsorted(self._known, float(value)))

    def codes(self, batch: Batch) -> Codes:
        """Code of each row."""
        numbers = batch.numbers(self.name)
        places = np.searchsorted(self._known, numbers)
        found = self._known.take(np.minimum(places, len(self._known) - 1)) if len(self._known) else np.nan
        codes = np.where(found == numbers, places, self.size - 2)
        return np.where(np.isnan(numbers), self.size - 1, codes)


def _column(name: str, grouping: Grouping, plan: Plan) -> TextColumn | RangedColumn | NumberColumn:
    if name not in grouping.numeric:
        return TextColumn(name, plan.levels[name])
    if edges := grouping.edges.get(name):
        return RangedColumn(name, edges)
    place = grouping.columns.index(name)
    return NumberColumn(name, [group[place] for group in grouping.groups])
