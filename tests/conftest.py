"""What the tests share: a clean environment, a bench of small nights, and two real local servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
import yaml
from nightproof.cache import Cache
from nightproof.config import ModelConfig, load_config
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.errors import StoreUnavailable
from nightproof.evaluation import Evaluation
from nightproof.night import Night
from nightproof.pipeline import Step, evaluate
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.storage import MemoryStore, OpenStore, Store, open_store

QUICK: tuple[Step, ...] = ("report", "validate")
"""Steps that most tests leave out: each imports a library that takes seconds."""


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the machine's own configuration reaches a test, and no test writes outside its folders."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("NIGHTPROOF_", "AWS_", "SLACK_")):
                patch.delenv(name)
        patch.setenv("NIGHTPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


# --- Nights -----------------------------------------------------------------------------------------------


def rows(
    count: int,
    *,
    seed: int,
    noise: float = 0.0,
    drift: float = 0.0,
    unfair: float = 0.0,
    name: str = "row",
) -> pl.DataFrame:
    """Labelled predictions of a binary classifier.

    Parameters
    ----------
    noise
        0: scores are the true probabilities; 1: they are drawn at random.
    drift
        How far the feature is moved, in standard deviations.
    unfair
        What is taken off the scores of the group ``b``.
    """
    draw = np.random.default_rng(seed)
    x = draw.normal(drift, 1.0, count)
    group = draw.choice(["a", "b"], count, p=[0.7, 0.3])
    truth = 1.0 / (1.0 + np.exp(-2.0 * (x - drift)))
    label = (draw.random(count) < truth).astype(np.int64)
    score = (1.0 - noise) * truth + noise * draw.random(count) - unfair * (group == "b")
    return pl.DataFrame(
        {
            "id": [f"{name}-{i}" for i in range(count)],
            "score": np.clip(score, 0.0, 1.0),
            "label": label,
            "x": x,
            "group": group,
        }
    )


def parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


@dataclass
class Bench:
    """One model, its data and its results, in a place of its own.

    Parameters
    ----------
    folder
        For configs, suites and caches.
    logs, results
        Where data and results lie, each a URL that ends in a slash.
    open_store
        Finds the stores of both.
    put
        Writes an object below ``logs``, replacing one that is there.
    """

    folder: Path
    logs: str
    results: str
    open_store: OpenStore
    put: Callable[[str, bytes], None]
    model: str = "quiet"
    written: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def models(self) -> Path:
        """Folder of the configs."""
        return self.folder / "include" / "models"

    @property
    def suites(self) -> Path:
        """Folder of the suites."""
        return self.folder / "great_expectations" / "expectations"

    def config(self, **changes: Any) -> ModelConfig:
        """Write the model's YAML and read it; ``changes`` replace its top-level keys."""
        said: dict[str, Any] = {
            "model": self.model,
            "task": "binary",
            "data": {
                "predictions": self.logs + "predictions/dt=%Y-%m-%d/",
                "labels": self.logs + "labels/dt=%Y-%m-%d/",
                "reference": self.logs + "reference/",
                "id": "id",
            },
            "results": self.results,
            "columns": {
                "score": "score",
                "label": "label",
                "features": {"numeric": ["x"], "categorical": ["group"]},
                "protected": ["group"],
            },
            "windows": [1, 7],
            "alerts": {"slack": {"channel": "#ml-network"}},
        } | changes
        self.models.mkdir(parents=True, exist_ok=True)
        self.suites.mkdir(parents=True, exist_ok=True)
        path = self.models / f"{said['model']}.yaml"
        path.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")
        return load_config(path)

    def reference(self, count: int = 2000, **knobs: Any) -> None:
        """Write the reference."""
        self.put("reference/part-0.parquet", parquet(rows(count, seed=1, **knobs).drop("id")))

    def night(self, night: str, count: int = 600, *, seed: int | None = None, **knobs: Any) -> pl.DataFrame:
        """Write a night's predictions and labels, and give them."""
        seed = int(night.replace("-", "")) if seed is None else seed
        table = rows(count, seed=seed, name=night, **knobs)
        self.write(night, table.drop("label"), table.select("id", "label"))
        return table

    def write(self, night: str, predictions: pl.DataFrame | bytes, labels: pl.DataFrame | bytes) -> None:
        """Write a night as it is given."""
        for role, table in (("predictions", predictions), ("labels", labels)):
            content = table if isinstance(table, bytes) else parquet(table)
            self.put(f"{role}/dt={night}/part-0.parquet", content)

    def resources(self, open_store: OpenStore | None = None, *, cache: str = "cache") -> Resources:
        """What a fresh process would hold: nothing is remembered from an earlier one."""
        return Resources(cache=Cache(self.folder / cache), suites=self.suites, open_store=open_store or self.open_store)

    def evaluate(
        self,
        night: str,
        config: ModelConfig | None = None,
        *,
        resources: Resources | None = None,
        left_out: Iterable[Step] = QUICK,
    ) -> Evaluation:
        """Evaluate a night as a fresh process would."""
        config = config or self.config()
        return evaluate(
            config, Night.parse(night, config.data.label_delay), resources or self.resources(), left_out=left_out
        )

    def model_results(self, config: ModelConfig | None = None) -> ModelResults:
        """The model's results, freshly opened."""
        return ModelResults.of(config or self.config(), self.open_store)

    def objects(self, below: str = "") -> dict[str, bytes]:
        """Every object of the model's results by its name below them."""
        results = self.model_results()
        prefix = results.folder + below
        found = [stored.key for stored in results.store.list(prefix)]
        return {key.removeprefix(results.folder): results.store.read(key) for key in found}


def memory_bench(folder: Path) -> Bench:
    logs, results = MemoryStore("ml-logs"), MemoryStore("ml-results")
    stores: dict[str, Store] = {"s3://ml-logs": logs, "s3://ml-results": results}
    stores |= {"memory://ml-logs": logs, "memory://ml-results": results}
    bench = Bench(folder, "s3://ml-logs/", "s3://ml-results/nightproof/", stores.__getitem__, logs.put)
    bench.reference()
    return bench


def folder_bench(folder: Path) -> Bench:
    logs = folder / "logs"

    def put(key: str, content: bytes) -> None:
        path = logs / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    bench = Bench(folder, f"file://{logs}/", f"file://{folder}/results/", open_store, put)
    bench.reference()
    return bench


def bucket_bench(folder: Path, s3: SeaweedFS, bucket: str) -> Bench:
    client = s3.client()

    def put(key: str, content: bytes) -> None:
        client.put_object(Bucket=bucket, Key=f"logs/{key}", Body=content)

    bench = Bench(folder, f"s3://{bucket}/logs/", f"s3://{bucket}/results/", open_store, put)
    bench.reference()
    return bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A model on stores in memory: quick, and safe between threads."""
    return memory_bench(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Bench:
    """A model on ``file://``."""
    return folder_bench(tmp_path)


@pytest.fixture
def make_rows() -> Callable[..., pl.DataFrame]:
    """See :func:`rows`."""
    return rows


# --- Servers ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """One S3 server for all tests of a session."""
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(s3_server: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> SeaweedFS:
    """The S3 server, with its address and keys in the environment."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def bucket(s3: SeaweedFS) -> str:
    """A fresh bucket that keeps versions."""
    name = f"nightproof-{uuid4().hex[:12]}"
    s3.make_bucket(name)
    return name


@pytest.fixture
def bucket_model(tmp_path: Path, s3: SeaweedFS, bucket: str) -> Bench:
    """A model on ``s3://``."""
    return bucket_bench(tmp_path, s3, bucket)


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackRecorder]:
    """A server in this process that speaks Slack's API."""
    with SlackRecorder(tmp_path / "slack") as recorder:
        yield recorder


# --- Processes --------------------------------------------------------------------------------------------


def processes_at_once(script: str, *arguments: list[str]) -> list[str]:
    """Run a script in a process for each list of arguments, all at once; gives what each printed."""
    started = [
        subprocess.Popen([sys.executable, "-c", script, *given], stdout=subprocess.PIPE, text=True)
        for given in arguments
    ]
    printed = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(started)
    return printed


@pytest.fixture
def at_once() -> Callable[..., list[str]]:
    """See :func:`processes_at_once`."""
    return processes_at_once


# --- Crashes ----------------------------------------------------------------------------------------------


class FailingStore:
    """A store whose ``fails``-th create raises, before or after the object is written.

    Parameters
    ----------
    store
        The store behind it.
    fails
        0-based number of the create that fails; ``None`` for none.
    written
        Whether the object is there all the same, as when the answer is lost.
    """

    def __init__(self, store: Store, *, fails: int | None, written: bool = False) -> None:
        self._store = store
        self._fails = fails
        self._written = written
        self.created: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, content: bytes, *, content_type: str, encoding: str = "") -> None:
        fails = len(self.created) == self._fails
        if not fails or self._written:
            # A name that is taken is no write, and is not counted.
            self._store.create(key, content, content_type=content_type, encoding=encoding)
        self.created.append(key)
        if fails:
            raise StoreUnavailable(f"The power went at {key}.")


@pytest.fixture
def failing() -> type[FailingStore]:
    """See :class:`FailingStore`."""
    return FailingStore
