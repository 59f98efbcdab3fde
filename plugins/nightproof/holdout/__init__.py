"""The holdout: a labelled test set that grows from production by a rule that anybody can repeat.

A version holds references only: which nights, which pinned objects, and a hash of each row's id. The rows
themselves are brought together from the pinned data when they are asked for.
"""

from nightproof.holdout.materialise import Rows, read, read_rows
from nightproof.holdout.update import Update, update
from nightproof.holdout.version import HeldNight, HoldoutVersion, Rule
from nightproof.holdout.versions import Versions

__all__ = ["HeldNight", "HoldoutVersion", "Rows", "Rule", "Update", "Versions", "read", "read_rows", "update"]
