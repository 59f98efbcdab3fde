"""An evaluation in the chain: its link, its signature and, when asked, its bytes held against what was published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from nightproof.config import ModelConfig
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_pages.night_record import Found, Papers
from nightproof.errors import ObjectMissing, SigningError
from nightproof.prune import read_notes
from nightproof.storage import StoredObject
from nightproof.words import counted, size

SHOWN = 20
"""Breaches that a check lists; it counts all."""


class ChainView(View):
    """An evaluation's link of the chain."""

    number: int
    sha256: str
    """Of the entry's bytes: with the number, a head to keep elsewhere."""
    parent_sha256: str | None
    """Of the entry before it; null for the first."""
    manifest_sha256: str
    signed_by: str | None
    """Id of the key that signed it, as the signature says, which proves nothing yet; null where it is not signed."""


class CheckStep(View):
    """One thing that was looked at."""

    what: str
    good: bool | None
    """Null where there is nothing to hold it against."""
    said: str


class BreachTold(View):
    """One thing that is not as it was published."""

    kind: str
    where: str
    expected: str
    found: str
    meaning: str


class ChainCheck(View):
    """What holding an evaluation's bytes against the chain came to."""

    at: datetime
    whole: bool
    steps: tuple[CheckStep, ...]
    breaches: tuple[BreachTold, ...]
    more: int
    """Breaches that are not listed."""


def chain_view(found: Found) -> ChainView:
    """An evaluation's link."""
    entry = found.entry
    return ChainView(
        number=entry.number,
        sha256=hashlib.sha256(found.raw).hexdigest(),
        parent_sha256=entry.parent_sha256,
        manifest_sha256=entry.manifest_sha256,
        signed_by=_key_id(_find(found, f"signatures/{entry.number:09d}.json")),
    )


def check(found: Found, papers: Papers, config: ModelConfig | None, *, at: datetime) -> ChainCheck:
    """Read and hash all that belongs to one evaluation: its link, its manifest, its files, its baseline, its signature.

    Parameters
    ----------
    papers
        Of the evaluation.
    config
        The model's as it is now: its public keys may have signed.
    at
        Now, in UTC.
    """
    from nightproof.verify.dossiers import named_files, walk_dossiers
    from nightproof.verify.files import walk_files
    from nightproof.verify.inventory import Inventory
    from nightproof.verify.links import Links
    from nightproof.verify.reader import Reader

    results, entry = found.results, found.entry
    inventory = Inventory.of(_listed(found, papers.manifest.baseline_id), results.folder)
    reader = Reader(results.store, results.folder)
    # A chain of this one link: what is held against it here is what `nightproof verify` holds against it.
    links = Links(entry.number + 1, entries={entry.number: entry})
    dossiers = walk_dossiers(inventory, reader, links, model=results.model)
    files = walk_files(named_files(dossiers, links), inventory, reader, pruned=_pruned(found), deep=True)
    added = [breach for breach in dossiers.breaches if breach.kind == "added"]
    manifest = [breach for breach in dossiers.breaches if breach.kind != "added"]
    steps = (
        _link(found),
        _step(
            "Manifest",
            manifest,
            good="Its SHA-256 is the one that the log holds.",
            bad="It is not the one that the log holds the SHA-256 of.",
        ),
        _files(files.breaches, reader.hashed, reader.hashed_bytes, files.pruned),
        _step(
            "Nothing added",
            added,
            good="The folder holds what the manifest names, and nothing else.",
            bad=f"{counted(len(added), 'file')} that the manifest does not name.",
        ),
        _signature(found, config),
    )
    every = [*manifest, *files.breaches, *added]
    return ChainCheck(
        at=at,
        whole=not any(step.good is False for step in steps),
        steps=steps,
        breaches=tuple(
            BreachTold(kind=b.kind, where=b.where, expected=b.expected, found=b.found, meaning=b.meaning)
            for b in every[:SHOWN]
        ),
        more=max(0, len(every) - SHOWN),
    )


def _listed(found: Found, baseline: str | None) -> list[StoredObject]:
    store, results = found.results.store, found.results
    beside = store.list(f"{results.baselines}{baseline}/") if baseline else ()
    return [*store.list(found.folder), *beside]


def _pruned(found: Found) -> dict[str, set[str]]:
    """Hashes that files had which notes of retention account for, by name below the model's folder."""
    pruned: dict[str, set[str]] = {}
    for note in read_notes(found.results):
        for gone in note.files:
            pruned.setdefault(f"{gone.night}/{gone.evaluation_id}/{gone.name}", set()).add(gone.sha256)
    return pruned


def _step(what: str, breaches: Sequence[object], *, good: str, bad: str) -> CheckStep:
    return CheckStep(what=what, good=not breaches, said=bad if breaches else good)


def _link(found: Found) -> CheckStep:
    """The link beside its neighbours: the one before has its parent's hash, the one after holds its own."""
    entry = found.entry
    before = _find(found, f"log/{entry.number - 1:09d}.json") if entry.number else None
    after = _find(found, f"log/{entry.number + 1:09d}.json")
    what, own = f"Log entry {entry.number}", hashlib.sha256(found.raw).hexdigest()
    parent = hashlib.sha256(before).hexdigest() if before is not None else None
    if entry.parent_sha256 != parent:
        missing = "is missing" if before is None else "has another SHA-256 than it holds"
        return CheckStep(what=what, good=False, said=f"The entry before it {missing}.")
    said = f"It follows entry {entry.number - 1}." if entry.number else "It is the first of the chain."
    if after is None:
        return CheckStep(what=what, good=True, said=f"{said} It is the last: no later entry holds its hash yet.")
    if _parent_of(after) != own:
        return CheckStep(what=what, good=False, said=f"Entry {entry.number + 1} holds another SHA-256 of it.")
    return CheckStep(what=what, good=True, said=f"{said} Entry {entry.number + 1} holds its SHA-256.")


def _files(breaches: Sequence[object], hashed: int, hashed_bytes: int, pruned: int) -> CheckStep:
    gone = f" {counted(pruned, 'file')} gone by stated retention." if pruned else ""
    read = f"{counted(hashed, 'object')} read and hashed ({size(hashed_bytes)}).{gone}"
    return _step(
        "Files and baseline",
        breaches,
        good=f"All as published. {read}",
        bad=f"{counted(len(breaches), 'file')} missing or not as published. {read}",
    )


def _signature(found: Found, config: ModelConfig | None) -> CheckStep:
    raw = _find(found, f"signatures/{found.entry.number:09d}.json")
    signing = config.record.sign if config else None
    if raw is None:
        why = "The config names keys, but this entry has no signature." if signing else "This chain is not signed."
        return CheckStep(what="Signature", good=None, said=why)
    if signing is None:
        said = "There is one, and no public key in the model's config to try it with (record.sign.public_keys)."
        return CheckStep(what="Signature", good=None, said=said)
    from nightproof.signatures import PublicKey, read_envelope, statement

    try:
        keys = [PublicKey.from_pem(pem, name="record.sign.public_keys") for pem in signing.public_keys]
        signed = read_envelope(raw, keys)
    except SigningError as error:
        return CheckStep(what="Signature", good=False, said=f"It {error}.")
    if signed.by is None:
        return CheckStep(what="Signature", good=False, said="None of the config's public keys made it.")
    if signed.payload != statement(found.entry, found.raw, model=found.results.model, since=signed.since):
        return CheckStep(what="Signature", good=False, said="It is good, but of other bytes than this entry's.")
    return CheckStep(what="Signature", good=True, said=f"Good, by the key {signed.by[:16]}….")


def _find(found: Found, name: str) -> bytes | None:
    try:
        return found.results.store.read(found.results.folder + name)
    except ObjectMissing:
        return None


def _parent_of(raw: bytes) -> object:
    try:
        return json.loads(raw)["parent_sha256"]
    except (ValueError, KeyError, TypeError):
        return None


def _key_id(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return str(json.loads(raw)["signatures"][0]["keyid"])
    except (ValueError, KeyError, TypeError, IndexError):
        return "unreadable"
