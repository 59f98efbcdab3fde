"""A profile's spec: the bins, vocabularies and groups that the baseline fixes for all nights."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import SkipJsonSchema

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
    """The baseline's least and largest finite value, rounded outwards to two significant digits."""


class CategoricalFeature(Record):
    """How one categorical column is counted."""

    vocabulary: tuple[str, ...]
    """The baseline's values, most frequent first; all others share one bin, or `buckets` bins by hash."""
    buckets: int = 0
    """Bins by hash for values outside the vocabulary, where the baseline has too many to list; else 0."""


class Grouping(Record):
    """A column, or a pair of columns, whose groups are counted apart."""

    uses: tuple[Literal["protected", "slice", "version", "discovered"], ...]
    """What for; a column may be protected and a slice, and its groups are counted once."""
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    """Those of the columns that hold numbers."""
    edges: dict[str, tuple[float, ...]]
    """Inner edges for numeric columns with many values, which are cut into ranges."""
    groups: tuple[tuple[str, ...], ...]
    """The baseline's groups, largest first. Versions have none fixed: every version is its own."""


class Binary(Record):
    """One probability, of the positive class."""

    kind: Literal["binary"] = "binary"
    score: str
    threshold: float
    runs: tuple[int, ...] = (0,)
    """First cells of the runs of the score grid on which groups are counted."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns."""
        return (self.score,)


class Multiclass(Record):
    """A probability for each class; the predicted class has the largest, the first of equals."""

    kind: Literal["multiclass"] = "multiclass"
    classes: tuple[str, ...]
    scores: tuple[str, ...]
    """Column of each class's probability."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns."""
        return self.scores


class Regression(Record):
    """A predicted number, and optionally an interval around it."""

    kind: Literal["regression"] = "regression"
    prediction: str
    centre: float
    """The baseline's mean label."""
    spread: float
    """The baseline's standard deviation of labels; 1 where they are constant."""
    error_scale: float
    """The baseline's root mean squared error; 1 where it is 0."""
    lower: str | None
    upper: str | None
    coverage: float
    """Share of labels that the interval promises to hold."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns."""
        return tuple(name for name in (self.prediction, self.lower, self.upper) if name)


class Ranking(Record):
    """A score for each candidate of a query; the larger, the higher it is placed."""

    kind: Literal["ranking"] = "ranking"
    query: str
    score: str
    k: int
    """Places that are looked at."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns."""
        return (self.score,)


Task = Annotated[Binary | Multiclass | Regression | Ranking, Field(discriminator="kind")]


class Weight(Record):
    """Which column weighs the rows."""

    column: str
    mean: float
    """The baseline's mean weight: weights are counted in units of it."""


class Components(Record):
    """The directions in which the baseline's features vary together.

    All numbers are whole multiples of a power of two, so that projecting a row is exact in
    floating point whatever the order of its sums.
    """

    columns: tuple[str, ...]
    """Features, numeric ones standardised, categories by ``codes``."""
    codes: dict[str, tuple[int, ...]]
    """Standardised frequency of each bin of a categorical column, in units of 2**-3."""
    vectors: tuple[tuple[int, ...], ...]
    """One orthonormal direction a component, in units of 2**-9."""


class LossTree(Record):
    """A regression tree that foretells a row's absolute error from its features (see ``estimated``)."""

    columns: tuple[str, ...]
    feature: tuple[int, ...]
    """Place of the column that each node splits by; -1 for a leaf."""
    cut: tuple[float, ...]
    """Rows at or below it go left."""
    left: tuple[int, ...]
    right: tuple[int, ...]


class RowMetric(Record):
    """A team's own metric: a number of each row, and another one that its sum is divided by."""

    name: str
    numerator: str | None = None
    """Column; ``None`` where a function gives both numbers."""
    denominator: str | None = None
    """Column; ``None`` for 1 a row."""
    function: str | None = None
    """SHA-256 of the source of the Python function that gives both numbers."""
    columns: tuple[str, ...]
    """What is read as numbers."""
    text_columns: tuple[str, ...] = ()
    """What is read as text."""
    units: tuple[float, float] = (1.0, 1.0)
    """What the two numbers are counted in: the powers of two next above the baseline's root mean squares."""


class ProfileSpec(Record):
    """Everything that must be equal for two profiles to be added."""

    task: Task
    label: str
    id: str | None
    weight: Weight | None = None
    time: str | None = None
    """Column of a row's time, by which weekdays and hours are counted apart."""
    numeric: dict[str, NumericFeature]
    """Features and outputs; for regression and ranking the label too."""
    categorical: dict[str, CategoricalFeature]
    groupings: tuple[Grouping, ...]
    components: Components | None = None
    loss_tree: LossTree | None = None
    metrics: SkipJsonSchema[tuple[RowMetric, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_before(self, told: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the team's own metrics where there are none: such a spec is what it was before there could be any."""
        found: dict[str, Any] = told(self)
        return found if self.metrics else {name: value for name, value in found.items() if name != "metrics"}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the spec."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns."""
        return self.task.outputs

    @property
    def features(self) -> tuple[str, ...]:
        """The model's inputs: every counted column that is neither an output nor the label."""
        return tuple(n for n in (*self.numeric, *self.categorical) if n not in self.outputs and n != self.label)

    def is_numeric(self, column: str) -> bool:
        """Whether a column is read as numbers."""
        return (
            column in self.numeric
            or any(column in grouping.numeric for grouping in self.groupings)
            or any(column in metric.columns for metric in self.metrics)
        )

    @property
    def metric_columns(self) -> tuple[str, ...]:
        """Columns that the team's own metrics read, each once; the label may be one."""
        return tuple(dict.fromkeys(name for m in self.metrics for name in (*m.columns, *m.text_columns)))

    @property
    def listed(self) -> tuple[str, ...]:
        """Columns of text in which few different values are expected, each once."""
        grouped = [name for grouping in self.groupings for name in grouping.columns if name not in grouping.numeric]
        short = [name for name, feature in self.categorical.items() if not feature.buckets]
        return tuple(dict.fromkeys(name for name in [*short, *grouped] if not self.is_numeric(name)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every prediction column that profiling reads, in order, each once; never the label."""
        grouped = [column for grouping in self.groupings for column in grouping.columns]
        named = [*self.outputs, *self.numeric, *self.categorical, *grouped]
        named += [self.task.query] if isinstance(self.task, Ranking) else []
        named += [name for name in (self.weight and self.weight.column, self.time) if name]
        named += self.metric_columns
        return tuple(dict.fromkeys(name for name in named if name != self.label))
