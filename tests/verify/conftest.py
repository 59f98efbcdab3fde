"""A small real record, tampered with in copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from nightproof.log import Head
from nightproof.manifest import LogEntry
from nightproof.results import ModelResults
from nightproof.signatures import PublicKey, SigningKey, make_pair
from nightproof.storage import MemoryStore
from nightproof.verify import Verification, verify

FOLDER = "nightproof/quiet/"


@dataclass(frozen=True, repr=False)
class Published:
    """A record as it was published: its objects by name, and what was kept elsewhere."""

    objects: Mapping[str, bytes]
    entries: tuple[LogEntry, ...]
    head: Head
    key: PublicKey

    def __repr__(self) -> str:
        # What a failing example prints; the objects are half a megabyte.
        return f"Published({len(self.objects)} objects, head {self.head})"

    def results(self, change: Mapping[str, bytes | None] | None = None) -> ModelResults:
        """The record in a store of its own, with some objects changed or deleted."""
        store = MemoryStore()
        for name, raw in (dict(self.objects) | dict(change or {})).items():
            if raw is not None:
                store.put(FOLDER + name, raw)
        return ModelResults(store, FOLDER)

    def verify(
        self,
        change: Mapping[str, bytes | None] | None = None,
        *,
        pinned: bool = False,
        signed: bool = False,
        **given: Any,
    ) -> Verification:
        """Verify such a copy."""
        keys = [self.key] if signed else []
        return verify(self.results(change), head=self.head if pinned else None, public_keys=keys, **given)

    def folder(self, number: int) -> str:
        """Of an entry's evaluation."""
        return f"{self.entries[number].night}/{self.entries[number].evaluation_id}/"

    @staticmethod
    def place(number: int) -> str:
        """Of a log entry."""
        return f"log/{number:09d}.json"


@pytest.fixture(scope="session")
def published(benches: Callable[[], Any]) -> Published:
    """Five nights, one of them evaluated again on other labels; signed."""
    bench = benches()
    secret, public = make_pair()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTPROOF_SIGNING_KEY", secret.decode())
        config = bench.config(record={"sign": {"public_keys": [public.decode()]}})
        for day in range(1, 6):
            bench.night(f"2024-03-0{day}", 300)
            bench.evaluate(f"2024-03-0{day}", config)
        bench.night("2024-03-04", 300, seed=7)
        bench.evaluate("2024-03-04", config)
    results = bench.model_results(config)
    head = results.log.head()
    assert head is not None
    key = PublicKey.from_pem(public.decode(), name="key")
    assert SigningKey.from_pem(secret.decode(), name="key").public.id == key.id
    return Published(bench.objects(), tuple(results.log.entries()), head, key)
