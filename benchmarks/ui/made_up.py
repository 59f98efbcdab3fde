"""A fleet that nobody measured: nights drawn around one that was evaluated, and folded as the board folds them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from nightproof.board import Month, NightLine
from nightproof.board.series import DIGITS, Numbers, Told
from nightproof.record import Record
from nightproof.verdict import Cause, Incident

from benchmarks import columns

NIGHTS = 365
RESULTS = "s3://bench-ui/nightproof/"
OWNERS = ("network-ops", "credit-risk", "growth", "pricing", "fraud", "logistics", "search", "ads", "care", "hr")
TAGS = ("tier-1", "tier-2", "pii", "regulated", "batch", "realtime")
KINDS = {"incident": 3, "silent": 1, "quarantined": 1, "watch": 7, "broken": 1, "ok": 37}
"""How many models of fifty stand so; one with a broken config has good nights."""
TEMPLATES = {"incident": 2, "silent": 1, "quarantined": 1, "watch": 2, "ok": 6}
"""Histories that differ, of each kind; models of a kind have them in turn."""
SHIFT = 14
"""Nights for which incidents and watches last."""


@dataclass(frozen=True)
class History:
    """A year of one model, by a name that stands for any."""

    kind: str
    months: tuple[Month, ...]


NAME = "any_model"
"""What the histories' model is called."""


def name_of(number: int) -> str:
    """A model's name."""
    return f"model_{number:04d}"


def kind_of(number: int) -> str:
    """How a model stands."""
    places = [kind for kind, count in KINDS.items() for _ in range(count)]
    return places[number % len(places)]


def history_of(number: int, histories: list[History]) -> History:
    """The history that a model has."""
    kind = {"broken": "ok"}.get(kind_of(number), kind_of(number))
    alike = [history for history in histories if history.kind == kind]
    return alike[number // 50 % len(alike)] if kind != "ok" else alike[number % len(alike)]


def identifier(night: str) -> str:
    """The evaluation of a night, of whichever model."""
    import hashlib

    return hashlib.sha256(night.encode()).hexdigest()[:16]


def config_of(number: int) -> dict[str, Any]:
    """A model's config: 40 features, 20 slices, 3 protected columns; every fiftieth is broken."""
    said = columns.wide(Path("/nowhere")) | {
        "model": name_of(number),
        "description": f"Generated model {number} of the fleet.",
        "owner": OWNERS[number % len(OWNERS)],
        "tags": [TAGS[number % len(TAGS)], TAGS[(number // 7) % len(TAGS)]],
        "results": RESULTS,
    }
    return said | ({"task": "binarry"} if kind_of(number) == "broken" else {})


def histories(line: NightLine, numbers: Numbers, last: date) -> Iterator[History]:
    """All histories, around one evaluated night."""
    for seed, kind in enumerate(kind for kind, count in TEMPLATES.items() for _ in range(count)):
        yield _history(kind, line, numbers, last, random.Random(seed))


def _history(kind: str, line: NightLine, numbers: Numbers, last: date, draw: random.Random) -> History:
    end = last - timedelta(days=5) if kind == "silent" else last
    nights = [str(end - timedelta(days=NIGHTS - 1 - i)) for i in range(NIGHTS)]
    told = {
        night: (
            _line(line, night, number, bad=NIGHTS - number <= SHIFT, last=night == str(end), kind=kind),
            {} if kind == "quarantined" and night == str(end) else dict(_jittered(numbers, number, kind, draw)),
        )
        for number, night in enumerate(nights)
    }
    months = []
    for name, members in groupby(nights, key=lambda night: night[:7]):
        empty = Month(model=NAME, month=name, nights=(), series=())
        months.append(empty.with_nights({night: told[night] for night in members}))
    return History(kind, tuple(months))


def _line(line: NightLine, night: str, number: int, *, bad: bool, last: bool, kind: str) -> NightLine:
    at = f"{date.fromisoformat(night) + timedelta(days=1)}T04:11:00+00:00"
    same = {"night": night, "number": number, "evaluation_id": identifier(night), "evaluated_at": at, "known_at": at}
    calm = {"status": "ok", "headline": "Nothing regressed.", "regressions": 0, "incidents": (), "watches": 0}
    changes: dict[str, Any] = same | calm
    if kind == "incident" and bad:
        opened = str(date.fromisoformat(night) - timedelta(days=SHIFT - (NIGHTS - number)))
        incident = _incident(opened, first=night == opened)
        changes |= {"status": "regression", "headline": incident.cause, "regressions": 4, "incidents": (incident,)}
    elif kind == "watch" and bad:
        changes |= {"status": "watch", "headline": "psi of normal_00 is 0.31: worth a look.", "watches": 3}
    elif kind == "quarantined" and last:
        changes |= {"status": "quarantined", "headline": "A critical expectation failed.", "validation": "quarantined"}
    return line.model_copy(update=changes)


def _incident(opened: str, *, first: bool) -> Incident:
    cause = Cause(kind="mix", text="normal_00 has moved by 0.4 standard deviations", share=0.6, columns=("normal_00",))
    return Incident(
        id=f"performance-{opened}",
        event="opened" if first else "ongoing",
        check="performance",
        metric="roc_auc",
        segment={},
        opened=opened,
        findings=("roc_auc of all rows", "brier of all rows"),
        cause="roc_auc fell by 0.041 (0.033 to 0.049), more than the tolerated 0.02.",
        causes=(cause,) * 3,
        since=opened,
        worst=2.1,
        families=("performance",),
    )


def _jittered(numbers: Numbers, night: int, kind: str, draw: random.Random) -> Iterator[tuple[Any, Any]]:
    for place, (key, (worse, told)) in enumerate(numbers.items()):
        # Groups are told on most nights, not on all.
        if key[3] and draw.random() < 0.05:
            continue
        status = told.status if told.status in "oi" else "o"
        moved = kind == "watch" and key[0] == "drift" and NIGHTS - night <= SHIFT and place % 40 == 3
        fell = kind == "incident" and key[0] == "performance" and not key[3] and NIGHTS - night <= SHIFT
        yield key, (worse, _told(told, draw, "w" if moved else "r" if fell else status))


def _told(told: Told, draw: random.Random, status: str) -> Told:
    if told.value is None:
        return told
    arm = abs((told.high if told.high is not None else told.value) - told.value) or abs(told.value) / 20
    by = draw.gauss(0.0, arm / 2) + (2 * arm if status in "wr" else 0.0)

    def near(value: float | None) -> float | None:
        return None if value is None else float(f"{value + by:.{DIGITS}g}")

    return told._replace(value=near(told.value), low=near(told.low), high=near(told.high), status=status)


def renamed(record: Record, model: str, pack: Callable[[bytes], bytes], kept: dict[int, tuple[bytes, bytes]]) -> bytes:
    """A record's stored bytes under a model's name: what follows the name is packed once for all models.

    Gzip's format is a row of packed parts, so that any reader finds the same text.
    """
    if id(record) not in kept:
        head, rest = record.to_bytes().split(f'"{NAME}"'.encode(), 1)
        kept[id(record)] = head, pack(rest)
    head, rest = kept[id(record)]
    return pack(head + f'"{model}"'.encode()) + rest


def counts(models: int) -> Mapping[str, int]:
    """How many models there are of each kind."""
    kinds = [kind_of(number) for number in range(models)]
    return {kind: kinds.count(kind) for kind in KINDS}
