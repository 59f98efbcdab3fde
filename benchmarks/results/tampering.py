"""Row: random changes to a real record, each of which verifying must find."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from nightproof.demo.seaweedfs import SeaweedFS
from nightproof.log import Head
from nightproof.results import ModelResults
from nightproof.signatures import PublicKey, SigningKey, make_pair
from nightproof.storage import MemoryStore
from nightproof.verify import verify

from benchmarks.bench import Bench
from benchmarks.results.chains import publish_chain, templates
from benchmarks.results.tampers import TAMPERS, Change
from benchmarks.row import Row

TRIALS, S3_TRIALS, WEAK_TRIALS = 1000, 60, 550
ENTRIES, S3_ENTRIES = 20, 10
BUCKET = "tampering"
Write = Callable[[str, bytes | None], None]


@dataclass
class Found:
    """How many of which trials were found.

    Parameters
    ----------
    trials, missed
        By the way of tampering.
    """

    trials: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    seeds: list[tuple[str, int]] = field(default_factory=list)
    """Those that were missed, to try again."""

    def __str__(self) -> str:
        total, missed = sum(self.trials.values()), sum(self.missed.values())
        return f"{total - missed:,} of {total:,}"

    def ways(self) -> str:
        """Which ways were missed, and how often."""
        return ", ".join(f"{name} {count} of {self.trials[name]}" for name, count in self.missed.items()) or "none"


def row(bench: Bench) -> Row:
    """A signed and pinned chain in memory and on the server; and what weaker ones show."""
    made = templates()
    key = SigningKey.from_pem(make_pair()[0].decode(), name="key")
    keys, trials = [key.public], max(66, int(TRIALS * bench.scale))
    signed = publish_chain(MemoryStore(), entries=ENTRIES, made=made, key=key)
    plain = publish_chain(MemoryStore(), entries=ENTRIES, made=made)
    proved = in_memory(signed, trials=trials, keys=keys, pinned=True)
    weak = max(66, int(WEAK_TRIALS * bench.scale))
    only_signed = in_memory(signed, trials=weak, keys=keys, pinned=False)
    only_pinned = in_memory(plain, trials=weak, keys=(), pinned=True)
    bare = in_memory(plain, trials=weak, keys=(), pinned=False)
    server = SeaweedFS(bench.fresh("tampering"))
    with server, _environment(server):
        server.make_bucket(BUCKET)
        from nightproof.storage.s3 import S3Store

        lying = publish_chain(S3Store(BUCKET), entries=S3_ENTRIES, made=made, key=key)
        on_s3 = on_server(lying, server, trials=max(22, int(S3_TRIALS * bench.scale)), keys=keys)
    return Row(
        what="tamper trials: random changes to a record, found by `verify`",
        target="all found",
        found=f"signed and pinned: {proved} in memory, {on_s3} on SeaweedFS (fast look)",
        met=not proved.missed and not on_s3.missed,
        note=(
            f"{len(TAMPERS)} ways in turn: {', '.join(TAMPERS)}; {ENTRIES} entries. Less protection shows less: "
            f"signed, no head pinned: {only_signed} (missed: {only_signed.ways()}); pinned, not signed: {only_pinned} "
            f"(missed: {only_pinned.ways()}); neither: {bare} (missed: {bare.ways()})."
        ),
    )


def in_memory(
    results: ModelResults, *, trials: int, keys: Sequence[PublicKey], pinned: bool, first_seed: int = 0
) -> Found:
    """Tamper with copies of a record in memory; every byte is read there."""
    objects = record_of(results)
    head = results.log.head() if pinned else None
    found = Found()
    for name, seed in _asked(trials, first_seed):
        change = _change(name, objects, seed)
        store = MemoryStore()
        for each, raw in _applied(objects, change).items():
            store.put(results.folder + each, raw)
        _count(found, name, seed, ModelResults(store, results.folder), head, keys)
    return found


def on_server(results: ModelResults, server: SeaweedFS, *, trials: int, keys: Sequence[PublicKey]) -> Found:
    """Tamper with a record on a server, and put it right again after each trial."""
    objects, client = record_of(results), server.client()
    bucket, head, found = BUCKET, results.log.head(), Found()

    def write(name: str, raw: bytes | None) -> None:
        place = results.folder + name
        if raw is None:
            client.delete_object(Bucket=bucket, Key=place)
        else:
            client.put_object(Bucket=bucket, Key=place, Body=raw)

    for name, seed in _asked(trials, 0):
        change = _change(name, objects, seed)
        for each, raw in change.items():
            write(each, raw)
        _count(found, name, seed, results, head, keys)
        for each in change:
            write(each, objects.get(each))
    return found


def record_of(results: ModelResults) -> dict[str, bytes]:
    """Every object of a record by its name."""
    keys = [found.key for found in results.store.list(results.folder)]
    return {key.removeprefix(results.folder): results.store.read(key) for key in keys}


def _asked(trials: int, first_seed: int) -> Iterator[tuple[str, int]]:
    names = list(TAMPERS)
    for seed in range(first_seed, first_seed + trials):
        yield names[seed % len(names)], seed


def _change(name: str, objects: dict[str, bytes], seed: int) -> Change:
    """A change that does change something."""
    draw = Random(seed)
    while _applied(objects, change := TAMPERS[name](objects, draw)) == objects:
        pass
    return change


def _applied(objects: dict[str, bytes], change: Change) -> dict[str, bytes]:
    both = objects | change
    return {name: raw for name, raw in both.items() if raw is not None}


def _count(
    found: Found, name: str, seed: int, results: ModelResults, head: Head | None, keys: Sequence[PublicKey]
) -> None:
    found.trials[name] = found.trials.get(name, 0) + 1
    if verify(results, head=head, public_keys=keys).is_whole:
        found.missed[name] = found.missed.get(name, 0) + 1
        found.seeds.append((name, seed))


@contextmanager
def _environment(server: SeaweedFS) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in server.environment()}
    os.environ.update(server.environment())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
