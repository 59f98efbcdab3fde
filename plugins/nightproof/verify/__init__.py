"""Verify: walk a model's record, and name the first thing in it that is not as it was published."""

from nightproof.verify.verification import Breach, Kind, Verification
from nightproof.verify.walk import verify

__all__ = ["Breach", "Kind", "Verification", "verify"]
