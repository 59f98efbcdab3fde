"""The maintenance brings tables up to their logs and compacts them; one root's fault keeps no other from it."""

from __future__ import annotations

import pytest
from nightproof.errors import TableError
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
