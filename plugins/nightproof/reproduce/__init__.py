"""Reproduce: a published evaluation is computed again from its pinned data, and compared bit for bit.

::

    manifest ─► fetch the pinned versions ─► all steps, config and history as recorded ─► compare
                                             (results in memory: nothing is written)
"""

from __future__ import annotations

from nightproof.reproduce.reproduction import Difference, Input, Reproduction
from nightproof.reproduce.rerun import reproduce

__all__ = ["Difference", "Input", "Reproduction", "reproduce"]
