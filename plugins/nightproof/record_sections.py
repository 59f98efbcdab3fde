"""The section `record` of a config: how long results are kept, whether they are locked, and who signs them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from nightproof.sections import Duration, Section

Mode = Literal["governance", "compliance"]


LEAST_DAYS = 125
"""Findings and profiles that are younger may still be asked for: a verdict stands on the readings of 118 nights, and a
week is for nights that are evaluated late."""


def _long_enough(value: timedelta | None) -> timedelta | None:
    if value is not None and value < timedelta(days=LEAST_DAYS):
        raise ValueError(f"verdicts stand on 118 nights before them: keep at least {LEAST_DAYS}d, or null for ever")
    return value


class Keep(Section):
    """How long each kind of result is kept, from its publishing on; `null` is for ever.

    Manifests, verdicts, snapshots, validations, the log and signatures always are.
    """

    reports: Duration | None = None
    """Evidently reports and Data Docs, which can be rendered again from the rest."""
    findings: Annotated[Duration | None, AfterValidator(_long_enough)] = None
    """Findings and readings: at least 125 days, and longer than the longest window."""
    profiles: Annotated[Duration | None, AfterValidator(_long_enough)] = None
    """Profiles, from which every number can be computed again: as long as findings at least."""

    @field_validator("reports")
    @classmethod
    def _a_day(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(days=1):
            raise ValueError("keep reports for at least 1d, or null for ever")
        return value

    def too_short(self, *, windows: Sequence[int], maturity: timedelta) -> list[str]:
        """Keys that are shorter than what a model's decisions need.

        Parameters
        ----------
        windows
            Nights that are merged.
        maturity
            How long after its end a night may still be evaluated again, on the nights before it.
        """
        least = timedelta(days=max(LEAST_DAYS, max(windows) + 7)) + maturity
        return [name for name in ("findings", "profiles") if (age := getattr(self, name)) is not None and age < least]


class Lock(Section):
    """S3 Object Lock on everything that is published; the bucket must have been made with it."""

    mode: Mode = "governance"
    """`governance`: some users may lift it; `compliance`: nobody may."""
    retain: Duration
    """How long nothing of a night can be deleted or replaced."""


class Signing(Section):
    """Ed25519 signatures on every link of the chain."""

    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,79}$")] = "NIGHTPROOF_SIGNING_KEY"
    """Environment variable that holds the private key: PEM, or the path of a PEM file."""
    public_keys: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    """Public keys that may have signed, in PEM: the one in use first, retired ones after it."""

    @field_validator("public_keys")
    @classmethod
    def _ed25519(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Imported here: only configs that sign pay for it.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        for number, pem in enumerate(value):
            try:
                is_good = isinstance(load_pem_public_key(pem.encode()), Ed25519PublicKey)
            except Exception:  # noqa: BLE001  whatever the library says of it, it is no key
                is_good = False
            if not is_good:
                raise ValueError(f"key {number} is no Ed25519 public key in PEM: `nightproof keygen` makes a pair")
        return value


class RecordKeeping(Section):
    """How results are kept and proved."""

    keep: Keep = Keep()
    lock: Lock | None = None
    sign: Signing | None = None
