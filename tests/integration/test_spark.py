"""The Spark engine on a real standalone master and worker: the profiles of both engines are equal, bit for bit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
import yaml
from nightproof.config import ModelConfig, load_config
from nightproof.engines import collect
from nightproof.errors import DataError, EngineError
from nightproof.profiles import Profile, ProfileSpec
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.ratios import ratio
from nightproof.profiles.row_functions import row_functions
from nightproof.sections import Engine

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(find_spec("pyspark") is None, reason="no pyspark: make install-spark, then PYTHONPATH=.spark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java: install openjdk-17-jre-headless"),
]
LOCAL = Engine()
STARTED = re.compile(r"Starting Spark master at (spark://\S+)")
REGISTERED = re.compile(r"Successfully registered with master")


class Daemon:
    """A master or a worker, as a process of its own."""

    def __init__(self, kind: str, *arguments: str, folder: Path) -> None:
        import pyspark

        home = Path(pyspark.__file__).parent
        self.log = folder / f"{kind}.log"
        environment = os.environ | {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        ports = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *ports, *arguments]
        with self.log.open("wb") as log:
            # spark-class becomes the JVM: the process's id is the daemon's.
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def says(self, what: re.Pattern[str], *, within_s: float = 60.0) -> str:
        """What the log says, once it does."""
        until = time.monotonic() + within_s
        while time.monotonic() < until and self._process.poll() is None:
            if found := what.search(self.log.read_text("utf-8", "replace")):
                return found[found.re.groups]
            time.sleep(0.1)
        raise AssertionError(self.log.read_text("utf-8", "replace")[-2000:])

    def end(self) -> None:
        """End the process, and wait until it is gone."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A cluster of one worker with two cores, on loopback."""
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield from started(folder)


def started(folder: Path) -> Iterator[Engine]:
    master = Daemon("master.Master", folder=folder)
    try:
        address = master.says(STARTED)
        work = str(folder / "work")
        worker = Daemon("worker.Worker", "--cores", "2", "--memory", "1g", "--work-dir", work, address, folder=folder)
        try:
            worker.says(REGISTERED)
            yield Engine.model_validate({"spark": {"master": address, "options": OPTIONS}})
        finally:
            worker.end()
    finally:
        master.end()


OPTIONS: Mapping[str, Any] = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": 5,
    # Small enough that a file is several tasks' work.
    "spark.sql.files.maxPartitionBytes": "100000",
    "spark.hadoop.fs.s3a.secret.key": "not-to-be-told",
}


def config_of(task: str, **columns: Any) -> ModelConfig:
    data = {"predictions": "file:///data/p/", "labels": "file:///data/l/", "reference": "file:///data/r/", "id": "id"}
    return ModelConfig.model_validate(
        {"model": "small", "task": task, "data": data, "columns": {"label": "label"} | columns}
    )


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[..., Path]:
    """Write a table to a file of its own."""
    written: list[Path] = []

    def write(table: pl.DataFrame, **options: Any) -> Path:
        # A path is a path, whatever it may mean to others.
        written.append(tmp_path / f"part {len(written)} é%20+.parquet")
        table.write_parquet(written[-1], **options)
        return written[-1]

    return write


Parquet = Callable[..., Path]


def equal(predictions: list[Path], labels: list[Path], spec: ProfileSpec, engine: Engine) -> Profile:
    """The profile, once both engines have given the same."""
    ours, theirs = (collect(predictions, labels, spec, engine=each) for each in (LOCAL, engine))
    assert theirs.facts.equals(ours.facts)
    assert theirs.to_bytes() == ours.to_bytes()
    return theirs


def candidates(n: int = 3000, seed: int = 1) -> pl.DataFrame:
    """Rows that every task may find something in."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=n)
    score = 1.0 / (1.0 + np.exp(-x))
    hour = draw.integers(0, 28 * 24, n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "score": score,
            "label": (draw.random(n) < score).astype(np.int64),
            "x": x,
            "hour": hour % 24,
            "carrier": draw.choice(["AA", "b c", "ключ", '"'], n),
            "weight": draw.gamma(2.0, 1.0, n),
            "time": np.datetime64("2024-03-01", "us") + hour.astype("timedelta64[h]"),
            "version": draw.choice(["v1", "v2"], n),
            "plane": draw.integers(0, 3 * n, n),
            "query": draw.integers(0, n // 10, n),
            "prediction": x + draw.normal(size=n),
        }
    )


def with_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with what goes wrong in them: nulls, not-a-numbers, infinities, unknown values."""
    place = pl.int_range(pl.len())
    return rows.with_columns(
        x=pl.when(place % 7 == 0).then(None).when(place % 11 == 0).then(float("nan")).otherwise("x"),
        score=pl.when(place % 101 == 0).then(float("inf")).when(place % 103 == 0).then(None).otherwise("score"),
        carrier=pl.when(place % 13 == 0).then(None).when(place % 17 == 0).then(pl.lit("new")).otherwise("carrier"),
        weight=pl.when(place % 19 == 0).then(None).otherwise("weight"),
        time=pl.when(place % 23 == 0).then(None).otherwise("time"),
        version=pl.when(place % 29 == 0).then(None).otherwise("version"),
    )


BINARY = config_of(
    "binary",
    score="score",
    features={"numeric": ["x", "hour"], "categorical": ["carrier", "plane"]},
    protected=["carrier", "hour"],
    slices=["carrier", ["carrier", "hour"], "x"],
    weight="weight",
    time="time",
    model_version="version",
)


def test_labels_apart_in_files_that_agree_about_no_type(engine: Engine, parquet: Parquet) -> None:
    reference, night = candidates(), with_faults(candidates(seed=2))
    spec = infer_spec(BINARY, [parquet(reference)])
    told = night.select("id", "label")
    other = night[:1000].with_columns(
        pl.col("id", "hour").cast(pl.Float64),
        pl.col("carrier").cast(pl.Categorical),
        pl.col("time").cast(pl.Datetime("ns")),
        pl.col("x").cast(pl.Float32),
    )
    another = night[1000:1700].with_columns(
        pl.col("id").cast(pl.String),
        pl.col("hour").cast(pl.UInt64),
        pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
        pl.lit(None).alias("carrier"),
    )
    last = night[1700:].drop("label").with_columns(pl.col("time").dt.to_string("iso"), id=pl.col("id").cast(pl.UInt64))
    labels = [
        told[:2000].with_columns(pl.col("label").cast(pl.Boolean)),
        told[1500:2900].with_columns(pl.col("id").cast(pl.String), pl.col("label").cast(pl.String)),
        # A second word on a label that is known already, and one on a row that nobody predicted.
        told[:50].with_columns(1 - pl.col("label"), pl.col("id").cast(pl.Int32)),
        pl.DataFrame({"id": [None, "stranger"], "label": [1.0, 0.0]}),
    ]
    found = equal(
        [parquet(other, row_group_size=100), parquet(another), parquet(last)],
        [parquet(t) for t in labels],
        spec,
        engine,
    )
    assert 2800 < found.rows < 3000
    assert 2500 < found.loss("brier").n < 2900
    assert set(found.versions()) == {"v1", "v2", "(missing)"}
    assert found.unseen("carrier").keys() == {"new"}


def test_a_label_beside_the_prediction_and_a_file_that_is_named_twice(engine: Engine, parquet: Parquet) -> None:
    rows = with_faults(candidates())
    spec = infer_spec(BINARY, [parquet(candidates())]).model_copy(update={"id": None})
    files = [parquet(rows[:1500], row_group_size=50), parquet(rows[1500:])]
    once, twice = (equal(files * times, [], spec, engine) for times in (1, 2))
    assert twice.rows == 2 * once.rows > 5000


def test_several_classes(engine: Engine, parquet: Parquet) -> None:
    config = config_of(
        "multiclass", scores={"no": "p0", "yes": "p1"}, features={"numeric": ["x"]}, slices=["carrier"], weight="weight"
    )
    rows = candidates().with_columns(
        p0=1 - pl.col("score"), p1="score", label=pl.col("label").replace_strict({0: "no", 1: "yes"})
    )
    spec = infer_spec(config, [parquet(rows)])
    truth = rows.select("id", "label")[:2500]
    assert equal([parquet(rows.drop("label"))], [parquet(truth)], spec, engine).rows == 3000


def test_regression_with_an_interval(engine: Engine, parquet: Parquet) -> None:
    config = config_of(
        "regression",
        prediction="prediction",
        interval={"lower": "low", "upper": "high"},
        features={"numeric": ["x", "hour"], "categorical": ["carrier"]},
        protected=["carrier"],
        weight="weight",
    )
    rows = candidates().with_columns(label="x", low=pl.col("prediction") - 1, high=pl.col("prediction") + 1)
    spec = infer_spec(config, [parquet(rows)])
    night = with_faults(rows).with_columns(label="prediction")
    found = equal([parquet(night.drop("label"))], [parquet(rows.select("id", "label")[100:])], spec, engine)
    assert found.held()[1] > 0


def test_a_teams_own_metrics_some_of_columns_that_come_with_the_labels(engine: Engine, tmp_path: Path) -> None:
    models, files = tmp_path / "models", iter(tmp_path / f"{place}.parquet" for place in range(9))
    for folder in (models, tmp_path / "metrics"):
        folder.mkdir()
    (tmp_path / "metrics" / "gain.py").write_text(
        """\
import numpy as np

COLUMNS = ("x", "revenue")
TEXT = ("carrier",)


def gain(rows):
    known = rows["carrier"] != "AA"
    return np.where(known, np.tanh(rows["x"]), np.nan), np.minimum(rows["revenue"], 1e6)
"""
    )
    told = json.loads(BINARY.model_dump_json(include={"task", "data", "columns"}, exclude_defaults=True))
    metrics = {"revenue_per_row": {"sum": "revenue"}, "x_share": {"sum": "x", "over": "revenue"}}
    said = {"model": "small", **told, "metrics": {**metrics, "gain": {"python": "gain"}}}
    (models / "small.yaml").write_text(yaml.safe_dump(said))
    config = load_config(models / "small.yaml")

    def written(table: pl.DataFrame, **options: Any) -> Path:
        path = next(files)
        table.write_parquet(path, **options)
        return path

    rows = candidates().with_columns(revenue=pl.Series(np.random.default_rng(9).lognormal(2.0, 1.0, 3000)))
    spec = infer_spec(config, [written(rows)])
    night = with_faults(rows).with_columns(
        revenue=pl.when(pl.col("id") % 31 == 0)
        .then(float("inf"))
        .when(pl.col("id") % 37 == 0)
        .then(1e300)
        .otherwise("revenue")
    )
    predictions = [
        written(night[:1500].drop("label", "revenue"), row_group_size=100),
        written(night[1500:].drop("label", "revenue")),
    ]
    labels = [
        written(night.select("id", "label", "revenue")[:2000]),
        written(night.select("id", "label", pl.col("revenue").cast(pl.Float32))[1900:2900]),
    ]
    functions = row_functions(config)
    ours, theirs = (collect(predictions, labels, spec, engine=each, functions=functions) for each in (LOCAL, engine))
    assert theirs.facts.equals(ours.facts)
    assert theirs.to_bytes() == ours.to_bytes()
    for name in config.metrics:
        assert ratio(theirs, name).n > 1500 and ratio(theirs, name, {"carrier": "b c"}).n > 300
        assert ratio(theirs, name, {"version": "v1"}).n > 500


@pytest.mark.parametrize("apart", [True, False])
def test_ranking_where_queries_are_spread_over_files(engine: Engine, parquet: Parquet, apart: bool) -> None:
    config = config_of("ranking", query="query", score="prediction", features={"numeric": ["x"]}, weight="weight", k=5)
    rows = candidates()
    spec = infer_spec(config, [parquet(rows)]).model_copy(update={"id": "id" if apart else None})
    night = with_faults(rows)
    parts = [night[::3], night[1::3].with_columns(pl.col("query").cast(pl.Float64)), night[2::3]]
    labels = [parquet(rows.select("id", "label"))] if apart else []
    found = equal([parquet(part.drop("label") if apart else part) for part in parts], labels, spec, engine)
    assert found.loss("ndcg").n > 200


@pytest.mark.parametrize("labelled", [True, False])
def test_an_empty_night(engine: Engine, parquet: Parquet, labelled: bool) -> None:
    rows = candidates()
    spec = infer_spec(BINARY, [parquet(rows)])
    labels = [parquet(rows.select("id", "label"))] if labelled else []
    assert equal([parquet(rows.clear())], labels, spec, engine).rows == 0


def test_a_column_that_is_not_there_is_a_fault_of_the_data_by_either_engine(engine: Engine, parquet: Parquet) -> None:
    rows = candidates()
    spec = infer_spec(BINARY, [parquet(rows)])
    for each in (LOCAL, engine):
        with pytest.raises(DataError, match="hour"):
            collect([parquet(rows.drop("hour"))], [], spec, engine=each)


def test_what_a_task_finds_wrong_with_the_data_is_told_as_such(engine: Engine, parquet: Parquet) -> None:
    spec = infer_spec(BINARY, [parquet(candidates())])
    rows = candidates().with_columns(version=pl.col("id").cast(pl.String))
    for each in (LOCAL, engine):
        with pytest.raises(DataError, match=r"columns\.model_version"):
            collect([parquet(rows, row_group_size=400)], [], spec, engine=each)


def test_a_cluster_that_cannot_be_reached_is_told_without_its_options(parquet: Parquet) -> None:
    rows = candidates(100)
    spec = infer_spec(BINARY, [parquet(rows)])
    nowhere = Engine.model_validate({"spark": {"master": "k8s://nowhere", "options": OPTIONS}})
    with pytest.raises(EngineError, match="k8s://nowhere") as caught:
        collect([parquet(rows)], [], spec, engine=nowhere)
    assert "not-to-be-told" not in str(caught.value)


def _commands(processes: Iterable[psutil.Process]) -> Iterator[str]:
    """Command lines of processes; one that has ended in the meantime has none."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # a zombie is one too
            yield " ".join(process.cmdline())


def test_credentials_of_storage_reach_spark_and_stand_on_no_command_line() -> None:
    from nightproof.engines.spark_session import session

    cluster = Engine.model_validate({"spark": {"master": "local[1]", "options": OPTIONS}}).spark
    assert cluster is not None
    with session(cluster) as spark:
        held = spark._jsparkSession.sessionState().newHadoopConf().get("fs.s3a.secret.key")
        commands = list(_commands(psutil.Process().children(recursive=True)))
    assert held == "not-to-be-told"
    assert [command for command in commands if "pyspark-shell" in command]
    assert not [command for command in commands if "not-to-be-told" in command]


def test_a_whole_evaluation_comes_to_the_same_findings(engine: Engine, folder: Any) -> None:
    folder.night("2024-03-01", noise=1.0)
    found = {}
    for name, said in (
        ("local", "local"),
        ("spark", {"spark": {"master": engine.spark.master, "options": dict(OPTIONS)}}),
    ):
        folder.results = f"file://{folder.folder}/results-{name}/"
        config = folder.config(engine=said)
        evaluation = folder.evaluate("2024-03-01", config, resources=folder.resources(cache=f"cache-{name}"))
        found[name] = evaluation.id, folder.objects()
    (local_id, local), (spark_id, spark) = found["local"], found["spark"]
    assert local_id == spark_id
    assert local.keys() == spark.keys()
    same = [name for name in local if name.rsplit("/", 1)[1] in ("profile.parquet", "findings.json", "spec.json")]
    assert len(same) == 4
    assert {name: local[name] for name in same} == {name: spark[name] for name in same}
    assert not [name for name, raw in spark.items() if b"not-to-be-told" in raw or b"spark://" in raw]
