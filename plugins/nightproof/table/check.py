"""Check: whether the table is what the logs say, evaluation by evaluation, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow.compute as pc

from nightproof.manifest import LogEntry
from nightproof.results_root import ResultsRoot
from nightproof.table.delta import MetricsTable
from nightproof.table.files import READERS
from nightproof.table.fingerprint import Key, digest, digests, fingerprint
from nightproof.table.rows import evaluation_rows


@dataclass(frozen=True)
class Checked:
    """What a comparison of a table with its logs found.

    Parameters
    ----------
    evaluations
        Evaluations in the logs.
    of_table, of_logs
        Fingerprints; see :mod:`nightproof.table.fingerprint`.
    difference
        The first evaluation in which they differ, by model and log number, in words; ``None`` where they are equal.
    """

    evaluations: int
    of_table: str
    of_logs: str
    difference: str | None


def check(root: ResultsRoot, table: MetricsTable) -> Checked:
    """Compare the table with the logs.

    The logs are read first: what is published meanwhile is no difference.

    Raises
    ------
    RecordError
        If a chain is broken or a file is not what was published: it is the record that is wrong, not the table.
    TableError
        If the table cannot be read.
    """
    entries = {model: root.results(model).log.entries() for model in root.models()}
    held: dict[Key, str] = {}
    if table.refresh():
        for model in sorted({*entries, *pc.unique(table.rows(columns=["model"])["model"]).to_pylist()}):
            for key, told in _held(table, model):
                if _is_due(key, entries):
                    # Rows of one evaluation in two months are not as they were published.
                    held[key] = held.get(key, "") + told
    due = {(m, each.number): told for m, log in entries.items() for each, told in _due(root, m, log)}
    places = {(m, each.number): f"{each.night}/{each.evaluation_id}" for m, log in entries.items() for each in log}
    differing = (key for key in sorted({*held, *due}) if held.get(key) != due.get(key))
    difference = next((_in_words(key, held, due, places) for key in differing), None) or _miscounted(
        root, table, entries
    )
    return Checked(len(due), fingerprint(held), fingerprint(due), difference)


def _miscounted(root: ResultsRoot, table: MetricsTable, entries: dict[str, list[LogEntry]]) -> str | None:
    """Whether the table's own count of what it holds is wrong: the next publication would be doubled, or left out."""
    for model, log in entries.items():
        if not log:
            continue
        last = table.last(model)
        if last < len(log) - 1 or (last >= len(log) and last >= len(root.results(model).log.entries())):
            return f"{model}: the table says that it holds entries up to {last}: run nightproof table rebuild"
    return None


def _is_due(key: Key, entries: dict[str, list[LogEntry]]) -> bool:
    """Whether an evaluation of the table is one to compare: not one that was published since the logs were read."""
    model, number = key
    return model not in entries or number < len(entries[model]) or number > len(entries[model])


def _held(table: MetricsTable, model: str) -> Iterator[tuple[Key, str]]:
    """Digests of a model's evaluations in the table, month by month so that memory holds one."""
    for month in sorted({each.month for each in table.files()}):
        yield from digests(table.rows(model=model, month=month)).items()


def _due(root: ResultsRoot, model: str, log: list[LogEntry]) -> Iterator[tuple[LogEntry, str]]:
    results = root.results(model)
    with ThreadPoolExecutor(READERS) as readers:
        yield from zip(
            log, readers.map(lambda entry: digest(evaluation_rows(results, entry, root.read)), log), strict=True
        )


def _in_words(key: Key, held: dict[Key, str], due: dict[Key, str], places: dict[Key, str]) -> str:
    model, number = key
    name = f"{model}, log entry {number}" + (f" ({places[key]})" if key in places else "")
    if key not in held:
        return f"{name} is not in the table: run nightproof table sync, or rebuild"
    if key not in due:
        return f"{name} is in the table, but not in the log: run nightproof table rebuild"
    return f"{name} is not in the table as it was published: run nightproof table rebuild"
