"""Nights that are killed in flight, at random moments, and run again: nothing lost, doubled or half-visible."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench
from benchmarks.measure import Failed, measure
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages

if TYPE_CHECKING:
    from nightproof.config import ModelConfig
    from nightproof.night import Night
    from nightproof.results import ModelResults

KILLS, PER_NIGHT, NIGHTS = 200, 2, 10
"""Processes that are killed; so many a night before one may finish; nights a model."""
FIRST = date(2024, 3, 1)
ROWS = 400
BUCKET = "bench-crashes"
SETTLED = ("profile.parquet", "validation.json", "findings.json", "readings.json", "verdict.json")
"""Files that must be what a run without a crash leaves; others tell when and from which version."""


def row(bench: Bench) -> Row:
    """Kill, run again, look at the record; at the end, compare with a run that nobody disturbed."""
    from nightproof.demo.seaweedfs import SeaweedFS

    folder = bench.fresh("crashes")
    with SeaweedFS(folder / "s3") as server:
        os.environ.update(server.environment())
        server.make_bucket(BUCKET)
        kills = max(4, int(KILLS * bench.scale))
        measured = measure("benchmarks.results.crashes:trials", folder=str(folder), kills=kills, seed=5)
    said = measured.said
    return Row(
        what=f"kill -9 at {said['killed']} random moments of nights in flight, then run again",
        target="no night lost, doubled or half-visible; the chain verifies each time",
        found=f"{said['nights']} of {said['wanted']} nights, {len(said['wrong'])} wrong"
        + (f": {said['wrong'][0]}" if said["wrong"] else ""),
        met=not said["wrong"] and said["nights"] == said["wanted"] and said["killed"] >= kills,
        note=f"{said['midway']} of them left a night begun and not published, {said['reruns']} hit a night that was "
        f"published already, {said['beside']} had a second run of the same night beside them; {said['looks']} looks at "
        f"the record; {said['rows']}; an undisturbed night takes {seconds(said['night_s'])}",
    )


@dataclass
class _Trials:
    """Kills and what was seen after them.

    Parameters
    ----------
    folder
        For caches: one that all processes share.
    """

    folder: Path
    draw: random.Random
    killed: int = 0
    midway: int = 0
    reruns: int = 0
    beside: int = 0
    looks: int = 0
    wrong: list[str] = field(default_factory=list)

    def night(self, config: ModelConfig, night: Night, *, lasts_s: float, kills: int) -> None:
        """Kill a night's runs, sometimes with another beside them, then let one finish, and kill one more."""
        for _ in range(kills):
            self._kill(config, night, within_s=lasts_s)
        _finish(_run(config, night, self.folder / "cache"))
        self._look(config, finished=night)

    def again(self, config: ModelConfig, night: Night, *, lasts_s: float) -> None:
        """Kill a run of a night that is published."""
        self.reruns += 1
        self._kill(config, night, within_s=lasts_s)

    def _kill(self, config: ModelConfig, night: Night, *, within_s: float) -> None:
        other = _run(config, night, self.folder / "cache") if self.draw.random() < 0.1 else None
        process = _run(config, night, self.folder / "cache")
        time.sleep(self.draw.uniform(0.0, within_s))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        # One that had finished by then was not killed, and does not count.
        self.killed += os.WIFSIGNALED(status)
        if other is not None:
            self.beside += 1
            _finish(other)
        self.midway += self._look(config)

    def _look(self, config: ModelConfig, finished: Night | None = None) -> bool:
        """Look at a model's record as a stranger would; whether there is a night begun and not published."""
        from nightproof.storage import open_store
        from nightproof.verify import verify

        self.looks += 1
        results = _results(config, open_store)
        said = verify(results, deep=True)
        self.wrong += [f"{config.model}: {breach}" for breach in said.breaches]
        entries = results.log.entries()
        names = [entry.evaluation_id for entry in entries]
        if len(set(names)) != len(names) or len({entry.night for entry in entries}) != len(names):
            self.wrong.append(f"{config.model}: a night is there twice: {names}")
        if finished is not None and str(finished) not in {entry.night for entry in entries}:
            self.wrong.append(f"{config.model}: {finished} is lost")
        self.wrong += [f"{config.model}: {each}" for each in _half_visible(results, entries)]
        begun = {f"{night}/{name}" for night, name, _ in _objects(results)}
        return bool(begun - {f"{entry.night}/{entry.evaluation_id}" for entry in entries})


def trials(stages: Stages, *, folder: str, kills: int, seed: int) -> dict[str, Any]:
    """All trials. The parent imports and never counts a row, so that a fork of it is at work at once."""
    _import()
    draw = random.Random(seed)
    nights = -(-kills // PER_NIGHT)
    models = -(-nights // NIGHTS)
    # In a child of its own: what counts rows has threads, which a fork would not have.
    measure("benchmarks.results.crashes:upload", models=models, nights=min(NIGHTS, nights))
    found = _Trials(Path(folder), draw)
    lasts_s = _undisturbed(Path(folder))
    wanted = 0
    for number in range(nights):
        model, night = number // NIGHTS, _night(number % NIGHTS)
        config = _config(model, "results")
        wanted += 1
        # Some time goes to the fork and the last write: a little more than a night lasts.
        often = min(PER_NIGHT, kills - PER_NIGHT * number)
        found.night(config, night, lasts_s=lasts_s, kills=often)
        while found.killed < often + PER_NIGHT * number:
            found.again(config, night, lasts_s=lasts_s / 4)
    with stages("compare"):
        same = _compare(found, models, nights)
    return {
        **{name: getattr(found, name) for name in ("killed", "midway", "reruns", "beside", "looks", "wrong")},
        "nights": same,
        "wanted": wanted,
        "rows": _table(found),
        "night_s": lasts_s,
    }


def _compare(found: _Trials, models: int, nights: int) -> int:
    """Evaluate the same nights in order with nobody disturbing, and count those that are equal."""
    from nightproof.storage import open_store

    same = 0
    for model in range(models):
        here, there = _config(model, "results"), _config(model, "control")
        for number in range(min(NIGHTS, nights - model * NIGHTS)):
            process = _run(there, _night(number), found.folder / "control")
            _finish(process)
        kept, wanted = _settled(_results(here, open_store)), _settled(_results(there, open_store))
        same += sum(kept.get(name) == files for name, files in wanted.items())
        if kept.keys() != wanted.keys():
            found.wrong.append(f"{here.model}: nights {sorted(kept.keys() ^ wanted.keys())} are here or there alone")
        found.wrong += [f"{here.model}: {n} is another" for n in kept.keys() & wanted.keys() if kept[n] != wanted[n]]
    return same


def _settled(results: ModelResults) -> dict[str, dict[str, str]]:
    """Hashes of each published night's files that must always be the same."""
    told: dict[str, dict[str, str]] = {}
    for entry in results.log.entries():
        dossier = results.dossier(entry.night, entry.evaluation_id)
        files = {name: dossier.find(name) for name in SETTLED}
        told[f"{entry.night} {entry.evaluation_id}"] = {
            name: hashlib.sha256(raw).hexdigest() for name, raw in files.items() if raw is not None
        }
    return told


def _half_visible(results: ModelResults, entries: Any) -> Iterator[str]:
    """Entries without a manifest or a file, by the bytes alone, without the code that verifies."""
    import json

    for entry in entries:
        folder = f"{results.folder}{entry.night}/{entry.evaluation_id}/"
        raw = results.store.read(f"{folder}manifest.json")
        if hashlib.sha256(raw).hexdigest() != entry.manifest_sha256:
            yield f"the manifest of {entry.night} is another"
        for name, signed in json.loads(raw)["files"].items():
            if hashlib.sha256(results.store.read(folder + name)).hexdigest() != signed["sha256"]:
                yield f"{name} of {entry.night} is another"


def _table(found: _Trials) -> str:
    """What the metrics table holds: each evaluation's rows exactly once."""
    from nightproof.results_root import ResultsRoot
    from nightproof.storage import open_store
    from nightproof.table import table_at
    from nightproof.table.check import check

    url = f"s3://{BUCKET}/results/"
    table = table_at(url, open_store)
    assert table is not None
    checked = check(ResultsRoot.at(url, open_store), table)
    if checked.difference:
        found.wrong.append(f"the metrics table: {checked.difference}")
    return (
        f"the metrics table holds each of {checked.evaluations} evaluations {'exactly once' * (not checked.difference)}"
    )


def _objects(results: ModelResults) -> Iterator[tuple[str, str, str]]:
    for stored in results.store.list(results.folder):
        night, _, rest = stored.key.removeprefix(results.folder).partition("/")
        if night[:2] == "20":
            yield night, *rest.split("/", 1)  # type: ignore[misc]


def _run(config: ModelConfig, night: Night, cache: Path) -> int:
    """Evaluate a night in a fork, as `nightproof evaluate` does; its process id."""
    process = os.fork()
    if process:
        return process
    try:
        from nightproof.cache import Cache
        from nightproof.pipeline import evaluate
        from nightproof.resources import Resources

        resources = Resources(cache=Cache(cache), suites=cache)
        evaluate(config, night, resources, left_out=("report", "validate"))
        os._exit(0)
    except BaseException:  # noqa: BLE001  a fork must never return into its parent's work
        import traceback

        traceback.print_exc()
        os._exit(1)


def _finish(process: int) -> None:
    _, status = os.waitpid(process, 0)
    if status:
        raise Failed(f"a run that nobody killed ended with {os.waitstatus_to_exitcode(status)}")


def _undisturbed(folder: Path) -> float:
    """How long a night takes, the second of two: the first makes the baseline."""
    config = _config(0, "timed")
    for number in range(2):
        began = time.monotonic()
        _finish(_run(config, _night(number), folder / "timed"))
    return time.monotonic() - began


def _night(number: int) -> Night:
    from nightproof.night import Night

    return Night(FIRST + timedelta(days=number))


def _results(config: ModelConfig, open_store: Any) -> ModelResults:
    from nightproof.results import ModelResults

    return ModelResults.of(config, open_store)


def _config(model: int, results: str) -> ModelConfig:
    from nightproof.config import ModelConfig

    logs = f"s3://{BUCKET}/logs/{model:02d}/"
    return ModelConfig.model_validate(
        {
            "model": f"crash_{model:02d}",
            "task": "binary",
            "data": {
                "predictions": logs + "predictions/dt=%Y-%m-%d/",
                "labels": logs + "labels/dt=%Y-%m-%d/",
                "reference": logs + "reference/",
                "id": "id",
            },
            "results": f"s3://{BUCKET}/{results}/",
            "columns": {
                "score": "score",
                "label": "label",
                "features": {"numeric": ["x"], "categorical": ["group"]},
                "protected": ["group"],
            },
            "windows": [1, 7],
        }
    )


def upload(stages: Stages, *, models: int, nights: int) -> int:
    """Write every model's reference and nights."""
    from nightproof.storage.s3 import make_client

    client = make_client()
    with stages("upload"):
        for model in range(models):
            _upload_model(client, model, nights=nights)
    return models


def _upload_model(client: Any, model: int, *, nights: int) -> None:
    below = f"logs/{model:02d}/"
    client.put_object(Bucket=BUCKET, Key=f"{below}reference/part-0.parquet", Body=_rows(2000, seed=model)[2])
    for number in range(nights):
        predictions, labels, _ = _rows(ROWS, seed=1000 * (model + 1) + number)
        for role, content in (("predictions", predictions), ("labels", labels)):
            key = f"{below}{role}/dt={_night(number)}/part-0.parquet"
            client.put_object(Bucket=BUCKET, Key=key, Body=content)


def _rows(count: int, *, seed: int) -> tuple[bytes, bytes, bytes]:
    """Predictions, labels, and both in one, as Parquet."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    x, group = draw.normal(size=count), draw.choice(["a", "b"], count)
    score = 1.0 / (1.0 + np.exp(-2.0 * x))
    ids = {"id": [f"{seed}-{number}" for number in range(count)]}
    said = {"score": score, "x": x, "group": group}
    label = {"label": (draw.random(count) < score).astype(np.int64)}
    written = []
    for columns in (ids | said, ids | label, said | label):
        buffer = BytesIO()
        pq.write_table(pa.table(columns), buffer)
        written.append(buffer.getvalue())
    return written[0], written[1], written[2]


def _import() -> None:
    # Also what the steps import only when they get there: the moments are to fall into the work.
    import nightproof.pipeline
    import nightproof.storage.s3
    import nightproof.table.sync
    import nightproof.verify  # noqa: F401
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
