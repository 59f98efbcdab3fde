"""The bias section: every number an auditor asks for, and New York's Local Law 144 as its rules define it."""

from __future__ import annotations

from typing import Any

import pytest
from nightproof.checks.finding import Finding
from nightproof.checks.suppression import ROUNDED
from nightproof.metrics.rates import wilson
from nightproof.profiles.spec import MISSING
from nightproof.report import local_law_144
from nightproof.report.bias import SHOWN
from nightproof.report.bias_chart import impact_ratios
from nightproof.report.bias_groups import Column, gather
from nightproof.report.bias_tables import beside, parity, rates, scores, selection
from nightproof.report.block import Table, Text
from nightproof.sections import Bias


def finding(metric: str, group: str | None, hits: int, n: int, **changes: Any) -> Finding:
    share = wilson(hits, n)
    blank = dict.fromkeys(("baseline", "delta", "delta_interval", "tolerance", "detectable", "p_value"))
    said = {"check": "bias", "metric": metric, "column": None if group else "sex", "window": 1, "n": n, "status": "ok"}
    value = {"value": hits / n, "interval": (share.low, share.high), "reason": "So it is."}
    return Finding.model_validate(blank | said | value | {"segment": {"sex": group} if group else {}} | changes)


def column(**groups: tuple[int, int]) -> Column:
    """Groups by (selected, rows); a third of each scores high."""
    found = []
    for name, (hits, n) in groups.items():
        key = MISSING if name == "missing" else name
        found += [finding("selection_rate", key, hits, n), finding("scoring_rate", key, n // 3, n)]
        found += [finding(metric, key, n // 2, n) for metric in ("accuracy", "tpr")]
    return gather(found, ("sex",), reference=("M",))[1]


def cells(table: Any, name: str) -> tuple[str, ...]:
    assert isinstance(table, Table)
    return next(row for row in table.rows if row[0] == name)


# --- Local Law 144 ----------------------------------------------------------------------------------------


def test_ratios_are_over_the_most_selected_category_whatever_the_reference_is() -> None:
    text, table = local_law_144.view(column(M=(300, 1000), F=(400, 1000), X=(100, 500)))
    assert isinstance(text, Text) and "6 RCNY § 5-300" in text.markdown and "most selected" in text.markdown
    assert cells(table, "F")[3] == "1.000" and "most selected" in cells(table, "F")[-1]
    assert cells(table, "M")[3].startswith("0.750\n(") and cells(table, "X")[3].startswith("0.500\n(")
    assert [row[1] for row in table.rows] == ["1,000", "1,000", "500"]


def test_less_than_two_percent_is_left_out_of_the_ratios_with_its_number_and_rate() -> None:
    _, table = local_law_144.view(column(M=(300, 1000), F=(400, 1000), X=(30, 39)))
    small = cells(table, "X")
    assert small[1] == "39" and small[2].startswith("0.769") and small[3] == small[5] == "–"
    assert "under 2 %" in small[-1]
    assert cells(table, "F")[3] == "1.000"  # the most selected of those that count


def test_the_unknown_category_is_counted_and_not_compared() -> None:
    text, table = local_law_144.view(column(M=(300, 1000), F=(400, 1000), missing=(90, 123)))
    assert isinstance(text, Text) and "unknown category, and so left out: 123." in text.markdown
    assert isinstance(table, Table) and [row[0] for row in table.rows] == ["M", "F"]


def test_nobody_selected_has_no_ratio() -> None:
    _, table = local_law_144.view(column(M=(0, 1000), F=(0, 1000)))
    assert cells(table, "M")[3] == cells(table, "F")[3] == "–"


# --- Tables -----------------------------------------------------------------------------------------------


def test_the_reference_comes_first_and_the_others_by_size() -> None:
    found = column(F=(400, 3000), M=(300, 1000), X=(100, 2000))
    assert [group.key for group in found.groups] == [("M",), ("F",), ("X",)]
    assert selection(found.groups).rows[0][0] == "M\n(reference)"


def test_every_table_has_a_cell_for_every_column_of_its_header() -> None:
    found = column(M=(300, 1000), F=(400, 1000))
    ratio = finding("impact_ratio", "F", 1, 2, tolerance=0.8, status="watch", baseline=0.9)
    found.groups[1].found["impact_ratio"] = ratio
    gap = finding("equalised_odds", None, 1, 10, tolerance=0.2, reason="0.1; furthest apart are M (more) and F (less).")
    tables = [selection(found.groups), rates(found.groups), scores(found.groups), beside(found.groups), parity([gap])]
    for table in (*tables, local_law_144.view(found)[1]):
        assert isinstance(table, Table) and table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}
    answer = cells(tables[0], "F")
    assert answer[4:] == ("0.500\n(0.095 to 0.905)\nbaseline 0.900", "○ insufficient data", "▲ Watch: impact ratio")
    assert tables[4].rows[0][2:] == ("–", "0.2", "✔ OK", "M (more) and F (less).")


@pytest.mark.parametrize(
    ("ends", "answer"),
    [((0.5, 0.7), "✖ violation"), ((0.9, 1.1), "✔ clear"), ((0.7, 0.9), "○ insufficient data")],
)
def test_the_four_fifths_answer_has_a_column_of_its_own(ends: tuple[float, float], answer: str) -> None:
    found = column(M=(300, 1000), F=(400, 1000))
    found.groups[1].found["impact_ratio"] = finding("impact_ratio", "F", 1, 2, interval=ends, tolerance=0.8)
    assert cells(selection(found.groups), "F")[5] == answer


def test_a_group_without_a_ratio_is_insufficient_data_and_in_no_chart() -> None:
    found = column(M=(0, 1000), F=(400, 1000))
    unknown = {"value": None, "interval": None, "status": "insufficient_data"}
    found.groups[1].found["impact_ratio"] = finding("impact_ratio", "F", 1, 2, **unknown)
    assert cells(selection(found.groups), "F")[4:] == (
        "not known\nn = 2",
        "○ insufficient data",
        "○ Too little data: impact ratio",
    )
    assert impact_ratios(found.groups, Bias()) is None


def test_rounded_groups_are_marked_and_small_ones_only_named() -> None:
    found = [
        finding("selection_rate", "M", 300, 1000),
        finding("selection_rate", "F", 300, 1000, reason=f"0.3; {ROUNDED}."),
        finding("impact_ratio", "X", 1, 7, value=None, interval=None, status="insufficient_data"),
    ]
    told = gather(found, ("sex",), reference=("M",))[1]
    assert [row[0] for row in selection(told.groups).rows] == ["M\n(reference)", "F ≈"]
    assert told.small == {("X",): 7}


def test_of_many_groups_the_reference_and_the_worst_are_shown() -> None:
    found = column(M=(300, 1000), **{f"g{i:03}": (300, 1000 + i) for i in range(2 * SHOWN)})
    found.groups[-1].found["impact_ratio"] = finding("impact_ratio", "g000", 1, 2, status="watch", tolerance=0.8)
    kept = found.worst(SHOWN)
    assert len(kept) == SHOWN
    assert kept[0].is_reference and kept[-1].key == found.groups[-1].key
