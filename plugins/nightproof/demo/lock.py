"""One demo at a time: a lock that the operating system lets go of however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightproof.errors import DemoError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock.

    Parameters
    ----------
    path
        The lock's file; made if missing, and left behind.

    Raises
    ------
    DemoError
        If another process holds it; the message names that process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise DemoError(
                f"Another demo is running here (process {file.read().strip() or 'unknown'}). "
                "End it with Ctrl-C, or use the one that is up."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
