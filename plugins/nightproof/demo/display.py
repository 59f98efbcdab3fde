"""What the demo shows while it works: a line and a bar for each step, and a panel at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

_SPINNING_PER_S = 8


class Step:
    """One step under way.

    Parameters
    ----------
    progress, task
        Its line on the screen.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self.said = ""

    def advance(self, count: int = 1) -> None:
        """Count that much more as done."""
        self._progress.advance(self._task, count)

    def reach(self, completed: int) -> None:
        """Set how much is done in all."""
        self._progress.update(self._task, completed=completed)

    def say(self, note: str) -> None:
        """Put a few words beside the bar."""
        self.said = note
        self._progress.update(self._task, note=f"[dim]{escape(note)}")


class Display:
    """The screen; where it is not a terminal, a plain line for each step.

    Parameters
    ----------
    console
        Where to write.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}", table_column=Column(width=34, no_wrap=True)),
            BarColumn(bar_width=20, complete_style="cyan", finished_style="green"),
            TimeElapsedColumn(table_column=Column(width=7, no_wrap=True)),
            TextColumn("{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=self.console,
            expand=True,
            disable=not self.console.is_terminal,
            refresh_per_second=_SPINNING_PER_S,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """Show a step from its beginning to its end.

        Parameters
        ----------
        title
            What is being done.
        total
            How much there is to do; without it, the bar only shows that something moves.
        """
        began_s = time.monotonic()
        task = self._progress.add_task(title, total=total, note="")
        step = Step(self._progress, task)
        if not self.console.is_terminal:
            self.console.print(f"… {title}")
        yield step
        done = total if total is not None else 1
        self._progress.update(task, total=done, completed=done)
        self._progress.stop_task(task)
        if not self.console.is_terminal:
            took_s = time.monotonic() - began_s
            self.console.print(f"✓ {title} ({took_s:.1f} s) {step.said}".rstrip(), markup=False, soft_wrap=True)

    def close(self, title: str, rows: Iterable[tuple[str, Text | str]], *, footer: str) -> None:
        """Show the panel at the end.

        Parameters
        ----------
        title
            Its heading.
        rows
            Names and what they are; an empty name goes on with the row above.
        footer
            What the reader may do now.
        """
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold cyan", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, what in rows:
            grid.add_row(name, what if isinstance(what, Text) else Text(what))
        self.console.print()
        self.console.print(Panel(grid, title=title, subtitle=footer, border_style="green", padding=(1, 2)))

    def fail(self, problem: str) -> None:
        """Show why the demo could not go on."""
        self.console.print(Panel(Text(problem), title="The demo stopped", border_style="red", padding=(1, 2)))


def link(url: str) -> Text:
    """Make an address that terminals open on a click."""
    return Text().append(url, style=f"underline link {url}")


def file_link(path: Path) -> Text:
    """Show a file as its path, which terminals open on a click."""
    return Text().append(str(path), style=f"underline link {path.as_uri()}")
