"""Laws of the draw: it depends on the rows alone, keeps the strata's mix, and is bounded."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.errors import DataError
from nightproof.holdout.candidates import candidates
from nightproof.holdout.rank import ranks, shown
from nightproof.holdout.selection import CANDIDATES, allocate, select
from nightproof.holdout.version import Rule
from nightproof.night_files import NightFiles

COUNTS = st.dictionaries(st.integers(0, 2**32 - 1), st.integers(1, 500), min_size=1, max_size=12)
RULE = Rule(model="m", id="id", label="y", strata=("label",), group=None, salt="", per_night=10, rows=100)


def drawn(strata: list[int], groups: list[int | None] | None = None) -> pl.DataFrame:
    """Candidates of these strata, their ranks from their place."""
    rank = ranks(pl.Series([str(place) for place in range(len(strata))]), model="m", salt="")
    found = {"row": rank, "stratum": strata, "group": groups or [None] * len(strata)}
    return pl.DataFrame(found, schema=CANDIDATES)


@given(COUNTS, st.integers(0, 3000))
def test_every_stratum_has_its_share_within_one_row(counts: dict[int, int], places: int) -> None:
    found = allocate(counts, places)
    total = sum(counts.values())
    assert sum(found.values()) == min(places, total)
    for stratum, count in counts.items():
        share = Fraction(min(places, total) * count, total)
        assert share // 1 <= found[stratum] <= min(count, -(-share // 1))


@given(COUNTS, st.integers(0, 3000))
def test_a_larger_stratum_never_has_fewer_places(counts: dict[int, int], places: int) -> None:
    found = allocate(counts, places)
    ordered = [found[stratum] for stratum in sorted(counts, key=lambda stratum: counts[stratum])]
    assert ordered == sorted(ordered)


@given(st.lists(st.integers(0, 3), max_size=80), st.integers(1, 40), st.randoms())
def test_the_order_of_rows_changes_nothing(strata: list[int], places: int, random: object) -> None:
    rows = drawn(strata)
    seed = random.randint(0, 2**31)  # type: ignore[attr-defined]
    assert select(rows, places).equals(select(rows.sample(fraction=1.0, shuffle=True, seed=seed), places))


@given(st.lists(st.integers(0, 3), max_size=80), st.integers(1, 40))
def test_each_stratum_gives_its_lowest_ranks(strata: list[int], places: int) -> None:
    rows, chosen = drawn(strata), select(drawn(strata), places)
    assert chosen.height == min(places, rows.height)
    for (stratum,), part in chosen.group_by("stratum"):
        left = rows.filter((pl.col("stratum") == stratum) & ~pl.col("row").is_in(part["row"].implode()))
        assert left.is_empty() or left["row"].min() > part["row"].max()  # type: ignore[operator]


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 40))
def test_a_larger_draw_without_strata_holds_the_smaller_one(strata: list[int], places: int) -> None:
    rows = drawn([0] * len(strata))
    small, large = select(rows, places), select(rows, places + 7)
    assert set(small["row"]) <= set(large["row"])


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 40))
def test_groups_are_held_out_whole_and_the_night_stays_bounded(groups: list[int | None], places: int) -> None:
    rows = drawn([0] * len(groups), groups)
    chosen = select(rows, places)
    assert chosen.height <= places
    if any(group is not None for group in groups):
        for group in {group for group in chosen["group"] if group is not None}:
            assert (chosen["group"] == group).sum() == (rows["group"] == group).sum()


@given(st.lists(st.text(max_size=20), max_size=20, unique=True), st.text(max_size=5))
def test_a_rank_is_the_hash_that_the_documents_state(ids: list[str], salt: str) -> None:
    keyed = json.dumps(["nightproof", "row", "m", salt]).encode() + b"\n"
    told = [hashlib.sha256(keyed + each.encode("utf-8", "surrogatepass")).hexdigest()[:16] for each in ids]
    assert [shown(rank) for rank in ranks(pl.Series(ids, dtype=pl.String), model="m", salt=salt)] == told


def test_rows_and_groups_of_one_name_have_different_ranks() -> None:
    ids = pl.Series(["7"])
    found = {
        ranks(ids, model="m", salt="")[0],
        ranks(ids, model="m", salt="x")[0],
        ranks(ids, model="n", salt="")[0],
        ranks(ids, model="m", salt="", what="group")[0],
    }
    assert len(found) == 4


# --- Reading a night --------------------------------------------------------------------------------------


def files(folder: Path, predictions: list[pl.DataFrame], labels: list[pl.DataFrame] = []) -> NightFiles:  # noqa: B006
    paths: dict[str, list[Path]] = {"p": [], "l": []}
    for role, tables in (("p", predictions), ("l", labels)):
        for place, table in enumerate(tables):
            path = folder / f"{role}{place}.parquet"
            table.write_parquet(path)
            paths[role].append(path)
    return NightFiles(tuple(paths["p"]), tuple(paths["l"]))


@pytest.fixture
def night() -> tuple[pl.DataFrame, pl.DataFrame]:
    table = pl.DataFrame({"id": [f"r{i}" for i in range(200)], "y": [i % 3 == 0 for i in range(200)]})
    return table.select("id"), table.with_columns(pl.col("y").cast(pl.Int64))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), cuts=st.lists(st.integers(0, 200), max_size=3))
def test_how_rows_are_spread_over_files_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: list[int]
) -> None:
    table = pl.DataFrame({"id": [f"r{i}" for i in range(200)], "y": [i % 3 == 0 for i in range(200)]})
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=seed)
    ends = [0, *sorted(cuts), 200]
    parts = [shuffled[start:end] for start, end in pairwise(ends)]
    whole = files(tmp_path_factory.mktemp("one"), [table.select("id")], [table])
    split = files(tmp_path_factory.mktemp("many"), [part.select("id") for part in parts], parts[::-1])
    found, again = (select(candidates(each, RULE, "binary")[0], 50) for each in (whole, split))
    assert found.equals(again)
    assert found.height == 50


@pytest.mark.parametrize("kind", [pl.Int64, pl.Int32, pl.Float64, pl.String, pl.UInt16])
def test_the_type_of_an_id_and_of_a_label_changes_nothing(tmp_path: Path, kind: pl.DataType) -> None:
    table = pl.DataFrame({"id": range(50), "y": [i % 2 for i in range(50)]})
    plain = candidates(files(tmp_path, [table]), RULE, "binary")[0]
    typed = table.with_columns(pl.col("id").cast(kind), pl.col("y").cast(kind))
    assert candidates(files(tmp_path, [typed]), RULE, "binary")[0].sort("row").equals(plain.sort("row"))


def test_rows_that_nobody_can_tell_apart_or_label_are_left_out_and_counted(tmp_path: Path) -> None:
    predictions = pl.DataFrame({"id": ["a", "b", "b", None, "c", "d", "e", "f"]})
    labels = pl.DataFrame({"id": ["a", "b", "c", "c", "d", "d", "e", None], "y": [1, 0, 1, 0, 1, 1, 2, 1]})
    found, left_out = candidates(files(tmp_path, [predictions], [labels]), RULE, "binary")
    assert set(found["row"]) == set(ranks(pl.Series(["a", "d"]), model="m", salt=""))
    assert left_out.model_dump() == {"without_id": 1, "id_twice": 2, "unlabelled": 2, "contradictory": 1}


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    rule = RULE.model_copy(update={"strata": ("label", "carrier")})
    with pytest.raises(DataError, match=r"p0\.parquet has no column 'carrier'"):
        candidates(files(tmp_path, [pl.DataFrame({"id": ["a"], "y": [1]})]), rule, "binary")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"broken\.parquet cannot be read"):
        candidates(NightFiles((path,)), RULE, "binary")


def test_a_stratum_has_one_number_on_every_night(tmp_path: Path) -> None:
    first = pl.DataFrame({"id": ["a", "b"], "y": [0, 1]})
    other = pl.DataFrame({"id": ["c", "d", "e"], "y": [1.0, 1.0, 1.0]})
    numbers = [set(candidates(files(tmp_path, [table]), RULE, "binary")[0]["stratum"]) for table in (first, other)]
    assert len(numbers[0]) == 2 and numbers[1] < numbers[0]


def test_an_empty_night_gives_nothing(tmp_path: Path) -> None:
    empty = pl.DataFrame(schema={"id": pl.String, "y": pl.Int64})
    found, _ = candidates(files(tmp_path, [empty]), RULE, "binary")
    assert select(found, 10).is_empty()
