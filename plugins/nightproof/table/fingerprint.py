"""Fingerprints: SHA-256 over rows with their exact bits, so that equal means equal to the last one.

An evaluation's digest is SHA-256 over, for each column of the schema in order: one byte a row (1 where there is a
value), then the values of all rows (0 or nothing where there is none): numbers as little-endian bytes of the column's
width, dates as days and instants as microseconds since 1970, text as its length in bytes (int64) a row followed by
the UTF-8 of all rows. Rows are in the order of their ordinals. The table's fingerprint is SHA-256 over one line an
evaluation, ordered by model and log number: ``model``, a tab, ``log_number``, a tab, the digest in hexadecimal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nightproof.table.schema import ORDER, SCHEMA

Key = tuple[str, int]
"""An evaluation: its model and the number of its log entry."""


def digests(rows: pa.Table) -> dict[Key, str]:
    """The digest of each evaluation among some rows, whatever their order; all rows of each must be there."""
    if not rows.num_rows:
        return {}
    rows = rows.sort_by([(name, "ascending") for name in ORDER]).combine_chunks()
    models = rows["model"].combine_chunks().dictionary_encode()
    numbers, codes = rows["log_number"].to_numpy(), np.asarray(models.indices)
    begins = np.flatnonzero(np.r_[True, (numbers[1:] != numbers[:-1]) | (codes[1:] != codes[:-1])])
    ends = np.r_[begins[1:], rows.num_rows]
    return {
        (rows["model"][int(begin)].as_py(), int(numbers[begin])): digest(rows.slice(begin, end - begin))
        for begin, end in zip(begins, ends, strict=True)
    }


def digest(rows: pa.Table) -> str:
    """The digest of one evaluation's rows, in the order of their ordinals."""
    found = hashlib.sha256()
    for field in SCHEMA:
        column = rows[field.name].combine_chunks()
        found.update(np.asarray(column.is_valid()).astype("u1").tobytes())
        _add_text(found, column) if pa.types.is_string(field.type) else _add_numbers(found, column, field.type)
    return found.hexdigest()


def fingerprint(of: Mapping[Key, str]) -> str:
    """The fingerprint of a table by the digests of its evaluations."""
    lines = "".join(f"{model}\t{number}\t{told}\n" for (model, number), told in sorted(of.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _add_text(found: hashlib._Hash, column: pa.Array) -> None:
    # Taken anew, the text lies in one piece from the first byte.
    whole = pa.array(column.fill_null("").to_pylist(), pa.large_string())
    found.update(pc.binary_length(whole).to_numpy().astype("<i8").tobytes())
    found.update(whole.buffers()[2] or b"")


def _add_numbers(found: hashlib._Hash, column: pa.Array, kind: pa.DataType) -> None:
    whole = {pa.date32(): pa.int32()}.get(kind, pa.int64() if pa.types.is_timestamp(kind) else kind)
    values = column.cast(whole) if whole != kind else column
    zero = pa.scalar(0, whole)
    found.update(values.fill_null(zero).to_numpy(zero_copy_only=False).astype(f"<{_code(whole)}").tobytes())


def _code(kind: pa.DataType) -> str:
    return {pa.int32(): "i4", pa.int64(): "i8", pa.float64(): "f8"}[kind]
