"""The maintenance DAG: what keeps results tidy, once a day, for every results root."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context, CronTriggerTimetable

from nightproof.catalog import models_folder, read_catalog
from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, NightproofError, StoreError, TableError
from nightproof.fleet import MAINTENANCE_DAG_ID
from nightproof.operators.connections import store_opener
from nightproof.operators.failure import tell_failure

START = datetime(2000, 1, 1, tzinfo=UTC)
_DOC = """# What keeps results tidy

Once a day, for every results root of the models: the dashboard's board and the metrics table are brought up to the
logs, where a night's own run could not do it; the table's small files are put together; and files past keeping are
deleted. It is safe while models publish.
"""


class TidyOperator(BaseOperator):
    """What the tasks of the maintenance share: all models of a folder, and where their results lie.

    Parameters
    ----------
    models_folder
        Folder of the configs; by default ``NIGHTPROOF_MODELS`` or ``include/models``.
    aws_conn_id
        Airflow connection for object storage.
    """

    template_fields: Sequence[str] = ("models_folder", "aws_conn_id")
    ui_color = "#e8f0e8"

    def __init__(self, *, models_folder: str | None = None, aws_conn_id: str = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.models_folder = models_folder
        self.aws_conn_id = aws_conn_id

    def read_configs(self) -> list[ModelConfig]:
        """Every config that can be read."""
        folder = Path(self.models_folder or models_folder())
        return [config for _, config in read_catalog(folder) if not isinstance(config, ConfigError)]

    def results_roots(self) -> list[str]:
        """Every results root of them, each once."""
        return list(dict.fromkeys(config.results_url for config in self.read_configs()))


class CompactTableOperator(TidyOperator):
    """Bring each metrics table up to its logs, and compact it; returns what was done, by table."""

    def execute(self, context: Context) -> dict[str, dict[str, int]]:
        """See :func:`nightproof.table.compact.compact`; one root that fails does not keep the others from it."""
        from nightproof.results_root import ResultsRoot
        from nightproof.table import table_at
        from nightproof.table.compact import compact
        from nightproof.table.sync import sync_all

        open_store = store_opener(self.aws_conn_id)
        done: dict[str, dict[str, int]] = {}
        failed: list[str] = []
        for url in self.results_roots():
            try:
                if (table := table_at(url, open_store)) is not None:
                    added = sync_all(ResultsRoot.at(url, open_store), table)
                    done[table.url] = {"evaluations_added": sum(added.values()), **vars(compact(table))}
            except NightproofError as error:
                failed.append(f"{url}: {error}")
        if failed:
            raise TableError("\n".join(failed))
        return done


class FillBoardOperator(TidyOperator):
    """Bring the dashboard's board up to the logs; returns the nights that it holds, by model."""

    def execute(self, context: Context) -> dict[str, int]:
        """See :func:`nightproof.board.fill.fill_all`; one model that fails does not keep the others from it."""
        from nightproof.board.board import board_at
        from nightproof.board.fill import fill_all
        from nightproof.results_root import ResultsRoot

        open_store = store_opener(self.aws_conn_id)
        nights: dict[str, int] = {}
        failed: list[str] = []
        for url in self.results_roots():
            try:
                nights |= fill_all(ResultsRoot.at(url, open_store), board_at(url, open_store))
            except NightproofError as error:
                failed.append(f"{url}: {error}")
        if failed:
            raise StoreError("\n".join(failed))
        return nights


class PruneOperator(TidyOperator):
    """Delete what the configs no longer keep, model by model; returns the bytes that were freed, by model."""

    def execute(self, context: Context) -> dict[str, int]:
        """See :func:`nightproof.prune.prune`; one model that fails does not keep the others from it."""
        from nightproof.prune import prune
        from nightproof.results import ModelResults

        open_store = store_opener(self.aws_conn_id)
        freed: dict[str, int] = {}
        failed: list[str] = []
        for config in self.read_configs():
            try:
                found = prune(config, ModelResults.of(config, open_store), now=datetime.now(UTC))
            except NightproofError as error:
                failed.append(f"{config.model}: {error}")
                continue
            freed[config.model] = found.freed_bytes
            if found.locked:
                self.log.warning(
                    "%s: %d files are locked, or the store refuses to delete them, such as %s",
                    config.model,
                    len(found.locked),
                    found.locked[0],
                )
        if failed:
            raise StoreError("\n".join(failed))
        return freed


def maintenance_dag(folder: Path) -> DAG:
    """The DAG ``nightproof_maintenance`` of a folder of models."""
    with DAG(
        dag_id=MAINTENANCE_DAG_ID,
        description="Keeps the dashboard's board and the metrics tables whole and small",
        doc_md=_DOC,
        # Well away from the hour at which most nights are evaluated.
        schedule=CronTriggerTimetable("30 11 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args={
            "owner": "nightproof",
            "retries": 2,
            "retry_delay": timedelta(minutes=10),
            "execution_timeout": timedelta(hours=4),
            "on_failure_callback": tell_failure,
        },
        tags=["nightproof"],
    ) as dag:
        FillBoardOperator(task_id="fill_board", models_folder=str(folder))
        CompactTableOperator(task_id="compact_table", models_folder=str(folder))
        PruneOperator(task_id="prune", models_folder=str(folder))
    return dag
