"""The log: numbers without a gap, each entry at its place, each holding the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field

from nightproof.errors import RecordError
from nightproof.log import Head
from nightproof.manifest import LogEntry
from nightproof.record import canonical
from nightproof.verify.inventory import Inventory
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach, Kind

_NIGHT = re.compile(r"\d{4}-\d\d-\d\d")
_ID = re.compile(r"[0-9a-f]{16}")
REWRITTEN = "Somebody rewrote this entry after it was published."


@dataclass
class Links:
    """The chain as it was found.

    Parameters
    ----------
    count
        Places of the chain: one more than the greatest number that is there.
    entries
        Those that can be read, by place.
    sha256
        Of the bytes at each place.
    raw
        Those bytes.
    breaches
        Of the log alone.
    """

    count: int
    entries: dict[int, LogEntry] = field(default_factory=dict)
    sha256: dict[int, str] = field(default_factory=dict)
    raw: dict[int, bytes] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    _faulty: set[int] = field(default_factory=set)

    @property
    def head(self) -> Head | None:
        """The last place, if something is there."""
        last = self.count - 1
        return Head(last, self.sha256[last]) if last in self.sha256 else None

    def breach(self, kind: Kind, number: int, expected: str, found: str, meaning: str) -> None:
        """Note one of the log."""
        self.breaches.append(Breach(kind, place(number), number, expected, found, meaning))
        self._faulty.add(number)

    def is_faulty(self, number: int) -> bool:
        """Whether something was noted of a place."""
        return number in self._faulty


def place(number: int) -> str:
    """Name of a log entry's object."""
    return f"log/{number:09d}.json"


def walk_links(inventory: Inventory, reader: Reader) -> Links:
    """Read the log and hold each entry against its place and its neighbours."""
    links = Links(max(inventory.log, default=-1) + 1)
    for number, (_, raw) in enumerate(reader.each(place(number) for number in range(links.count))):
        if raw is None:
            meaning = "It was deleted, or hidden: no number is ever left out."
            links.breach("missing", number, f"entry {number} of {links.count}", "nothing", meaning)
            continue
        links.raw[number], links.sha256[number] = raw, hashlib.sha256(raw).hexdigest()
        _read(links, number, raw)
    _order(links)
    _parents(links)
    _history(links)
    return links


def _read(links: Links, number: int, raw: bytes) -> None:
    try:
        entry = LogEntry.from_bytes(raw, name=place(number))
        fields = json.loads(raw)
        plain = canonical(fields) == raw
    except (RecordError, ValueError) as error:
        links.breach("changed", number, "a log entry", f"something else: {error}", REWRITTEN)
        return
    if not plain:
        links.breach("changed", number, "canonical JSON", "other spelling of the same fields", REWRITTEN)
    before = links.entries.get(number - 1)
    # Entries of an older version lack the newest fields; after one that has them, all do.
    if before is not None and (lost := before.model_fields_set - entry.model_fields_set):
        links.breach("changed", number, f"the field {min(lost)}", "none", REWRITTEN)
    if not (_NIGHT.fullmatch(entry.night) and _ID.fullmatch(entry.evaluation_id)):
        found = f"{entry.night!r} and {entry.evaluation_id!r}"
        links.breach("changed", number, "a night and an evaluation's id", found, REWRITTEN)
        return
    links.entries[number] = entry


def _order(links: Links) -> None:
    seen: dict[str, int] = {}
    for number, entry in links.entries.items():
        if entry.number != number:
            other = links.entries.get(entry.number)
            swapped = other is not None and other.number == number
            kind: Kind = "reordered" if swapped or entry.number not in links.sha256 else "replayed"
            meaning = "Entries were put in another order." if swapped else "An entry was put into another's place."
            links.breach(kind, number, f"number {number}", f"number {entry.number}", meaning)
        elif (first := seen.setdefault(entry.evaluation_id, number)) != number:
            meaning = "An evaluation has one entry: this one was put in again."
            found = f"{entry.evaluation_id}, which entry {first} has"
            links.breach("replayed", number, "an evaluation that is new", found, meaning)


def _parents(links: Links) -> None:
    """Hold each entry against the hash in the next: one of two that do not fit was changed."""
    torn = {n for n in links.entries if _is_torn(links, n)}
    for number in sorted(torn):
        before = number - 1
        if links.is_faulty(number) or (before >= 0 and links.is_faulty(before)):
            continue  # told already, and this is what comes of it
        expected = f"the parent {_short(links.sha256.get(before))}"
        found = f"the parent {_short(links.entries[number].parent_sha256)}"
        # Where the next link holds, this entry is as it was when that was made, and the one before it was changed.
        if before >= 0 and number + 1 in links.entries and number + 1 not in torn:
            expected = f"the SHA-256 {_short(links.entries[number].parent_sha256)} that entry {number} holds"
            found = f"the SHA-256 {_short(links.sha256.get(before))}"
            links.breach("changed", before, expected, found, REWRITTEN)
        else:
            meaning = f"This entry was rewritten or forged, or entry {before} was." if before >= 0 else REWRITTEN
            links.breach("changed", number, expected, found, meaning)


def _is_torn(links: Links, number: int) -> bool:
    parent = links.entries[number].parent_sha256
    if number == 0:
        return parent is not None
    return number - 1 in links.sha256 and parent != links.sha256[number - 1]


def _history(links: Links) -> None:
    """Each evaluation names the one of its night that it replaces; not to be told past a lost entry."""
    latest: dict[str, str] = {}
    for number in range(links.count):
        entry = links.entries.get(number)
        if entry is None:
            return
        expected = latest.get(entry.night)
        if "supersedes" in entry.model_fields_set and entry.supersedes != expected and not links.is_faulty(number):
            said = f"supersedes {entry.supersedes}"
            links.breach("changed", number, f"supersedes {expected}", said, REWRITTEN)
        latest[entry.night] = entry.evaluation_id


def _short(sha256: str | None) -> str:
    return f"{sha256[:16]}…" if sha256 else "none"
