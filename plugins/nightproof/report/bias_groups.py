"""The bias findings of one protected column, or pair, put together group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightproof.checks.finding import Finding
from nightproof.checks.suppression import ROUNDED
from nightproof.words import plain

ORDER = ("regression", "watch", "insufficient_data", "ok")
"""Statuses, the worst first."""


@dataclass(frozen=True)
class Group:
    """One group's findings by metric; of two limits on one metric, the worse finding."""

    key: tuple[str, ...]
    found: dict[str, Finding]
    is_reference: bool

    @property
    def name(self) -> str:
        """As a table names it."""
        return plain(" / ".join(self.key), 40)

    @property
    def rows(self) -> int:
        """All rows, labelled or not; of a group that is too small to show, labelled ones."""
        return next((self.found[name].n for name in ("selection_rate", "impact_ratio") if name in self.found), 0)

    @property
    def labelled(self) -> int:
        """Rows with a label."""
        return self.found["accuracy"].n if "accuracy" in self.found else self.rows

    def judged(self, *metrics: str) -> list[Finding]:
        """Its findings on some metrics that are held against a limit."""
        found = [self.found[metric] for metric in metrics if metric in self.found]
        return [f for f in found if f.tolerance is not None or f.status != "ok"]


@dataclass(frozen=True)
class Column:
    """What is known of one protected column, or pair, through one window."""

    names: tuple[str, ...]
    groups: list[Group] = field(default_factory=list)
    """The reference group first, then by size."""
    small: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Groups that are too small to show, with their labelled rows."""
    parities: list[Finding] = field(default_factory=list)

    def worst(self, count: int) -> list[Group]:
        """So many groups: the reference, then those with the worst status; in the order of all."""
        ordered = sorted(self.groups, key=lambda group: (not group.is_reference, _status(group), -group.rows))
        kept = {group.key for group in ordered[:count]}
        return [group for group in self.groups if group.key in kept]


def gather(found: Sequence[Finding], names: tuple[str, ...], *, reference: tuple[str, ...]) -> dict[int, Column]:
    """The findings of one grouping, by window."""
    columns: dict[int, Column] = {}
    parts: dict[int, dict[tuple[str, ...], dict[str, Finding]]] = {}
    for f in found:
        if f.segment and tuple(f.segment) == names:
            kept = parts.setdefault(f.window, {}).setdefault(tuple(f.segment.values()), {})
            known = kept.get(f.metric)
            if known is None or ORDER.index(f.status) < ORDER.index(known.status):
                kept[f.metric] = f
        elif not f.segment and f.column == " and ".join(names):
            columns.setdefault(f.window, Column(names)).parities.append(f)
    for window, groups in parts.items():
        column = columns.setdefault(window, Column(names))
        told = [Group(key, metrics, key == reference) for key, metrics in groups.items()]
        shown = [group for group in told if _shown(group)]
        column.groups.extend(sorted(shown, key=lambda group: (not group.is_reference, -group.rows, group.key)))
        column.small.update({group.key: group.rows for group in told if not _shown(group)})
    return columns


def is_rounded(group: Group) -> bool:
    """Whether a group covers for a small one, and so is told in rounded counts."""
    return any(ROUNDED in f.reason for f in group.found.values())


def _shown(group: Group) -> bool:
    return "selection_rate" in group.found


def _status(group: Group) -> int:
    return min((ORDER.index(f.status) for f in group.judged(*group.found)), default=len(ORDER))
