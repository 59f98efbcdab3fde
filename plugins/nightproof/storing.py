"""Storing: what a model's results take, by kind and per night, and what retention would free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nightproof.config import ModelConfig
from nightproof.prune import Pruned, kind_of, prune
from nightproof.results import ModelResults
from nightproof.words import counted, size

PAGES = ("report.html.gz", "data_docs.html.gz")
"""Files for people's eyes, drawn from the others."""
_FOLDERS = ("log", "baselines", "alerts", "scratch", "pruned", "signatures", "holdout")


@dataclass(frozen=True)
class Stored:
    """What is stored of a model.

    Parameters
    ----------
    evaluations, nights
        Published ones.
    files
        Bytes of the evaluations by file name.
    beside
        Bytes by folder of what belongs to no single evaluation.
    pruned
        What retention would free now.
    """

    model: str
    location: str
    evaluations: int
    nights: int
    files: Mapping[str, int]
    beside: Mapping[str, int]
    pruned: Pruned

    @property
    def total(self) -> int:
        """All bytes."""
        return sum(self.files.values()) + sum(self.beside.values())

    @property
    def per_evaluation(self) -> float:
        """Mean bytes of an evaluation; 0 where there is none."""
        return sum(self.files.values()) / self.evaluations if self.evaluations else 0.0

    @property
    def per_evaluation_without_pages(self) -> float:
        """The same without what is for people's eyes."""
        rest = sum(count for name, count in self.files.items() if name not in PAGES)
        return rest / self.evaluations if self.evaluations else 0.0

    def to_json(self) -> dict[str, Any]:
        """For machines; all numbers are bytes but the counts."""
        return {
            "model": self.model,
            "location": self.location,
            "bytes": self.total,
            "evaluations": self.evaluations,
            "nights": self.nights,
            "per_evaluation": round(self.per_evaluation),
            "per_evaluation_without_pages": round(self.per_evaluation_without_pages),
            "files": dict(self.files),
            "beside": dict(self.beside),
            "retention": {
                "rule": self.pruned.rule,
                "would_free": self.pruned.freed_bytes,
                "by_kind": dict(self.pruned.freed),
            },
        }

    def in_words(self) -> str:
        """For people."""
        evaluations = f"{counted(self.evaluations, 'evaluation')} of {counted(self.nights, 'night')}"
        sizes = [size(round(count)) for count in (self.per_evaluation, self.per_evaluation_without_pages)]
        lines = [
            f"{self.model}: {size(self.total)} in {self.location}",
            f"  {evaluations}, {sizes[0]} each, {sizes[1]} without pages",
        ]
        each = max(self.evaluations, 1)
        ordered = sorted(self.files.items(), key=lambda pair: (-pair[1], pair[0]))
        lines += [
            f"  {name:<20}{size(count):>10}  {size(count // each):>10} each  {kind_of(name)}" for name, count in ordered
        ]
        lines += [f"  {name + '/':<20}{size(count):>10}" for name, count in self.beside.items()]
        rule = self.pruned.rule or "everything is kept for ever (record.keep)"
        return "\n".join([*lines, f"  retention would free {size(self.pruned.freed_bytes)} now: {rule}"])


def stored(config: ModelConfig, results: ModelResults, *, now: datetime) -> Stored:
    """Add up a model's folder, as it is listed. Old versions that a bucket keeps are not in it.

    Parameters
    ----------
    now
        UTC instant from which the ages of retention count back.
    """
    entries = results.log.entries()
    sealed = {f"{entry.night}/{entry.evaluation_id}" for entry in entries}
    files: dict[str, int] = {}
    beside: dict[str, int] = {}
    for found in results.store.list(results.folder):
        folder, _, name = found.key.removeprefix(results.folder).rpartition("/")
        if folder in sealed:
            files[name] = files.get(name, 0) + found.size
        else:
            top = folder.split("/")[0]
            kind = top if top in _FOLDERS else "unsealed"
            beside[kind] = beside.get(kind, 0) + found.size
    return Stored(
        model=config.model,
        location=results.store.url(results.folder),
        evaluations=len(entries),
        nights=len({entry.night for entry in entries}),
        files=dict(sorted(files.items())),
        beside=dict(sorted(beside.items())),
        pruned=prune(config, results, now=now, dry_run=True),
    )
