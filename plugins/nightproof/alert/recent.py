"""A model's last nights, without the rest of its log."""

from __future__ import annotations

from nightproof.cache import Cache
from nightproof.manifest import LogEntry
from nightproof.results import ModelResults

MOST_ENTRIES = 30


def recent(results: ModelResults, cache: Cache) -> list[LogEntry]:
    """The latest evaluation of each night among the last entries of the log, nights rising.

    Entries never change, so each is fetched to this machine once. The chain is not checked here:
    that is what `nightproof verify` is for.
    """
    stored = list(results.store.list(f"{results.folder}log/"))[-MOST_ENTRIES:]
    entries: dict[str, LogEntry] = {}
    for found in stored:
        raw = cache.path(cache.bring(results.store, found)).read_bytes()
        entry = LogEntry.from_bytes(raw, name=results.store.url(found.key))
        entries[entry.night] = entry
    return [entries[night] for night in sorted(entries)]
