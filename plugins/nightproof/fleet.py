"""The fleet: what all models share, in `include/fleet.yaml` beside `include/models/`.

Its `alerts` and `record` are the lowest priority: what a model's own file says comes before them, key by key;
its mutes hold beside the model's own. It is read with the same care, every fault at once.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from nightproof.alert_sections import Alerts, Channel
from nightproof.errors import ConfigError, Fault
from nightproof.faults import explain
from nightproof.record_sections import RecordKeeping
from nightproof.sections import Column, Location, Section
from nightproof.yaml_source import read_yaml

NAME = "fleet.yaml"
DAG_ID = "nightproof_fleet"
"""The DAG of all models; none of them may bear its name."""
MAINTENANCE_DAG_ID = "nightproof_maintenance"
"""The DAG that keeps results tidy; no model may bear its name either."""
TAKEN = {
    DAG_ID: "is the DAG of all models",
    MAINTENANCE_DAG_ID: "is the DAG that keeps results tidy",
    "metrics": "is the folder of the metrics table",
    "board": "is the folder of the dashboard's board",
}
"""Names that no model may bear, and what bears them."""
_MERGED = ("slack", "severity", "channels", "keep", "lock", "sign")
"""Sections of `alerts` and `record` of which a model may give some keys and leave the others to the fleet."""


class Upstream(Section):
    """A feed that several models read: whose it is, and which columns come from it."""

    owner: Annotated[str, Field(min_length=1, max_length=100)]
    channel: Channel
    """Where its owner is told once several models are broken by it on the same night."""
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]


class Fleet(Section):
    """What holds for every model."""

    alerts: Alerts = Alerts()
    """As in a model's file, which comes before this key by key; mutes hold beside the model's own."""
    record: RecordKeeping = RecordKeeping()
    """As in a model's file, which comes before this key by key."""
    sources: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")], Upstream] = {}
    """Feeds that models share, by name."""
    results: Location | None = None
    """Where digests and shared causes are kept; by default where the first model keeps its results."""

    @field_validator("sources")
    @classmethod
    def _one_source_a_column(cls, value: dict[str, Upstream]) -> dict[str, Upstream]:
        seen: dict[str, str] = {}
        for name, source in value.items():
            for column in source.columns:
                if column in seen:
                    raise ValueError(f"the column {column} belongs to {seen[column]} and to {name}; give it to one")
                seen[column] = name
        return value

    @property
    def said(self) -> dict[str, Any]:
        """The keys of `alerts` that the file gives, as YAML would have them."""
        return self.alerts.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @property
    def kept(self) -> dict[str, Any]:
        """The keys of `record` that the file gives, as YAML would have them."""
        return self.record.model_dump(mode="json", exclude_unset=True)


def fleet_path(models: Path) -> Path:
    """Where the fleet of a folder of models is described."""
    return models.resolve().parent / NAME


def read_fleet(models: Path) -> Fleet:
    """The fleet of a folder of models; without a file, one that says nothing.

    Raises
    ------
    ConfigError
        With every fault of the file.
    """
    path = fleet_path(models)
    try:
        status = path.stat()
    except OSError:
        return Fleet()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int, _size: int) -> Fleet:
    """Read once for all models that stand on it, for as long as it does not change."""
    source = read_yaml(path)
    try:
        return Fleet.model_validate(source.data)
    except ValidationError as error:
        faults = [explain(detail, Fleet, source) for detail in error.errors(include_url=False)]
        raise ConfigError(str(path), faults) from error


def with_defaults(data: dict[str, Any], fleet: Fleet) -> dict[str, Any]:
    """A model's YAML with what the fleet's says beneath it.

    Parameters
    ----------
    data
        The model's own, as it was read; not changed.
    fleet
        The fleet's.
    """
    merged = {**data}
    said, own = fleet.said, data.get("alerts", {})
    if said and isinstance(own, dict):
        merged["alerts"] = _over(said, own)
        if "mute" in said and isinstance(own.get("mute"), list):
            merged["alerts"]["mute"] = [*own["mute"], *said["mute"]]
    kept, record = fleet.kept, data.get("record", {})
    if kept and isinstance(record, dict):
        merged["record"] = _over(kept, record)
    return merged


def faults_of(models: Path) -> list[Fault]:
    """The fleet's faults, as a model's file tells them: with the fleet's lines, not its own."""
    try:
        read_fleet(models)
    except ConfigError as error:
        return [Fault(None, _place(found), found.value, found.problem, found.hint) for found in error.faults]
    return []


def _place(fault: Fault) -> str:
    line = f", line {fault.line}" if fault.line else ""
    return f"{NAME}{line}: {fault.key}" if fault.key else f"{NAME}{line}"


def json_schema() -> dict[str, Any]:
    """JSON Schema of a fleet's file, for the completion and checks of editors."""
    schema = Fleet.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    for key in _MERGED:
        if isinstance(below.get(key), dict) and isinstance(above.get(key), dict):
            merged[key] = _over(below[key], above[key])
    return merged
