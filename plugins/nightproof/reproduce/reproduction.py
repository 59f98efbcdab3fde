"""A reproduction: what came of computing an evaluation again."""

from __future__ import annotations

from typing import Any, Literal

from nightproof.record import Record

Outcome = Literal["same", "different", "incomplete"]
FileOutcome = Literal["same", "different", "given", "deleted"]
MOST_TOLD = 20
"""Differences that are told one by one."""


class Difference(Record):
    """One value that is not what it was."""

    file: str
    where: str
    """Which finding, fact or object, in words; empty for the file as a whole."""
    field: str
    then: Any
    now: Any


class Input(Record):
    """Something that an evaluation stands on, and that is not what it was."""

    kind: Literal["object", "code", "library", "history", "suite", "metric", "record"]
    name: str
    then: str | None
    now: str | None


class Reproduction(Record):
    """What came of computing an evaluation again."""

    model: str
    night: str
    evaluation_id: str
    outcome: Outcome
    """`different`: a number is not what it was; `incomplete`: all that could be computed again is the same, but not
    all could, or not from the data as it is stored."""
    findings: int
    """Findings that were compared."""
    numbers: int
    """Numbers, in all files, that were compared."""
    files: dict[str, FileOutcome]
    """`given`: could not be computed again, so the steps after it stand on the recorded one; `deleted`: the record
    no longer has it."""
    different: int
    """Values that are not what they were."""
    differences: tuple[Difference, ...]
    """The first of them."""
    moved: tuple[Input, ...]
    """Inputs and versions that are not what they were, whether or not that changed a number."""
    reason: str | None = None
    """Why it ended early, where it did."""

    def in_words(self) -> str:
        """A sentence, and a line for each thing that is not as it was."""
        return "\n".join([self._sentence(), *self._lines()])

    def _sentence(self) -> str:
        about = f"{self.night} {self.model} ({self.evaluation_id})"
        compared = f"{self.findings:,} findings, {self.numbers:,} numbers"
        if self.outcome == "same":
            return f"{about}: {compared}: the same, bit for bit."
        if self.outcome == "different":
            return f"{about}: NOT the same: {self.different:,} of {self.numbers:,} numbers and texts differ."
        if self.reason:
            return f"{about}: cannot be reproduced: {self.reason}"
        return f"{about}: {compared}: the same, bit for bit, but not everything could be computed from the stored data."

    def _lines(self) -> list[str]:
        lines = [
            f"  {d.file}{': ' if d.where else ''}{d.where}: {d.field}: then {d.then}, now {d.now}"
            for d in self.differences
        ]
        if self.different > len(self.differences):
            lines.append(f"  and {self.different - len(self.differences):,} more")
        given = [name for name, outcome in self.files.items() if outcome == "given"]
        deleted = [name for name, outcome in self.files.items() if outcome == "deleted"]
        if given:
            lines.append(f"  taken from the record, not computed again: {', '.join(given)}")
        if deleted:
            lines.append(f"  no longer in the record, so not compared: {', '.join(deleted)}")
        return [*lines, *(f"  moved: {m.kind} {m.name}: then {m.then}, now {m.now}" for m in self.moved)]
