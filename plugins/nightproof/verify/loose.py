"""Folders of evaluations that no entry has: nights in flight, publishes that crashed, and cut-off ends of the chain."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightproof.errors import RecordError
from nightproof.log import Head
from nightproof.manifest import Manifest
from nightproof.verify.dossiers import MANIFEST
from nightproof.verify.inventory import Inventory
from nightproof.verify.links import Links, place
from nightproof.verify.notes import Pruned
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach
from nightproof.words import counted


@dataclass
class Loose:
    """What was found of such folders."""

    breaches: list[Breach] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def walk_loose(
    inventory: Inventory, reader: Reader, links: Links, *, model: str, pinned: Head | None, pruned: Pruned
) -> Loose:
    """Tell apart what can be told apart.

    A sealed evaluation without an entry is what a publish leaves that crashed between its two last
    writes; it is also what is left when the end of the chain is cut off. It was cut off where a
    signature, a pinned head, a note of retention or a later entry says that it was in the chain.
    """
    found = Loose()
    chained = {(entry.night, entry.evaluation_id) for entry in links.entries.values()}
    loose = {key: files for key, files in inventory.dossiers.items() if key not in chained}
    flying = [key for key, files in loose.items() if MANIFEST not in files]
    if flying:
        said = f"{counted(len(flying), 'evaluation')} without a manifest: not published, and no part of the record"
        found.notes.append(f"{said} ({_listed(flying)}).")
    sealed = [key for key, files in loose.items() if MANIFEST in files]
    said_cut = _evidence(inventory, links, pinned, reader) if sealed else ""
    named = {entry.supersedes for entry in links.entries.values()} | {name.split("/")[1] for name in pruned}
    names = [f"{night}/{identifier}/{MANIFEST}" for night, identifier in sealed]
    for (night, identifier), (name, raw) in zip(sealed, reader.each(names), strict=True):
        if _is_appended(links, reader, identifier):
            found.notes.append(f"{night}/{identifier} was published while this was read: it is not looked at.")
        elif (problem := _not_its_own(raw, night, identifier, model)) is not None:
            meaning = "It is another evaluation's manifest: somebody put it there."
            found.breaches.append(Breach("replayed", name, None, f"the manifest of {identifier}", problem, meaning))
        elif said_cut or identifier in named:
            why = said_cut or "another part of the record names it"
            meaning = f"Its entry was cut off the chain: {why}."
            found.breaches.append(Breach("cut", name, None, "an entry of it in the log", "none", meaning))
        else:
            found.warnings.append(
                f"{night}/{identifier} is sealed, and no entry of the log has it: its publish crashed before the last "
                f"write (run `nightproof evaluate {model} --night {night}` again, which completes it), or its entry "
                "was cut off the end of the chain. Only a head that was pinned after it, or a signature, can tell."
            )
    return found


def _evidence(inventory: Inventory, links: Links, pinned: Head | None, reader: Reader) -> str:
    """What says that the chain was longer than it is; empty if nothing does."""
    if any(number >= links.count for number in inventory.signatures):
        return f"there is a signature of entry {max(inventory.signatures)}"
    if pinned is not None and pinned.number >= links.count:
        return f"the pinned head is entry {pinned.number}"
    if (marker := reader.hidden_by(place(links.count))) is not None:
        return f"the delete marker {marker} hides entry {links.count}; deleting that marker brings it back"
    return ""


def _is_appended(links: Links, reader: Reader, identifier: str) -> bool:
    """Whether an entry came after the listing."""
    number = links.count
    while (raw := reader.read(f"log/{number:09d}.json")) is not None:
        if identifier.encode() in raw:
            return True
        number += 1
    return False


def _not_its_own(raw: bytes | None, night: str, identifier: str, model: str) -> str | None:
    try:
        manifest = Manifest.from_bytes(raw or b"", name=MANIFEST)
    except RecordError:
        return "something else"
    if (manifest.model, manifest.night, manifest.evaluation_id) != (model, night, identifier):
        return f"that of {manifest.model} {manifest.night}/{manifest.evaluation_id}"
    return None


def _listed(keys: list[tuple[str, str]], most: int = 3) -> str:
    shown = ", ".join("/".join(key) for key in sorted(keys)[:most])
    return shown if len(keys) <= most else f"{shown} and {len(keys) - most} more"
