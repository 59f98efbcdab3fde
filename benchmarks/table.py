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


def write(document: Path, text: str) -> None:
    """Put the text between the document's two markers.

    Raises
    ------
    ValueError
        If the document does not have both, once each and in order.
    """
    whole = document.read_text("utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(BEGIN) > whole.index(END):
        raise ValueError(f"{document} must have the lines {BEGIN} and {END}, once each and in this order.")
    before, after = whole.split(BEGIN)[0], whole.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
