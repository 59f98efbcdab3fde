"""What the demo shows of proof: labels that come late, and a record that somebody changed.

The change is made in a copy: the demo's own record stays whole, and a second demo finds it as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from nightproof.config import ModelConfig
from nightproof.demo.command_line import CommandLine
from nightproof.demo.display import Step
from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.errors import DemoError

LATE_NIGHT = date(2013, 9, 25)
LATE_CARRIER = "EV"
"""Its labels of that night come days after the others'."""
COPY = "ml-results-copy"
_THREADS = 8


@dataclass(frozen=True)
class Caught:
    """What `verify` says of the record, and of the copy in which one number was changed."""

    head: str
    entries: int
    named: str
    meaning: str


def revise(command_line: CommandLine, config: ModelConfig, step: Step) -> None:
    """Evaluate the night again whose labels are complete now."""
    night = str(LATE_NIGHT)
    for line in command_line.lines("revise", config.model, "--from", night, "--to", night, "--no-report", fine=(0, 1)):
        if "error" in line:
            raise DemoError(f"The night {night} could not be evaluated again: {line['error']}")
        step.say(
            f"{line['before']['labelled']:,} labels, now {line['labelled']:,}: {line['before']['status']} -> "
            f"{line['status']}; the first evaluation stays"
        )


def tamper(folder: Path, command_line: CommandLine, *, config: ModelConfig, s3: SeaweedFS, night: date) -> Caught:
    """Verify the record, then change one number in a copy of it and verify that.

    Parameters
    ----------
    folder
        The demo's, for a config whose results are the copy.
    night
        Whose latest verdict is changed.
    """
    [whole] = command_line.lines("verify", config.model, "--deep")
    models = _copy_config(folder, config)
    _copy_record(s3, config)
    _forge(s3, config, night)
    [broken] = command_line.lines("verify", config.model, "--deep", "--models", str(models), fine=(1,))
    first = broken["first"]
    return Caught(head=whole["head"], entries=whole["entries"], named=first["where"], meaning=first["meaning"])


def _copy_config(folder: Path, config: ModelConfig) -> Path:
    models = folder / "copy" / "models"
    models.mkdir(parents=True, exist_ok=True)
    told = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    told["results"] = config.results_url.replace(_bucket(config), COPY, 1)
    # JSON is YAML.
    (models / f"{config.model}.yaml").write_text(json.dumps(told, indent=1), "utf-8")
    return models


def _copy_record(s3: SeaweedFS, config: ModelConfig) -> None:
    s3.make_bucket(COPY, versioned=False)
    client, bucket = s3.client(connections=_THREADS), _bucket(config)

    def copy(key: str) -> None:
        client.copy_object(Bucket=COPY, Key=key, CopySource={"Bucket": bucket, "Key": key})

    def remove(key: str) -> None:
        client.delete_object(Bucket=COPY, Key=key)

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(remove, _keys(client, COPY, _prefix(config))))
        list(pool.map(copy, _keys(client, bucket, _prefix(config))))


def _forge(s3: SeaweedFS, config: ModelConfig, night: date) -> None:
    """Turn a night's regression into a good night, as somebody might who is to be measured by it."""
    client = s3.client()
    keys = [key for key in _keys(client, COPY, f"{_prefix(config)}{night}/") if key.endswith("/verdict.json")]
    for key in keys:
        verdict = client.get_object(Bucket=COPY, Key=key)["Body"].read()
        client.put_object(Bucket=COPY, Key=key, Body=verdict.replace(b'"regression"', b'"ok"'))


def _keys(client: Any, bucket: str, prefix: str) -> Iterable[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def _bucket(config: ModelConfig) -> str:
    return config.results_url.split("/")[2]


def _prefix(config: ModelConfig) -> str:
    return f"{config.results_url.split('/', 3)[3]}{config.model}/"
