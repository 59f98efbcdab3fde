"""The rows of a version, brought together from the pinned data whenever they are asked for.

A version holds no values, so the rows are as alive as their data: a row is given only while the night's data,
as it lies in the store today, still has its id. Whoever deletes a person's rows need not know of the holdout.
What is given comes from the pinned bytes alone, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from nightproof.config import ModelConfig
from nightproof.errors import BucketMissing, ObjectChanged, ObjectMissing, RecordError
from nightproof.holdout.candidates import batches, row_ranks, truth
from nightproof.holdout.rank import shown
from nightproof.holdout.version import HeldNight, HoldoutVersion, Rule
from nightproof.holdout.versions import Versions
from nightproof.metric_names import Task
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.profiles.text import value_text
from nightproof.pull import places
from nightproof.resources import Resources
from nightproof.snapshot import PinnedObject
from nightproof.storage import Store, StoredObject, split_url

NIGHT, ROW = "nightproof:night", "nightproof:row"
"""Columns beside the data's own: the row's night, and its rank in hexadecimal."""


@dataclass(frozen=True)
class Rows:
    """The rows of a version that there are today.

    Parameters
    ----------
    version
        Which.
    table
        Columns of the predictions with the label, then :data:`NIGHT` and :data:`ROW`; sorted by both.
    gone
        Rows by night whose pinned data cannot be had any more.
    erased
        Rows by night whose id is no longer in the night's data.
    """

    version: HoldoutVersion
    table: pl.DataFrame
    gone: Mapping[str, int]
    erased: Mapping[str, int]
    ranks: pl.Series
    """Ranks of all rows of the version, whether or not they can be read: what training must not see."""


def read(config: ModelConfig, resources: Resources, version: int | None = None) -> pa.Table:
    """The labelled rows of a version of the holdout, for training code and gates.

    Parameters
    ----------
    version
        Its number; the last one by default.

    Returns
    -------
    pyarrow.Table
        See :class:`Rows`; rows whose data is gone or erased are left out.

    Raises
    ------
    RecordError
        If there is no such version.
    """
    return read_rows(config, resources, version).table.to_arrow()


def read_rows(config: ModelConfig, resources: Resources, version: int | None = None) -> Rows:
    """The same, with the count of rows that are left out."""
    versions = Versions(resources.results(config))
    found = versions.read(version)
    if found is None:
        raise RecordError(f"{versions.url()} has no version yet: run nightproof holdout update {config.model}.")
    hashes = versions.hashes(found)
    tables: list[pl.DataFrame] = []
    gone: dict[str, int] = {}
    erased: dict[str, int] = {}
    for held in found.nights:
        files = _pinned(held, resources)
        if files is None:
            gone[held.night] = held.rows
            continue
        rows = _of_night(files, hashes.filter(pl.col("night") == held.night)["row"], rule=found.rule, task=config.task)
        if not _as_pinned(held, resources):
            here = _ids_today(config, held, found.rule, resources)
            there = rows.filter(pl.col(ROW).is_in(here.implode()))
            if there.height < rows.height:
                erased[held.night] = rows.height - there.height
            rows = there
        tables.append(rows.with_columns(pl.lit(held.night).alias(NIGHT), _hexadecimal()))
    return Rows(found, _together(tables), gone, erased, hashes["row"])


def _hexadecimal() -> pl.Expr:
    return pl.col(ROW).map_elements(shown, return_dtype=pl.String)


def _of_night(files: NightFiles, wanted: pl.Series, *, rule: Rule, task: Task) -> pl.DataFrame:
    """Rows of one night by rank, with their label as a number, or as text where it is a class of several."""
    known = truth(files, rule, task)
    parts = []
    for frame in batches(files.predictions, [], files):
        ranked = frame.drop(rule.label, strict=False).with_columns(row_ranks(frame, rule).alias(ROW))
        parts.append(ranked.filter(pl.col(ROW).is_in(wanted.implode())))
    rows = _together(parts)
    if not rows.width:
        return pl.DataFrame(schema={rule.label: pl.Float64, ROW: pl.UInt64})
    kind = {"multiclass": pl.String, "binary": pl.Int8}.get(task, pl.Float64)
    labels = known.select(pl.col("row").alias(ROW), pl.col("label").cast(kind).alias(rule.label))
    joined = rows.join(labels, on=ROW, how="left").sort(ROW)
    return joined.select(*[name for name in joined.columns if name != ROW], ROW)


def _together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Rows of tables whose columns may be of other types; numbers of two types are numbers, anything else text."""
    if not parts:
        return pl.DataFrame()
    kinds: dict[str, set[pl.DataType]] = {}
    for part in parts:
        for name, kind in part.schema.items():
            kinds.setdefault(name, set()).add(kind)
    mixed = {name for name, found in kinds.items() if len(found - {pl.Null()}) > 1 and not _numbers(found)}
    alike = [
        part.with_columns(value_text(name, part.schema) for name in part.columns if name in mixed) for part in parts
    ]
    return pl.concat(alike, how="diagonal_relaxed")


def _numbers(kinds: set[pl.DataType]) -> bool:
    return all(kind.is_numeric() or kind == pl.Null for kind in kinds)


# --- What there is of a night's data today ----------------------------------------------------------------


def _pinned(held: HeldNight, resources: Resources) -> NightFiles | None:
    """The night's files with the very bytes that were pinned; ``None`` where one cannot be had."""
    try:
        local = {found: _fetched(found, resources) for found in held.objects}
    except (ObjectMissing, ObjectChanged, BucketMissing):
        return None
    return NightFiles(
        predictions=tuple(path for found, path in local.items() if found.role == "predictions"),
        labels=tuple(path for found, path in local.items() if found.role == "labels"),
        names={path: found.url for found, path in local.items()},
    )


def _fetched(pinned: PinnedObject, resources: Resources) -> Path:
    path = resources.cache.path(pinned.sha256)
    if not path.exists():
        store, key = _place(pinned.url, resources)
        exact = StoredObject(key, pinned.size, pinned.etag, pinned.version_id)
        if pinned.version_id is None:
            # A copy of the same bytes has another tag, and is as good: its hash is what counts.
            exact = store.head(key)
        resources.cache.bring(store, exact, expected_sha256=pinned.sha256)
    return path


def _as_pinned(held: HeldNight, resources: Resources) -> bool:
    """Whether each object still lies where it lay, as it was: then no row of it has been deleted."""
    for pinned in held.objects:
        store, key = _place(pinned.url, resources)
        try:
            now = store.head(key)
        except ObjectMissing:
            return False
        if (now.etag, now.size) != (pinned.etag, pinned.size):
            return False
    return True


def _ids_today(config: ModelConfig, held: HeldNight, rule: Rule, resources: Resources) -> pl.Series:
    """Ranks of all ids in the night's predictions as they lie in the store now."""
    root, prefix = split_url(places(config, Night.parse(held.night))["predictions"])
    store = resources.open_store(root)
    try:
        listed = [found for found in store.list(prefix) if not found.key.rsplit("/", 1)[-1].startswith(("_", "."))]
    except ObjectMissing:
        listed = []
    paths = {resources.cache.path(resources.cache.bring(store, store.head(found.key))): found.key for found in listed}
    files = NightFiles(predictions=tuple(paths), names={path: store.url(key) for path, key in paths.items()})
    parts = [row_ranks(frame, rule) for frame in batches(files.predictions, [rule.id], files)]
    return pl.concat(parts).drop_nulls() if parts else pl.Series("row", [], pl.UInt64)


def _place(url: str, resources: Resources) -> tuple[Store, str]:
    root, key = split_url(url)
    return resources.open_store(root), key
