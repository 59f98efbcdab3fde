"""Blocks: what a section of the report is made of, before anything is drawn.

Their text is already harmless where it is drawn as Markdown or in a chart (see
:mod:`nightproof.words`); titles, tables and alerts are drawn as text and need nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "success", "info"]


@dataclass(frozen=True)
class Alert:
    """One message in a coloured box with a sign."""

    severity: Severity
    title: str
    text: str


@dataclass(frozen=True)
class Text:
    """Markdown, with alerts below it."""

    markdown: str
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True)
class Counters:
    """Large numbers in a row: (value, what it counts)."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Cells of text; a newline in a cell is kept. The first and last columns are words."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Chart:
    """A Plotly figure as plain data."""

    title: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    half: bool = True


@dataclass(frozen=True)
class Histogram:
    """Shares of rows by bin, of the night and of the baseline."""

    title: str
    bins: tuple[str, ...]
    night: tuple[float, ...]
    baseline: tuple[float, ...]
    axis: str


@dataclass(frozen=True)
class Tabs:
    """Blocks behind tabs, the first one open."""

    tabs: tuple[tuple[str, tuple[Block, ...]], ...]


Block = Text | Counters | Table | Chart | Histogram | Tabs


@dataclass(frozen=True)
class Section:
    """A titled part of the report."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    counts: dict[str, float] = field(default_factory=dict)
    """What the section comes to, by name: the trend that Evidently can draw over nights."""
