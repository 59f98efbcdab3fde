"""Whether Nightproof's drift checks show the shift of one feature, on rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from nightproof.checks.drift import check_drift
from nightproof.config import ModelConfig
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec

from benchmarks.alerts import features
from benchmarks.alerts.model import threshold
from benchmarks.alerts.rows import write_run
from benchmarks.alerts.streams import NULLS, Stream

SHIFTS = (0.0, 0.1, 0.25)
"""Of one feature, in its standard deviations."""
SEED = 77


@dataclass(frozen=True)
class Shown:
    """What nights with a shift showed.

    Parameters
    ----------
    shift
        In standard deviations.
    nights
        How many were looked at.
    named
        On how many the shifted feature was told.
    others
        On how many anything else was told of the inputs.
    """

    shift: float
    nights: int
    named: int
    others: int


def config(stream: Stream, **sections: Any) -> ModelConfig:
    """The simulated model's config: all as it comes, but for these sections, and these keys of ``columns``."""
    given: dict[str, Any] = {
        "model": "simulated",
        "task": "binary",
        "data": {part: f"file:///data/{part}/" for part in ("predictions", "reference")} | {"id": "id"},
        "results": "file:///data/results/",
        "columns": {
            "score": features.SCORE,
            "label": features.LABEL,
            "threshold": threshold(stream.scores),
            "features": {"numeric": [*features.NUMERIC], "categorical": [*features.CATEGORICAL]},
            "protected": [*features.PROTECTED],
            "slices": [list(columns) for columns in features.SLICES],
        },
    }
    given["data"]["predictions"] += "dt=%Y-%m-%d/"
    given["columns"] |= sections.pop("columns", {})
    return ModelConfig.model_validate(given | sections)


def profiles(settings: ModelConfig, run: dict[str, str], folder: Path) -> Iterator[Profile]:
    """The reference's profile and then each night's, of a run that :func:`write_run` wrote."""
    then, now = (pl.read_parquet(run[part]) for part in ("reference", "nights"))
    tables = [then.drop(features.NIGHT), *(rows.drop(features.NIGHT) for rows in now.partition_by(features.NIGHT))]
    spec = None
    for place, rows in enumerate(tables):
        file = folder / f"{place}.parquet"
        rows.with_row_index("id").write_parquet(file)
        spec = spec or infer_spec(settings, [file])
        yield collect([file], [], spec)


def shown(shift: float, n: int, *, nights: int) -> Shown:
    """Nights with a shift (0: none) held against the reference by the drift checks, at their defaults."""
    stream = NULLS["iid"]
    settings = config(stream)
    with TemporaryDirectory() as place:
        folder = Path(place)
        run = write_run(folder, stream, n, nights=nights, seed=SEED + SHIFTS.index(shift), shift=shift)
        every = profiles(settings, run, folder)
        baseline = next(every)
        told = [_told(check_drift(night, baseline, settings, window=1)) for night in every]
    named = sum(features.SHIFTED in columns for columns in told)
    return Shown(shift, nights, named, sum(bool(columns - {features.SHIFTED}) for columns in told))


def _told(findings: list[Any]) -> set[str | None]:
    """Columns that are worth a look; ``None`` stands for what is about no single column."""
    return {finding.column for finding in findings if finding.status in ("watch", "regression")}
