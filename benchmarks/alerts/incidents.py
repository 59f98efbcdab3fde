"""From a rule's evidence, night by night, to pages: an incident pages once, when it opens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RECOVERED_AFTER = 3
"""Nights in a row without evidence after which an incident is over."""
Flags = npt.NDArray[np.bool_]


def pages(evidence: Flags) -> Flags:
    """Nights on which an incident opens, or opens again, by run and night."""
    found = np.zeros_like(evidence)
    quiet = np.full(len(evidence), RECOVERED_AFTER)
    for night in range(evidence.shape[1]):
        found[:, night] = evidence[:, night] & (quiet >= RECOVERED_AFTER)
        quiet = np.where(evidence[:, night], 0, quiet + 1)
    return found
