"""Eviction: a shared cache is kept within a bound, and what was used least recently goes first.

Looking at every file takes a while in a large cache, so the size is kept in a ledger: a total, and a
line for each file that came since. Only when that passes the bound are files looked at, and then a
tenth of the bound is made free, so that it is seldom.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightproof.lease import clear_temporaries, guarded, leased

KEPT = ("sha256", "seen")
"""Folders whose files count, and may go."""
FILLED = 0.9
"""Share of the bound to which it is emptied."""
_BLOCK_BYTES = 4096


@dataclass(frozen=True)
class _File:
    used_ns: int
    cost: int
    path: Path


def cost_bytes(size: int) -> int:
    """What a file takes on a disk: whole blocks, and one for its name."""
    return (size // _BLOCK_BYTES + 2) * _BLOCK_BYTES


def came(folder: Path, cost: int) -> None:
    """Say that files of so many bytes came."""
    with guarded(folder), suppress(FileNotFoundError):  # without a ledger, the next look counts everything
        handle = os.open(folder / "ledger", os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, f"{cost}\n".encode())
        finally:
            os.close(handle)


def is_over(folder: Path, bound_bytes: int) -> bool:
    """Whether there may be more than the bound allows."""
    try:
        return sum(int(line) for line in (folder / "ledger").read_text().split()) > bound_bytes
    except (FileNotFoundError, ValueError):
        return True


def evict(folder: Path, bound_bytes: int) -> None:
    """Clear left-overs away and, if there is more than the bound allows, what was used least recently.

    Entries that are leased stay, even where they alone are more than the bound.
    """
    with guarded(folder, alone=True):
        clear_temporaries(folder)
        in_use = leased(folder)
        files = sorted(_kept(folder), key=lambda file: file.used_ns)
        total = sum(file.cost for file in files)
        aim = bound_bytes * FILLED if total > bound_bytes else total
        for file in files:
            if total <= aim:
                break
            if file.path.name not in in_use:
                file.path.unlink(missing_ok=True)
                total -= file.cost
        _write(folder / "ledger", total)


def _kept(folder: Path) -> Iterator[_File]:
    for top in KEPT:
        for below, _, names in os.walk(folder / top):
            for name in names:
                path = Path(below, name)
                with suppress(FileNotFoundError):  # somebody cleared it away by hand
                    status = path.stat()
                    yield _File(status.st_mtime_ns, cost_bytes(status.st_size), path)


def _write(ledger: Path, total: int) -> None:
    # Nobody appends meanwhile: the caller holds the cache's lock alone. A crash in between leaves no ledger, or
    # half a number, and the next look counts everything.
    ledger.unlink(missing_ok=True)
    with suppress(OSError):  # on a full disk
        ledger.write_text(f"{total}\n")
