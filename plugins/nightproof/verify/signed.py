"""Signatures: each entry since signing began, by a key that may sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightproof.errors import SigningError
from nightproof.signatures import PublicKey, Signed, read_envelope, statement
from nightproof.verify.inventory import Inventory
from nightproof.verify.links import Links
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach
from nightproof.words import counted


@dataclass
class Signing:
    """What was found of the signatures.

    Parameters
    ----------
    good
        How many one of the keys holds good.
    """

    good: int = 0
    breaches: list[Breach] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def walk_signatures(
    inventory: Inventory, reader: Reader, links: Links, *, model: str, keys: Sequence[PublicKey]
) -> Signing:
    """Hold each signature against its entry, and find those that are missing.

    With no keys only what the signatures say is compared, and a warning tells so.
    """
    found = Signing()
    began: list[int] = []
    numbers = sorted(inventory.signatures)
    for number, (name, raw) in zip(numbers, reader.each(place(number) for number in numbers), strict=True):
        if number >= links.count:
            meaning = "The entry was signed: it was cut off the end of the chain since."
            found.breaches.append(Breach("cut", name, number, f"entry {number} in the log", "none", meaning))
            continue
        signed, problem = _checked(raw, number, links, model=model, keys=keys)
        if problem is not None:
            found.breaches.append(problem)
        if signed is not None:
            found.good += signed.by is not None
            began.append(signed.since)
    first = min([*began, *numbers], default=None)
    if first is not None:
        _gaps(found, inventory, links, first=first, keys=keys)
    elif keys and links.count:
        meaning = "The chain is not signed at all, or every signature was deleted."
        found.breaches.append(Breach("unsigned", "signatures/", None, "signatures by the keys given", "none", meaning))
    return found


def place(number: int) -> str:
    """Name of a signature's object."""
    return f"signatures/{number:09d}.json"


def _checked(
    raw: bytes | None, number: int, links: Links, *, model: str, keys: Sequence[PublicKey]
) -> tuple[Signed | None, Breach | None]:
    """A signature that says what it must, if it does; and what is wrong with it."""
    name, entry = place(number), links.entries.get(number)
    try:
        signed = read_envelope(raw or b"", keys)
    except SigningError as error:
        meaning = "The signature was changed after it was made."
        return None, Breach("changed", name, number, "a DSSE envelope", f"an object that {error}", meaning)
    if keys and signed.by is None:
        expected, by = f"a signature by one of {counted(len(keys), 'public key')}", ", ".join(signed.key_ids)
        meaning = "Entry or signature was forged or changed, or the public key that signed it was not given."
        return None, Breach("forged", name, number, expected, f"one that none of them made ({by[:16]}…)", meaning)
    if entry is None:
        return signed, None  # the entry's own breach says more
    if signed.payload != statement(entry, links.raw[number], model=model, since=signed.since):
        meaning = "The entry was rewritten after it was signed, or this is the signature of another."
        return None, Breach("forged", name, number, "a statement on this entry", "one on other bytes", meaning)
    return signed, None


def _gaps(found: Signing, inventory: Inventory, links: Links, *, first: int, keys: Sequence[PublicKey]) -> None:
    for number in range(max(first, 0), links.count):
        if number not in inventory.signatures:
            meaning = (
                "Nobody who holds the key published it, or its publisher crashed before signing: then running that "
                "night again signs it; or the signature was deleted."
            )
            breach = Breach("unsigned", place(number), number, "a signature: the chain is signed", "none", meaning)
            found.breaches.append(breach)
    if not keys:
        said = counted(len(inventory.signatures), "signature")
        found.warnings.append(f"{said} could not be checked: give the public keys (--public-key).")
    if first > 0:
        found.warnings.append(
            f"Signing began with entry {first}: those before it are held by the hashes in signed entries only."
        )
