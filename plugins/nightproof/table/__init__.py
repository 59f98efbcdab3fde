"""The metrics table: every finding of every model below one results root, as one Delta table.

It is a projection of the models' logs: whatever happens to it, :func:`~nightproof.table.rebuild.rebuild` makes it
anew from them, equal to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightproof.config import ModelConfig
from nightproof.storage import HoldsTables, OpenStore, split_url

if TYPE_CHECKING:
    from nightproof.table.delta import MetricsTable

__all__ = ["table_at", "table_of"]


def table_of(config: ModelConfig, open_store: OpenStore) -> MetricsTable | None:
    """The table of a model's results; see :func:`table_at`."""
    return table_at(config.results_url, open_store)


def table_at(results_url: str, open_store: OpenStore) -> MetricsTable | None:
    """The table of a results root; ``None`` where none can lie, as in memory.

    Parameters
    ----------
    results_url
        The root, ending in a slash.
    open_store
        Finds its store.
    """
    place, prefix = split_url(results_url)
    store = open_store(place)
    if not isinstance(store, HoldsTables):
        return None
    # deltalake is imported only where there is a table.
    from nightproof.table.delta import MetricsTable

    return MetricsTable(store, f"{prefix}metrics/", options=store.object_store_options)
