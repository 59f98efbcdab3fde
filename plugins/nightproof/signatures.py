"""Signatures: for each link of the chain a DSSE envelope around an in-toto Statement, by an Ed25519 key.

The statement names the log entry by the hash of its bytes, so that whoever holds the public key can
tell an entry that a holder of the private key published from one that anybody else wrote into the
bucket. Formats: DSSE 1.0 (https://github.com/secure-systems-lab/dsse), in-toto Statement v1
(https://github.com/in-toto/attestation), Ed25519 (RFC 8032, doi:10.17487/RFC8032).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightproof.errors import ObjectExists, SigningError
from nightproof.manifest import LogEntry
from nightproof.record import canonical
from nightproof.record_sections import Signing
from nightproof.storage import Store

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://nightproof.example/nightproof/evaluation/v1"
"""A name, as in-toto wants it, and no address: `docs/record.md` says what it means."""
_MAKE_ONE = "`nightproof keygen` makes a pair."


@dataclass(frozen=True)
class PublicKey:
    """A key that may have signed."""

    key: SSlibKey

    @classmethod
    def from_pem(cls, pem: str, *, name: str) -> PublicKey:
        """Read a public key; raises ``SigningError`` if it is not an Ed25519 key in PEM."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.signer import SSlibKey

        try:
            found = load_pem_public_key(pem.encode())
        except Exception as error:
            raise SigningError(f"{name} is no public key in PEM (-----BEGIN PUBLIC KEY-----). {_MAKE_ONE}") from error
        if not isinstance(found, Ed25519PublicKey):
            raise SigningError(f"{name} is a public key, but not an Ed25519 key. {_MAKE_ONE}")
        return cls(SSlibKey.from_crypto(found))

    @property
    def id(self) -> str:
        """As an envelope names it: a hint, which proves nothing."""
        return str(self.key.keyid)


@dataclass(frozen=True)
class SigningKey:
    """A private key; it is never printed."""

    signer: CryptoSigner

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id[:12]})"

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey(self.signer.public_key)

    @classmethod
    def of(cls, signing: Signing) -> SigningKey:
        """The key that a config asks for, from the environment.

        Raises
        ------
        SigningError
            If the variable is not set, holds no Ed25519 key, or the key is not the one in use (the
            first of ``public_keys``). The message never holds what the variable does.
        """
        where = f"The environment variable {signing.key} (record.sign.key)"
        said = os.environ.get(signing.key, "").strip()
        if not said:
            raise SigningError(f"{where} is not set: it must hold the private key in PEM, or the path of a PEM file.")
        found = cls.from_pem(_pem(said, where), name=where)
        if found.public.id != PublicKey.from_pem(signing.public_keys[0], name="record.sign.public_keys[0]").id:
            raise SigningError(
                f"{where} holds a key that is not the first of record.sign.public_keys: nobody could verify what it "
                "signs. Put its public half first there, and keep the retired ones after it."
            )
        return found

    @classmethod
    def from_pem(cls, pem: str, *, name: str) -> SigningKey:
        """Read a private key; raises ``SigningError``, which never quotes it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from securesystemslib.signer import CryptoSigner

        try:
            found = load_pem_private_key(pem.encode(), password=None)
        except Exception:  # noqa: BLE001  whatever the library says of it, it is no key
            # The cause may quote the key: it is not chained.
            raise SigningError(f"{name} holds no private key in PEM without a password. {_MAKE_ONE}") from None
        if not isinstance(found, Ed25519PrivateKey):
            raise SigningError(f"{name} holds a private key, but not an Ed25519 key. {_MAKE_ONE}")
        return cls(CryptoSigner(found))


def _pem(said: str, where: str) -> str:
    if "-----BEGIN" in said:
        # Some places that keep secrets write a line end as two characters.
        return said.replace("\\n", "\n")
    try:
        return Path(said).read_text("utf-8")
    except (OSError, ValueError):
        raise SigningError(
            f"{where} is neither a private key in PEM nor the path of a file that can be read."
        ) from None


def make_pair() -> tuple[bytes, bytes]:
    """A new private and its public key, both in PEM."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return secret, private.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)


def statement(entry: LogEntry, raw: bytes, *, model: str, since: int) -> bytes:
    """What is signed of a log entry: an in-toto Statement, in canonical JSON.

    Parameters
    ----------
    raw
        The entry's bytes as they are stored.
    since
        Number of the first entry that was signed: every one after it must be.
    """
    predicate = {
        "model": model,
        "number": entry.number,
        "night": entry.night,
        "evaluation_id": entry.evaluation_id,
        "manifest_sha256": entry.manifest_sha256,
        "signed_since": since,
    }
    digest = {"sha256": hashlib.sha256(raw).hexdigest()}
    subject = [{"name": f"{model}/log/{entry.number:09d}.json", "digest": digest}]
    found = {"_type": STATEMENT_TYPE, "subject": subject, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    return canonical(found)


def sign(payload: bytes, key: SigningKey) -> bytes:
    """A DSSE envelope around a statement, in canonical JSON."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(key.signer)
    return canonical(envelope.to_dict())


@dataclass(frozen=True)
class Signed:
    """What an envelope holds."""

    payload: bytes
    since: int
    """As the statement has it; -1 where it has none."""
    key_ids: tuple[str, ...]
    """As the envelope names them."""
    by: str | None
    """Id of the public key that did sign it; ``None`` if none of those given did."""


def read_envelope(raw: bytes, keys: Iterable[PublicKey]) -> Signed:
    """Read an envelope and try its signature.

    Raises
    ------
    SigningError
        If the bytes are not an envelope with one signature, written as Nightproof writes them.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        envelope = Envelope.from_dict(json.loads(raw))
        whole = canonical(envelope.to_dict()) == raw and len(envelope.signatures) == 1
    except Exception as error:
        raise SigningError(f"is no DSSE envelope ({type(error).__name__})") from error
    # Base64 and JSON can say one thing in many ways: only one of them is what was published.
    if not whole or envelope.payload_type != PAYLOAD_TYPE:
        raise SigningError("is no DSSE envelope of an in-toto Statement with one signature in canonical JSON")
    known: list[Key] = [found.key for found in keys]
    try:
        by = next(iter(envelope.verify(known, 1))) if known else None
    except (VerificationError, ValueError):
        by = None
    return Signed(envelope.payload, _since(envelope.payload), tuple(envelope.signatures), by)


def _since(payload: bytes) -> int:
    try:
        found: Any = json.loads(payload)["predicate"]["signed_since"]
    except (ValueError, KeyError, TypeError):
        return -1
    return found if type(found) is int else -1


class Signatures:
    """One model's signatures, an object for each log entry of the same number.

    Parameters
    ----------
    store
        The results' store.
    folder
        Key prefix, ending in a slash.
    model
        Whose they are.
    """

    def __init__(self, store: Store, folder: str, model: str) -> None:
        self._store = store
        self._folder = folder
        self._model = model

    def add(self, entry: LogEntry, raw: bytes, key: SigningKey) -> None:
        """Sign a log entry, unless it is signed.

        Only whoever published an entry signs it: signing what others left unsigned would put a good
        signature under an entry that was forged.
        """
        place = f"{self._folder}{entry.number:09d}.json"
        numbers = [found.key for found in self._store.list(self._folder)]
        if place in numbers:
            return
        first = numbers[0].removeprefix(self._folder)[:9] if numbers else ""
        since = min(int(first), entry.number) if first.isdigit() else entry.number
        content = sign(statement(entry, raw, model=self._model, since=since), key)
        try:
            self._store.create(place, content, content_type="application/json")
        except ObjectExists:
            return  # another run of the same evaluation was first
