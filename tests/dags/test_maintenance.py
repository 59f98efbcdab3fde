"""The maintenance brings boards and tables up to their logs, compacts and prunes; a fault keeps no other from it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from nightproof.board import board_of
from nightproof.errors import StoreError, TableError
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.results_root import ResultsRoot
from nightproof.table.check import check

pytestmark = pytest.mark.filterwarnings("default")


def published(bench, *, nights, config):
    for night in nights:
        bench.night(night)
        evaluate(config, Night.parse(night), bench.resources(), left_out=("report", "validate"), project=False)


def test_tables_are_synced_and_compacted(folder):
    from nightproof.operators.maintenance import CompactTableOperator

    published(folder, nights=("2026-01-30", "2026-01-31"), config=folder.config())
    operator = CompactTableOperator(task_id="compact_table", models_folder=str(folder.models))
    [url] = operator.execute({})
    root, table = ResultsRoot.at(folder.results, folder.open_store), folder.resources().table(folder.config())
    assert url == table.url
    assert check(root, table).difference is None
    assert operator.execute({})[url]["evaluations_added"] == 0


def test_one_roots_fault_is_told_and_keeps_no_other_from_it(folder):
    from nightproof.operators.maintenance import CompactTableOperator

    broken = folder.config(model="broken", results=f"file://{folder.folder}/elsewhere/")
    for config in (broken, folder.config(model="quiet")):
        published(folder, nights=("2026-01-30",), config=config)
    next((folder.folder / "elsewhere").rglob("manifest.json")).write_text("{}")
    operator = CompactTableOperator(task_id="compact_table", models_folder=str(folder.models))
    with pytest.raises(TableError, match="elsewhere"):
        operator.execute({})
    table = folder.resources().table(folder.config(model="quiet"))
    assert check(ResultsRoot.at(folder.results, folder.open_store), table).difference is None


def test_a_folder_without_models_has_nothing_to_keep(tmp_path):
    from nightproof.operators.maintenance import CompactTableOperator

    assert CompactTableOperator(task_id="compact_table", models_folder=str(tmp_path)).execute({}) == {}


def test_the_board_is_filled_and_one_roots_fault_keeps_no_other_from_it(folder):
    from nightproof.operators.maintenance import FillBoardOperator

    broken = folder.config(model="broken", results=f"file://{folder.folder}/elsewhere/")
    for config in (broken, folder.config(model="quiet")):
        published(folder, nights=("2026-01-30", "2026-01-31"), config=config)
    operator = FillBoardOperator(task_id="fill_board", models_folder=str(folder.models))
    assert operator.execute({}) == {"broken": 2, "quiet": 2}
    published(folder, nights=("2026-02-01",), config=broken)
    published(folder, nights=("2026-02-01",), config=folder.config(model="quiet"))
    for path in (folder.folder / "elsewhere").rglob("verdict.json"):
        path.write_text("{}")
    with pytest.raises(StoreError, match="elsewhere"):
        operator.execute({})
    listed = board_of(folder.config(model="quiet"), folder.open_store).listed()
    assert listed == {"quiet": 3}


def test_what_a_config_no_longer_keeps_is_pruned_by_the_task(folder, monkeypatch):
    from nightproof.operators import maintenance

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=131)

    published(folder, nights=("2026-01-30",), config=folder.config(record={"keep": {"findings": "130d"}}))
    monkeypatch.setattr(maintenance, "datetime", Later)
    operator = maintenance.PruneOperator(task_id="prune", models_folder=str(folder.models))
    [(model, freed)] = operator.execute({}).items()
    left = {path.name for path in (folder.folder / "results" / model).rglob("*.json")}
    assert freed > 0 and "findings.json" not in left and {"manifest.json", "verdict.json"} <= left
    assert operator.execute({}) == {model: 0}
