"""The rows of one results root, as of its last reading: only what changed is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nightproof.board import Board, FleetRow
from nightproof.errors import AccessRefused, NightproofError, ObjectMissing, RecordError
from nightproof.storage import ReadsInBulk

READERS = 16
"""Rows read at a time: a first reading waits on the network, not on the CPU."""
MANY = 8
"""Rows from which on it pays to make a reader of many."""

Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Rows:
    """What is known of a root's board.

    Parameters
    ----------
    rows
        By model.
    unread
        Why the newest row of a model cannot be read; an older one may be among the rows.
    at
        UTC instant of the last reading that went well; ``None`` before the first.
    fault
        Why the last reading did not go well.
    """

    rows: Mapping[str, FleetRow] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    fault: str = ""


def read_rows(open_board: Callable[[], Board], before: Rows) -> Rows:
    """Read a root again.

    Parameters
    ----------
    open_board
        Gives its board.
    before
        What was known: it stays so where the root does not answer.
    """
    at = datetime.now(UTC)
    try:
        board = open_board()
        listed = _listed(board)
        wanted = [(m, entries) for m, entries in listed.items() if not _covers(before.rows.get(m), entries)]
        found, unread = _read(board, wanted)
    except NightproofError as error:
        return replace(before, fault=str(error))
    older = {model: before.rows[model] for model in listed if model in before.rows}
    return Rows(older | found, unread, at)


def _listed(board: Board) -> Mapping[str, int]:
    try:
        return board.listed()
    except ObjectMissing:
        # Some stores look at each object that they list, and a writer may have deleted it just then.
        return board.listed()


def _covers(row: FleetRow | None, entries: int) -> bool:
    return row is not None and row.entries == entries


def _read(board: Board, wanted: list[tuple[str, int]]) -> tuple[dict[str, FleetRow], dict[str, str]]:
    many = len(wanted) >= MANY
    read = board.store.bulk() if many and isinstance(board.store, ReadsInBulk) else None

    def one(model: str, entries: int) -> FleetRow | str | None:
        return _row(board, model, entries, read)

    if many:
        with ThreadPoolExecutor(READERS, thread_name_prefix="nightproof-rows") as readers:
            try:
                answers = list(readers.map(one, *zip(*wanted, strict=True)))
            except NightproofError:
                # The root has stopped to answer: each further row would only wait as long.
                readers.shutdown(cancel_futures=True)
                raise
    else:
        answers = [one(model, entries) for model, entries in wanted]
    return _sorted_out(zip((model for model, _ in wanted), answers, strict=True))


def _row(board: Board, model: str, entries: int, read: Read | None) -> FleetRow | str | None:
    """A row, or why it cannot be read, or ``None`` where there is none any more."""
    try:
        try:
            row = board.row(model, entries, read=read)
        except ObjectMissing:
            # A writer was quicker: two rows have come since, and this one has gone.
            if not (covered := board.covered(model)):
                return None
            row = board.row(model, covered[-1])
    except ObjectMissing:
        return None
    except (RecordError, AccessRefused) as error:
        return str(error)
    if row.model != model:
        return f"The row of {model} on the board is that of another model; `nightproof board` makes it anew."
    return row


def _sorted_out(
    answers: Iterable[tuple[str, FleetRow | str | None]],
) -> tuple[dict[str, FleetRow], dict[str, str]]:
    rows: dict[str, FleetRow] = {}
    unread: dict[str, str] = {}
    for model, answer in answers:
        if isinstance(answer, str):
            unread[model] = answer
        elif answer is not None:
            rows[model] = answer
    return rows, unread
