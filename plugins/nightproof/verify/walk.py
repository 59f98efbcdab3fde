"""Verify: all parts of a record, one after the other, and what was found along the chain."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from nightproof.log import Head
from nightproof.results import ModelResults
from nightproof.signatures import PublicKey
from nightproof.verify.agreement import walk_agreement
from nightproof.verify.dossiers import added_baseline_files, named_files, walk_dossiers
from nightproof.verify.files import walk_files, with_markers
from nightproof.verify.inventory import Inventory
from nightproof.verify.links import Links, place, walk_links
from nightproof.verify.loose import walk_loose
from nightproof.verify.notes import walk_notes
from nightproof.verify.reader import Reader
from nightproof.verify.signed import walk_signatures
from nightproof.verify.verification import Breach, Counts, Verification


def verify(
    results: ModelResults, *, head: Head | None = None, public_keys: Sequence[PublicKey] = (), deep: bool = False
) -> Verification:
    """Walk a model's record, and name the first thing that is changed, missing, re-ordered or added.

    Parameters
    ----------
    results
        The model's; only read.
    head
        An entry that was kept elsewhere: the chain must contain it still.
    public_keys
        Keys that may have signed. With any given, the chain must be signed.
    deep
        ``True`` reads and hashes every byte of the record: a proof, as far as SHA-256 is one. ``False``
        reads and hashes log, manifests, signatures and notes in full, and compares all other files by the
        size and MD5 in the store's own listing where it has them: that trusts the store to list what it
        holds, and MD5 against whoever chose the bytes himself.

    Returns
    -------
    Verification
        An empty folder is whole: nothing was published, and a head or keys say otherwise if something was.

    Raises
    ------
    StoreError
        If the store cannot be read; nothing is said of the record then.
    """
    store, folder, model = results.store, results.folder, results.model
    reader = Reader(store, folder)
    with ThreadPoolExecutor(1) as lister:
        # A long listing is waited for: meanwhile the log, whose listing is short, is read.
        listed = lister.submit(lambda: list(store.list(folder)))
        reader.ahead(found.key.removeprefix(folder) for found in store.list(f"{folder}log/"))
        inventory = Inventory.of(listed.result(), folder)
    links = walk_links(inventory, reader)
    pruned, torn_notes = walk_notes(inventory, reader, links)
    dossiers = walk_dossiers(inventory, reader, links, model=model)
    files = walk_files(named_files(dossiers, links), inventory, reader, pruned=pruned, deep=deep)
    agreement = walk_agreement(dossiers, links, reader) if deep else []
    signed = walk_signatures(inventory, reader, links, model=model, keys=public_keys)
    loose = walk_loose(inventory, reader, links, model=model, pinned=head, pruned=pruned)
    found = [
        *links.breaches,
        *dossiers.breaches,
        *files.breaches,
        *agreement,
        *signed.breaches,
        *_unpinned(links, head),
        *torn_notes,
        *added_baseline_files(inventory, dossiers),
        *loose.breaches,
        *(_foreign(name) for name in sorted(inventory.foreign)),
    ]
    return Verification(
        model=model,
        location=store.url(folder),
        deep=deep,
        entries=links.count,
        head=links.head,
        pinned=head,
        breaches=tuple(with_markers(sorted(found, key=lambda breach: _along(breach, links)), reader)),
        warnings=(*signed.warnings, *loose.warnings),
        notes=tuple(loose.notes),
        counts=Counts(
            listed=len(inventory.objects),
            hashed=reader.hashed,
            hashed_bytes=reader.hashed_bytes,
            by_listing=files.by_listing,
            signatures=signed.good,
            pruned=files.pruned,
        ),
    )


def _along(breach: Breach, links: Links) -> int:
    """Along the chain; what belongs to no entry comes last."""
    return links.count + 1 if breach.number is None else breach.number


def _unpinned(links: Links, head: Head | None) -> list[Breach]:
    if head is None:
        return []
    found = links.sha256.get(head.number)
    if found is not None and found.startswith(head.sha256):
        return []
    expected = f"the pinned head {head}"
    if head.number >= links.count:
        meaning = "The end of the chain was cut off, or this is another chain."
        return [Breach("cut", place(head.number), head.number, expected, "no such entry", meaning)]
    meaning = "History was rewritten at or before this entry, with all hashes made anew."
    said = f"{head.number}:{found}" if found else "nothing"
    return [Breach("forged", place(head.number), head.number, expected, said, meaning)]


def _foreign(name: str) -> Breach:
    meaning = "Nightproof puts nothing there: somebody added it."
    return Breach("added", name, None, "no such object in a record", "one", meaning)
