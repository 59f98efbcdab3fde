"""The section `holdout` of a config: which labelled rows of production are kept apart as a test set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from nightproof.metric_names import Task
from nightproof.sections import Column, Columns, Duration, Section

LABEL = "label"
"""Name in `stratify` of the label, whatever its column is called."""


class Holdout(Section):
    """A labelled test set that grows from production; training must never see its rows."""

    per_night: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 200
    """Rows taken of each final night; a night with fewer labelled rows gives all of them."""
    rows: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] = 20_000
    """Most rows of the whole: the oldest nights leave first, each as a whole."""
    stratify: Annotated[tuple[Column, ...], Field(max_length=4)] | None = None
    """`label` and columns of categories: a night's rows have the same mix of their values as the night. By default
    the label where it is a class, else nothing."""
    group: Column | None = None
    """Column of an entity, such as a customer: a night's rows of one are held out together or not at all. By default
    the query of a ranking model, else nothing."""
    salt: Annotated[str, Field(max_length=200)] = ""
    """Any text: another one draws other rows. It is no secret: the record shows it with the config."""
    max_age: Duration = timedelta(days=28)
    """How far, once labels are final, the last night may lie behind production before the holdout is stale."""
    time_apart: Annotated[bool, Field(strict=True)] = False
    """Whether training data of the holdout's time, or later, is a leak even where the rows are others."""

    @model_validator(mode="after")
    def _bounded(self) -> Holdout:
        if self.per_night > self.rows:
            raise ValueError("a night would not fit: raise holdout.rows to per_night at least")
        if self.group and self.stratify:
            raise ValueError("a group held out as a whole cannot be split by strata: give group or stratify")
        return self

    def strata(self, task: Task, columns: Columns) -> tuple[str, ...]:
        """Columns whose values make a night's strata, the label's as ``label``, each once and in order of names."""
        if self.group or task == "ranking":
            return ()
        if self.stratify is None:
            return (LABEL,) if task in ("binary", "multiclass") else ()
        return tuple(sorted({LABEL if name == columns.label else name for name in self.stratify}))


def clashes(holdout: Holdout, *, task: Task, columns: Columns, row_id: str | None) -> Iterator[tuple[str, str]]:
    """What the section says that the rest of a config does not allow: a key below it, or none, and the problem."""
    if row_id is None:
        yield "", "a row is drawn by its id: add data.id, the column that identifies a prediction"
    strata = holdout.strata(task, columns)
    if holdout.stratify and task == "ranking":
        yield "stratify", "a ranking's queries are held out whole, and cannot be split by strata: remove it"
    if LABEL in strata and task == "regression":
        yield "stratify", "the label of a regression is a number, and strata need classes: remove label"
    numbers = {*columns.features.numeric, *columns.outputs, columns.weight, columns.time, columns.latency_ms}
    for name in strata:
        if name in numbers or name == row_id:
            yield "stratify", f"{name} is no column of categories; allowed are label, protected and categorical columns"
    if holdout.group is not None and holdout.group in (row_id, columns.label):
        yield "group", f"{holdout.group} names no entity that has several rows; leave group out"
