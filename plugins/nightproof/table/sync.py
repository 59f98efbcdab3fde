"""Sync: what a model's log has and the table has not, in one commit, exactly once."""

from __future__ import annotations

import random
import time

from nightproof.errors import NightproofError
from nightproof.results import ModelResults
from nightproof.results_root import ResultsRoot
from nightproof.table.delta import MetricsTable, Overtaken
from nightproof.table.files import TableFile, write_entries

MOST_WAIT_S = 2.0
"""Longest wait before another try; hundreds that publish at once each get a turn."""


def sync(results: ModelResults, table: MetricsTable) -> int:
    """Append the entries of a model's log that the table has not, in one commit.

    Safe to repeat and to do by many at once: the commit carries the number of the last entry, and fails if another
    of the model came first. A crash before it leaves files that nobody reads, and that compaction deletes; one
    after it leaves nothing to do.

    Returns
    -------
    int
        Evaluations that this call appended.

    Raises
    ------
    RecordError
        If the chain is broken, or what it holds is not what was published.
    TableError
        If the table cannot be read or written.
    """
    if not table.refresh():
        table.create()
    begun, files, tries = table.last(results.model), list[TableFile](), 0
    while missing := results.log.entries()[table.last(results.model) + 1 :]:
        if not files or begun != table.last(results.model):
            begun = table.last(results.model)
            files = list(write_entries(results, missing, store=table.store, folder=table.folder))
            last = missing[-1].number
        try:
            table.append(files, model=results.model, number=last)
        except Overtaken:
            wait(tries := tries + 1)
            table.refresh()
        else:
            return last - begun
    return 0


def sync_all(root: ResultsRoot, table: MetricsTable) -> dict[str, int]:
    """Sync every model of a root; one that fails does not keep the others from it.

    Returns
    -------
    dict[str, int]
        Evaluations appended, by model.

    Raises
    ------
    NightproofError
        The first that a model met, once all have had their turn.
    """
    added, failed = dict[str, int](), list[NightproofError]()
    for model in root.models():
        try:
            added[model] = sync(root.results(model), table)
        except NightproofError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return added


def wait(tries: int) -> None:
    """Wait a random while that grows with the number of tries."""
    time.sleep(random.uniform(0.0, min(MOST_WAIT_S, 0.02 * 2 ** min(tries, 10))))  # noqa: S311  no secret
