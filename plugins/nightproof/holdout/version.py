"""A version of the holdout: what it consists of, by reference. It holds no value of any row."""

from __future__ import annotations

import hashlib
from functools import cached_property

from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, Fault
from nightproof.holdout_section import Holdout
from nightproof.manifest import StoredFile
from nightproof.record import Record, canonical
from nightproof.snapshot import PinnedObject


class Rule(Record):
    """By what rule rows are drawn. Two versions by one lineage draw from one sample; others are other samples."""

    model: str
    id: str
    """Column that identifies a prediction."""
    label: str
    """Column of the label."""
    strata: tuple[str, ...]
    group: str | None
    salt: str
    per_night: int
    rows: int

    @classmethod
    def of(cls, config: ModelConfig) -> Rule:
        """The rule of a config.

        Raises
        ------
        ConfigError
            If the config keeps no holdout, or names no id.
        """
        kept = holdout_of(config)
        if config.data.id is None:
            raise ConfigError(config.model, [Fault(None, "holdout", None, "a row is drawn by its id: add data.id")])
        return cls(
            model=config.model,
            id=config.data.id,
            label=config.columns.label,
            strata=kept.strata(config.task, config.columns),
            # Half a query has no ranking: rankings are held out query by query.
            group=kept.group or config.columns.query,
            salt=kept.salt,
            per_night=kept.per_night,
            rows=kept.rows,
        )

    @cached_property
    def lineage(self) -> str:
        """16 hexadecimal digits of a SHA-256 over all but the two bounds."""
        drawn = self.model_dump(mode="json", exclude={"per_night", "rows"})
        return hashlib.sha256(canonical(drawn)).hexdigest()[:16]

    def changed(self, before: Rule) -> str:
        """What another rule said otherwise, in words; empty for an equal one."""
        fields = [name for name in type(self).model_fields if getattr(self, name) != getattr(before, name)]
        return "; ".join(f"{name} was {getattr(before, name)!r}, is {getattr(self, name)!r}" for name in fields)


def holdout_of(config: ModelConfig) -> Holdout:
    """The section; raises ``ConfigError`` for a model that keeps no holdout."""
    if config.holdout is None:
        problem = (
            "this model keeps no holdout: add the section holdout to its config, such as holdout: {per_night: 200}"
        )
        raise ConfigError(config.model, [Fault(None, "holdout", None, problem)])
    return config.holdout


class LeftOut(Record):
    """Rows of a night that cannot be held out, by why."""

    without_id: int = 0
    """Predictions whose id is null."""
    id_twice: int = 0
    """Predictions that share their id with another one of the night: nobody can tell whose the label is."""
    unlabelled: int = 0
    contradictory: int = 0
    """Predictions whose id has labels that differ."""


class HeldNight(Record):
    """What one night gives."""

    night: str
    evaluation_id: str
    """Evaluation whose data it was drawn from."""
    objects: tuple[PinnedObject, ...]
    """That data: predictions and labels."""
    rows: int
    rows_sha256: str
    """SHA-256 of the ranks of its rows, rising, 8 bytes each, most significant byte first."""
    candidates: int
    """Labelled rows that they were drawn from."""
    strata: dict[str, int]
    """Rows by the number of their stratum, which is a hash and names no value."""
    left_out: LeftOut

    @cached_property
    def data(self) -> tuple[tuple[str, str], ...]:
        """Hashes of its data: equal data gives equal rows, wherever it lies."""
        return data_of(self.objects)


def data_of(objects: tuple[PinnedObject, ...]) -> tuple[tuple[str, str], ...]:
    """Role and hash of each of a night's own objects, in order."""
    return tuple(sorted((found.role, found.sha256) for found in objects if found.role != "reference"))


class LogHead(Record):
    """The last link of the model's log that a version knew."""

    number: int
    sha256: str


class HoldoutVersion(Record):
    """One version; `<results>/<model>/holdout/<number>.json`."""

    number: int
    parent_sha256: str | None
    """SHA-256 of the version before it, as stored; null for the first."""
    log_head: LogHead | None
    rule: Rule
    lineage: str
    """As :attr:`Rule.lineage`: where it differs from the parent's, the sample is another one."""
    lineage_since: int
    """Number of the first version of this lineage."""
    made_at: str
    """UTC instant, ISO 8601."""
    nights: tuple[HeldNight, ...]
    """Rising."""
    rows: int
    hashes: StoredFile
    """The Parquet file of its rows' ranks."""

    @property
    def hashes_name(self) -> str:
        """Name of that file, beside this one."""
        return f"{self.number:09d}.{self.hashes.sha256[:16]}.parquet"
