"""The board: what people look at every morning, kept so that it is read in one go.

A fold over a model's log, and nothing but that: whatever happens to it, :func:`~nightproof.board.fill.fill` makes
it anew. It is kept in three sizes, each an object that never changes and is named by how much of the log it covers:

* a *row* of the fleet for each model, with its last nights and its open incidents;
* a *month* of a model: its nights, and its series as columns;
* *night lines*, of which both are made, are not kept: an evaluation's own dossier has all of it.
"""

from __future__ import annotations

from nightproof.board.board import Board, board_of
from nightproof.board.month import Month, Series
from nightproof.board.night_line import NightLine
from nightproof.board.row import FamilyState, FleetRow, Primary

__all__ = [
    "Board",
    "FamilyState",
    "FleetRow",
    "Month",
    "NightLine",
    "Primary",
    "Series",
    "board_of",
]
