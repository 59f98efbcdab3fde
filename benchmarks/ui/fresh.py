"""A new night: from its log entry, written by another process, until the fleet shows it."""

from __future__ import annotations

import time
from datetime import date, timedelta

from benchmarks.bench import Bench
from benchmarks.measure import Failed, measure
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages
from benchmarks.ui import made_up
from benchmarks.ui.laying import laid, write_files
from benchmarks.ui.serving import Served, served

TIMES = 5
MOST_S, GIVEN_UP_S = 10.0, 60.0
POLL_S = 0.5


def row(bench: Bench) -> Row:
    """Publish a night a few times over, while somebody looks at the fleet every half second, and once every ten."""
    with laid(bench) as fleet, served(fleet) as dashboard:
        model = fleet.whole[-1]
        night = dashboard.json(f"/models/{model}")["night"]
        took: list[tuple[float, float]] = []
        for number in range(TIMES):
            night = str(date.fromisoformat(night) + timedelta(days=1))
            said = measure("benchmarks.ui.fresh:publish", model=model, night=night).said
            if number == TIMES - 1:
                # Nobody has looked since: the first look has to show it.
                time.sleep(7.0)
                late = _until(dashboard, model, night, time.time())
            else:
                took.append((_until(dashboard, model, night, said["logged_at"]), said["filled_at"] - said["logged_at"]))
    slowest = max(seen for seen, _ in took)
    return Row(
        what="a new night is visible",
        target="<= 10 s after publish",
        found=f"{seconds(slowest)}, the slowest of {len(took)}",
        met=slowest <= MOST_S and late <= MOST_S,
        note=f"From the log entry, appended by another process, to the API's answer, asked every {POLL_S} s; "
        f"{seconds(max(fill for _, fill in took))} of it are the board's own filling, at most. Where nobody had looked "
        f"for 7 s, the first look shows it, {seconds(late)} after it was asked for",
    )


def _until(dashboard: Served, model: str, night: str, since: float) -> float:
    while time.time() - since < GIVEN_UP_S:
        if dashboard.json(f"/models/{model}")["night"] == night:
            return time.time() - since
        time.sleep(POLL_S)
    raise Failed(f"{night} of {model} was not seen in {GIVEN_UP_S:.0f} s")


def publish(stages: Stages, *, model: str, night: str) -> dict[str, float]:
    """Publish a night like the one before it, and fill the board, as a run's last steps do."""
    from nightproof.board.board import board_at
    from nightproof.board.fill import fill
    from nightproof.manifest import Manifest
    from nightproof.results import ModelResults
    from nightproof.storage import open_store

    board = board_at(made_up.RESULTS, open_store)
    results = ModelResults(board.store, f"{board.prefix}{model}/")
    last = results.log.entries()[-1]
    before = results.dossier(last.night, last.evaluation_id)
    manifest = Manifest.from_bytes(before.read("manifest.json"), name="manifest.json")
    identifier = made_up.identifier(night)
    dossier = results.dossier(night, identifier)
    with stages("publish"):
        write_files(dossier, {name: before.read(name) for name in manifest.files}, model=model, night=night)
        at = f"{date.fromisoformat(night) + timedelta(days=1)}T04:11:00+00:00"
        changes = {"night": night, "evaluation_id": identifier, "evaluated_at": at, "known_at": at}
        made = manifest.model_copy(update=changes | {"files": dossier.stored(list(manifest.files))})
        results.log.append(made, dossier.write("manifest.json", made.to_bytes()))
    logged_at = time.time()
    with stages("fill"):
        fill(results, board)
    return {"logged_at": logged_at, "filled_at": time.time()}
