"""A model's last nights, without the rest of its log."""

from __future__ import annotations

import hashlib

from nightproof.cache import Cache
from nightproof.log import Head
from nightproof.manifest import LogEntry
from nightproof.results import ModelResults

MOST_ENTRIES = 30


HEAD_DIGITS = 16
"""Of the head's hash that are told: nobody finds another chain with these, and a person can compare them."""


def recent_head(results: ModelResults, cache: Cache) -> str | None:
    """The head of the log, ``NUMBER:HASH`` with the hash cut short; ``None`` of an empty log."""
    stored = list(results.store.list(f"{results.folder}log/"))
    if not stored:
        return None
    raw = cache.read(results.store, stored[-1])
    number = LogEntry.from_bytes(raw, name=results.store.url(stored[-1].key)).number
    return str(Head(number, hashlib.sha256(raw).hexdigest()[:HEAD_DIGITS]))


def recent(results: ModelResults, cache: Cache) -> list[LogEntry]:
    """The latest evaluation of each night among the last entries of the log, nights rising.

    Entries never change, so each is fetched to this machine once. The chain is not checked here:
    that is what `nightproof verify` is for.
    """
    stored = list(results.store.list(f"{results.folder}log/"))[-MOST_ENTRIES:]
    entries: dict[str, LogEntry] = {}
    for found in stored:
        raw = cache.read(results.store, found)
        entry = LogEntry.from_bytes(raw, name=results.store.url(found.key))
        entries[entry.night] = entry
    return [entries[night] for night in sorted(entries)]
