"""The bundle: files as one zip, the same bytes for the same files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

from nightproof.errors import RecordError

SUMS = "SHA256SUMS"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: files of a pack have no times of their own."""


def bundle(files: Mapping[str, bytes], *, folder: str) -> bytes:
    """Pack files below one folder, sorted, with their SHA-256 in the form that ``sha256sum -c`` reads.

    Raises
    ------
    RecordError
        If a name would lead out of the folder.
    """
    for name in files:
        if _leads_out(name):
            raise RecordError(f"{name!r} in the record is no name of a file: it would lead out of the pack.")
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in sorted({**files, SUMS: sums.encode()}.items()):
            told = zipfile.ZipInfo(f"{folder}/{name}", _WHEN)
            told.external_attr = 0o100644 << 16
            told.create_system = 3  # the same on every system
            told.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(told, content, compresslevel=6)
    return buffer.getvalue()


def _leads_out(name: str) -> bool:
    parts = name.split("/")
    return not name.isprintable() or "\\" in name or ":" in name or any(part in ("", ".", "..") for part in parts)
