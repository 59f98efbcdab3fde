"""Compaction: many small files into few sorted ones, and what is past keeping away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from nightproof.table.delta import MetricsTable, Overtaken
from nightproof.table.files import TableFile, write_rows
from nightproof.table.sync import wait

MOST_ROWS = 1_000_000
"""Rows of a merged file at the most, some 500 MB in memory while it is made."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction did.

    Parameters
    ----------
    merged, made
        Files that were put together, and what they became.
    deleted
        Files past keeping that were deleted.
    """

    merged: int
    made: int
    deleted: int


def compact(table: MetricsTable) -> Compacted:
    """Put small files of a month together, sorted by model, night and finding; then checkpoint and delete what is old.

    Safe beside publishers and rebuilds: a merge is committed only at a version in which its files are still part of
    the table. A second call finds nothing to do.
    """
    if not table.refresh():
        return Compacted(0, 0, 0)
    merged = made = 0
    for group in list(groups(table.files())):
        new = _merged(table, group)
        if _replaced(table, group, new):
            merged, made = merged + len(group), made + len(new)
    return Compacted(merged, made, table.tidy())


def groups(files: Iterable[TableFile], *, most_rows: int = MOST_ROWS) -> Iterator[list[TableFile]]:
    """Files of one month to be put together: first fit, the largest first, so that no two groups fit in one."""
    months: dict[str, list[list[TableFile]]] = {}
    for file in sorted(files, key=lambda each: (-each.rows, each.path)):
        bins = months.setdefault(file.month, [])
        fitting = (held for held in bins if sum(each.rows for each in held) + file.rows <= most_rows)
        if (held := next(fitting, None)) is None:
            bins.append([file])
        else:
            held.append(file)
    for month in sorted(months):
        yield from (held for held in months[month] if len(held) > 1)


def _merged(table: MetricsTable, group: list[TableFile]) -> list[TableFile]:
    rows = pa.concat_tables([table.read_file(each) for each in group])
    return list(write_rows(rows, store=table.store, folder=table.folder))


def _replaced(table: MetricsTable, group: list[TableFile], new: list[TableFile]) -> bool:
    """Whether the new files took the old ones' place; not where a rebuild has done away with those."""
    tries = 0
    while {each.path for each in group} <= {each.path for each in table.files()}:
        try:
            table.replace(group, new)
        except Overtaken:
            wait(tries := min(tries + 1, 3))
            table.refresh()
        else:
            table.refresh()
            return True
    return False
