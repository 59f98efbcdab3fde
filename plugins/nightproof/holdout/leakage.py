"""Leakage: does training data hold what the holdout is to test?

Each check passes, leaks, or says why it cannot be told. Rows are named by the rank of their id, never by value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import polars as pl

from nightproof.config import ModelConfig
from nightproof.holdout.alike import Pairs, Sample, against_chance, feature_keys, sizes
from nightproof.holdout.candidates import group_ranks, row_ranks
from nightproof.holdout.giveaway import giveaways
from nightproof.holdout.materialise import ROW, Rows
from nightproof.holdout.rank import shown
from nightproof.holdout.training import Training
from nightproof.holdout.version import holdout_of
from nightproof.profiles import ProfileSpec
from nightproof.record import Record
from nightproof.words import counted

EXAMPLES = 5
"""Rows that a check names."""
_HELD_OUT = {"same_ids": "the id of a row", "same_groups": "the group of a row"}
CheckName = Literal["same_ids", "same_rows", "same_groups", "time", "giveaway"]


class LeakCheck(Record):
    """What one check found."""

    name: CheckName
    status: Literal["passed", "leaking", "unknown"]
    rows: int | None = None
    """Training rows that leak, or look like it; null where rows are not what is counted."""
    share: float | None = None
    """Of all training rows."""
    examples: tuple[str, ...] = ()
    """Rows of the holdout, by rank; for groups, ranks of groups; for a feature, its name."""
    reason: str


class Leakage(Record):
    """All checks of training data against a version of the holdout."""

    model: str
    version: int
    training: str
    rows: int
    """Training rows."""
    checks: tuple[LeakCheck, ...]

    @property
    def is_leaking(self) -> bool:
        """Whether any check found a leak."""
        return any(check.status == "leaking" for check in self.checks)


Find = Callable[[pl.DataFrame], pl.Series]
"""For each training row the name of what it gives away, or null."""


@dataclass
class Search:
    """One thing that is looked for in training rows, and what came of it.

    Parameters
    ----------
    find
        See :data:`Find`; ``None`` where it cannot be looked for.
    why
        Then, why.
    """

    name: CheckName
    find: Find | None
    why: str = ""
    rows: int = 0
    found: dict[str, int] = field(default_factory=dict)
    """Training rows by what they give away."""
    sample: Sample | None = None
    """Training rows, to tell what chance does, where that matters."""

    def add(self, frame: pl.DataFrame) -> None:
        """Look through some more training rows."""
        if self.find is None:
            return
        if self.sample is not None:
            self.sample.add(frame)
        hits = self.find(frame).drop_nulls()
        self.rows += len(hits)
        for name, count in hits.value_counts().iter_rows():
            self.found[name] = self.found.get(name, 0) + count

    @property
    def examples(self) -> tuple[str, ...]:
        """The first few, in order."""
        return tuple(sorted(self.found)[:EXAMPLES])


def check(training: Training, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> Leakage:
    """Run every check, reading the training rows once.

    Parameters
    ----------
    rows
        The holdout.
    spec
        Tells which columns are features, and of which kind.
    """
    searches = searches_of(training, rows, config, spec)
    total = 0
    for frame in training.frames():
        total += frame.height
        for search in searches:
            search.add(frame)
    kept = holdout_of(config)
    checks = [_judge(search, total, rows, spec, time_apart=kept.time_apart) for search in searches]
    checks.append(_given_away(rows, config, spec))
    return Leakage(
        model=config.model, version=rows.version.number, training=training.name, rows=total, checks=tuple(checks)
    )


def without_leaks(training: Training, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> Iterator[pl.Series]:
    """For each batch of training rows which of them may stay: none that a leaking check names.

    Identical rows under other ids go only where there are more of them than chance repeats explain: to drop
    every common row would bend the training data away from what is common.
    """
    found = check(training, rows, config, spec)
    leaking = {each.name for each in found.checks if each.status == "leaking"}
    searches = [each for each in searches_of(training, rows, config, spec) if each.name in leaking and each.find]
    for frame in training.frames():
        stays = pl.Series("stays", [True] * frame.height, dtype=pl.Boolean)
        for search in searches:
            assert search.find is not None
            stays &= search.find(frame).is_null()
        yield stays


def searches_of(training: Training, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> list[Search]:
    """What is looked for in training rows; each with a clean sheet."""
    columns = training.columns
    by_id = _same_ids(columns, rows)
    found = [by_id, _same_rows(columns, rows, spec, by_id)]
    if rows.version.rule.group:
        found.append(_same_groups(columns, rows))
    return [*found, _time(columns, rows, config)]


def _lacks(columns: Sequence[str], wanted: Sequence[str]) -> str:
    lacking = [name for name in wanted if name not in columns]
    return f"the training data has no column {', '.join(lacking)}" if lacking else ""


def _same_ids(columns: Sequence[str], rows: Rows) -> Search:
    rule = rows.version.rule
    held = set(rows.ranks.to_list())
    why = _lacks(columns, [rule.id])
    return Search("same_ids", None if why else lambda frame: _named(row_ranks(frame, rule), held), why)


def _named(ranks: pl.Series, held: set[int]) -> pl.Series:
    return pl.Series([shown(rank) if rank in held else None for rank in ranks.to_list()], dtype=pl.String)


def _same_groups(columns: Sequence[str], rows: Rows) -> Search:
    rule = rows.version.rule
    assert rule.group is not None
    why = _lacks(columns, [rule.group]) or ("" if rows.table.height else "no row of the holdout can be read")
    held = set(group_ranks(rows.table, rule).drop_nulls().to_list()) if not why else set()
    return Search("same_groups", None if why else lambda frame: _named(group_ranks(frame, rule), held), why)


def _same_rows(columns: Sequence[str], rows: Rows, spec: ProfileSpec, by_id: Search) -> Search:
    """Rows whose features are all those of a row of the holdout that bears another id."""
    why = _lacks(columns, spec.features) or ("" if rows.table.height else "no row of the holdout can be read")
    if why or not spec.features:
        return Search("same_rows", None, why or "the model has no features")
    held = pl.DataFrame([feature_keys(rows.table, spec), rows.table[ROW].alias("name")]).unique("key", keep="first")

    def find(frame: pl.DataFrame) -> pl.Series:
        keys = feature_keys(frame, spec).to_frame()
        names = keys.join(held, on="key", how="left", maintain_order="left")["name"]
        if by_id.find is None:
            return names
        return pl.select(pl.when(by_id.find(frame).is_null()).then(names)).to_series()

    return Search("same_rows", find, sample=Sample(spec, rows.version.rule, rows.ranks))


def _time(columns: Sequence[str], rows: Rows, config: ModelConfig) -> Search:
    column = config.columns.time
    if column is None:
        return Search("time", None, "the config names no columns.time")
    if why := _lacks(columns, [column]):
        return Search("time", None, why)
    first = datetime.fromisoformat(rows.version.nights[0].night)

    def find(frame: pl.DataFrame) -> pl.Series:
        when = frame.select(_utc(column, frame.schema))[column]
        return pl.select(pl.when(when >= first).then(when.dt.strftime("%Y-%m-%d"))).to_series()

    return Search("time", find)


def _utc(name: str, schema: pl.Schema) -> pl.Expr:
    kind = schema[name]
    if kind == pl.String:
        return pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.replace_time_zone(None)
    if getattr(kind, "time_zone", None):
        return pl.col(name).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return pl.col(name).cast(pl.Datetime("us"), strict=False)


# --- What it comes to -------------------------------------------------------------------------------------


def _judge(search: Search, total: int, rows: Rows, spec: ProfileSpec, *, time_apart: bool) -> LeakCheck:
    if search.find is None or not total:
        return LeakCheck(name=search.name, status="unknown", reason=f"Cannot be told: {search.why or 'no rows'}.")
    if search.name == "same_rows":
        status, reason = _against_chance(search, total, rows, spec)
    elif search.name == "time":
        status, reason = _of_the_time(search, rows, time_apart=time_apart)
    else:
        status = "leaking" if search.rows else "passed"
        reason = f"{counted(search.rows, 'training row')} with {_HELD_OUT[search.name]} of the holdout."
    return LeakCheck.model_validate(
        {
            "name": search.name,
            "status": status,
            "rows": search.rows,
            "share": search.rows / total,
            "examples": search.examples,
            "reason": reason,
        }
    )


def _against_chance(search: Search, total: int, rows: Rows, spec: ProfileSpec) -> tuple[str, str]:
    keys = feature_keys(rows.table, spec)
    alike = sizes(keys, rows.table[ROW])
    across = Pairs(sum(count * alike.get(name, 1) for name, count in search.found.items()), total * len(keys))
    assert search.sample is not None
    status, said = against_chance(across, Pairs.within(keys), search.sample.pairs())
    of = "has" if search.rows == 1 else "have"
    return (
        status,
        f"{counted(search.rows, 'training row')} under other ids {of} all features of a held-out row: {said}.",
    )


def _of_the_time(search: Search, rows: Rows, *, time_apart: bool) -> tuple[str, str]:
    first = date.fromisoformat(rows.version.nights[0].night)
    if not search.rows:
        return "passed", f"No training row is of {first} or later, when the holdout begins."
    are = "is" if search.rows == 1 else "are"
    said = f"{counted(search.rows, 'training row')} {are} of {first} or later, when the holdout begins"
    if time_apart:
        return "leaking", f"{said}; holdout.time_apart forbids it."
    return "passed", f"{said}; holdout.time_apart allows it."


def _given_away(rows: Rows, config: ModelConfig, spec: ProfileSpec) -> LeakCheck:
    found = giveaways(rows.table, config, spec)
    if isinstance(found, str):
        return LeakCheck(name="giveaway", status="unknown", reason=f"Cannot be told: {found}.")
    if not found:
        return LeakCheck(name="giveaway", status="passed", reason="No feature alone gives the label away.")
    named = ", ".join(f"{name} ({value:.3f})" for name, value in found.items())
    return LeakCheck(
        name="giveaway",
        status="leaking",
        examples=tuple(found),
        reason=f"Alone all but gives the label away: {named}. Is it known when the prediction is made?",
    )
