"""A validation: whether a night's data may be evaluated, and what was wrong with it."""

from __future__ import annotations

from typing import Any, Literal

from nightproof.record import Record

Severity = Literal["critical", "warning", "info"]


class Expectation(Record):
    """What was expected of the night's data, and what was found."""

    source: Literal["contract", "suite"]
    """`contract`: implied by the config; `suite`: from the user's Great Expectations suite."""
    type: str
    """Great Expectations' name of the expectation, such as `expect_column_values_to_be_unique`."""
    column: str | None
    kwargs: dict[str, Any]
    """The expectation's arguments, without the column."""
    severity: Severity
    success: bool
    observed: str | None
    """What was observed, one short phrase; never a private value."""
    unexpected_count: int | None
    """Rows that failed; null where it is not about rows."""
    unexpected_percent: float | None
    """The same as a share of the rows looked at, 0 to 100."""
    example_keys: tuple[str, ...]
    """Up to five failing rows by their places, such as `part-0.parquet row 17` (the first row is 0): whoever may read
    the data finds them, and the record holds no id of anybody."""


class Validation(Record):
    """All expectations of a night.

    A failed `critical` expectation quarantines the night: nothing is evaluated on it.
    """

    outcome: Literal["passed", "warned", "quarantined", "skipped"]
    """`skipped`: the user asked for no validation, and the record says so."""
    rows: int
    """Rows of the night's predictions."""
    labelled: int
    """Of those, rows with a label."""
    expectations: tuple[Expectation, ...]
    engine: str
    """What ran it, with its version."""

    def failed(self, severity: Severity | None = None) -> tuple[Expectation, ...]:
        """Expectations that did not hold, of one severity or of all."""
        return tuple(e for e in self.expectations if not e.success and severity in (None, e.severity))
