"""The source: every model that can be looked at, its row, its months and its results, read again as they change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import monotonic

from nightproof.board import Board, FleetRow
from nightproof.board.board import board_at
from nightproof.catalog import models_folder
from nightproof.config import ModelConfig
from nightproof.dashboard.configs import Configs
from nightproof.dashboard.fleet import Fleet, fleet_of
from nightproof.dashboard.months import MOST_BYTES, Months
from nightproof.dashboard.past_nights import PastNights
from nightproof.dashboard.place import Place
from nightproof.dashboard.refreshed import Refreshed
from nightproof.dashboard.rows import Rows, read_rows
from nightproof.dashboard.serving.access import NO_MODEL
from nightproof.errors import ObjectMissing
from nightproof.log import Log
from nightproof.manifest import LogEntry
from nightproof.results import ModelResults
from nightproof.storage import OpenStore, Store

FIRST_S = 20.0
"""How long the first reading of a root is waited for, before its models are shown without their nights."""
CONFIGS_S = 600.0
"""As of the configs: they lie on this machine, and without them nothing can be told."""
LOGS_KEPT = 16
"""Models whose logs stay in memory."""
LOG_S = 600.0
"""For so long: entries never change, unless somebody made the record anew."""


class Source:
    """What the pages are made of; safe between threads.

    Parameters
    ----------
    open_store
        Finds a results' store.
    models
        Folder of the configs; by default ``NIGHTPROOF_MODELS`` or ``include/models``.
    results
        Further results roots, each ending in a slash, of models without a config here.
    clock
        Seconds that only rise.
    months_bytes
        What past nights may take in memory.
    """

    def __init__(
        self,
        open_store: OpenStore,
        *,
        models: Path | None = None,
        results: tuple[str, ...] = (),
        clock: Callable[[], float] = monotonic,
        months_bytes: int = MOST_BYTES,
    ) -> None:
        self._open_store = open_store
        self._models = models
        self._given = results
        self._clock = clock
        self._lock = threading.Lock()
        self._configs: Refreshed[Mapping[str, Place]] | None = None
        self._roots: dict[str, Refreshed[Rows]] = {}
        self._boards: dict[str, Board] = {}
        self._made: tuple[list[object], Fleet] | None = None
        self._months = Months(months_bytes)
        self._logs: OrderedDict[str, _SharedLog] = OrderedDict()

    def fleet(self) -> Fleet:
        """All models, as they were at most a few seconds ago."""
        places = self._places()
        urls = dict.fromkeys([*self._given, *(place.results_url for place in places.values() if place.results_url)])
        roots = {url: self._root(url) for url in urls}
        for root in roots.values():
            # All at once: one that is down does not keep the others waiting.
            root.look()
        read = {url: root.get() for url, root in roots.items()}
        parts = [places, *read.values()]
        made = self._made
        if made is None or len(made[0]) != len(parts) or any(a is not b for a, b in zip(made[0], parts, strict=True)):
            self._made = made = (parts, fleet_of(places, read, given=self._given))
        return made[1]

    def place(self, model: str) -> Place:
        """Where a model lies; raises ``ObjectMissing``."""
        try:
            return self.fleet().places[model]
        except KeyError:
            raise ObjectMissing(NO_MODEL) from None

    def row(self, model: str) -> FleetRow:
        """A model's row; raises ``ObjectMissing`` where it has none."""
        fleet = self.fleet()
        if model not in fleet.places:
            raise ObjectMissing(NO_MODEL)
        if model not in fleet.rows:
            raise ObjectMissing(fleet.places[model].unread or f"No night of {model} is on the board yet.")
        return fleet.rows[model]

    def nights(self, model: str) -> PastNights:
        """All past nights of a model, read as they are asked for; the caller's own."""
        row, url = self.row(model), self.place(model).results_url
        return PastNights(row, self._board(url), months=self._months, newer=partial(self._newer, model, url))

    def results(self, model: str) -> ModelResults:
        """A model's results; the caller's own, but for its log, which threads share."""
        url = self.place(model).results_url
        if not url:
            raise ObjectMissing(f"Where the results of {model} lie cannot be told: its config cannot be read.")
        board = self._board(url)
        found = ModelResults(board.store, f"{board.prefix}{model}/")
        found.log = self._log(board, found.folder)
        return found

    def config(self, model: str) -> ModelConfig | None:
        """A model's config as it is now; ``None`` where it has none that can be read."""
        return self.place(model).config

    def _places(self) -> Mapping[str, Place]:
        with self._lock:
            if self._configs is None:
                none: Mapping[str, Place] = {}
                configs = Configs(self._models or models_folder(), lambda url: self._root(url).look())
                self._configs = Refreshed(lambda _: configs.places(), none, first_s=CONFIGS_S, clock=self._clock)
        return self._configs.get()

    def _root(self, url: str) -> Refreshed[Rows]:
        with self._lock:
            if url not in self._roots:
                unread = Rows(fault=f"{url} has not answered yet.")
                read = partial(self._read, url)
                self._roots[url] = Refreshed(read, unread, first_s=FIRST_S, clock=self._clock)
            return self._roots[url]

    def _read(self, url: str, before: Rows) -> Rows:
        found = read_rows(partial(self._board, url), before)
        if found.fault:
            with self._lock:
                # Keys may be given anew, in an Airflow connection for one: the next reading opens the root again.
                self._boards.pop(url, None)
                self._logs.clear()
        return found

    def _newer(self, model: str, url: str) -> FleetRow:
        try:
            return self._root(url).renewed().rows[model]
        except KeyError:
            raise ObjectMissing(f"{model} is no longer on the board.") from None

    def _board(self, url: str) -> Board:
        with self._lock:
            if url not in self._boards:
                self._boards[url] = board_at(url, self._open_store)
            return self._boards[url]

    def _log(self, board: Board, folder: str) -> Log:
        with self._lock:
            where = board.store.url(folder)
            known = self._logs.pop(where, None)
            if known is None or self._clock() - known.since > LOG_S:
                known = _SharedLog(board.store, f"{folder}log/", since=self._clock())
            self._logs[where] = known
            while len(self._logs) > LOGS_KEPT:
                self._logs.popitem(last=False)
            return known


class _SharedLog(Log):
    """A log that threads read at once: whoever comes second waits for what the first reads."""

    def __init__(self, store: Store, folder: str, *, since: float) -> None:
        super().__init__(store, folder)
        self.since = since
        self._reading = threading.Lock()

    def entries(self) -> list[LogEntry]:
        with self._reading:
            return super().entries()


__all__ = ["Fleet", "Place", "Source"]
