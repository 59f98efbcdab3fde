"""What was known when: every evaluation of a night, and what each changed of the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_pages.night_record import Found, Papers, folder_of
from nightproof.errors import NightproofError
from nightproof.manifest import LogEntry, Manifest
from nightproof.snapshot import LabelState, PinnedObject, Snapshot
from nightproof.verdict import VerdictStatus
from nightproof.words import counted, plain

SHOWN = 40
"""Evaluations of a night that are told, the last ones."""
NAMED = 4
"""Keys of a config, or libraries, that a change names."""
_WORDS: dict[VerdictStatus, str] = {
    "ok": "OK",
    "watch": "watch",
    "regression": "regression",
    "insufficient_data": "too little data",
    "quarantined": "quarantined",
}


class EvaluationLine(View):
    """One evaluation of a night."""

    number: int
    """Of its entry in the log."""
    evaluation_id: str
    evaluated_at: str
    """UTC instant of publishing; empty where its manifest cannot be read."""
    known_at: str
    """UTC instant at which its data was listed; empty in records of the first versions."""
    labels: LabelState
    status: VerdictStatus
    rows: int | None
    labelled: int | None
    supersedes: str | None
    changed: tuple[str, ...]
    """What is another than in the evaluation before it, each a clause."""
    here: bool
    """Whether it is the one that the page shows."""
    latest: bool


def known_when(found: Found, papers: Papers) -> tuple[EvaluationLine, ...]:
    """All evaluations of a night, the first first."""
    told: list[EvaluationLine] = []
    before: tuple[LogEntry, Manifest | None, Snapshot | None] | None = None
    for entry in found.every[-SHOWN:]:
        own = entry.evaluation_id == found.entry.evaluation_id
        manifest = papers.manifest if own else _manifest(found, entry)
        snapshot = None
        if len(found.every) > 1:
            snapshot = papers.snapshot if own else _snapshot(found, entry)
        told.append(
            EvaluationLine(
                number=entry.number,
                evaluation_id=entry.evaluation_id,
                evaluated_at=manifest.evaluated_at if manifest else "",
                known_at=manifest.known_at if manifest else "",
                labels=entry.labels,
                status=entry.status,
                rows=manifest.rows if manifest else None,
                labelled=manifest.labelled if manifest else None,
                supersedes=entry.supersedes,
                changed=tuple(_changed(before, (entry, manifest, snapshot))) if before else (),
                here=own,
                latest=entry is found.latest,
            )
        )
        before = (entry, manifest, snapshot)
    return tuple(told)


def _manifest(found: Found, entry: LogEntry) -> Manifest | None:
    key = f"{folder_of(found.results, entry)}manifest.json"
    try:
        return Manifest.from_bytes(found.results.store.read(key), name=found.results.store.url(key))
    except NightproofError:  # another evaluation's trouble is told on its own page
        return None


def _snapshot(found: Found, entry: LogEntry) -> Snapshot | None:
    key = f"{folder_of(found.results, entry)}snapshot.json"
    try:
        return Snapshot.from_bytes(found.results.store.read(key), name=found.results.store.url(key))
    except NightproofError:
        return None


def _changed(
    before: tuple[LogEntry, Manifest | None, Snapshot | None], now: tuple[LogEntry, Manifest | None, Snapshot | None]
) -> Iterator[str]:
    (old_entry, old, old_data), (entry, new, data) = before, now
    if old_entry.status != entry.status:
        yield f"{_WORDS[old_entry.status]} became {_WORDS[entry.status]}"
    if old_entry.labels != entry.labels:
        yield f"labels {old_entry.labels} before, {entry.labels} now"
    if old_data is not None and data is not None:
        yield from _data(old_data.objects, data.objects)
    if old is None or new is None:
        yield "a manifest cannot be read, so not all is told"
        return
    if old.rows is not None and new.rows is not None and old.rows != new.rows:
        yield f"{old.rows:,} rows before"
    if old.labelled is not None and new.labelled is not None and old.labelled != new.labelled:
        yield f"{old.labelled:,} labelled before"
    yield from _keys("config", _flat(old.config), _flat(new.config))
    yield from _keys("software", old.environment, new.environment)


def _data(old: Sequence[PinnedObject], new: Sequence[PinnedObject]) -> Iterator[str]:
    for role in ("predictions", "labels", "reference"):
        was = {o.url: o.sha256 for o in old if o.role == role}
        now = {o.url: o.sha256 for o in new if o.role == role}
        moved = sum(was[url] != now[url] for url in was.keys() & now.keys())
        counts = {"new": len(now.keys() - was.keys()), "changed": moved, "gone": len(was.keys() - now.keys())}
        said = [f"{count} {what}" for what, count in counts.items() if count]
        if said:
            yield f"{role}: {', '.join(said)} of {counted(len(now), 'object')}"


def _keys(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    moved = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if not moved:
        return
    named = [f"{plain(key)}: {_value(old, key)} → {_value(new, key)}" for key in moved[:NAMED]]
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    yield f"{what} {'; '.join(named)}{more}"


def _value(values: Mapping[str, str], key: str) -> str:
    return plain(values[key], 60) if key in values else "not set"


def _flat(config: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """A config by dotted paths; lists and values as JSON."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
