"""Causes: why a model regressed, from the attribution of its loss and the state of its columns.

A cause is a hypothesis with its evidence, not a proof: what explains the numbers best is told first.
"""

from nightproof.causes.likely import likely_causes
from nightproof.causes.sentence import sentence

__all__ = ["likely_causes", "sentence"]
