"""Whether Nightproof's drift checks show the shift of one feature, on rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from nightproof.checks.drift import check_drift
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.decide import decide
from nightproof.night import Night
from nightproof.past import Past
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec
from nightproof.readings import Readings, readings

from benchmarks.alerts import features
from benchmarks.alerts.model import threshold
from benchmarks.alerts.rows import write_run
from benchmarks.alerts.streams import NULLS, Stream

SHIFTS = (0.0, 0.1, 0.25)
"""Of one feature, in its standard deviations."""
SEED = 77


HISTORY = 28
"""Nights without a shift before it."""
MIN_EFFECT = 0.002
"""PSI from which on a shift is worth a look here. The product's default is .1, which neither shift reaches."""
LASTS = 3
"""Nights of each shift."""


@dataclass(frozen=True)
class Shown:
    """What shifts of three nights showed, each after the same nights without one.

    Parameters
    ----------
    shift
        In standard deviations.
    nights
        How many shifts there were.
    named
        Of how many the shifted feature was told on their first night.
    within
        Of how many it was told on one of their three nights.
    others
        On what share of the nights any other input was told.
    """

    shift: float
    nights: int
    named: int
    within: int
    others: float


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
    """Shifts of a feature (0: none) as Nightproof's verdicts show them: surely moved is a watch, and pages nobody."""
    stream = NULLS["iid"]
    settings = config(stream, checks={"performance": {}, "drift": {"min_effect": MIN_EFFECT}})
    seed = SEED + SHIFTS.index(shift)
    with TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("before", "shifted")]
        for folder in folders:
            folder.mkdir()
        before = write_run(folders[0], stream, n, nights=HISTORY, seed=seed, shift=0.0)
        known = profiles(settings, before, folders[0])
        baseline = next(known)
        history = [_read(check, place) for place, check in enumerate(_checked(known, baseline, settings))]
        run = write_run(folders[1], stream, n, nights=LASTS * nights, seed=seed + 100, shift=shift)
        shifted = profiles(settings, {**run, "reference": before["reference"]}, folders[1])
        next(shifted)
        told = _told(list(_checked(shifted, baseline, settings)), history, settings)
    hits = [[features.SHIFTED in columns for columns in three] for three in told]
    others = [bool(columns - {features.SHIFTED}) for three in told for columns in three]
    return Shown(shift, nights, sum(h[0] for h in hits), sum(map(any, hits)), sum(others) / len(others))


def _checked(nights: Iterator[Profile], baseline: Profile, settings: ModelConfig) -> Iterator[list[Finding]]:

    return (check_drift(night, baseline, settings, window=1) for night in nights)


def _told(nights: list[list[Finding]], history: list[Readings], settings: ModelConfig) -> list[list[set[str | None]]]:
    """Columns that are worth a look, night by night of each shift."""
    told: list[list[set[str | None]]] = []
    for first in range(0, len(nights), LASTS):
        past, three = list(history), []
        for findings in nights[first : first + LASTS]:
            night = Night(_date(len(past)))
            settled, _ = decide(findings, config=settings, night=night, past=Past(readings=past))
            three.append({found.column for found in settled if found.status in ("watch", "regression")})
            past.append(_read(findings, len(past)))
        told.append(three)
    return told


def _read(findings: list[Finding], place: int) -> Readings:
    rows = max(found.n for found in findings)
    return Readings(night=str(_date(place)), rows=rows, labelled=rows, all=readings(findings))


def _date(place: int) -> date:
    return date(2026, 1, 1) + timedelta(days=place)
