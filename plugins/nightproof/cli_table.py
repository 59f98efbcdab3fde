"""The commands of the metrics table: bring it up to the logs, rebuild, check and compact it, say where it lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightproof.cli_roots import Models, Results, roots_of
from nightproof.errors import TableError

if TYPE_CHECKING:
    from nightproof.results_root import ResultsRoot
    from nightproof.table.delta import MetricsTable

table = typer.Typer(help="The metrics table: every finding of every model, made of the logs.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines, one line a table.")]


@table.command("sync")
def sync_table(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Append what the logs have and the table has not."""
    from nightproof.table.sync import sync_all

    for root, found in _tables(results, models):
        added = sync_all(root, found)
        line = {"table": found.url, "models": len(added), "evaluations_added": sum(added.values())}
        _say(line, f"{found.url}: {line['evaluations_added']} evaluations added, of {len(added)} models", as_json)


@table.command("rebuild")
def rebuild_table(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Make the table anew from the logs alone; models may go on publishing, and readers never see half."""
    from nightproof.table.rebuild import rebuild

    for root, found in _tables(results, models):
        made = rebuild(root, found)
        line = {
            "table": found.url,
            "models": len(made.covered),
            "evaluations": made.evaluations,
            "rows": made.rows,
            "bytes": made.size,
            "version": found.version,
        }
        words = f"{found.url}: {made.evaluations} evaluations of {len(made.covered)} models, {made.rows} rows"
        _say(line, words, as_json)


@table.command("check")
def check_table(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Compare the table with the logs, every bit; exits with 1 where they differ, and names the first difference."""
    from nightproof.table.check import check

    differs = False
    for root, found in _tables(results, models):
        checked = check(root, found)
        differs |= checked.difference is not None
        line = {"table": found.url, **vars(checked)}
        fine = f"equal to the logs, {checked.evaluations} evaluations, fingerprint {checked.of_table}"
        _say(line, f"{found.url}: {checked.difference or fine}", as_json)
    if differs:
        raise typer.Exit(1)


@table.command("compact")
def compact_table(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Put small files together and delete those past keeping; safe at any time."""
    from nightproof.table.compact import compact

    for _, found in _tables(results, models):
        done = compact(found)
        words = f"{found.url}: {done.merged} files became {done.made}, {done.deleted} old ones deleted"
        _say({"table": found.url, **vars(done)}, words, as_json)


@table.command("path")
def table_path(results: Results = None, models: Models = None, as_json: AsJson = False) -> None:
    """Print where the table lies, as Delta readers take it."""
    for _, found in _tables(results, models):
        _say({"table": found.url}, found.url, as_json)


def _tables(results: str | None, models: Path | None) -> Iterator[tuple[ResultsRoot, MetricsTable]]:
    """The table of one root, or of all roots of the readable configs, each with its root."""
    from nightproof.results_root import ResultsRoot
    from nightproof.storage import open_store
    from nightproof.table import table_at

    for url in roots_of(results, models):
        found = table_at(url, open_store)
        if found is None:
            raise TableError(f"No table can lie at {url}: a results root begins with s3:// or file://.")
        yield ResultsRoot.at(url, open_store), found


def _say(line: dict[str, Any], words: str, as_json: bool) -> None:
    print(json.dumps(line) if as_json else words, flush=True)
