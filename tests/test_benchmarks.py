"""The benchmarks: each row of Nightproof's side runs on little, and the table goes where it belongs. No times."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from nightproof.config import ModelConfig, load_config
from nightproof.pipeline import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
ROWS = 2_000


@pytest.fixture(scope="module", autouse=True)
def importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A reference, a night, and the profiles of both, as the rows leave them."""
    from benchmarks import own
    from benchmarks.data import write_rows
    from benchmarks.stages import Stages

    folder = tmp_path_factory.mktemp("benchmarks")
    reference = [str(path) for path in write_rows(folder / "reference", ROWS, seed=1, drift=False)]
    night = [str(path) for path in write_rows(folder / "night", ROWS, seed=2, drift=True)]
    said = own.reference(Stages(), files=reference, to=str(folder))
    own.profile(Stages(), nights=[night], baseline=str(folder), to=[str(folder / "night.parquet")])
    return {"folder": folder, "night": night, "columns": said["columns"]}


def test_the_data_are_44_columns_and_the_same_again(tmp_path, stored):
    from benchmarks import columns
    from benchmarks.data import write_rows

    [path] = write_rows(tmp_path, ROWS, seed=2, drift=True)
    table = pq.read_table(path)
    assert table.column_names == list(columns.ALL)
    assert len(columns.ALL) == 44
    assert len(columns.SLICES) == 20
    assert table.equals(pq.read_table(stored["night"][0]))
    for name in columns.ALL:
        assert (table[name].null_count > 0) == (name in columns.WITH_NULLS)


def test_the_score_is_calibrated(stored):
    table = pq.read_table(stored["night"][0]).to_pandas()
    assert abs(table["score"].mean() - table["label"].mean()) < 4 * (0.25 / ROWS) ** 0.5


@pytest.mark.parametrize("model", ["wide", "small"])
def test_the_configs_are_configs(model, tmp_path):
    from benchmarks import columns

    ModelConfig.model_validate(getattr(columns, model)(tmp_path))


def test_a_night_is_measured_from_its_rows_to_its_decision(stored):
    from benchmarks import own
    from benchmarks.stages import Stages

    stages = Stages()
    said = own.night(stages, files=stored["night"], baseline=str(stored["folder"]))
    assert said["findings"] > 100
    families = [family for family in FAMILIES if family != "business"]  # the wide model has no metrics of its own
    assert list(stages.cpu_s) == ["import", "baseline", "profile", *families, "decide"]


def test_windows_are_measured_with_the_checks(stored):
    from benchmarks import own
    from benchmarks.stages import Stages

    given = {"stored": "night.parquet", "baseline": str(stored["folder"])}
    alone = own.judge(Stages(), windows=[1], **given)
    assert own.judge(Stages(), windows=[1, 7], **given)["findings"] > alone["findings"]
    merged = own.window(Stages(), stored=["night.parquet"] * 3, baseline=str(stored["folder"]))
    assert merged["rows"] == 3 * ROWS


def test_decoding_reads_every_row(stored):
    from benchmarks import decoding
    from benchmarks.stages import Stages

    for decode in (decoding.by_pyarrow, decoding.by_polars):
        assert decode(Stages(), files=stored["night"], columns=stored["columns"]) == ROWS


def test_replay_is_laid_out_as_the_command_line_wants_it(tmp_path):
    from benchmarks import replay

    replay.lay(tmp_path, model="small", nights=2)
    config = load_config(tmp_path / "include" / "models" / "small.yaml")
    assert config.data.predictions.startswith(f"file://{tmp_path}/")
    assert len(list(tmp_path.glob("predictions/dt=*/*.parquet"))) == len(list(tmp_path.glob("labels/dt=*/*"))) == 2


def test_a_child_is_measured():
    from benchmarks.measure import Failed, measure

    found = measure("benchmarks.stages:pause", seconds=0.0)
    assert found.said == 0.0
    assert found.cpu_s > 0.0
    assert found.peak_mib > 1.0
    with pytest.raises(Failed, match="ended with 1"):
        measure("benchmarks.stages:nothing")


@pytest.mark.parametrize("printed", ["no json", "3", '{"a": 1}\nand goodbye'])
def test_what_is_no_result_is_a_failure(printed):
    from benchmarks.measure import Failed, result

    with pytest.raises(Failed, match="a result was expected"):
        result(printed)


@pytest.mark.parametrize("expected", [True, False])
def test_a_row_that_fails_does_not_end_the_others(expected, monkeypatch, capsys):
    import benchmarks.__main__ as command
    from benchmarks.measure import Failed
    from benchmarks.row import Row

    def fails(bench):
        raise Failed("no such | peer") if expected else KeyError("no such | peer")

    rows = {"bad": fails, "good": lambda bench: Row("speed", "< 1 s", "0.1 s", met=True, note="one run")}
    monkeypatch.setattr(command, "ROWS", rows)
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.main(["--only", "bad,good", "--scale", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\| `bad` \| bad \|  \| failed: .*no such \\\| peer'? \| not measured \|", printed)
    assert "| `good` | speed | < 1 s | 0.1 s | yes |" in printed
    assert "- `good`: one run" in printed


def test_the_document_is_written_between_its_markers(tmp_path):
    from benchmarks.table import BEGIN, END, write

    document = tmp_path / "benchmarks.md"
    document.write_text((ROOT / "docs" / "benchmarks.md").read_text("utf-8"), "utf-8")
    before, after = document.read_text("utf-8").split(BEGIN)[0], document.read_text("utf-8").split(END)[1]
    for text in ("first", "second"):
        write(document, text)
        assert document.read_text("utf-8") == f"{before}{BEGIN}\n{text}\n{END}{after}"
    document.write_text(BEGIN, "utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        write(document, "third")


def test_every_row_stands_in_the_document():
    from benchmarks.__main__ import known_rows

    text = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert [name for name in known_rows() if f"| `{name}` |" not in text] == []


def test_the_pins_are_complete_and_name_no_host():
    for pins in (ROOT / "benchmarks" / "peers").glob("*.txt"):
        lines = pins.read_text("utf-8").splitlines()
        assert [line for line in lines if not re.match(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+( ; .+)?$", line)] == []


@pytest.mark.integration
def test_the_report_is_measured(stored):
    from benchmarks.measure import measure

    said = measure("benchmarks.own:report", stored="night.parquet", baseline=str(stored["folder"])).said
    assert said["html"] > 1e6
    assert json.dumps(said)
