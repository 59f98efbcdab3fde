"""The benchmark's model: 44 columns and what they mean, and its config for Nightproof.

Standard library only: the peers' processes, which have no Nightproof, read it too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

NORMAL = tuple(f"normal_{i:02d}" for i in range(14))
LOGNORMAL = tuple(f"lognormal_{i:02d}" for i in range(10))
COUNTS = tuple(f"count_{i:02d}" for i in range(4))
INTEGERS = ("tenure_months", "open_cases")
NUMERIC = (*NORMAL, *LOGNORMAL, *COUNTS, *INTEGERS)
"""30 columns; INTEGERS are int64, all others float64."""
WITH_NULLS = (*NORMAL[8:11], *LOGNORMAL[6:8], COUNTS[3])
"""5 % of their values are null."""

CATEGORIES: dict[str, int] = {
    "sex": 2,
    "race": 6,
    "age_group": 8,
    "region": 8,
    "channel": 10,
    "carrier": 15,
    "device": 20,
    "plan": 30,
    "state": 50,
    "city": 1000,
}
"""10 columns of strings, and how many values each has."""
CATEGORICAL = tuple(CATEGORIES)
PROTECTED = ("sex", "race", "age_group")
SLICES: tuple[tuple[str, ...], ...] = (
    ("sex",),
    ("race",),
    ("age_group",),
    ("region",),
    ("channel",),
    ("carrier",),
    ("device",),
    ("plan",),
    ("state",),
    ("tenure_months",),
    ("region", "channel"),
    ("region", "sex"),
    ("region", "tenure_months"),
    ("sex", "race"),
    ("sex", "age_group"),
    ("race", "age_group"),
    ("channel", "device"),
    ("plan", "sex"),
    ("carrier", "open_cases"),
    ("device", "normal_00"),
)
"""20 slices: 10 columns and 10 pairs."""

SCORE, LABEL, ID, VERSION = "score", "label", "id", "model_version"
ALL = (ID, VERSION, *NUMERIC, *CATEGORICAL, SCORE, LABEL)


def wide(folder: Path) -> dict[str, Any]:
    """The model that most rows are measured on: 40 features, 20 slices, 3 protected columns."""
    return _config(
        "wide",
        folder,
        {
            "features": {"numeric": [*NUMERIC], "categorical": [*CATEGORICAL]},
            "protected": [*PROTECTED],
            "slices": [list(columns) for columns in SLICES],
        },
    )


def small(folder: Path) -> dict[str, Any]:
    """A model of the demo's size: 6 features, 2 slices, 1 protected column."""
    return _config(
        "small",
        folder,
        {
            "features": {"numeric": [*NORMAL[:2], INTEGERS[0]], "categorical": ["region", "channel", "state"]},
            "protected": ["sex"],
            "slices": [["region"], ["region", "tenure_months"]],
        },
    )


def _config(model: str, folder: Path, columns: dict[str, Any]) -> dict[str, Any]:
    place = f"file://{folder.resolve()}/"
    return {
        "model": model,
        "task": "binary",
        "data": {
            "predictions": f"{place}predictions/dt=%Y-%m-%d/",
            "labels": f"{place}labels/dt=%Y-%m-%d/",
            "reference": f"{place}reference/",
            "id": ID,
        },
        "results": f"{place}results/",
        "columns": {"score": SCORE, "label": LABEL, "model_version": VERSION} | columns,
        "windows": [1, 7, 28],
    }
