"""Ahead: what needs no history is done for coming nights in other processes.

A night's rows can be pulled, validated and counted before the night before it is decided; only the
verdict has to wait its turn. Steps leave their pieces in the night's dossier and repeating them
changes nothing, so a night that was prepared here is just found to be so, and one whose preparation
failed is done, and its error told, by whoever evaluates it.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.errors import NightproofError
from nightproof.night import Night
from nightproof.pipeline import Step, profile_night, pull_night, validate_night
from nightproof.resources import Resources

WORTH = 8
"""Fewer nights are done sooner than another process has imported its libraries."""
LEAD = 4
"""Nights that each process may be ahead: enough to be busy, few enough to stop soon."""
MOST_PROCESSES = 4

_opened: dict[tuple[Path, Path], Resources] = {}


def ahead(
    config: ModelConfig, nights: Sequence[Night], *, cache: Path, suites: Path, left_out: Iterable[Step] = ()
) -> Iterator[Night]:
    """Give nights in order, each once it is prepared or has failed to be.

    Parameters
    ----------
    config, nights
        What to prepare.
    cache, suites
        As :class:`~nightproof.resources.Resources` has them.
    left_out
        Steps that the evaluation will leave out.
    """
    processes = min(MOST_PROCESSES, (os.cpu_count() or 1) - 1)
    if len(nights) < WORTH or processes < 1:
        yield from nights
        return
    steps = tuple(left_out)
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        coming = deque(nights)
        begun: deque[tuple[Night, Future[None]]] = deque()
        while coming or begun:
            while coming and len(begun) < LEAD * processes:
                night = coming.popleft()
                begun.append((night, pool.submit(_prepare, config, night, cache, suites, steps)))
            night, future = begun.popleft()
            if isinstance(future.exception(), BrokenProcessPool):
                yield from (night, *(later for later, _ in begun), *coming)
                return
            yield night
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    # Ctrl-C is for the process that the user sees; it ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _prepare(config: ModelConfig, night: Night, cache: Path, suites: Path, left_out: tuple[Step, ...]) -> None:
    resources = _opened.setdefault((cache, suites), Resources(cache=Cache(cache), suites=suites))
    try:
        ticket = pull_night(config, night, resources, left_out=left_out)
        if validate_night(config, ticket, resources).outcome != "quarantined":
            profile_night(config, ticket, resources)
    except NightproofError:
        return  # the night's own evaluation meets the same, and tells of it
