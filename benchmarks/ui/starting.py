"""Airflow's api-server, with the plugin and without."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measure import ROOT, Failed, measure
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages

RUNS = 5
MOST_S = 0.3
HEAVY = ("numpy", "scipy", "pandas", "polars", "pyarrow", "boto3", "evidently", "great_expectations", "matplotlib")


def row(bench: Bench) -> Row:
    """Make the server's application as its process does, in turn with the plugin and without."""
    home, none = bench.fresh("ui-airflow"), bench.fresh("ui-no-plugins")
    folders = {"with": ROOT / "plugins", "without": none}
    runs: dict[str, list[Any]] = {name: [] for name in folders}
    _measured(home, none)  # the first one writes the machine's caches
    for _ in range(max(2, int(RUNS * bench.scale))):
        for name, plugins in folders.items():
            runs[name].append(_measured(home, plugins))
    cpu = {name: statistics.median(run.stages["start"] for run in several) for name, several in runs.items()}
    said = runs["with"][0].said
    if not said["mounted"] or runs["without"][0].said["mounted"]:
        raise Failed(f"the plugin is mounted: {said['mounted']} with it, {runs['without'][0].said['mounted']} without")
    heavier = sorted(set(said["heavy"]) - set(runs["without"][0].said["heavy"]))
    more = cpu["with"] - cpu["without"]
    return Row(
        what="Airflow api-server start with the plugin",
        target="<= 0.3 s more, no heavy import",
        found=f"{more:+.2f} s CPU, {'heavy imports: ' + ', '.join(heavier) if heavier else 'no heavy import'}",
        met=more <= MOST_S and not heavier,
        note=f"Imports of Airflow's application and its making: {seconds(cpu['without'])} CPU without the plugin, "
        f"{seconds(cpu['with'])} with it, medians of {len(runs['with'])} in turn, spread "
        f"{_spread(runs['without'])} and {_spread(runs['with'])}. The dashboard itself is made when it is first asked "
        f"for, within Airflow's process {seconds(statistics.median(r.stages['dashboard'] for r in runs['with']))} CPU",
    )


def _spread(runs: list[Any]) -> str:
    values = [run.stages["start"] for run in runs]
    return f"{min(values):.2f} to {max(values):.2f} s"


def _measured(home: Path, plugins: Path) -> Any:
    before = dict(os.environ)
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins),
        AIRFLOW__CORE__UNIT_TEST_MODE="False",
        AIRFLOW__CORE__LAZY_LOAD_PLUGINS="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
    )
    try:
        return measure("benchmarks.ui.starting:start")
    finally:
        os.environ.clear()
        os.environ.update(before)


def start(stages: Stages) -> dict[str, Any]:
    """What `airflow api-server` does before it listens; then, apart, what the first look at the dashboard adds."""
    with stages("start"):
        from airflow.api_fastapi.app import create_app

        app = create_app()
    heavy = [name for name in HEAVY if name in sys.modules]
    mounted = any(getattr(route, "path", "") == "/nightproof" for route in app.routes)
    with stages("dashboard"):
        if mounted:
            import nightproof.dashboard.app
            import nightproof.dashboard.source
            import nightproof.operators.connections
            import nightproof.operators.dashboard_access  # noqa: F401
    return {"heavy": heavy, "mounted": mounted}
