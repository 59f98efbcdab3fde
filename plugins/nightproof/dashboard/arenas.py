"""Memory that is given back: the C library keeps a heap for each of many threads, and each stays as large as it was."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX = -8
"""As in glibc's `malloc.h`."""
FEW = 2


def use_few_arenas() -> None:
    """Let all threads share two heaps, as ``MALLOC_ARENA_MAX=2`` does; before threads are started, or it is too late.

    Pages are answered by many threads, one at a time as Python has it, and each unpacks megabytes: without this a
    sixth of the dashboard's memory is heaps that one thread has left behind. Nothing is done where the C library is
    another than glibc.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, FEW)
