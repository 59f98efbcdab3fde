"""The peer's side: the rows it is given, and what its alarms come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from nightproof.demo.delay_model import CATEGORICAL, NUMERIC

from benchmarks.faults.catalogue import FAULTS, WITHIN
from benchmarks.faults.frames import ID, LABEL, SCORE, Frames
from benchmarks.faults.season import Season
from benchmarks.measure import measure
from benchmarks.peers.environment import pinned, python_of

_GIVEN = ("day", SCORE, LABEL, *NUMERIC, *CATEGORICAL)


@dataclass(frozen=True)
class PeerTold:
    """What a peer told of the season and of the faults.

    Parameters
    ----------
    name
        With its version.
    nights, alarming
        Clean nights, and those on which anything alarms.
    new_nights
        Faults with an alarm in time on a night on which nothing alarms without the fault.
    new_series
        Faults on which something alarms in time that does not on the same night without the fault.
    quiet_beginnings
        Faults of which a night in time is silent without the fault: more ``new_nights`` cannot be.
    new
        By fault, what alarms in time and does not on the same night without it.
    """

    name: str
    nights: int
    alarming: int
    new_nights: int
    new_series: int
    quiet_beginnings: int
    new: Mapping[str, Sequence[str]] = field(default_factory=dict)


def nannyml(season: Season, begins: Sequence[date], *, first: date, last: date, bench: Path) -> PeerTold:
    """Ask NannyML, in its own environment."""
    folder = bench / "faults" / "peer"
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: str(folder / f"{name}.parquet") for name in ("reference", "clean", "faulty")}
    season.reference.select(_GIVEN).write_parquet(files["reference"])
    season.rows(first, last).select(_GIVEN).write_parquet(files["clean"])
    _faulty(season, begins).write_parquet(files["faulty"])
    said = measure(
        "benchmarks.faults.nannyml:alarms",
        python=python_of("nannyml", bench),
        numeric=[*NUMERIC],
        categorical=[*CATEGORICAL],
        score=SCORE,
        label=LABEL,
        **files,
    ).said
    return compared(f"NannyML {pinned('nannyml', 'nannyml')}", said["clean"], said["faulty"])


def compared(
    name: str, clean: Mapping[str, Sequence[str]], faulty: Mapping[str, Mapping[str, Sequence[str]]]
) -> PeerTold:
    """Alarms with the faults beside those without."""
    pairs = {
        fault: [(set(now), set(clean[night])) for night, now in nights.items()] for fault, nights in faulty.items()
    }
    new = {fault: sorted(set().union(*(now - before for now, before in nights))) for fault, nights in pairs.items()}
    return PeerTold(
        name=name,
        nights=len(clean),
        alarming=sum(bool(series) for series in clean.values()),
        new_nights=sum(any(now and not before for now, before in nights) for nights in pairs.values()),
        new_series=sum(bool(series) for series in new.values()),
        quiet_beginnings=sum(any(not before for _, before in nights) for nights in pairs.values()),
        new=new,
    )


def _faulty(season: Season, begins: Sequence[date]) -> pl.DataFrame:
    return pl.concat(
        [
            _joined(season.faulty(fault, day), day).with_columns(pl.lit(fault.name).alias("fault"))
            for fault, begin in zip(FAULTS, begins, strict=True)
            for day in (begin + timedelta(days=after) for after in range(WITHIN))
        ],
        how="vertical_relaxed",
    )


def _joined(night: Frames, day: date) -> pl.DataFrame:
    return (
        night.predictions.join(night.labels, on=ID, maintain_order="left")
        .with_columns(pl.lit(day).alias("day"))
        .select(_GIVEN)
    )
