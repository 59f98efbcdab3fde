"""Which ids are equal: against Polars' own joins and groups on the ids themselves."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from nightproof.expectations.identities import Identities, first_rows, identities, match

IDS = st.lists(st.one_of(st.none(), st.integers(-5, 30).map(str), st.text(max_size=3)), max_size=60)


def taken(ids: list[str | None], piece: int) -> Identities:
    column = pl.Series(ids, dtype=pl.String)
    return identities((column[start : start + piece] for start in range(0, len(ids), piece)), len(ids))


@given(IDS, st.integers(1, 70))
def test_the_first_row_of_an_id(ids: list[str | None], piece: int) -> None:
    rows = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)}).with_row_index("row")
    same = rows.select(pl.when(pl.col("id").is_not_null()).then(pl.col("row").first().over("id")))["row"]
    assert first_rows(taken(ids, piece)).to_list() == same.to_list()


@given(IDS, IDS, st.integers(1, 70))
def test_a_match_is_a_left_join_with_the_first(ids: list[str | None], others: list[str | None], piece: int) -> None:
    left = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)})
    right = pl.DataFrame({"id": pl.Series(others, dtype=pl.String)}).with_row_index("row")
    joined = left.join(right.unique("id", keep="first"), on="id", how="left", maintain_order="left")
    assert match(taken(ids, piece), taken(others, piece)).to_list() == joined["row"].to_list()


def test_numbers_are_known_by_their_text() -> None:
    numbers = pl.Series([2**53, 2**53 + 1, None, -1])
    texts = pl.Series(["-1", str(2**53 + 1)])
    found = match(identities([numbers], 4), identities([texts], 2))
    assert found.to_list() == [None, 1, None, 0]


def test_a_hundred_thousand_ids_that_differ_little_are_all_different() -> None:
    ids = pl.Series([f"0f8fad5b-d9cb-469f-a165-{number:012d}" for number in range(100_000)])
    assert first_rows(identities([ids], len(ids))).to_list() == list(range(len(ids)))
