"""Long chains of real evaluations: a few nights are evaluated, and published again under other nights."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.dossier import Dossier, compress
from nightproof.log import Log
from nightproof.manifest import LogEntry, Manifest
from nightproof.night import Night
from nightproof.pipeline import Step, evaluate
from nightproof.record import canonical
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.signatures import SigningKey, sign, statement
from nightproof.storage import MemoryStore, Store

MODEL, FOLDER = "chain", "nightproof/chain/"
FIRST = date(2021, 1, 1)
TEMPLATES = 3
PAGE_BYTES = 1_200_000
"""About what an Evidently report comes to, packed."""
WRITERS = 8


@dataclass(frozen=True)
class Template:
    """One evaluated night."""

    manifest: Manifest
    files: dict[str, bytes]
    baseline: dict[str, bytes]


def templates() -> list[Template]:
    """Nights of a small model, evaluated by the pipeline itself on stores in memory, without a page."""
    stores: dict[str, Store] = {"s3://logs": MemoryStore("logs"), "s3://results": MemoryStore("results")}
    logs = stores["memory://logs"] = stores["s3://logs"]
    _put(logs, "reference/part-0.parquet", _rows(2000, 1).drop("id"))
    nights = [str(FIRST + timedelta(days=number)) for number in range(TEMPLATES)]
    for number, night in enumerate(nights):
        _put(logs, f"predictions/dt={night}/part-0.parquet", _rows(600, 100 + number))
    config = ModelConfig.model_validate(
        {
            "model": MODEL,
            "task": "binary",
            "data": {"predictions": "s3://logs/predictions/dt=%Y-%m-%d/", "reference": "s3://logs/reference/"},
            "results": "s3://results/nightproof/",
            "columns": {
                "score": "score",
                "label": "label",
                "features": {"numeric": ["x"], "categorical": ["group"]},
                "protected": ["group"],
            },
            "windows": [1, 7],
        }
    )
    left_out: list[Step] = ["report", "validate"]
    with TemporaryDirectory() as folder:
        resources = Resources(cache=Cache(Path(folder)), suites=Path(folder), open_store=stores.__getitem__)
        for night in nights:
            evaluate(config, Night.parse(night), resources, left_out=left_out)
        return [_template(resources.results(config), night) for night in nights]


def publish_chain(
    store: Store,
    *,
    entries: int,
    made: list[Template],
    pages: bool = False,
    key: SigningKey | None = None,
    folder: str = FOLDER,
) -> ModelResults:
    """Publish so many evaluations, file by file as the pipeline does, and give their record.

    Parameters
    ----------
    made
        What each night is a copy of, in turn; snapshot, verdict and manifest say their own night.
    pages
        Whether each has a report of the usual size too.
    key
        Signs each entry.
    """
    results = ModelResults(store, folder)
    baseline = Dossier(store, f"{results.baselines}{made[0].manifest.baseline_id}/")
    for name, content in made[0].baseline.items():
        baseline.write(name, content)

    def write(number: int) -> Manifest:
        return _publish(results, made[number % len(made)], number, pages=pages)

    with ThreadPoolExecutor(WRITERS) as writers:
        manifests = list(writers.map(write, range(entries)))
    _append(results, manifests, key)
    return results


def _publish(results: ModelResults, template: Template, number: int, *, pages: bool) -> Manifest:
    # Each seventh evaluation is a revision: labels came late for the night before it.
    night = str(FIRST + timedelta(days=number - (number + 1) // 7))
    identifier = hashlib.sha256(f"{number} {template.manifest.evaluation_id}".encode()).hexdigest()[:16]
    dossier = Dossier(results.store, f"{results.folder}{night}/{identifier}/")
    files = template.files | {
        "snapshot.json": _renamed(template.files["snapshot.json"], night),
        "verdict.json": _renamed(template.files["verdict.json"], night),
    }
    if pages:
        draw = np.random.default_rng(number)
        files["report.html.gz"] = compress(draw.bytes(PAGE_BYTES))
    for name, content in files.items():
        dossier.write(name, content)
    changes = {"night": night, "evaluation_id": identifier, "files": dossier.stored(list(files))}
    manifest = template.manifest.model_copy(update=changes)
    dossier.write("manifest.json", manifest.to_bytes())
    return manifest


def _append(results: ModelResults, manifests: list[Manifest], key: SigningKey | None) -> None:
    """Make log and signatures in memory, where listing them for each entry costs nothing, and copy them."""
    scratch = ModelResults(MemoryStore("made"), results.folder)
    log = _Remembered(scratch.store, f"{scratch.folder}log/")
    for manifest in manifests:
        entry = log.append(manifest, manifest.to_bytes())
        if key:
            content = sign(statement(entry, log.raw(entry), model=scratch.model, since=0), key)
            name = f"{scratch.folder}signatures/{entry.number:09d}.json"
            scratch.store.create(name, content, content_type="application/json")

    def copy(key: str) -> None:
        results.store.create(key, scratch.store.read(key), content_type="application/json")

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(copy, [found.key for found in scratch.store.list("")]))


class _Remembered(Log):
    """A log that nobody else writes: it need not be listed for each entry."""

    def entries(self) -> list[LogEntry]:
        return self._entries


def _template(results: ModelResults, night: str) -> Template:
    entry = results.log.latest()[night]
    dossier = results.dossier(night, entry.evaluation_id)
    manifest = Manifest.from_bytes(dossier.read("manifest.json"), name="manifest.json")
    baseline = Dossier(results.store, f"{results.baselines}{manifest.baseline_id}/")
    return Template(
        manifest,
        {name: dossier.read(name) for name in manifest.files},
        {name: baseline.read(name) for name in manifest.baseline_files},
    )


def _renamed(raw: bytes, night: str) -> bytes:
    return canonical(json.loads(raw) | {"night": night})


def _rows(count: int, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    x, group = draw.normal(0.0, 1.0, count), draw.choice(["a", "b"], count, p=[0.7, 0.3])
    score = 1.0 / (1.0 + np.exp(-2.0 * x))
    label = (draw.random(count) < score).astype(np.int64)
    identifiers = [f"row-{seed}-{number}" for number in range(count)]
    return pl.DataFrame({"id": identifiers, "score": score, "label": label, "x": x, "group": group})


def _put(store: Store, key: str, table: pl.DataFrame) -> None:
    buffer = BytesIO()
    table.write_parquet(buffer)
    store.create(key, buffer.getvalue(), content_type="application/vnd.apache.parquet")
