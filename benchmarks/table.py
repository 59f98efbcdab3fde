"""The table, for the screen and for `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.row import Row

BEGIN, END = "<!-- bench: written by make bench from here -->", "<!-- bench: to here -->"
_ANSWERS = {True: "yes", False: "**no**", None: "not measured"}


def render(rows: Mapping[str, Row], *, heading: str) -> str:
    """The rows as Markdown: the table, then each row's further figures."""
    lines = [heading, "", "| | what | target | measured | met |", "|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {_cell(row.what)} | {_cell(row.target)} | {_cell(row.found)} | {_ANSWERS[row.met]} |"
        for name, row in rows.items()
    ]
    notes = [f"- `{name}`: {row.note}" for name, row in rows.items() if row.note]
    return "\n".join([*lines, "", *notes])


def write(document: Path, text: str, *, begin: str = BEGIN, end: str = END) -> None:
    """Put the text between two markers of the document.

    Raises
    ------
    ValueError
        If the document does not have both, once each and in order.
    """
    whole = document.read_text("utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1 or whole.index(begin) > whole.index(end):
        raise ValueError(f"{document} must have the lines {begin} and {end}, once each and in this order.")
    before, after = whole.split(begin)[0], whole.split(end)[1]
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
