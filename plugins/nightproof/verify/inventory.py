"""Everything that lies in a model's folder, by what it should be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from nightproof.storage import StoredObject

BESIDE = ("alerts/", "fleet/", "holdout/", "scratch/")
"""Folders that are no part of the record."""
MOST_GAPS = 1000
_NUMBERED = re.compile(r"(log|signatures|pruned)/(\d{9})\.json")
_BASELINE = re.compile(r"baselines/([0-9a-f]{16})/([^/]+)")
_DOSSIER = re.compile(r"(\d{4}-\d\d-\d\d)/([0-9a-f]{16})/([^/]+)")


@dataclass
class Inventory:
    """A model's objects by their names below its folder.

    Parameters
    ----------
    objects
        All that may be part of the record.
    log, signatures, pruned
        Numbers that are there.
    baselines
        Files of each baseline.
    dossiers
        Files of each night and evaluation.
    foreign
        What has no place in a record.
    """

    objects: dict[str, StoredObject] = field(default_factory=dict)
    log: set[int] = field(default_factory=set)
    signatures: set[int] = field(default_factory=set)
    pruned: set[int] = field(default_factory=set)
    baselines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    dossiers: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    foreign: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, listed: Iterable[StoredObject], folder: str) -> Inventory:
        """Sort a listing of a model's folder."""
        found = cls()
        for stored in listed:
            name = stored.key.removeprefix(folder)
            if name and not name.startswith(BESIDE):
                found._sort(name, stored)
        for kind in ("log", "pruned"):
            found._cut_outliers(kind)
        return found

    def _cut_outliers(self, kind: str) -> None:
        """Numbers far beyond all others were made up: nobody walks a thousand million places for one of them."""
        numbers: set[int] = getattr(self, kind)
        while numbers and max(numbers) > MOST_GAPS + 2 * len(numbers):
            numbers.remove(made_up := max(numbers))
            self.foreign.append(f"{kind}/{made_up:09d}.json")

    def _sort(self, name: str, stored: StoredObject) -> None:
        self.objects[name] = stored
        if match := _NUMBERED.fullmatch(name):
            numbers: set[int] = getattr(self, match[1])
            numbers.add(int(match[2]))
        elif match := _BASELINE.fullmatch(name):
            self.baselines[match[1]].add(match[2])
        elif match := _DOSSIER.fullmatch(name):
            self.dossiers[match[1], match[2]].add(match[3])
        else:
            self.foreign.append(name)
