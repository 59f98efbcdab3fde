"""Update: the next version of the holdout, if the model's log has anything new for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import polars as pl

from nightproof.config import ModelConfig
from nightproof.dossier import stored_file
from nightproof.errors import DataError, ObjectChanged, ObjectMissing
from nightproof.holdout.candidates import candidates
from nightproof.holdout.selection import select
from nightproof.holdout.version import HeldNight, HoldoutVersion, LogHead, Rule, data_of
from nightproof.holdout.versions import HASHES, Versions, hashes_file
from nightproof.manifest import LogEntry
from nightproof.pull import files_of
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot

TRIES = 50
"""Other writers that may come first before giving up is wiser than going on."""


@dataclass(frozen=True)
class Update:
    """What an update came to.

    Parameters
    ----------
    version
        The version that stands now; ``None`` while no night is final.
    is_new
        Whether this update made it.
    provisional, quarantined
        Nights of the log that give no rows (yet).
    unreadable
        Nights whose data could not be had, with why; they are tried again by the next update.
    new_lineage
        What the config changed, where that began another sample; else empty.
    """

    version: HoldoutVersion | None
    is_new: bool
    provisional: int = 0
    quarantined: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    new_lineage: str = ""


@dataclass(frozen=True)
class _Drawn:
    """A night's part of the holdout, with its ranks."""

    night: HeldNight
    rows: pl.Series


def update(config: ModelConfig, resources: Resources) -> Update:
    """Bring the holdout up to the model's log; safe to repeat, and for several at once.

    Only nights count whose latest evaluation has final labels and was not quarantined. The same nights by the
    same rule are the same version: nothing is written.

    Raises
    ------
    ConfigError
        If the config keeps no holdout.
    DataError
        If a night's files lack a column that the rule needs.
    StoreError
        If object storage fails.
    """
    rule, results = Rule.of(config), resources.results(config)
    versions = Versions(results)
    drawn: dict[tuple[str, str], _Drawn] = {}
    for _ in range(TRIES):
        parent, parent_sha256 = versions.parent()
        entries = results.log.latest()
        final = [e for e in entries.values() if e.labels == "final" and e.status != "quarantined"]
        nights, unreadable = _draw(config, rule, final, parent=parent, resources=resources, drawn=drawn)
        now = Update(
            version=parent,
            is_new=False,
            provisional=sum(e.labels == "provisional" and e.status != "quarantined" for e in entries.values()),
            quarantined=sum(e.status == "quarantined" for e in entries.values()),
            unreadable=unreadable,
        )
        if not nights or (parent and _same(parent, rule, nights)):
            return now
        hashes = hashes_file(_table(nights))
        version = HoldoutVersion(
            number=parent.number + 1 if parent else 0,
            parent_sha256=parent_sha256,
            log_head=_log_head(results),
            rule=rule,
            lineage=rule.lineage,
            lineage_since=_since(parent, rule),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            nights=tuple(found.night for found in nights),
            rows=sum(found.night.rows for found in nights),
            hashes=stored_file(hashes),
        )
        if versions.add(version, hashes):
            other = parent is not None and parent.lineage != rule.lineage
            changed = rule.changed(parent.rule) if parent is not None and other else ""
            return replace(now, version=version, is_new=True, new_lineage=changed)
    raise DataError(f"{versions.url()}: {TRIES} other writers came first; is something else writing versions there?")


def _draw(
    config: ModelConfig,
    rule: Rule,
    final: list[LogEntry],
    *,
    parent: HoldoutVersion | None,
    resources: Resources,
    drawn: dict[tuple[str, str], _Drawn],
) -> tuple[list[_Drawn], dict[str, str]]:
    """Nights from the newest back, as many as fit, rising; and those that cannot be read."""
    nights: list[_Drawn] = []
    unreadable: dict[str, str] = {}
    known = _known(parent, rule, Versions(resources.results(config)))
    room = rule.rows
    for entry in reversed(final):
        key = (entry.night, entry.evaluation_id)
        if key not in drawn:
            try:
                drawn[key] = _night(config, rule, entry, known=known, resources=resources)
            except (ObjectMissing, ObjectChanged) as error:
                unreadable[entry.night] = str(error)
                continue
        found = drawn[key]
        if found.night.rows > room:
            break
        room -= found.night.rows
        nights.append(found)
    return nights[::-1], unreadable


def _night(
    config: ModelConfig,
    rule: Rule,
    entry: LogEntry,
    *,
    known: Mapping[tuple[str, tuple[tuple[str, str], ...]], _Drawn],
    resources: Resources,
) -> _Drawn:
    dossier = resources.results(config).dossier(entry.night, entry.evaluation_id)
    snapshot = Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))
    objects = tuple(found for found in snapshot.objects if found.role != "reference")
    if before := known.get((entry.night, data_of(objects))):
        return before
    files = files_of(snapshot, open_store=resources.open_store, cache=resources.cache)
    rows, left_out = candidates(files, rule, config.task)
    chosen = select(rows, rule.per_night)
    strata = chosen.group_by("stratum").len().sort("stratum")
    return _Drawn(
        HeldNight(
            night=entry.night,
            evaluation_id=entry.evaluation_id,
            objects=objects,
            rows=chosen.height,
            rows_sha256=rows_sha256(chosen["row"]),
            candidates=rows.height,
            strata={str(number): count for number, count in strata.iter_rows()},
            left_out=left_out,
        ),
        chosen["row"],
    )


def rows_sha256(rows: pl.Series) -> str:
    """SHA-256 of ranks, rising, 8 bytes each, most significant byte first."""
    return hashlib.sha256(rows.sort().to_numpy().astype(">u8").tobytes()).hexdigest()


def _known(
    parent: HoldoutVersion | None, rule: Rule, versions: Versions
) -> dict[tuple[str, tuple[tuple[str, str], ...]], _Drawn]:
    """Nights that the parent drew by the same rule: of equal data they are not read again."""
    if parent is None or parent.lineage != rule.lineage or parent.rule.per_night != rule.per_night:
        return {}
    parts = versions.hashes(parent).partition_by("night", as_dict=True)
    empty = pl.DataFrame(schema=HASHES)
    return {(held.night, held.data): _Drawn(held, parts.get((held.night,), empty)["row"]) for held in parent.nights}


def _same(parent: HoldoutVersion, rule: Rule, nights: list[_Drawn]) -> bool:
    def told(night: HeldNight) -> tuple[object, ...]:
        return night.night, night.data, night.rows_sha256

    return parent.rule == rule and [told(n) for n in parent.nights] == [told(found.night) for found in nights]


def _table(nights: list[_Drawn]) -> pl.DataFrame:
    parts = [pl.DataFrame({"night": [d.night.night] * d.night.rows, "row": d.rows}, schema=HASHES) for d in nights]
    return pl.concat(parts).sort("night", "row")


def _since(parent: HoldoutVersion | None, rule: Rule) -> int:
    if parent is None:
        return 0
    return parent.lineage_since if parent.lineage == rule.lineage else parent.number + 1


def _log_head(results: ModelResults) -> LogHead | None:
    entries = results.log.entries()
    if not entries:
        return None
    number = entries[-1].number
    raw = results.store.read(f"{results.folder}log/{number:09d}.json")
    return LogHead(number=number, sha256=hashlib.sha256(raw).hexdigest())
