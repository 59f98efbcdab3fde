"""Where the board lies: rows and months below `board/` of a results root, each written once and named by its entries.

::

    board/rows/flight_delay.000000143.json.gz              the row, as of 143 entries of the log
    board/months/flight_delay/2013-10.000000143.json.gz    a month, as of the last entry that is about it

A row names the months that belong to it, so that whoever reads one row sees one state of the model. Older ones are
deleted, but for those of the row before the last: somebody may be reading them.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress

from nightproof.board.month import Month
from nightproof.board.row import FleetRow
from nightproof.config import ModelConfig
from nightproof.dossier import compress
from nightproof.errors import ObjectExists, RecordError
from nightproof.storage import OpenStore, Store, split_url

FOLDER = "board/"
FORMAT = "v1"
"""Of what is written: another one lies beside it."""
_ENDING = ".json.gz"


class Board:
    """The board of one results root.

    Parameters
    ----------
    store
        The store that it lies in.
    prefix
        Key prefix of the results root, empty or ending in a slash.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self.store = store
        self.prefix = prefix
        self._rows = f"{prefix}{FOLDER}{FORMAT}/rows/"
        self._months = f"{prefix}{FOLDER}{FORMAT}/months/"

    def listed(self) -> dict[str, int]:
        """Entries that the newest row of each model covers, by model."""
        return {model: covered[-1] for model, covered in self._covered(self._rows).items()}

    def covered(self, model: str) -> list[int]:
        """Entries that the rows of a model cover, rising; empty where it has none."""
        return self._covered(f"{self._rows}{model}.").get(model, [])

    def row(self, model: str, entries: int, *, read: Callable[[str], bytes] | None = None) -> FleetRow:
        """A row; raises ``ObjectMissing`` where a later one has taken its place, ``RecordError`` where it is none.

        Parameters
        ----------
        read
            Reads an object of the store by its key; the store itself by default.
        """
        key = self._row_key(model, entries)
        return FleetRow.from_bytes(self._unpacked(key, read), name=self.store.url(key))

    def month(self, row: FleetRow, month: str, *, read: Callable[[str], bytes] | None = None) -> Month:
        """A month of a row; raises as :meth:`row` does."""
        key = self._month_key(row.model, month, row.months[month])
        return Month.from_bytes(self._unpacked(key, read), name=self.store.url(key))

    def write_month(self, month: Month, entries: int) -> None:
        """Write a month as of so many entries, unless it is there."""
        self._create(self._month_key(month.model, month.month, entries), month.to_bytes())

    def write_row(self, row: FleetRow) -> None:
        """Write a row, unless it is there; its months must be there before it."""
        self._create(self._row_key(row.model, row.entries), row.to_bytes())

    def tidy(self, model: str, keep: Mapping[str, set[int]]) -> None:
        """Delete months of a model that no kept row names, and all but the last two rows.

        Parameters
        ----------
        keep
            Entries covered of the months to keep, by month.
        """
        for entries in self.covered(model)[:-2]:
            self.store.delete(self._row_key(model, entries))
        for name, covered in self._covered(f"{self._months}{model}/").items():
            for entries in covered:
                # What is newer than all that is kept is another writer's, whose row is to come.
                if entries not in keep.get(name, ()) and entries < max(keep.get(name, {0}), default=0):
                    self.store.delete(self._month_key(model, name, entries))

    def _covered(self, prefix: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for stored in self.store.list(prefix):
            name, _, number = stored.key.rsplit("/", 1)[-1].removesuffix(_ENDING).rpartition(".")
            if name and number.isdigit() and stored.key.endswith(_ENDING):
                found.setdefault(name, []).append(int(number))
        return found

    def _row_key(self, model: str, entries: int) -> str:
        return f"{self._rows}{model}.{entries:09d}{_ENDING}"

    def _month_key(self, model: str, month: str, entries: int) -> str:
        return f"{self._months}{model}/{month}.{entries:09d}{_ENDING}"

    def _unpacked(self, key: str, read: Callable[[str], bytes] | None) -> bytes:
        try:
            return gzip.decompress((read or self.store.read)(key))
        except (OSError, EOFError, zlib.error) as error:
            raise RecordError(f"{self.store.url(key)} is not packed as the board is.") from error

    def _create(self, key: str, content: bytes) -> None:
        with suppress(ObjectExists):
            # The same entries make the same bytes: whoever was first wrote what this would.
            self.store.create(key, compress(content), content_type="application/json", encoding="gzip")


def board_of(config: ModelConfig, open_store: OpenStore) -> Board:
    """The board of a model's results root."""
    return board_at(config.results_url, open_store)


def board_at(results_url: str, open_store: OpenStore) -> Board:
    """The board of a results root that ends in a slash."""
    place, prefix = split_url(results_url)
    return Board(open_store(place), prefix)
