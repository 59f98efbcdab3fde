"""Laying the fleet: configs in a folder, board and records on a real S3 server; kept for the next run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measure import measure
from benchmarks.stages import Stages

MODELS, LEAST = 1000, 20
WHOLE, LEAST_WHOLE = 20, 3
DOSSIERS = 3
"""Nights of which a whole model has everything; its log has all."""
WRITERS = 16
GENERATOR = ("made_up.py", "laying.py", "../columns.py", "../data.py")


@dataclass(frozen=True)
class Laid:
    """A fleet on a running server.

    Parameters
    ----------
    configs
        Folder of the configs.
    models
        How many there are.
    whole
        Names of those that have a log and dossiers too.
    last
        The last night.
    note
        What was generated, in words.
    """

    configs: Path
    models: int
    whole: tuple[str, ...]
    last: date
    note: str

    @property
    def now(self) -> datetime:
        """The morning after the last night: what the dashboard's clock says."""
        return datetime.combine(self.last + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=7)


@contextmanager
def laid(bench: Bench) -> Iterator[Laid]:
    """The fleet with its server, whose address and keys are in the environment meanwhile."""
    from nightproof.demo.seaweedfs import SeaweedFS

    models, whole = max(LEAST, int(MODELS * bench.scale)), max(LEAST_WHOLE, int(WHOLE * bench.scale))
    source = b"".join((Path(__file__).parent / name).read_bytes() for name in GENERATOR)
    folder = bench.folder / f"ui-{models}-{hashlib.sha256(source).hexdigest()[:12]}"
    done = folder / "laid.json"
    if not done.exists():
        for other in bench.folder.glob(f"ui-{models}-*"):
            shutil.rmtree(other)
    with SeaweedFS(folder / "server") as server:
        before = dict(os.environ)
        os.environ.update(server.environment())
        try:
            if not done.exists():
                server.make_bucket("bench-ui", versioned=False)
                said = measure("benchmarks.ui.laying:lay", folder=str(folder), models=models, whole=whole).said
                done.write_text(json.dumps(said))
            said = json.loads(done.read_text())
            yield Laid(
                folder / "configs" / "models",
                models,
                tuple(said["whole"]),
                date.fromisoformat(said["last"]),
                said["note"],
            )
        finally:
            os.environ.clear()
            os.environ.update(before)


def lay(stages: Stages, *, folder: str, models: int, whole: int) -> dict[str, Any]:
    """Make the fleet, in a child: it would make its parent large."""
    from benchmarks.ui import made_up

    place, last = Path(folder), datetime.now(UTC).date() - timedelta(days=1)
    with stages("configs"):
        _configs(place / "configs" / "models", models)
    with stages("night"):
        night = _evaluated(place / "night")
    with stages("histories"):
        histories = list(made_up.histories(night.line, night.numbers, last))
    with stages("board"):
        written = _board(models, histories)
    with stages("records"):
        named = tuple(made_up.name_of(number) for number in range(models) if made_up.kind_of(number) == "ok")[:whole]
        for name in named:
            _record(name, night, last)
    kinds = ", ".join(f"{count} {kind}" for kind, count in made_up.counts(models).items())
    note = (
        f"{models:,} models x {made_up.NIGHTS} nights ({kinds}): configs of 40 features, 20 slices and 3 protected "
        f"columns, a board of {written[0]:,} months of {len(night.numbers)} series and {models:,} rows, "
        f"{written[1] / 1e6:,.0f} MB packed. {len(histories)} histories were drawn around one evaluated night and "
        f"folded as the board folds them; models share them under their own names. {len(named)} models have a log of "
        f"{made_up.NIGHTS} entries, with everything of their last {DOSSIERS} nights; the others have the board only"
    )
    return {"whole": named, "last": str(last), "note": note}


def _configs(folder: Path, models: int) -> None:
    import yaml

    from benchmarks.ui import made_up

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(models):
        said = yaml.dump(made_up.config_of(number), Dumper=yaml.CSafeDumper, sort_keys=False)
        (folder / f"{made_up.name_of(number)}.yaml").write_text(said, "utf-8")


@dataclass(frozen=True)
class Evaluated:
    """One night of the wide model, evaluated by the pipeline."""

    line: Any
    numbers: Any
    manifest: Any
    files: dict[str, bytes]


def _evaluated(folder: Path) -> Evaluated:
    import yaml
    from nightproof.board.fill import night_of
    from nightproof.cache import Cache
    from nightproof.config import ModelConfig
    from nightproof.manifest import Manifest
    from nightproof.night import Night
    from nightproof.pipeline import evaluate
    from nightproof.resources import Resources

    from benchmarks import replay

    shutil.rmtree(folder, ignore_errors=True)
    replay.lay(folder, model="wide", nights=1)
    config = ModelConfig.model_validate(yaml.safe_load((folder / "include/models/wide.yaml").read_text("utf-8")))
    resources = Resources(cache=Cache(folder / "cache"), suites=folder)
    evaluate(config, Night.parse(str(replay.FIRST)), resources, left_out=["report", "validate"])
    results = resources.results(config)
    entry = results.log.entries()[0]
    line, numbers = night_of(results, entry, evaluations=1)
    dossier = results.dossier(entry.night, entry.evaluation_id)
    manifest = Manifest.from_bytes(dossier.read("manifest.json"), name="manifest.json")
    return Evaluated(line, numbers, manifest, {name: dossier.read(name) for name in manifest.files})


def _board(models: int, histories: list[Any]) -> tuple[int, int]:
    from nightproof.board.board import Board
    from nightproof.board.row import row_of
    from nightproof.config import ModelConfig
    from nightproof.dossier import compress
    from nightproof.storage import MemoryStore, split_url

    from benchmarks.ui import made_up

    prefix, packed = split_url(made_up.RESULTS)[1], dict[int, tuple[bytes, bytes]]()
    put, told = _writer(), ModelConfig.model_validate(made_up.config_of(6) | {"task": "binary"})

    def one(number: int) -> tuple[int, int]:
        model, history, scratch = made_up.name_of(number), made_up.history_of(number, histories), MemoryStore()
        board, months = Board(scratch, prefix), history.months
        for month in months:
            # Only where it lies is taken from this writing: its content is the same under another name.
            board.write_month(month.model_copy(update={"model": model, "nights": (), "series": ()}), made_up.NIGHTS)
        keys = [stored.key for stored in scratch.list("")]
        contents = [made_up.renamed(month, model, compress, packed) for month in months]
        for key, content in zip(keys, contents, strict=True):
            put(key, content)
        said = made_up.config_of(number)
        config = told.model_copy(update={name: said[name] for name in ("model", "owner", "description")})
        row = row_of(
            model,
            config.model_copy(update={"tags": tuple(said["tags"])}),
            months[-3:],
            entries=made_up.NIGHTS,
            months={month.month: made_up.NIGHTS for month in months},
            nights=[line.night for month in months for line in month.nights],
        )
        board.write_row(row)
        [key] = {stored.key for stored in scratch.list("")} - set(keys)
        put(key, scratch.read(key))
        return len(keys), sum(map(len, contents))

    for history in histories:
        for month in history.months:
            made_up.renamed(month, made_up.NAME, compress, packed)
    with ThreadPoolExecutor(WRITERS) as writers:
        written = list(writers.map(one, range(models)))
    return sum(count for count, _ in written), sum(size for _, size in written)


def _record(model: str, night: Evaluated, last: date) -> None:
    """A log of a year, and all files of the last nights, made in memory and copied."""
    from nightproof.dossier import Dossier
    from nightproof.results import ModelResults
    from nightproof.storage import MemoryStore, split_url

    from benchmarks.ui import made_up

    results = ModelResults(MemoryStore(), f"{split_url(made_up.RESULTS)[1]}{model}/")
    for number in range(made_up.NIGHTS):
        day = str(last - timedelta(days=made_up.NIGHTS - 1 - number))
        evaluation = made_up.identifier(day)
        dossier = Dossier(results.store, f"{results.folder}{day}/{evaluation}/")
        changes = {"model": model, "night": day, "evaluation_id": evaluation, "status": "ok"}
        if number >= made_up.NIGHTS - DOSSIERS:
            write_files(dossier, night.files, model=model, night=day)
            changes["files"] = dossier.stored(list(night.files))
        manifest = night.manifest.model_copy(update=changes)
        raw = manifest.to_bytes()
        if "files" in changes:
            dossier.write("manifest.json", raw)
        results.log.append(manifest, raw)
    put, scratch = _writer(), results.store
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(lambda key: put(key, scratch.read(key)), [found.key for found in scratch.list("")]))


def write_files(dossier: Any, files: dict[str, bytes], *, model: str, night: str) -> None:
    """Write an evaluation's files as another night's."""
    from nightproof.record import canonical

    for name, content in files.items():
        if name in ("snapshot.json", "verdict.json"):
            said = json.loads(content) | {"night": night}
            said |= {"model": model} if "model" in said else {}
            content = canonical(said)  # noqa: PLW2901
        dossier.write(name, content)


def _writer() -> Any:
    """Writes an object of the bench's bucket, safe between threads and for a quarter of boto3's time."""
    import obstore
    from nightproof.storage.s3 import S3Store
    from obstore.store import S3Store as ObjectStore

    options = S3Store("bench-ui").object_store_options()
    taken: Any = {name: value for name, value in options.items() if name not in ("aws_allow_http", "conditional_put")}
    taken = {name: value for name, value in taken.items() if name not in ("aws_endpoint_url", "aws_endpoint_url_s3")}
    store = ObjectStore("bench-ui", config=taken, client_options={"allow_http": True})
    return lambda key, content: obstore.put(store, key, content)
