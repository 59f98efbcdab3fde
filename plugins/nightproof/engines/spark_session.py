"""A Spark session for one piece of work."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from nightproof.errors import DataError, EngineError
from nightproof.profiles.rows import BATCH
from nightproof.sections import SparkCluster

USUAL = {
    "spark.app.name": "nightproof",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A task has one core: its libraries start no more threads than that.
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
}
"""What a config's options may change."""
EXACT = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.timeType.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH),
}
"""What the same counts as in one process stand on."""
_HADOOP = "spark.hadoop."
_DATA_ERROR = re.compile(rf"{DataError.__module__}\.{DataError.__qualname__}: (.+)")


@contextmanager
def session(cluster: SparkCluster) -> Iterator[SparkSession]:
    """A session that gives its executors back at the end.

    Raises
    ------
    DataError
        If a task found that the rows cannot be counted.
    EngineError
        If the cluster cannot be reached, or ends the work.
    """
    # Executors run the Python of this process, unless the environment names another.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with warnings.catch_warnings():
        # No pandas is handed to Spark, nor taken from it.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        try:
            spark = _start(cluster)
            try:
                yield spark
            finally:
                spark.stop()
        except (PySparkException, Py4JError) as error:
            raise _told(error, cluster) from error


def _start(cluster: SparkCluster) -> SparkSession:
    options = {name: value.get_secret_value() for name, value in cluster.options.items()}
    # Options reach the driver's JVM by its command line, which others may read; those of storage,
    # which may be credentials, are set once it runs.
    storage = {name: value for name, value in options.items() if name.startswith(_HADOOP)}
    launch = USUAL | {name: value for name, value in options.items() if name not in storage} | EXACT
    spark = SparkSession.builder.master(cluster.master).config(map=launch).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    for name, value in storage.items():
        spark.conf.set(name.removeprefix(_HADOOP), value)
    return spark


def _told(error: Exception, cluster: SparkCluster) -> DataError | EngineError:
    text = str(error)
    if found := _DATA_ERROR.search(text):
        return DataError(found[1])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of a task's traceback the last line tells; of all else the first.
    python = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    problem = (python or lines or ["no reason was given"])[0]
    return EngineError(f"Spark at {cluster.master} did not count the night: {problem}")
