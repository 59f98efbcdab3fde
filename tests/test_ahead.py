"""Nights that are prepared in other processes: in order, none lost, and the same record in the end."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from nightproof import ahead as module
from nightproof.ahead import WORTH, ahead
from nightproof.night import Night

pytestmark = pytest.mark.integration
FIRST = date(2024, 3, 1)
NIGHTS = [Night(FIRST + timedelta(days=offset)) for offset in range(WORTH + 1)]


def prepared(bench: Any, left_out: tuple[str, ...] = ("report", "validate")) -> list[Night]:
    cache = bench.folder / "cache"
    return list(ahead(bench.config(), NIGHTS, cache=cache, suites=bench.suites, left_out=left_out))


def without_time(objects: dict[str, bytes]) -> dict[str, Any]:
    """The record, less when it was made and what is hashed over that."""
    kept = {name: content for name, content in objects.items() if "/log/" not in f"/{name}"}
    timed = ("manifest.json", "snapshot.json", "history.json")
    return {name: _without_time(content) if name.endswith(timed) else content for name, content in kept.items()}


def _without_time(content: bytes) -> dict[str, Any]:
    said = json.loads(content)
    for name in ("evaluated_at", "known_at", "listed_at", "head_sha256"):
        said.pop(name, None)
    for name in ("snapshot.json", "history.json"):
        said.get("files", {}).pop(name, None)
    return dict(said)


def test_nights_come_in_order_with_their_rows_counted(folder, monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    for night in NIGHTS:
        folder.night(str(night), 200)
    assert prepared(folder) == NIGHTS
    pieces = [name for name in folder.objects() if name.endswith("profile.parquet") and "baselines" not in name]
    assert len(pieces) == len(NIGHTS)
    assert not [name for name in folder.objects() if name.endswith(("verdict.json", "manifest.json"))]


def test_a_night_that_cannot_be_prepared_is_left_to_its_evaluation(folder, monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    for night in NIGHTS[1:]:
        folder.night(str(night), 200)
    assert prepared(folder) == NIGHTS


def test_the_record_is_the_same_with_and_without(folder, monkeypatch):
    for night in NIGHTS:
        folder.night(str(night), 200)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    for night in prepared(folder):
        folder.evaluate(str(night))
    together = without_time(folder.objects())
    results = folder.folder / "results"
    results.rename(folder.folder / "set-aside")
    for night in NIGHTS:
        folder.evaluate(str(night))
    assert without_time(folder.objects()) == together


@pytest.mark.parametrize("cores", [None, 1])
def test_one_core_prepares_nothing(folder, monkeypatch, cores):
    monkeypatch.setattr(module.os, "cpu_count", lambda: cores)
    assert prepared(folder) == NIGHTS
    assert not folder.objects()
