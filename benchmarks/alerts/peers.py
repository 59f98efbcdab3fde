"""The peers on the same nights, as rows: how often they alarm for nothing, and how soon at harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alerts.incidents import pages
from benchmarks.alerts.rows import write_run
from benchmarks.alerts.streams import HARMS, NULLS
from benchmarks.measure import ROOT, Failed, measure
from benchmarks.peers.environment import pinned, python_of

SHIFTS = {"shift_25": 0.25, "shift_10": 0.10}
"""Of one feature, in standard deviations; kinds of nights beside the streams."""
SIZE = 2_000
SEED = 9_000
LEAST_NIGHTS = 4


@dataclass(frozen=True)
class Peer:
    """A peer and how much is asked of it: it sets the time that the rows take.

    Parameters
    ----------
    name
        Its package and the name of its pins.
    function
        What runs in its environment.
    runs
        Null runs of each kind, each with a reference of its own.
    nights
        Of each null run.
    harmed
        Nights after each harm began.
    """

    name: str
    function: str
    runs: int
    nights: int
    harmed: int


PEERS = (
    Peer("evidently", "benchmarks.alerts.by_evidently:alarms", runs=1, nights=20, harmed=6),
    Peer("nannyml", "benchmarks.alerts.by_nannyml:alarms", runs=2, nights=80, harmed=20),
    Peer("alibi-detect", "benchmarks.peers.alibi_detect:alarms", runs=2, nights=40, harmed=15),
)


@dataclass(frozen=True)
class Alarms:
    """How often one of a peer's rules alarmed, on one kind of nights.

    Parameters
    ----------
    alarms, nights
        Nights with an alarm, of so many.
    pages
        Incidents, if each alarm opened one and three nights without ended it.
    runs
        References that the nights were held against.
    """

    alarms: int
    nights: int
    pages: int
    runs: int


def peer_alarms(peer: Peer, *, scale: float) -> dict[tuple[str, str, int], Alarms]:
    """By rule, kind of nights and rows a night.

    Raises
    ------
    Failed
        If the peer's environment cannot be made, or its process ends badly.
    """
    pins = peer.name.replace("-", "_")
    python = python_of(pins, ROOT / ".bench")
    folder = ROOT / ".bench" / "work" / f"alerts-{pins}"
    kinds = _kinds(peer, scale)
    files = [
        write_run(
            folder / f"{place:03d}",
            (NULLS | HARMS).get(kind, NULLS["iid"]),
            n,
            nights=nights,
            seed=SEED + place,
            shift=SHIFTS.get(kind, 0.0),
        )
        for place, (kind, n, nights) in enumerate(kinds)
    ]
    said = measure(peer.function, python=python, runs=files).said
    return _counted([(kind, n) for kind, n, _ in kinds], said)


def alarms_or_why_not(peer: Peer, *, scale: float) -> dict[tuple[str, str, int], Alarms] | str:
    """The same, or why it failed: a peer that cannot be run ends nothing else."""
    try:
        return peer_alarms(peer, scale=scale)
    except Failed as error:
        return f"failed: {error}"


def version(peer: Peer) -> str:
    """The version that its pins name."""
    return pinned(peer.name.replace("-", "_"), peer.name)


def _kinds(peer: Peer, scale: float) -> list[tuple[str, int, int]]:
    """Kind, rows a night, and nights of every run."""
    nights, harmed = (max(LEAST_NIGHTS, round(number * scale)) for number in (peer.nights, peer.harmed))
    null = [kind for kind in NULLS if kind != "tolerated"]
    runs = [(kind, SIZE, nights) for kind in null for _ in range(peer.runs)]
    runs += [("iid", SIZE // 10, nights) for _ in range(peer.runs)]
    return runs + [(kind, SIZE, harmed) for kind in (*HARMS, *SHIFTS)]


def _counted(
    kinds: Sequence[tuple[str, int]], said: Sequence[Mapping[str, list[bool]]]
) -> dict[tuple[str, str, int], Alarms]:
    found: dict[tuple[str, str, int], Alarms] = {}
    for (kind, n), run in zip(kinds, said, strict=True):
        for rule, told in run.items():
            before = found.get((rule, kind, n), Alarms(0, 0, 0, 0))
            opened = int(pages(np.array([told])).sum())
            found[rule, kind, n] = Alarms(
                before.alarms + sum(told), before.nights + len(told), before.pages + opened, before.runs + 1
            )
    return found
