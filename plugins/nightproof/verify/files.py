"""Files that manifests name: all there, each with the bytes that it had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nightproof.manifest import PRUNABLE, StoredFile
from nightproof.verify.inventory import Inventory
from nightproof.verify.notes import Pruned
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach

TOUCHED = "Somebody changed this file after it was published."
MARKERS_ASKED = 5
"""Missing objects of which it is asked whether a delete marker hides them."""


@dataclass(frozen=True)
class Named:
    """A file as a manifest names it."""

    number: int
    """The log entry of that manifest."""
    name: str
    """Below the model's folder."""
    stored: StoredFile


@dataclass
class Files:
    """What was found of the files.

    Parameters
    ----------
    by_listing
        How many were compared by the store's listing only.
    pruned
        How many are gone by retention.
    """

    by_listing: int = 0
    pruned: int = 0
    breaches: list[Breach] = field(default_factory=list)


def walk_files(named: Iterable[Named], inventory: Inventory, reader: Reader, *, pruned: Pruned, deep: bool) -> Files:
    """Hold each file against its manifest.

    Parameters
    ----------
    named
        Files of all manifests, along the chain.
    pruned
        What retention accounts for.
    deep
        Read and hash every file. Otherwise one whose size and MD5 (as ETag) the store lists as the manifest
        has them is not read; where the store lists no MD5, it is.
    """
    found, to_read = Files(), list[Named]()
    for file in named:
        listed = inventory.objects.get(file.name)
        if listed is None and _is_pruned(file, pruned):
            found.pruned += 1
        elif listed is not None and listed.size != file.stored.size:
            found.breaches.append(_changed(file, f"{file.stored.size} bytes", f"{listed.size} bytes"))
        elif listed is not None and not deep and listed.etag == file.stored.md5:
            found.by_listing += 1
        else:
            to_read.append(file)
    for file, (_, sha256) in zip(to_read, reader.hashes(file.name for file in to_read), strict=True):
        if sha256 is None:
            found.breaches.append(missing(file.name, file.number, "a file that its manifest names"))
        elif sha256 != file.stored.sha256:
            found.breaches.append(_changed(file, f"the SHA-256 {file.stored.sha256}", sha256))
    return found


def _is_pruned(file: Named, pruned: Pruned) -> bool:
    return file.name.rsplit("/", 1)[-1] in PRUNABLE and file.stored.sha256 in pruned.get(file.name, ())


def _changed(file: Named, expected: str, found: str) -> Breach:
    return Breach("changed", file.name, file.number, expected, found, TOUCHED)


def missing(name: str, number: int, expected: str) -> Breach:
    """Something of an entry that is not there."""
    return Breach("missing", name, number, expected, "nothing", "It was deleted, and no note of retention names it.")


def with_markers(breaches: Iterable[Breach], reader: Reader) -> list[Breach]:
    """Say of the first missing objects whether a delete marker hides them, and how to get them back."""
    told, asked = list(breaches), 0
    for at, breach in enumerate(told):
        if breach.kind not in ("missing", "cut") or asked == MARKERS_ASKED:
            continue
        asked += 1
        if (marker := reader.hidden_by(breach.where)) is not None:
            meaning = (
                f"A delete marker hides it, and the store still has its bytes: deleting the marker, version {marker}, "
                "brings it back (`aws s3api delete-object --bucket … --key … --version-id …`)."
            )
            told[at] = replace(breach, found="a delete marker", meaning=meaning)
    return told
