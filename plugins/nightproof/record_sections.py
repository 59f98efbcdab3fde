"""The section `record` of a config: how long results are kept, whether they are locked, and who signs them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nightproof.sections import Duration, Section

Mode = Literal["governance", "compliance"]


class Keep(Section):
    """How long each kind of result is kept; `null` is for ever. Manifests, verdicts and the log always are."""

    reports: Duration | None = None
    """Evidently reports and Data Docs, which can be rendered again from the rest."""
    findings: Duration | None = None
    """Findings and readings: longer than any window and than incidents are remembered."""
    profiles: Duration | None = None
    """Profiles, from which every number can be computed again."""


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


class RecordKeeping(Section):
    """How results are kept and proved."""

    keep: Keep = Keep()
    lock: Lock | None = None
    sign: Signing | None = None
