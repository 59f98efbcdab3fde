"""Rebuild: the table made anew from the logs alone, in one commit, while models go on publishing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nightproof.results_root import ResultsRoot
from nightproof.table.delta import MetricsTable, Overtaken
from nightproof.table.files import TableFile, write_entries
from nightproof.table.sync import wait


@dataclass
class Rebuilt:
    """What a rebuild has written so far.

    Parameters
    ----------
    covered
        For each model the number of the last log entry whose rows are written.
    files
        Those rows' files.
    """

    covered: dict[str, int] = field(default_factory=dict)
    files: list[TableFile] = field(default_factory=list)

    @property
    def evaluations(self) -> int:
        """Evaluations that it holds."""
        return sum(last + 1 for last in self.covered.values())

    @property
    def rows(self) -> int:
        """Rows that it holds."""
        return sum(each.rows for each in self.files)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(each.size for each in self.files)


def rebuild(root: ResultsRoot, table: MetricsTable) -> Rebuilt:
    """Replace all that is in the table by what the logs say.

    All rows are written first. Then, as often as some publisher comes first, what the table has come to hold beside
    is written too, and the commit is tried at exactly the version that was looked at: nothing is lost or doubled,
    and readers see the old table or the new one.

    Raises
    ------
    RecordError
        If a chain is broken or a file is not what was published; the table is then left as it is.
    TableError
        If the table cannot be written.
    """
    if not table.refresh():
        table.create()
    made, tries = Rebuilt(), 0
    _cover(made, root.models(), root, table)
    while True:
        table.refresh()
        # An entry is in its log before it is in the table, so all that the table holds can be found there.
        ahead = [model for model, last in made.covered.items() if table.last(model) > last]
        _cover(made, [*ahead, *(model for model in root.models() if model not in made.covered)], root, table)
        try:
            table.overwrite(made.files, transactions={model: n for model, n in made.covered.items() if n >= 0})
        except Overtaken:
            wait(tries := min(tries + 1, 3))
        else:
            table.refresh()
            return made


def _cover(made: Rebuilt, models: Iterable[str], root: ResultsRoot, table: MetricsTable) -> None:
    for model in models:
        results = root.results(model)
        missing = results.log.entries()[made.covered.get(model, -1) + 1 :]
        made.files += write_entries(results, missing, store=table.store, folder=table.folder, read=root.read)
        made.covered[model] = missing[-1].number if missing else made.covered.get(model, -1)
