"""The source: every model that can be looked at, its row, its months and its results, read again as they change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from nightproof.board import Board, FleetRow
from nightproof.board.board import board_at
from nightproof.catalog import config_paths, models_folder
from nightproof.config import ModelConfig, load_config
from nightproof.dashboard.access import NO_MODEL
from nightproof.dashboard.past_nights import PastNights
from nightproof.errors import ConfigError, NightproofError, ObjectMissing
from nightproof.results import ModelResults
from nightproof.storage import OpenStore, ReadsInBulk

FRESH_S = 4.0
"""Seconds for which what was listed is shown without another look: a new night is seen well within ten."""
KEPT = 12
"""Models whose months stay in memory."""


@dataclass(frozen=True)
class Place:
    """Where a model's config and results lie.

    Parameters
    ----------
    results_url
        Its results root.
    config
        ``None`` where only results are there, or the file is broken.
    fault
        What is wrong with its file, in words.
    """

    results_url: str
    config: ModelConfig | None = None
    fault: str = ""


@dataclass(frozen=True)
class Fleet:
    """All models at one moment, whoever looks.

    Parameters
    ----------
    places
        Every model that has a config, or is on the board of a results root.
    rows
        Of those that are on the board.
    faults
        Results roots that could not be read, with the reason.
    at
        When it was read, in UTC.
    """

    places: Mapping[str, Place]
    rows: Mapping[str, FleetRow]
    faults: Mapping[str, str]
    at: datetime


class Source:
    """What the pages are made of.

    Parameters
    ----------
    open_store
        Finds a results' store.
    models
        Folder of the configs; by default ``NIGHTPROOF_MODELS`` or ``include/models``.
    results
        Further results roots, each ending in a slash, of models without a config here.
    """

    def __init__(self, open_store: OpenStore, *, models: Path | None = None, results: tuple[str, ...] = ()) -> None:
        self._open_store = open_store
        self._models = models
        self._roots = results
        self._boards: dict[str, Board] = {}
        self._fleet: Fleet | None = None
        self._read_at = 0.0
        self._reading = threading.Lock()
        self._nights: OrderedDict[str, PastNights] = OrderedDict()
        self._results: OrderedDict[str, ModelResults] = OrderedDict()

    def fleet(self) -> Fleet:
        """All models, as they were at most a few seconds ago."""
        with self._reading:
            if self._fleet is None or monotonic() - self._read_at > FRESH_S:
                self._fleet = self._read(self._fleet)
                self._read_at = monotonic()
            return self._fleet

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
            raise ObjectMissing(f"No night of {model} is on the board yet.")
        return fleet.rows[model]

    def nights(self, model: str) -> PastNights:
        """All past nights of a model, read as they are asked for."""
        row = self.row(model)
        known = self._nights.get(model)
        if known is None or known.row.entries != row.entries:
            board = self._board(self.place(model).results_url)
            known = PastNights(row, board, known)
        self._nights[model] = known
        self._nights.move_to_end(model)
        while len(self._nights) > KEPT:
            self._nights.popitem(last=False)
        return known

    def results(self, model: str) -> ModelResults:
        """A model's results."""
        place = self.place(model)
        if model not in self._results:
            board = self._board(place.results_url)
            self._results[model] = ModelResults(board.store, f"{board.prefix}{model}/")
        self._results.move_to_end(model)
        while len(self._results) > KEPT:
            self._results.popitem(last=False)
        return self._results[model]

    def config(self, model: str) -> ModelConfig | None:
        """A model's config as it is now; ``None`` where it has none that can be read."""
        return self.place(model).config

    def _read(self, before: Fleet | None) -> Fleet:
        places = dict(self._places())
        rows: dict[str, FleetRow] = {}
        faults: dict[str, str] = {}
        for url in dict.fromkeys(
            [*self._roots, *(place.results_url for place in places.values() if place.results_url)]
        ):
            try:
                found = self._rows(self._board(url), before.rows if before else {})
            except NightproofError as error:
                faults[url] = str(error)
                continue
            for model, row in found.items():
                if model not in places and url in self._roots:
                    places[model] = Place(url)
                if model in places and places[model].results_url == url:
                    rows[model] = row
        return Fleet(places, rows, faults, datetime.now(UTC))

    def _rows(self, board: Board, known: Mapping[str, FleetRow]) -> dict[str, FleetRow]:
        read = board.store.bulk() if isinstance(board.store, ReadsInBulk) else None
        rows: dict[str, FleetRow] = {}
        for model, entries in board.listed().items():
            if model in known and known[model].entries == entries:
                rows[model] = known[model]
                continue
            with suppress(ObjectMissing):
                rows[model] = board.row(model, entries, read=read)
        return rows

    def _places(self) -> dict[str, Place]:
        folder = self._models or models_folder()
        found = {}
        for path in config_paths(folder):
            try:
                config = load_config(path)
                found[config.model] = Place(config.results_url, config)
            except ConfigError as error:
                found[path.stem] = Place("", fault=str(error))
        return found

    def _board(self, url: str) -> Board:
        if url not in self._boards:
            self._boards[url] = board_at(url, self._open_store)
        return self._boards[url]
