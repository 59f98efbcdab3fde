"""Rows: a night from its rows to its decision, against the same questions asked of a peer."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import LEAST_ROWS, Bench
from benchmarks.measure import Runs, measure, repeat
from benchmarks.peers.environment import pinned, python_of
from benchmarks.row import Row, mib, parts, seconds, times

ROWS = 1_000_000
OWN_RUNS = 3


@dataclass(frozen=True)
class Peer:
    """A peer, and what is asked of it.

    Parameters
    ----------
    name
        Its package, and the name of its pins.
    function
        In `peers/NAME.py`.
    asked
        In words.
    runs
        Few where each takes minutes.
    less_cpu, less_memory
        How many times less Nightproof is to take; ``None`` for no target.
    """

    name: str
    function: str
    asked: str
    runs: int
    less_cpu: float
    less_memory: float | None = None


EVIDENTLY = Peer("evidently", "presets", "Evidently's drift and classification presets", 1, 50, 5)
NANNYML = Peer("nannyml", "monitoring", "NannyML's univariate drift, CBPE and performance", 2, 20)


def evidently(bench: Bench) -> Row:
    """Against Evidently."""
    return _against(bench, EVIDENTLY)


def nannyml(bench: Bench) -> Row:
    """Against NannyML."""
    return _against(bench, NANNYML)


def _against(bench: Bench, peer: Peer) -> Row:
    rows = bench.rows(ROWS)
    reference, night = bench.reference(rows), bench.night(rows)
    python = python_of(peer.name, bench.folder)
    folder = str(bench.fresh(f"against-{peer.name}"))
    made = repeat(OWN_RUNS, "benchmarks.own:reference", files=reference, to=folder)
    own = repeat(OWN_RUNS, "benchmarks.own:night", files=night, baseline=folder)
    function = f"benchmarks.peers.{peer.name}:{peer.function}"
    # First on little, so that no measured run pays for bringing a new environment from the disk.
    few, some = bench.reference(LEAST_ROWS), bench.night(LEAST_ROWS)
    measure(function, python=python, reference=few, current=some)
    theirs = repeat(peer.runs, function, python=python, reference=reference, current=night)
    return _row(peer, made=made, own=own, theirs=theirs, rows=rows)


def _row(peer: Peer, *, made: Runs, own: Runs, theirs: Runs, rows: int) -> Row:
    ratio, less = theirs.work_s / own.work_s, theirs.peak_mib / own.peak_mib
    memory = f", >= {peer.less_memory:g} x less memory" if peer.less_memory else ""
    return Row(
        what=f"profile + all checks + decision, {rows:,} rows, against {peer.asked}",
        target=f">= {peer.less_cpu:g} x less CPU{memory}",
        found=f"{times(ratio)} less CPU, {times(less)} less memory",
        met=ratio >= peer.less_cpu and (peer.less_memory is None or less >= peer.less_memory),
        note=(
            f"Nightproof {seconds(own.work_s)} CPU ({parts(own)}), {mib(own.peak_mib)}; {peer.name} "
            f"{pinned(peer.name, peer.name)} {seconds(theirs.work_s)} CPU ({parts(theirs)}), {mib(theirs.peak_mib)}. "
            f"Whole processes, imports included: {seconds(own.cpu_s)} and {seconds(theirs.cpu_s)}, "
            f"{times(theirs.cpu_s / own.cpu_s)} less. The reference's own profile, made once in a model's life and "
            f"stored: {seconds(made.work_s)} CPU, {mib(made.peak_mib)}; with it, as on a first night, "
            f"{times(theirs.work_s / (own.work_s + made.work_s))} less. {_unfitted(peer, own, theirs)}"
            f"Runs: Nightproof {len(own)}, {peer.name} {len(theirs)} after a small one unmeasured."
        ),
    )


def _unfitted(peer: Peer, own: Runs, theirs: Runs) -> str:
    """The night's share of a peer that could keep what it fits to the reference, as Nightproof does."""
    nightly = [name for name in theirs.stages if name.startswith("run")]
    if not any(name.startswith("fit") for name in theirs.stages):
        return ""
    used = theirs.stage_s(*nightly)
    return (
        f"Were what {peer.name} fits to the reference kept too, and its reading free, a night would be "
        f"{seconds(used)}, {times(used / own.work_s)} Nightproof's whole night. "
    )
