"""Fill: what a model's log has and the board has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from nightproof.board.board import Board
from nightproof.board.month import Month
from nightproof.board.night_line import NightLine
from nightproof.board.row import SHOWN, FleetRow, row_of
from nightproof.board.series import Numbers, followed
from nightproof.checks.finding import Findings
from nightproof.config import ModelConfig
from nightproof.errors import NightproofError, ObjectMissing, RecordError
from nightproof.manifest import LogEntry, Manifest
from nightproof.results import ModelResults
from nightproof.results_root import ResultsRoot
from nightproof.validation import Validation


def fill(results: ModelResults, board: Board) -> FleetRow | None:
    """Bring a model's row and months up to its log.

    Safe to repeat and to do by many at once: what is written is made of the log alone, and named by how much of it.

    Returns
    -------
    FleetRow or None
        The row as it is now; ``None`` of an empty log.

    Raises
    ------
    RecordError
        If the chain is broken, or a file of it is not what it should be.
    """
    entries = results.log.entries()
    if not entries:
        return None
    row = _last_row(results.model, board)
    if row is not None and row.entries >= len(entries):
        return row
    new = entries[row.entries if row else 0 :]
    latest = {entry.night: entry for entry in new}
    often = Counter(entry.night for entry in entries)
    months = dict(row.months) if row else {}
    changed: dict[str, Month] = {}
    for name in sorted({night[:7] for night in latest}):
        before = board.month(row, name) if row and name in months else _empty(results.model, name)
        told = {n: night_of(results, e, evaluations=often[n]) for n, e in latest.items() if n[:7] == name}
        changed[name] = before.with_nights(told)
        # By the last entry that is about the month: whoever fills, from whatever state, names it alike.
        months[name] = 1 + max(entry.number for entry in entries if entry.night[:7] == name)
        board.write_month(changed[name], months[name])
    made = _row(results, entries, months, board=board, row=row, changed=changed)
    board.write_row(made)
    board.tidy(results.model, _kept(made, row))
    return made


def fill_all(root: ResultsRoot, board: Board) -> dict[str, int]:
    """Fill the board with every model of a root; one that fails does not keep the others from it.

    Returns
    -------
    dict[str, int]
        Nights on the board, by model.

    Raises
    ------
    NightproofError
        The first that a model met, once all have had their turn.
    """
    nights, failed = dict[str, int](), list[NightproofError]()
    for model in root.models():
        try:
            row = fill(root.results(model), board)
        except NightproofError as error:
            failed.append(error)
        else:
            nights[model] = row.nights if row else 0
    if failed:
        raise failed[0]
    return nights


def night_of(results: ModelResults, entry: LogEntry, *, evaluations: int) -> tuple[NightLine, Numbers]:
    """A night's line and its numbers, from what its evaluation left; without numbers where retention deleted them."""
    dossier = results.dossier(entry.night, entry.evaluation_id)
    manifest = Manifest.from_bytes(dossier.read("manifest.json"), name=dossier.url("manifest.json"))
    validation = Validation.from_bytes(dossier.read("validation.json"), name=dossier.url("validation.json"))
    version = None
    with suppress(ObjectMissing):
        readings = results.readings(entry)
        version = readings.version if readings else None
    line = NightLine.of(
        entry,
        manifest=manifest,
        verdict=results.verdict(entry),
        validation=validation,
        version=version,
        evaluations=evaluations,
    )
    with suppress(ObjectMissing):
        found = Findings.from_bytes(dossier.read("findings.json"), name=dossier.url("findings.json"))
        return line, followed(found.all, config_of(manifest))
    return line, {}


def config_of(manifest: Manifest) -> ModelConfig | None:
    """The config of an evaluation; ``None`` where this version can no longer read it."""
    try:
        return ModelConfig.model_validate(manifest.config)
    except ValidationError:
        return None


def _last_row(model: str, board: Board) -> FleetRow | None:
    for entries in reversed(board.covered(model)):
        with suppress(ObjectMissing, RecordError):  # deleted by a later writer; or of a broken one, and made anew
            return board.row(model, entries)
    return None


def _empty(model: str, month: str) -> Month:
    return Month(model=model, month=month, nights=(), series=())


def _row(
    results: ModelResults,
    entries: Sequence[LogEntry],
    months: dict[str, int],
    *,
    board: Board,
    row: FleetRow | None,
    changed: dict[str, Month],
) -> FleetRow:
    recent: list[Month] = []
    for name in sorted(months, reverse=True):
        if sum(len(month.nights) for month in recent) >= SHOWN:
            break
        assert row is not None or name in changed
        recent.insert(0, changed[name] if name in changed else board.month(row, name))  # type: ignore[arg-type]
    last = max(results.log.latest().values(), key=lambda entry: entry.night)
    dossier = results.dossier(last.night, last.evaluation_id)
    manifest = Manifest.from_bytes(dossier.read("manifest.json"), name=dossier.url("manifest.json"))
    return row_of(
        results.model,
        config_of(manifest),
        recent,
        entries=len(entries),
        months=dict(sorted(months.items())),
        nights=sorted({entry.night for entry in entries}),
    )


def _kept(made: FleetRow, before: FleetRow | None) -> dict[str, set[int]]:
    rows = [made, *([before] if before else [])]
    return {name: {row.months[name] for row in rows if name in row.months} for name in made.months}
