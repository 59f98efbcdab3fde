"""A fault: what is done to a night's rows, and what somebody who found it would have to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nightproof.verdict import Cause, CauseKind

from benchmarks.faults.frames import Frames, Surroundings

Inject = Callable[[Frames, Surroundings], Frames]


@dataclass(frozen=True)
class Expected:
    """Which cause is the right one.

    Parameters
    ----------
    kinds
        Any of these kinds.
    columns
        One of these columns is named; empty where no column is at fault.
    segment
        The rows that are named; empty where all are at fault. A column of ``columns`` may stand in its place.
    """

    kinds: tuple[CauseKind, ...]
    columns: tuple[str, ...] = ()
    segment: Mapping[str, str] = field(default_factory=dict)

    def is_met_by(self, cause: Cause) -> bool:
        """Whether a cause is of the right kind and names what is at fault, and nothing else where all rows are."""
        if cause.kind not in self.kinds:
            return False
        if not (self.columns or self.segment):
            return not cause.segment
        named = bool(set(self.columns) & set(cause.columns))
        return named or (bool(self.segment) and self.segment.items() <= cause.segment.items())


@dataclass(frozen=True)
class Fault:
    """One fault.

    Parameters
    ----------
    name
        In a few words.
    inject
        Pure: a night's rows, and what they become.
    expected
        The right causes: any of them will do.
    """

    name: str
    inject: Inject
    expected: tuple[Expected, ...]

    @property
    def columns(self) -> frozenset[str]:
        """Columns that are at fault."""
        return frozenset(column for expected in self.expected for column in (*expected.columns, *expected.segment))

    def is_named_by(self, cause: Cause) -> bool:
        """Whether a cause is a right one."""
        return any(expected.is_met_by(cause) for expected in self.expected)
