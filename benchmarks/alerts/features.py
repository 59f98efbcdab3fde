"""The simulated model's columns: 40 features, and what else a row has.

Standard library only: the peers' processes, which have no Nightproof, read it too.
"""

from __future__ import annotations

NORMAL = tuple(f"normal_{i:02d}" for i in range(20))
LOGNORMAL = tuple(f"lognormal_{i:02d}" for i in range(10))
NUMERIC = (*NORMAL, *LOGNORMAL)
PROTECTED: dict[str, int] = {"g": 2, "h": 4}
CATEGORIES: dict[str, int] = PROTECTED | {f"category_{size:02d}": size for size in (2, 3, 4, 5, 8, 10, 15, 20)}
"""Columns of strings, and how many values each has."""
CATEGORICAL = tuple(CATEGORIES)
FEATURES = (*NUMERIC, *CATEGORICAL)
SLICES = (("g",), ("g", "h"))
"""Ten slices: two groups, eight pairs."""
SHIFTED = NORMAL[0]
"""The feature that shifts where one does."""
SCORE, LABEL, PREDICTION, NIGHT = "score", "label", "prediction", "night"
