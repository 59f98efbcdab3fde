"""The Delta table itself: opened, committed to, read and tidied. The only module that imports deltalake.

Two facts of delta-rs 1.6 shape it. Two commits of one application id that stand on one version conflict, so that a
model's log is appended exactly once whoever does it. But an overwrite or an ``optimize`` that is overtaken is rebased
without a look at what overtook it, and rows are doubled: whatever removes files here is committed at exactly the next
version or not at all (``max_commit_retries=0``), and begins again from what is there then.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from nightproof.errors import AccessRefused, StoreError, StoreUnavailable, TableError
from nightproof.storage import Store
from nightproof.table.files import TableFile
from nightproof.table.schema import BOUNDED, PARTITION, SCHEMA, VERSION, VERSION_KEY

KEPT = timedelta(days=7)
"""How long files that are no longer part of the table stay, for readers of an earlier version and for writers at
work; and how far back the table can be read as it was."""
_CONFIGURATION: Mapping[str, str | None] = {
    VERSION_KEY: str(VERSION),
    "delta.checkpointInterval": "100",
    # Said to the readers: deltalake's own takes a column without bounds for one that holds nothing, and skips the file.
    "delta.dataSkippingStatsColumns": ",".join(BOUNDED),
    "delta.logRetentionDuration": f"interval {KEPT.days} days",
    "delta.deletedFileRetentionDuration": f"interval {KEPT.days} days",
    # Cleaning up belongs to compaction: no publisher waits for it.
    "delta.enableExpiredLogCleanup": "false",
}
_REBASES = 15


class Overtaken(Exception):
    """Another commit took the version, or the application's transaction: look again, then go on."""


class MetricsTable:
    """One Delta table.

    Parameters
    ----------
    store
        Where it lies.
    folder
        Key prefix, ending in a slash.
    options
        What the Delta library needs to reach the store; asked before each use, as keys run out.
    """

    def __init__(self, store: Store, folder: str, *, options: Callable[[], dict[str, str]]) -> None:
        self.store = store
        self.folder = folder
        self._ask_options = options
        self._options: dict[str, str] = {}
        self._table: DeltaTable | None = None

    @property
    def url(self) -> str:
        """Where it lies, for people and for Delta readers."""
        return self.store.url(self.folder.rstrip("/"))

    # --- Reading ------------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Look at its latest version; whether there is one at all."""
        options = self._ask_options()
        if options != self._options:
            self._table, self._options = None, options
        with self._explained("read"):
            try:
                if self._table is None:
                    self._table = DeltaTable(self._uri, storage_options=options)
                else:
                    self._table.update_incremental()
            except TableNotFoundError:
                self._table = None
                return False
            self._check_version(self._table)
        return True

    @property
    def version(self) -> int:
        """Of the table, as it was at the last refresh."""
        return self._opened.version()

    def last(self, model: str) -> int:
        """Number of the last entry of a model's log that is in the table; -1 for none."""
        found = self._opened.transaction_version(model)
        return -1 if found is None else found

    def files(self) -> list[TableFile]:
        """Its files, in the order of their paths."""
        with self._explained("read"):
            actions = pa.table(self._opened.get_add_actions()).to_pylist()
        found = [
            TableFile(
                unquote(action["path"]),
                action["size_bytes"],
                action["partition"][PARTITION],
                action["num_records"],
                0,
                "",
            )
            for action in actions
        ]
        return sorted(found, key=lambda each: each.path)

    def rows(self, *, model: str | None = None, month: str | None = None, columns: Sequence[str] = ()) -> pa.Table:
        """Rows as they were at the last refresh, in no order.

        Parameters
        ----------
        model, month
            Of one only.
        columns
            By default all.
        """
        names = list(columns or SCHEMA.names)
        given = {"model": model, PARTITION: month}
        held = [f"{name} = '{_quoted(value)}'" for name, value in given.items() if value is not None]
        with self._explained("read"):
            found = pa.table(self._opened.scan(columns=names, predicate=" AND ".join(held) or None))
            wanted = pa.schema([SCHEMA.field(name) for name in names])
            # Readers give views of text, and a column that a foreign writer let be null.
            return pa.table([found[field.name].cast(field.type) for field in wanted], schema=wanted)

    def read_file(self, file: TableFile) -> pa.Table:
        """All rows of one of its files, in their order, with the month that they are filed under."""
        raw = self.store.read(self.folder + file.path)
        with self._explained("read"):
            stored = pq.read_table(io.BytesIO(raw))
            month = pa.array([file.month], pa.string()).take(pa.array([0] * stored.num_rows, pa.int32()))
            columns = [month if f.name == PARTITION else stored[f.name].cast(f.type) for f in SCHEMA]
            return pa.table(columns, schema=SCHEMA)

    # --- Committing ---------------------------------------------------------------------------------------------

    def append(self, files: Iterable[TableFile], *, model: str, number: int) -> None:
        """Make files part of the table, together with the number of the last entry that they hold.

        Raises
        ------
        Overtaken
            If another commit of the model came first, or too many of others.
        """
        with self._overtaking():
            self._commit(files, transactions={model: number}, mode="append", rebases=_REBASES)

    def overwrite(self, files: Iterable[TableFile], *, transactions: Mapping[str, int]) -> None:
        """Make files all of the table, at exactly the version after the last refresh's; readers see all or nothing.

        Raises
        ------
        Overtaken
            If any other commit came first.
        """
        with self._overtaking():
            self._commit(files, transactions=transactions, mode="overwrite", rebases=0)

    def replace(self, old: Collection[TableFile], new: Iterable[TableFile]) -> None:
        """Put files in the place of others that hold the same rows, at exactly the version after the last refresh's.

        Raises
        ------
        Overtaken
            If any other commit came first.
        """
        now_ms = time.time_ns() // 1_000_000
        gone = [RemoveAction(each.path, False, now_ms, each.size, {PARTITION: each.month}) for each in old]
        with self._overtaking():
            self._commit(new, transactions={}, mode="append", rebases=0, gone=gone)

    def create(self) -> None:
        """Create it, unless it is there; one of many that try does."""
        with self._explained("created"):
            try:
                DeltaTable.create(
                    self._uri,
                    SCHEMA,
                    mode="ignore",
                    partition_by=[PARTITION],
                    name="nightproof_metrics",
                    description="Every finding of every model: see docs/table.md of Nightproof.",
                    configuration=_CONFIGURATION,
                    storage_options=self._ask_options(),
                    raise_if_key_not_exists=False,
                )
            except (DeltaError, OSError):
                # The losers of that race are told in several ways; what counts is that it is there now.
                if not self.refresh():
                    raise
        self.refresh()

    def tidy(self) -> int:
        """Checkpoint, forget the log of versions past keeping, and delete files past keeping; gives how many.

        Files that no version ever held, as a crash leaves them, are among these.
        """
        with self._explained("tidied"):
            table = self._opened
            table.create_checkpoint()
            hours = int(KEPT.total_seconds()) // 3600
            deleted = table.vacuum(retention_hours=hours, dry_run=False, full=True)
            table.cleanup_metadata()
        self.refresh()
        return len(deleted)

    # --- Within -------------------------------------------------------------------------------------------------

    def _commit(
        self,
        files: Iterable[TableFile],
        *,
        transactions: Mapping[str, int],
        mode: str,
        rebases: int,
        gone: Sequence[RemoveAction] = (),
    ) -> None:
        added = [
            # Compaction changes no data, and says so to those who follow the table's changes.
            AddAction(each.path, each.size, {PARTITION: each.month}, each.written_ms, not gone, each.stats)
            for each in files
        ]
        self._opened.create_write_transaction(
            [*added, *gone],
            mode,
            SCHEMA,
            [PARTITION],
            commit_properties=CommitProperties(
                max_commit_retries=rebases,
                app_transactions=[Transaction(name, number) for name, number in transactions.items()],
            ),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
        )

    @contextmanager
    def _overtaking(self) -> Iterator[None]:
        before = self.version
        with self._explained("written"):
            try:
                yield
            except CommitFailedError as error:
                # A conflict is one only if somebody else moved the table on; everything else is a fault.
                self._table = None
                if self.refresh() and self.version > before:
                    raise Overtaken from error
                raise

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise _explanation(error, f"The metrics table {self.url} cannot be {what}", self._options) from None

    def _check_version(self, table: DeltaTable) -> None:
        said = table.metadata().configuration.get(VERSION_KEY) or ""
        if not re.fullmatch(r"\d+", said):
            raise TableError(f"{self.url} is a Delta table, but not Nightproof's: move it away, or change `results`.")
        if int(said) > VERSION:
            raise TableError(
                f"The metrics table {self.url} was written by a newer Nightproof (schema {said}, this one knows "
                f"{VERSION}): install that version here, too. Until then the logs go on, and no night is lost."
            )

    @property
    def _opened(self) -> DeltaTable:
        if self._table is None:
            raise TableError(f"There is no metrics table {self.url}: run nightproof table sync.")
        return self._table

    @property
    def _uri(self) -> str:
        url = self.url
        return unquote(url.removeprefix("file://")) if url.startswith("file://") else url


def _explanation(error: Exception, begun: str, options: Mapping[str, str]) -> StoreError:
    """The library's fault in words; its text may quote requests, so that keys are taken out of it."""
    text = str(error)
    if refused := re.search(r"<Code>(\w+)</Code>", text) or re.search(r"\b(403) Forbidden", text):
        kind = AccessRefused if "403" in text else StoreUnavailable
        return kind(f"{begun}: object storage answered {refused[1]}. Check the keys, and that they may write there.")
    if re.search(r"tcp connect error|error sending request|timed out|dns error", text):
        return StoreUnavailable(f"{begun}: no answer from object storage after several tries. Is the endpoint up?")
    # The library's own stack begins on a line such as "   0: <unknown>".
    said = " ".join(re.split(r"\n\s*0: ", text)[0].replace("\x1b[31m↳\x1b[0m", "").split()).rstrip(".")[:400]
    for name, value in options.items():
        if value and ("key" in name or "token" in name):
            said = said.replace(value, "***")
    return TableError(
        f"{begun}: {said or type(error).__name__}. It holds nothing that the logs do not: if it is broken, move that "
        "folder away and run nightproof table rebuild."
    )


def _quoted(value: str) -> str:
    return value.replace("'", "''")
