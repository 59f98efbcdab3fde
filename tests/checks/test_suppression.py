"""Small groups are not shown, and cannot be worked out of what is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.checks.bias import check_bias
from nightproof.checks.finding import Finding
from nightproof.checks.suppression import BASE, ROUNDED, covers, rounded
from nightproof.profiles.spec import MISSING, OTHER
from nightproof.profiles.sums import Outcomes

Compare = Callable[..., Any]
LAW = settings(deadline=None, derandomize=True, max_examples=150)
COUNT = st.integers(0, 5000)
TABLE = st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), st.integers(1, 90), min_size=1)


def one_column(**rows: int) -> set[tuple[str, ...]]:
    keys = {(name,): n for name, n in rows.items()}
    return covers(keys, {key for key, n in keys.items() if n < 30}, reference=("a",))


def test_a_single_small_group_is_covered_by_the_largest_other_that_is_not_the_reference() -> None:
    assert one_column(a=900, b=300, c=500, d=7) == {("c",)}
    assert one_column(a=900, d=7) == {("a",)}


def test_two_small_groups_cover_for_each_other_and_none_needs_no_cover() -> None:
    assert one_column(a=900, b=12, d=7) == set()
    assert one_column(a=900, b=300) == set()
    assert one_column(d=7) == set()


@pytest.mark.parametrize("value", [MISSING, OTHER])
def test_rows_without_a_known_group_need_no_cover_but_are_one(value: str) -> None:
    keys = {("a",): 900, ("b",): 300, (value,): 7}
    assert covers(keys, {(value,)}, reference=("a",)) == set()
    assert covers(keys | {("d",): 3}, {(value,), ("d",)}, reference=("a",)) == set()


@LAW
@given(rows=TABLE)
def test_no_row_or_column_of_a_table_gives_a_single_group_away(rows: dict[tuple[str, str], int]) -> None:
    small = {key for key, n in rows.items() if n < 30}
    hidden = small | covers(rows, small, reference=max(rows, key=rows.__getitem__))
    for place in (0, 1):
        for value in {key[place] for key in rows}:
            line = [key for key in rows if key[place] == value]
            alone = [key for key in line if key in hidden]
            assert len(alone) != 1 or len(line) == 1


@LAW
@given(cells=st.tuples(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT))
def test_rounded_counts_are_off_by_two_at_most_and_still_a_table(cells: tuple[int, ...]) -> None:
    tp, fp, fn, tn, more_selected, more_passed = cells
    exact = Outcomes(tp, fp, fn, tn, tp + fp + more_selected, fn + tn + more_passed)
    told = rounded(exact)
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(told, name) % BASE == 0 and abs(getattr(told, name) - getattr(exact, name)) <= 2
    assert told.selected >= told.tp + told.fp and told.passed >= told.fn + told.tn


def group(name: str, tp: int, fp: int, fn: int, tn: int) -> pl.DataFrame:
    cells = {
        "score": [0.9] * (tp + fp) + [0.1] * (fn + tn),
        "label": [1] * tp + [0] * fp + [1] * fn + [0] * tn,
    }
    return pl.DataFrame(cells | {"g": pl.Series([name] * (tp + fp + fn + tn), dtype=pl.String)})


NIGHT = pl.concat([group("a", 301, 99, 99, 501), group("b", 88, 53, 61, 203), group("c", 4, 2, 1, 3)])
KNOWN = pl.concat([group("a", 300, 100, 100, 500), group("b", 120, 40, 40, 200), group("c", 30, 20, 10, 40)])


def told(compare: Compare, **bias: Any) -> dict[tuple[str, str], Finding]:
    compared = compare(NIGHT, KNOWN, protected=["g"], checks={"bias": bias})
    found = check_bias(compared.night, compared.baseline, compared.config, window=1)
    return {(f.metric, f.segment.get("g", "")): f for f in found}


def test_the_covering_group_is_told_in_rounded_counts_and_judged_on_exact_ones(compare: Compare) -> None:
    shown, exact = told(compare), told(compare, complementary_suppression=False)
    rate = shown["tpr", "b"]
    assert (rate.value, rate.n) == (pytest.approx(90 / 150), 150)
    assert (exact["tpr", "b"].value, exact["tpr", "b"].n) == (pytest.approx(88 / 149), 149)
    for metric in ("impact_ratio", "tpr_gap"):
        there, here = shown[metric, "b"], exact[metric, "b"]
        assert (there.status, there.p_value, there.tolerance) == (here.status, here.p_value, here.tolerance)
        assert there.value != here.value and there.value == pytest.approx(here.value, abs=0.05)
        assert ROUNDED in there.reason and ROUNDED not in here.reason
    assert shown["accuracy", "a"] == exact["accuracy", "a"]
    assert shown["roc_auc", "b"] == exact["roc_auc", "b"]


def test_the_small_group_cannot_be_worked_out(compare: Compare) -> None:
    shown = told(compare)
    assert [metric for metric, name in shown if name == "c"] == ["impact_ratio"]
    # All rows' true positives and positives are known from the overall recall: 393 of 554.
    hits = 393 - sum(round(shown["tpr", name].value * shown["tpr", name].n) for name in "ab")
    n = 554 - sum(shown["tpr", name].n for name in "ab")
    assert (hits, n) != (4, 5)
    # Nor do the parities give it away: they stand on rounded counts too, and on rows, not on positives.
    parity = shown["equal_opportunity", ""]
    assert ROUNDED in parity.reason and parity.n == 1000 + 410


def test_with_two_groups_the_reference_covers(compare: Compare) -> None:
    night = NIGHT.filter(pl.col("g") != "b")
    compared = compare(night, KNOWN, protected=["g"])
    found = check_bias(compared.night, compared.baseline, compared.config, window=1)
    rates = {f.metric: f for f in found if f.segment == {"g": "a"}}
    assert rates["tpr"].value == pytest.approx(300 / 400) and ROUNDED in rates["tpr"].reason
