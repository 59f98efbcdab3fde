"""Compare: two files of results, value by value, so that a difference can be named."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightproof.profiles.profile import KEYS
from nightproof.reproduce.reproduction import Difference

_MISSING = "nothing"
_NAMED = ("metric", "column", "segment", "window", "reference", "type", "kwargs", "source", "id", "family", "url")
"""Keys that say which of a list's objects one is."""


@dataclass(frozen=True)
class Compared:
    """What a comparison found: how many numbers there were, and each value that is another."""

    numbers: int
    differences: tuple[Difference, ...]


def compare(file: str, then: bytes, now: bytes) -> Compared:
    """Compare two contents of one file, both unpacked; equal bytes are the same, and nothing else is."""
    if file.endswith(".json"):
        found = _compare_json(file, then, now)
    elif file.endswith(".parquet"):
        found = _compare_facts(file, then, now)
    else:
        found = Compared(0, ())
    if then != now and not found.differences:
        # Every value is the same and the bytes are not: their order is another, or a page's rendering.
        digests = [hashlib.sha256(raw).hexdigest()[:12] for raw in (then, now)]
        whole = Difference(file=file, where="", field="SHA-256 of the bytes", then=digests[0], now=digests[1])
        return Compared(found.numbers, (whole,))
    return found


def _compare_json(file: str, then: bytes, now: bytes) -> Compared:
    before, after = (dict(_leaves(json.loads(raw))) for raw in (then, now))
    numbers = sum(isinstance(value, int | float) and not isinstance(value, bool) for value in before.values())
    if then == now:
        return Compared(numbers, ())
    sides = [{where for where, _ in leaves} for leaves in (before, after)]
    whole = sides[0] ^ sides[1]  # a finding that came or went is told once, not field by field
    moved = [
        Difference(
            file=file,
            where=where,
            field="all of it",
            then="there" if where in sides[0] else _MISSING,
            now="there" if where in sides[1] else _MISSING,
        )
        for where in sorted(whole)
    ]
    moved += [
        Difference(file=file, where=place[0], field=place[1], then=one, now=other)
        for place in dict.fromkeys((*before, *after))
        # As text: 0.0 is not -0.0, nor 1.0 the integer 1.
        if place[0] not in whole
        and repr(one := before.get(place, _MISSING)) != repr(other := after.get(place, _MISSING))
    ]
    return Compared(numbers, tuple(moved))


def _leaves(value: Any, where: str = "", field: str = "") -> Iterator[tuple[tuple[str, str], Any]]:
    if isinstance(value, dict) and value:
        for key, held in value.items():
            yield from _leaves(held, where, f"{field}.{key}" if field else key)
    elif isinstance(value, list) and value:
        seen: Counter[str] = Counter()
        for place, held in enumerate(value):
            if isinstance(held, dict) and (name := _name(held)):
                seen[name] += 1
                within = f"{field} {name}".strip() + (f" #{seen[name]}" if seen[name] > 1 else "")
                yield from _leaves(held, f"{where} {within}".strip())
            else:
                yield from _leaves(held, where, f"{field}[{place}]")
    else:
        yield (where, field), value


def _name(item: dict[str, Any]) -> str:
    said = [item[key] for key in _NAMED if item.get(key) not in (None, "", {})]
    return " ".join(value if isinstance(value, str) else json.dumps(value, sort_keys=True) for value in said)


def _compare_facts(file: str, then: bytes, now: bytes) -> Compared:
    before, after = (pl.read_parquet(io.BytesIO(raw)) for raw in (then, now))
    values = [name for name in before.columns if name not in KEYS]
    numbers = sum(before.height - before[name].null_count() for name in values)
    if then == now or before.schema != after.schema:
        return Compared(numbers, ())
    both = before.join(after, on=list(KEYS), how="full", nulls_equal=True, suffix=" now", maintain_order="left_right")
    moved = []
    for name in values:
        other = both.filter(pl.col(name).ne_missing(pl.col(f"{name} now")))
        for row in other.iter_rows(named=True):
            keys = (row[key] if row[key] is not None else row[f"{key} now"] for key in KEYS)
            where = " ".join(str(key) for key in keys if key not in (None, ""))
            was, found = row[name], row[f"{name} now"]
            moved.append(Difference(file=file, where=where, field=name, then=was, now=found))
    return Compared(numbers, tuple(moved))
