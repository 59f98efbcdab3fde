"""A row's rank: a keyed hash of its id, so that who is held out depends on the row alone.

The rank is the first 8 bytes of SHA-256 over the model's name, the holdout's salt and the id as text, read as
a whole number. File order, batch size, machine and the other rows have no part in it. The rows of the lowest
ranks are a uniform sample without replacement (a bottom-k sample [1]_), and samples of overlapping sets that
share the hash are coordinated: a row that is drawn from a set is drawn from every part of it that has it.

References
----------
.. [1] E. Cohen and H. Kaplan, "Summarizing data using bottom-k sketches", PODC 2007,
   doi:10.1145/1281100.1281133.
"""

from __future__ import annotations

import hashlib
import json

import polars as pl

RANK_BYTES = 8
"""Two of a million rows share a rank with a chance of 3 in 10**8; such two count as one id seen twice."""


def ranks(ids: pl.Series, *, model: str, salt: str, what: str = "row") -> pl.Series:
    """Rank of each id, ``UInt64``; null for a null id.

    Parameters
    ----------
    ids
        As text (:func:`nightproof.profiles.text.value_text`), so that 7, 7.0 and "7" are one id.
    what
        ``row`` or ``group``: equal ids of both have different ranks.
    """
    # A line of JSON and a line feed: no two triples of texts run together to the same bytes.
    key = hashlib.sha256(json.dumps(["nightproof", what, model, salt]).encode() + b"\n")

    def rank(text: str | None) -> int | None:
        if text is None:
            return None
        found = key.copy()
        found.update(text.encode("utf-8", "surrogatepass"))
        return int.from_bytes(found.digest()[:RANK_BYTES], "big")

    return pl.Series(ids.name, [rank(text) for text in ids.to_list()], dtype=pl.UInt64)


def shown(rank: int) -> str:
    """A rank as 16 hexadecimal digits: how rows are named to people, never by their ids."""
    return f"{rank:016x}"
