"""What is read again while somebody looks: shown at once, while a thread of its own reads what came since.

A thread lives for one reading: none is there before the first look, and none when nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from time import monotonic
from typing import Generic, TypeVar

FRESH_S = 2.0
"""Seconds for which what was read is shown without another look."""
STALE_S = 5.0
"""Seconds after which whoever asks waits for the reading that they set off: a new night is seen well within ten."""
PATIENCE_S = 2.0
"""How long they wait where something is known: a store that is down must not take the pages with it."""

T = TypeVar("T")


class Refreshed(Generic[T]):
    """One thing, read again as it is looked at; safe between threads.

    Parameters
    ----------
    read
        Reads it anew, given what is known of it; never called twice at once.
    known
        Before the first reading.
    first_s
        How long the first reading is waited for.
    clock
        Seconds that only rise.
    """

    def __init__(
        self, read: Callable[[T], T], known: T, *, first_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._read = read
        self._known = known
        self._first_s = first_s
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: Future[None] | None = None
        self._began = 0.0
        self._read_at: float | None = None

    def look(self) -> None:
        """Set off a reading where what is known is no longer fresh; does not wait for it."""
        self._set_off(older_than_s=FRESH_S)

    def get(self) -> T:
        """What is known, after a reading where the last is long ago; raises what the reading raises."""
        reading = self._set_off(older_than_s=FRESH_S)
        if reading is not None and self._read_at is None:
            self._wait(reading, self._first_s)
        elif reading is not None and self._clock() - (self._read_at or 0.0) > STALE_S:
            self._wait(reading, PATIENCE_S)
        return self._known

    def renewed(self) -> T:
        """What a reading finds that begins now, or what is known where that takes long."""
        if (earlier := self._reading) is not None:
            self._wait(earlier, PATIENCE_S)
        if (reading := self._set_off(older_than_s=-1.0)) is not None:
            self._wait(reading, PATIENCE_S)
        return self._known

    def _set_off(self, *, older_than_s: float) -> Future[None] | None:
        """The reading that is under way, if one is or has to be."""
        with self._lock:
            if self._reading is None and (self._read_at is None or self._clock() - self._read_at > older_than_s):
                self._reading, self._began = Future(), self._clock()
                # A process that ends does not wait for a store that does not answer.
                threading.Thread(target=self._run, args=(self._reading,), name="nightproof-reads", daemon=True).start()
            return self._reading

    def _run(self, reading: Future[None]) -> None:
        try:
            found = self._read(self._known)
        except Exception as error:  # noqa: BLE001  whoever waits is told, and the next look tries again
            with self._lock:
                self._reading = None
            reading.set_exception(error)
            return
        with self._lock:
            # As of its beginning: what came while it went on may or may not be in it.
            self._known, self._read_at, self._reading = found, self._began, None
        reading.set_result(None)

    def _wait(self, reading: Future[None], at_most_s: float) -> None:
        # Counted from its beginning: whoever comes late to a reading that hangs waits no longer.
        wait([reading], timeout=max(0.0, self._began + at_most_s - self._clock()))
        if reading.done():
            reading.result()
