"""The benchmark's fleet is one that the board itself would have folded. No times."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from nightproof.board import Month, NightLine
from nightproof.board.series import Told
from nightproof.config import ModelConfig
from nightproof.dossier import compress

ROOT = Path(__file__).resolve().parents[2]
LAST = date(2026, 11, 22)
NUMBERS: dict[Any, Any] = {
    ("performance", "roc_auc", None, ()): ("lower", Told(0.8, 0.79, 0.81, 2000, 0.8, 0.78, "o")),
    ("drift", "psi", "normal_00", ()): ("higher", Told(0.01, 0.0, 0.02, 2000, 0.0, None, "o")),
    ("bias", "tpr_gap", None, (("sex", "f"),)): ("higher", Told(None, None, None, 0, None, None, "i")),
}


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def histories(importable: None) -> list[Any]:
    from benchmarks.ui import made_up

    line = NightLine(
        night="2026-01-01", evaluation_id="0" * 16, number=0, status="ok", headline="", labels="final", known_at="",
        evaluated_at="", rows=10, labelled=10, version=None, validation="passed", failed=0, regressions=0, watches=0,
        insufficient=0, blind_nights=0, incidents=(), evaluations=1, has_report=True, has_data_docs=False,
    )  # fmt: skip
    return list(made_up.histories(line, NUMBERS, LAST))


def test_every_history_is_a_year_and_stands_as_its_kind_does(histories: list[Any]) -> None:
    from benchmarks.ui import made_up

    assert {history.kind for history in histories} == set(made_up.TEMPLATES)
    for history in histories:
        lines = [line for month in history.months for line in month.nights]
        assert len(lines) == made_up.NIGHTS
        assert (lines[-1].night == str(LAST)) == (history.kind != "silent")
        assert bool(lines[-1].incidents) == (history.kind == "incident")
        assert (lines[-1].status == "quarantined") == (history.kind == "quarantined")
        assert not lines[0].incidents
        for month in history.months:
            assert Month.from_bytes(month.to_bytes(), name="month") == month


def test_an_incident_is_one_from_its_first_night_on(histories: list[Any]) -> None:
    history = next(history for history in histories if history.kind == "incident")
    seen = [found for month in history.months for line in month.nights for found in line.incidents]
    assert len({found.id for found in seen}) == 1
    assert [found.event for found in seen] == ["opened"] + ["ongoing"] * (len(seen) - 1)


def test_a_month_under_another_name_is_that_month(histories: list[Any]) -> None:
    from benchmarks.ui import made_up

    month, packed = histories[0].months[3], dict[int, tuple[bytes, bytes]]()
    for name in ("model_0001", "model_0999"):
        stored = made_up.renamed(month, name, compress, packed)
        assert Month.from_bytes(gzip.decompress(stored), name=name) == month.model_copy(update={"model": name})
    assert len(packed) == 1


def test_a_fleet_of_fifty_has_every_kind_and_only_the_broken_configs_are_broken() -> None:
    from benchmarks.ui import made_up

    assert made_up.counts(50) == made_up.KINDS
    for number in range(50):
        said = made_up.config_of(number)
        if made_up.kind_of(number) != "broken":
            assert ModelConfig.model_validate(said).results_url == made_up.RESULTS
        else:
            with pytest.raises(ValueError, match="task"):
                ModelConfig.model_validate(said)


def test_only_rows_that_there_are_can_be_asked_for() -> None:
    from benchmarks.ui.__main__ import PART

    with pytest.raises(SystemExit):
        PART.main(["--only", "nothing"])
    with pytest.raises(SystemExit):
        PART.main(["--scale", "2"])
