"""The chain of a model's holdout versions, one numbered object a link, as the log is one.

A version's ranks are written first, under a name with their hash; then its JSON claims the number by a
conditional create. So a version is whole or not there, and of two writers at once one begins again.
"""

from __future__ import annotations

import hashlib
import io
import re

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightproof.errors import ObjectExists, ObjectMissing, RecordError
from nightproof.holdout.version import HoldoutVersion
from nightproof.results import ModelResults

_NAME = re.compile(r"(\d{9})\.json")
HASHES = pl.Schema({"night": pl.String, "row": pl.UInt64})
"""Night and rank of each row, sorted by both."""


class Versions:
    """All versions of one model's holdout.

    Parameters
    ----------
    results
        The model's results; versions lie in their folder ``holdout/``.
    """

    def __init__(self, results: ModelResults) -> None:
        self._store = results.store
        self.folder = f"{results.folder}holdout/"

    def url(self, name: str = "") -> str:
        """Where a file lies."""
        return self._store.url(self.folder + name)

    def numbers(self) -> list[int]:
        """Numbers of all versions, rising.

        Raises
        ------
        RecordError
            If one is missing among them.
        """
        try:
            keys = [found.key.removeprefix(self.folder) for found in self._store.list(self.folder)]
        except ObjectMissing:
            return []
        numbers = sorted(int(match[1]) for key in keys if (match := _NAME.fullmatch(key)))
        for place, number in enumerate(numbers):
            if place != number:
                raise RecordError(f"{self.url()} has no version {place}: the chain of the holdout is broken.")
        return numbers

    def read(self, number: int | None = None) -> HoldoutVersion | None:
        """A version, the last one by default; ``None`` where there is none yet.

        Raises
        ------
        RecordError
            If there is no version of that number, or it is not one.
        """
        numbers = self.numbers()
        if number is None and not numbers:
            return None
        if number is not None and number not in numbers:
            said = f"the last is {numbers[-1]}" if numbers else "there is none yet: run nightproof holdout update"
            raise RecordError(f"{self.url()} has no version {number}; {said}.")
        return self._parsed(numbers[-1] if number is None else number)[0]

    def chain(self) -> list[HoldoutVersion]:
        """Every version, each checked to follow the one before it.

        Raises
        ------
        RecordError
            At the first that does not.
        """
        found, parent = [], None
        for number in self.numbers():
            version, raw = self._parsed(number)
            if version.parent_sha256 != parent:
                raise RecordError(f"{self.url(_name(number))} does not follow the version before it.")
            parent = hashlib.sha256(raw).hexdigest()
            found.append(version)
        return found

    def parent(self) -> tuple[HoldoutVersion | None, str | None]:
        """The last version with the SHA-256 of its bytes."""
        numbers = self.numbers()
        if not numbers:
            return None, None
        version, raw = self._parsed(numbers[-1])
        return version, hashlib.sha256(raw).hexdigest()

    def hashes(self, version: HoldoutVersion) -> pl.DataFrame:
        """Night and rank of each row of a version.

        Raises
        ------
        RecordError
            If the file is not the one that the version names.
        """
        raw = self._store.read(self.folder + version.hashes_name)
        if hashlib.sha256(raw).hexdigest() != version.hashes.sha256:
            raise RecordError(f"{self.url(version.hashes_name)} has been changed: its SHA-256 is not the version's.")
        return pl.DataFrame(pq.read_table(io.BytesIO(raw))).cast(HASHES)

    def add(self, version: HoldoutVersion, hashes: bytes) -> bool:
        """Add a version; false if another writer took its number."""
        self.write(version.hashes_name, hashes)
        try:
            self._store.create(self.folder + _name(version.number), version.to_bytes(), content_type="application/json")
        except ObjectExists:
            return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside the versions unless it is there."""
        kind = "application/json" if name.endswith("json") else "application/vnd.apache.parquet"
        try:
            self._store.create(self.folder + name, content, content_type=kind)
        except ObjectExists:
            return

    def find(self, name: str) -> bytes | None:
        """A file beside the versions, or ``None``."""
        try:
            return self._store.read(self.folder + name)
        except ObjectMissing:
            return None

    def _parsed(self, number: int) -> tuple[HoldoutVersion, bytes]:
        raw = self._store.read(self.folder + _name(number))
        version = HoldoutVersion.from_bytes(raw, name=self.url(_name(number)))
        if version.number != number:
            raise RecordError(f"{self.url(_name(number))} says that it is version {version.number}.")
        return version, raw


def _name(number: int) -> str:
    return f"{number:09d}.json"


def hashes_file(hashes: pl.DataFrame) -> bytes:
    """Ranks as Parquet; the same rows give the same bytes."""
    table = pa.table(
        {
            "night": pa.array(hashes["night"].to_list(), pa.string()),
            "row": pa.array(hashes["row"].to_numpy(), pa.uint64()),
        }
    )
    buffer = io.BytesIO()
    # Hashes do not compress; the nights are a dictionary.
    pq.write_table(table, buffer, compression="none", use_dictionary=["night"], write_statistics=False)
    return buffer.getvalue()
