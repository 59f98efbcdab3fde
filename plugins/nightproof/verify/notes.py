"""Notes of retention: which files are gone, and by which rule."""

from __future__ import annotations

import hashlib
import json

from nightproof.errors import RecordError
from nightproof.manifest import PRUNABLE, PruneNote
from nightproof.record import canonical
from nightproof.verify.inventory import Inventory
from nightproof.verify.links import Links
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach, Kind

Pruned = dict[str, set[str]]
"""Hashes that a file of the record had when it was pruned, by its name below the model's folder."""


def walk_notes(inventory: Inventory, reader: Reader, links: Links) -> tuple[Pruned, list[Breach]]:
    """Read the notes, a chain of their own; gives what they account for."""
    pruned: Pruned = {}
    breaches: list[Breach] = []
    parent: str | None = None
    count = max(inventory.pruned, default=-1) + 1
    for number, (name, raw) in enumerate(reader.each(f"pruned/{number:09d}.json" for number in range(count))):
        problem = _problem(raw, number, parent, links)
        if problem is not None:
            meaning = "A note of retention was changed or removed: what it accounts for counts as missing."
            kind: Kind = "missing" if raw is None else "changed"
            breaches.append(Breach(kind, name, None, problem[0], problem[1], meaning))
        elif raw is not None:
            for gone in PruneNote.from_bytes(raw, name=name).files:
                pruned.setdefault(f"{gone.night}/{gone.evaluation_id}/{gone.name}", set()).add(gone.sha256)
        parent = None if raw is None else hashlib.sha256(raw).hexdigest()
    return pruned, breaches


def _problem(raw: bytes | None, number: int, parent: str | None, links: Links) -> tuple[str, str] | None:
    """What was expected of a note and what was found; ``None`` if it is good."""
    if raw is None:
        return f"note {number}", "nothing"
    try:
        note = PruneNote.from_bytes(raw, name=f"note {number}")
        plain = canonical(json.loads(raw)) == raw
    except (RecordError, ValueError) as error:
        return "a note of retention", f"something else: {error}"
    kept = sorted({gone.name for gone in note.files} - PRUNABLE)
    checks = [
        (plain, "canonical JSON", "other spelling of the same fields"),
        (note.number == number, f"number {number}", f"number {note.number}"),
        (note.parent_sha256 == parent, f"the parent {parent}", f"the parent {note.parent_sha256}"),
        (
            links.sha256.get(note.head_number) == note.head_sha256,
            f"a head that is in the log: {note.head_number}:{links.sha256.get(note.head_number)}",
            f"{note.head_number}:{note.head_sha256}",
        ),
        (not kept, "files that retention may delete", ", ".join(kept)),
    ]
    return next(((expected, found) for good, expected, found in checks if not good), None)
