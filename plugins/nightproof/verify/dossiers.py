"""Each entry's manifest and folder, and the folders that no entry has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from nightproof.errors import RecordError
from nightproof.manifest import LogEntry, Manifest, StoredFile
from nightproof.verify.files import Named, missing
from nightproof.verify.inventory import Inventory
from nightproof.verify.links import Links
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach

MANIFEST = "manifest.json"
_AGREE = ("night", "evaluation_id", "status", "baseline_id", "labels")


@dataclass
class Dossiers:
    """What was found of the manifests.

    Parameters
    ----------
    manifests
        Manifests that are as their entries say, by the entry's number.
    sealed
        Folders with a manifest and without an entry.
    warnings, notes
        See :class:`~nightproof.verify.verification.Verification`.
    """

    manifests: dict[int, Manifest] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def walk_dossiers(inventory: Inventory, reader: Reader, links: Links, *, model: str) -> Dossiers:
    """Hold each entry's manifest against it, and each folder against its manifest."""
    found = Dossiers()
    names = {number: f"{_folder(entry)}{MANIFEST}" for number, entry in links.entries.items()}
    for (number, name), (_, raw) in zip(names.items(), reader.each(names.values()), strict=True):
        entry = links.entries[number]
        if raw is None:
            found.breaches.append(missing(name, number, "the manifest of this evaluation"))
            continue
        try:
            manifest = _manifest(raw, entry, name, model=model)
        except RecordError as error:
            expected, _, said = str(error).partition("|")
            meaning = "The manifest was changed after it was published, or the entry was."
            found.breaches.append(Breach("changed", name, number, expected, said, meaning))
            continue
        found.manifests[number] = manifest
        found.breaches += _added(inventory, entry, manifest)
    return found


def named_files(dossiers: Dossiers, links: Links) -> Iterator[Named]:
    """Every file that a manifest names, once, along the chain; a baseline's with its first manifest."""
    told: set[tuple[str, StoredFile]] = set()
    for number, manifest in dossiers.manifests.items():
        folder = _folder(links.entries[number])
        files = {folder + name: stored for name, stored in manifest.files.items()}
        files |= {f"baselines/{manifest.baseline_id}/{n}": stored for n, stored in manifest.baseline_files.items()}
        for name, stored in files.items():
            if (name, stored) not in told:
                told.add((name, stored))
                yield Named(number, name, stored)


def added_baseline_files(inventory: Inventory, dossiers: Dossiers) -> list[Breach]:
    """Files in a baseline that a manifest names, and that no manifest names."""
    named: dict[str, set[str]] = {}
    for manifest in dossiers.manifests.values():
        if manifest.baseline_id and manifest.baseline_files:
            named.setdefault(manifest.baseline_id, set()).update(manifest.baseline_files)
    return [
        _foreign(f"baselines/{name}/{extra}", None)
        for name, files in named.items()
        for extra in sorted(inventory.baselines.get(name, set()) - files)
    ]


def _manifest(raw: bytes, entry: LogEntry, name: str, *, model: str) -> Manifest:
    """The manifest, if it is the entry's; the error says what was expected, a bar, and what was found."""
    sha256 = hashlib.sha256(raw).hexdigest()
    if sha256 != entry.manifest_sha256:
        raise RecordError(f"the SHA-256 {entry.manifest_sha256}|{sha256}")
    try:
        manifest = Manifest.from_bytes(raw, name=name)
    except RecordError as error:
        raise RecordError(f"a manifest|something else: {error}") from error
    if manifest.model != model:
        raise RecordError(f"a manifest of {model}|one of {manifest.model}")
    for part in _AGREE:
        if (said := getattr(manifest, part)) != (expected := getattr(entry, part)):
            raise RecordError(f"{part} {expected} as in the entry|{said}")
    return manifest


def _added(inventory: Inventory, entry: LogEntry, manifest: Manifest) -> list[Breach]:
    there = inventory.dossiers.get((entry.night, entry.evaluation_id), set())
    return [_foreign(_folder(entry) + name, entry.number) for name in sorted(there - {MANIFEST, *manifest.files})]


def _foreign(name: str, number: int | None) -> Breach:
    meaning = "Nightproof did not publish it there: somebody added it."
    return Breach("added", name, number, "only what the manifest names", "another file", meaning)


def _folder(entry: LogEntry) -> str:
    return f"{entry.night}/{entry.evaluation_id}/"
