"""The command of the dashboard's board: bring it up to the logs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nightproof.cli_roots import Models, Results, roots_of

AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines, one line a results root.")]


def board(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Bring the dashboard's board up to the logs.

    Every publishing does it for its own model, and the DAG nightproof_maintenance for all once a day; this is for
    records that are older than the board, and for whoever deleted it: it is made of the logs alone.
    """
    from nightproof.board.board import board_at
    from nightproof.board.fill import fill_all
    from nightproof.results_root import ResultsRoot
    from nightproof.storage import open_store

    for url in roots_of(results, models):
        nights = fill_all(ResultsRoot.at(url, open_store), board_at(url, open_store))
        line = {"results": url, "models": len(nights), "nights": sum(nights.values())}
        words = f"{url}: {line['nights']} nights of {line['models']} models are on the board"
        print(json.dumps(line) if as_json else words, flush=True)
