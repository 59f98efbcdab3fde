"""Which engine a config names, and that it is no part of a result."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from nightproof import engines
from nightproof.config import ModelConfig, json_schema, load_config
from nightproof.errors import ConfigError, EngineError
from nightproof.sections import Engine

MINIMAL = {
    "model": "small",
    "task": "binary",
    "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
    "columns": {"score": "score", "label": "label"},
}
SECRET = "not-to-be-told"
SPARK = {
    "spark": {
        "master": "spark://host:7077",
        "options": {
            "spark.executor.cores": 4,
            "spark.shuffle.compress": True,
            "spark.hadoop.fs.s3a.secret.key": SECRET,
        },
    }
}


def read(folder: Path, **more: Any) -> ModelConfig:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(MINIMAL | more))
    return load_config(path)


def test_rows_are_counted_in_this_process_unless_the_config_says_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path).engine == read(tmp_path, engine="local").engine == Engine()
    assert read(tmp_path).engine.spark is None


def test_a_cluster_has_an_address_and_options_as_text(tmp_path: Path) -> None:
    cluster = read(tmp_path, engine=SPARK).engine.spark
    assert cluster is not None
    assert cluster.master == "spark://host:7077"
    told = {name: value.get_secret_value() for name, value in cluster.options.items()}
    assert told == {
        "spark.executor.cores": "4",
        "spark.shuffle.compress": "true",
        "spark.hadoop.fs.s3a.secret.key": SECRET,
    }


def test_the_engine_changes_no_evaluation_and_stands_in_no_record(tmp_path: Path) -> None:
    local, spark = read(tmp_path), read(tmp_path, engine=SPARK)
    assert local.fingerprint == spark.fingerprint
    assert local.model_dump_json(by_alias=True) == spark.model_dump_json(by_alias=True)


def test_options_are_shown_nowhere_and_reach_other_processes(tmp_path: Path) -> None:
    config = read(tmp_path, engine=SPARK)
    assert SECRET not in repr(config) + str(config) + config.model_dump_json() + config.engine.model_dump_json()
    assert pickle.loads(pickle.dumps(config)).engine == config.engine


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("flink", r"line \d+: engine: write local, or spark"),
        ({"spark": {"master": "host:7077"}}, r"engine\.spark\.master: write spark://host:port.*'host:7077'"),
        ({"spark": {}}, r"engine\.spark\.master: this key is required"),
        ({"sparc": {"master": "yarn"}}, r"engine\.sparc: .*Did you mean 'spark'"),
        ({"spark": {"master": "yarn", "options": {"executor.memory": "4g"}}}, r"engine\.spark\.options"),
        (
            {"spark": {"master": "yarn", "options": {"spark.key": [SECRET]}}},
            r"engine\.spark\.options\.spark\.key: write text",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(engine: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, engine=engine)
    assert SECRET not in str(caught.value)


def test_editors_know_both_forms() -> None:
    schema = json_schema()
    assert {"const": "local", "type": "string"} in schema["properties"]["engine"]["anyOf"]


def test_a_cluster_without_the_library_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match=r"nightproof\[spark\]"):
        engines.collect([], [], None, engine=read(tmp_path, engine=SPARK).engine)  # type: ignore[arg-type]
