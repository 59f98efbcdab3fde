"""A results root: the folder that models share, each with a folder of its name and a log in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from nightproof.results import ModelResults
from nightproof.storage import OpenStore, ReadsInBulk, Store, split_url

Read = Callable[[str], bytes]
"""Gives an object's content by its key; raises ``ObjectMissing``."""


class ResultsRoot:
    """All models whose results lie below one location.

    A model is known by its folder, so two configs of one name on one root are one model, with one log.

    Parameters
    ----------
    store
        The store that it lies in.
    prefix
        Key prefix, empty or ending in a slash.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._results: dict[str, ModelResults] = {}

    @classmethod
    def at(cls, results_url: str, open_store: OpenStore) -> ResultsRoot:
        """The root of a location that ends in a slash."""
        place, prefix = split_url(results_url)
        return cls(open_store(place), prefix)

    def models(self) -> list[str]:
        """Names of all that have a log, those whose config is gone included."""
        return [name for name in self._store.folders(self._prefix) if self._has_log(name)]

    def results(self, model: str) -> ModelResults:
        """A model's results, opened once."""
        if model not in self._results:
            self._results[model] = ModelResults(self._store, f"{self._prefix}{model}/")
        return self._results[model]

    @cached_property
    def read(self) -> Read:
        """Reads an object by its key, for whoever reads thousands at a time."""
        return self._store.bulk() if isinstance(self._store, ReadsInBulk) else self._store.read

    def _has_log(self, name: str) -> bool:
        # What has a log once has it always: a listing is made for the others only.
        return name in self._results or "log" in self._store.folders(f"{self._prefix}{name}/")
