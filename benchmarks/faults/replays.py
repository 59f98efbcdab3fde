"""Replays: the clean season by the command line, and each fault on top of the nights before it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from nightproof.cache import Cache
from nightproof.config import ModelConfig, load_config
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.resources import Resources
from nightproof.storage import open_store

from benchmarks.faults.catalogue import NIGHTS
from benchmarks.faults.fault import Fault
from benchmarks.faults.season import Season, lay_night, lay_season, nights
from benchmarks.faults.told import Told, read, read_all
from benchmarks.measure import ROOT, Failed

MODEL = "flight_delay"
SHIPPED = ROOT / "include" / "models" / f"{MODEL}.yaml"
SUITES = ROOT / "great_expectations" / "expectations"
_LEFT_OUT = ("report",)
_TOLERANCES = re.compile(r"^  performance: .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A folder with a model's config, logs and results.

    Parameters
    ----------
    folder
        Absolute.
    reference
        Folder whose logs hold the reference.
    is_tight
        Whether the product's default tolerances stand in the place of those that ship with the demo.
    """

    folder: Path
    reference: Path
    is_tight: bool = False

    @property
    def logs(self) -> Path:
        """The model's predictions and labels."""
        return self.folder / "logs" / MODEL

    @property
    def results(self) -> Path:
        """The model's results."""
        return self.folder / "results" / MODEL

    @property
    def config(self) -> ModelConfig:
        """The config that ships, with files in the place of buckets."""
        return load_config(self.folder / "include" / "models" / f"{MODEL}.yaml")

    def write_config(self) -> None:
        """Write it: its places are changed, and its tolerances left out where the defaults are wanted."""
        text = SHIPPED.read_text("utf-8")
        reference = f"file://{self.reference}/logs/{MODEL}/reference/"
        text = text.replace(f"s3://ml-logs/{MODEL}/reference/", reference)
        text = text.replace("s3://ml-logs/", f"file://{self.folder}/logs/")
        text = text.replace("s3://ml-results/nightproof/", f"file://{self.folder}/results/")
        if self.is_tight:
            text = _TOLERANCES.sub("", text)
        path = self.folder / "include" / "models" / f"{MODEL}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def clean(season: Season, place: Place, *, first: date, last: date) -> list[Told]:
    """Replay a stretch with nothing injected, as a user would, and read what was recorded.

    Raises
    ------
    Failed
        If a night could not be evaluated.
    """
    folder = place.folder
    place.write_config()
    lay_season(season, place.logs)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTPROOF_", "SLACK_"))}
    own = {
        "NIGHTPROOF_MODELS": str(folder / "include" / "models"),
        "NIGHTPROOF_SUITES": str(SUITES),
        "NIGHTPROOF_CACHE": str(folder / "cache"),
    }
    command = [str(Path(sys.executable).parent / "nightproof"), "replay", MODEL, "--from", str(first)]
    command += ["--to", str(last), "--no-report", "--json"]
    with subprocess.Popen(command, env=kept | own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [json.loads(line) for line in process.stdout]
    wrong = [line for line in said if line["status"] == "failed"]
    if process.returncode or wrong or len(said) != (last - first).days + 1:
        raise Failed(f"the clean replay told of {len(said)} nights, the last {(wrong or said or ['nothing'])[-1]}")
    results = _resources(folder).results(place.config)
    return list(read_all(results))


def faulty(season: Season, fault: Fault, begins: date, *, on: Place, folder: Path) -> Iterator[Told]:
    """Replay a fault's nights on top of the clean nights before it.

    Parameters
    ----------
    begins
        Its first night.
    on
        Where the clean replay is: its results up to that night are this replay's history.
    folder
        An empty folder.
    """
    place = Place(folder, on.folder, on.is_tight)
    place.write_config()
    _link_history(on.results, place.results, before=begins)
    resources, config = _resources(on.folder), place.config
    for day in nights(begins, begins + timedelta(days=NIGHTS - 1)):
        lay_night(season.faulty(fault, day), day, place.logs)
        found = evaluate(config, Night(day, config.data.label_delay), resources, left_out=_LEFT_OUT)
        yield read(resources.results(config), str(day), found.id)
    shutil.rmtree(folder)


def _resources(folder: Path) -> Resources:
    return Resources(cache=Cache(folder / "cache"), suites=SUITES, open_store=open_store)


def _link_history(results: Path, to: Path, *, before: date) -> None:
    """Give another folder the records of all nights before one; records never change, so they are linked."""
    for record in _of_nights_before(results, before):
        copy = to / record.relative_to(results)
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.link(record, copy)


def _of_nights_before(results: Path, before: date) -> Iterable[Path]:
    for record in sorted(path for path in results.rglob("*") if path.is_file()):
        top = record.relative_to(results).parts[0]
        # A clean replay evaluates nights in order, so that the log up to a night is a chain of its own.
        night = json.loads(record.read_bytes())["night"] if top == "log" else top
        if not night[:4].isdigit() or night < str(before):
            yield record
