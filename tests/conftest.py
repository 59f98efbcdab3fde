"""What the tests share: a clean environment, a bench of small nights, and two real local servers."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
import yaml
from nightproof.alert_sections import Trouble
from nightproof.cache import Cache
from nightproof.checks import held
from nightproof.checks.finding import Check, Finding
from nightproof.checks.judge import Subject, judged
from nightproof.config import ModelConfig, load_config
from nightproof.decide import decide
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.errors import StoreUnavailable
from nightproof.evaluation import Evaluation
from nightproof.metric_names import HARM, MetricName
from nightproof.metrics.estimate import Z95, Estimate, difference
from nightproof.night import Night
from nightproof.past import Past
from nightproof.pipeline import Step, evaluate
from nightproof.quarantine import quarantine
from nightproof.readings import Readings, readings
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.sections import Limit, Tolerance
from nightproof.storage import MemoryStore, OpenStore, Store, open_store
from nightproof.validation import Validation
from nightproof.verdict import Verdict

REPOSITORY = Path(__file__).resolve().parents[1]
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="nightproof-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
# Airflow reads these when it is first imported, by whichever test module comes first.
os.environ.update(
    AIRFLOW_HOME=str(AIRFLOW_HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(REPOSITORY / "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__PLUGINS_FOLDER=str(REPOSITORY / "plugins"),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{AIRFLOW_HOME}/airflow.db",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
)

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


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Bench]:
    """Models on stores in memory, for tests that share what was published."""
    return lambda: memory_bench(tmp_path_factory.mktemp("bench"))


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
    # What a native library's thread does while the interpreter ends is not what is asked.
    script += "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"
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


# --- Made-up nights ---------------------------------------------------------------------------------------


def decided(budget: str = "1 per 90 nights", *, alerts: Any = None, **changes: Any) -> ModelConfig:
    """A config of a model that no rows are read of."""
    return ModelConfig.model_validate(
        {
            "model": "decided",
            "task": "binary",
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
            "columns": {"score": "score", "label": "label"},
            "alerts": {"false_alarms": budget} | (alerts or {}),
        }
        | changes
    )


def told_finding(
    metric: str = "roc_auc",
    value: float = 0.85,
    *,
    error: float = 0.004,
    baseline: float | None = 0.85,
    baseline_error: float = 0.001,
    n: int = 3000,
    check: Check = "performance",
    tolerance: float = 0.02,
    limit: tuple[str, float] = ("max", 0.1),
    column: str | None = None,
    segment: dict[str, str] | None = None,
    window: int = 1,
) -> Finding:
    """A finding as a check gives it of a metric with such a value and standard errors.

    Parameters
    ----------
    tolerance
        Of performance and of what is broken in the data; must be the config's.
    limit
        Which end, and its bound, of bias; must be the config's.
    """
    now = Estimate(value, value - Z95 * error, value + Z95 * error, n)
    then, arm = None, Z95 * baseline_error
    if baseline is not None:
        then = Estimate(baseline, baseline - arm, baseline + arm, 90_000)
    delta = difference(now, then) if then else None
    if check == "performance":
        name = cast("MetricName", metric)
        bound = held.performance(name, Tolerance.model_validate({HARM[name]: tolerance}))
    elif check == "bias":
        [bound] = held.bias(metric, Limit.model_validate(dict([limit])), baseline)
    else:
        bound = held.Held(1, then is not None, tolerance, tolerance, tolerance, "moved")
    about = Subject(check, metric, window, segment or {}, column)
    return judged(about, now, then, delta=delta, harm=bound.harm(now, delta))


@dataclass
class Story:
    """Nights on end that are decided from findings alone.

    Parameters
    ----------
    config
        The policy.
    night
        The next night to be told of.
    """

    config: ModelConfig = field(default_factory=decided)
    night: Night = field(default_factory=lambda: Night.parse("2013-12-14"))
    verdicts: list[Verdict] = field(default_factory=list)
    readings: list[Readings] = field(default_factory=list)
    settled: tuple[Finding, ...] = ()
    """Findings of the last night that was told of."""

    @property
    def past(self) -> Past:
        """What the next verdict stands on."""
        return Past(self.verdicts[-1] if self.verdicts else None, tuple(self.readings))

    def quiet(self, nights: int, *usual: Finding, spread: float = 0.1, seed: int = 0) -> Story:
        """Add the readings of nights without trouble, whose values lie some standard errors around the usual ones."""
        draw = np.random.default_rng(seed)
        for _ in range(nights):
            moved = []
            for found in usual or (told_finding(),):
                assert found.value is not None and found.interval is not None
                value = found.value + spread * draw.normal() * (found.value - found.interval[0]) / Z95
                moved.append(shifted(found, value))
            self._read(moved, None, ())
            self.night = self.night.before(-1)
        return self

    def tell(self, *findings: Finding, version: str | None = None, **given: Any) -> Verdict:
        """Decide a night."""
        known = {"config": self.config, "night": self.night, "past": self.past, "version": version}
        self.settled, verdict = decide(findings, **known, **given)
        open_ones = [family for i in verdict.incidents if i.is_open for family in i.families]
        self._read(findings, version, tuple(dict.fromkeys(open_ones)))
        return self._next(verdict)

    def quarantine(self, validation: Validation) -> Verdict:
        """A night that is not evaluated."""
        return self._next(quarantine(validation, config=self.config, night=self.night, past=self.past))

    def skip(self, nights: int = 1) -> None:
        """Nights of which nothing is known."""
        self.night = self.night.before(-nights)

    def _next(self, verdict: Verdict) -> Verdict:
        self.verdicts.append(verdict)
        self.night = self.night.before(-1)
        return verdict

    def _read(self, findings: Sequence[Finding], version: str | None, troubled: tuple[Trouble, ...]) -> None:
        rows = max([0, *(found.n for found in findings)])
        known = {"night": str(self.night), "version": version, "rows": rows, "labelled": rows, "troubled": troubled}
        self.readings.append(Readings(**known, all=readings(findings)))

    def events(self) -> list[str]:
        """What happened on each night: nothing, or an event for each incident."""
        return [" ".join(i.event for i in verdict.incidents) for verdict in self.verdicts]


def shifted(finding: Finding, value: float) -> Finding:
    """The same finding at another value."""
    assert finding.value is not None and finding.interval is not None
    by = value - finding.value
    changed: dict[str, Any] = {"value": value, "interval": tuple(end + by for end in finding.interval)}
    if finding.delta is not None and finding.delta_interval is not None:
        changed |= {"delta": finding.delta + by, "delta_interval": tuple(end + by for end in finding.delta_interval)}
    return finding.model_copy(update=changed)


@pytest.fixture(scope="session")
def policy() -> Callable[..., ModelConfig]:
    """See :func:`decided`."""
    return decided


@pytest.fixture(scope="session")
def told() -> Callable[..., Finding]:
    """See :func:`told_finding`."""
    return told_finding


@pytest.fixture(scope="session")
def story() -> type[Story]:
    """See :class:`Story`."""
    return Story
