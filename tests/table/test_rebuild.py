"""Rebuilding, checking and compacting: the same rows to the last bit, whoever writes meanwhile."""

from __future__ import annotations

import hashlib
import math
import os
import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from nightproof.errors import RecordError
from nightproof.table.check import check
from nightproof.table.compact import compact, groups
from nightproof.table.delta import MetricsTable
from nightproof.table.files import TableFile
from nightproof.table.fingerprint import digests, fingerprint
from nightproof.table.rebuild import rebuild
from nightproof.table.schema import SCHEMA
from nightproof.table.sync import sync, sync_all


@pytest.fixture
def filled(place, finding):
    """Two models of three nights each, in two months, synced night by night."""
    for night in ("2026-01-30", "2026-01-31", "2026-02-01"):
        for model in ("a", "b"):
            place.publish(model, night, [finding(value=random.Random(f"{model}{night}").random()), finding("brier")])
            sync(place.root().results(model), place.table())
    return place


def test_a_rebuilt_table_is_equal_and_goes_on(filled, finding):
    before = check(filled.root(), filled.table())
    made = rebuild(filled.root(), table := filled.table())
    assert (made.evaluations, made.rows, made.covered) == (6, 12, {"a": 2, "b": 2})
    assert check(filled.root(), filled.table()) == before
    assert before.difference is None and before.of_table == before.of_logs
    filled.publish("a", "2026-02-02", [finding()])
    assert sync(filled.root().results("a"), table) == 1
    assert filled.held() == filled.expected()


def test_a_rebuild_without_a_table_makes_one(place, finding):
    place.publish("a", "2026-01-31", [finding()])
    rebuild(place.root(), place.table())
    assert place.held() == place.expected()


def test_a_rebuild_is_one_version_and_the_old_one_can_still_be_read(filled):
    table = filled.table()
    table.refresh()
    before = table.version
    rebuild(filled.root(), table)
    assert table.version == before + 1
    assert DeltaTable(table._uri, version=before).to_pyarrow_table().num_rows == 12


def overtaken_once(monkeypatch, meanwhile):
    """Do something between the look at the table and the next commit that removes files."""
    commit, todo = MetricsTable._commit, [meanwhile]

    def late(self, *args, **said):
        if said["rebases"] == 0 and todo:
            todo.pop()()
        return commit(self, *args, **said)

    monkeypatch.setattr(MetricsTable, "_commit", late)


@pytest.mark.parametrize("model", ["a", "new"])
def test_what_is_published_during_a_rebuild_is_neither_lost_nor_doubled(filled, finding, monkeypatch, model):
    def publish():
        filled.publish(model, "2026-02-02", [finding()])
        sync(filled.root().results(model), filled.table())

    overtaken_once(monkeypatch, publish)
    rebuild(filled.root(), filled.table())
    sync_all(filled.root(), filled.table())
    assert filled.held() == filled.expected()
    assert check(filled.root(), filled.table()).difference is None


def test_a_compaction_beside_a_rebuild_doubles_nothing(filled, monkeypatch):
    overtaken_once(monkeypatch, lambda: rebuild(filled.root(), filled.table()))
    compact(filled.table())
    assert filled.held() == filled.expected()


def test_a_compaction_beside_publishers_keeps_what_they_wrote(filled, finding, monkeypatch):
    def publish():
        filled.publish("a", "2026-01-31", [finding("ece")])
        sync(filled.root().results("a"), filled.table())

    overtaken_once(monkeypatch, publish)
    assert compact(filled.table()).merged == 6
    assert filled.held() == filled.expected()


def test_a_compaction_makes_few_sorted_files_and_a_second_finds_nothing_to_do(filled):
    before = check(filled.root(), filled.table())
    assert (compact(filled.table()).merged, len(filled.table_files())) == (6, 2)
    version = DeltaTable(filled.table()._uri).version()
    assert compact(filled.table()).merged == 0
    assert DeltaTable(filled.table()._uri).version() == version
    assert check(filled.root(), filled.table()) == before
    for path in filled.table_files():
        rows = pl.read_parquet(path).select("model", "log_number", "ordinal").rows()
        assert rows == sorted(rows)


def test_what_the_table_counts_outlives_compaction_and_clean_up(filled):
    compact(filled.table())
    assert sync(filled.root().results("a"), table := filled.table()) == 0
    assert (table.last("a"), table.last("b"), table.last("c")) == (2, 2, -1)


def test_a_file_that_a_crash_left_is_deleted_once_it_is_old(filled):
    folder = Path(filled.table()._uri, "month=2026-01")
    for name, age_s in (("old.parquet", 30 * 86_400), ("fresh.parquet", 60)):
        (folder / name).write_bytes(b"left")
        told = folder.stat().st_mtime - age_s
        os.utime(folder / name, (told, told))
    assert compact(filled.table()).deleted == 1
    assert (folder / "fresh.parquet").exists() and not (folder / "old.parquet").exists()


def test_groups_are_of_one_month_hold_no_more_than_asked_and_cannot_be_joined_further():
    draw = random.Random(7)
    files = [TableFile(f"{i}", 1, draw.choice(["2026-01", "2026-02"]), draw.randint(1, 120), 0, "") for i in range(60)]
    found = list(groups(files, most_rows=100))
    assert all(len({each.month for each in group}) == 1 and len(group) > 1 for group in found)
    assert all(sum(each.rows for each in group) <= 100 for group in found)
    alone = [[each] for each in files if not any(each in group for group in found)]
    merged = [TableFile(f"m{i}", 1, g[0].month, sum(e.rows for e in g), 0, "") for i, g in enumerate([*found, *alone])]
    assert list(groups(merged, most_rows=100)) == []


WHERE = "model = 'b' AND log_number = 1 AND ordinal = 0"


def test_the_first_difference_is_named(filled):
    value = filled.held()["b", 1, 0]["value"]
    # The least that can be changed, as a person with a notebook might.
    DeltaTable(filled.table()._uri).update(predicate=WHERE, new_values={"value": math.nextafter(value, 1.0)})
    assert filled.held()["b", 1, 0]["value"] == math.nextafter(value, 1.0)
    found = check(filled.root(), filled.table())
    assert "b, log entry 1 (2026-01-31/" in found.difference and "as it was published" in found.difference
    assert found.of_table != found.of_logs
    rebuild(filled.root(), filled.table())
    assert check(filled.root(), filled.table()).difference is None


def test_rows_that_are_missing_added_or_doubled_are_found(filled):
    uri = filled.table()._uri
    DeltaTable(uri).delete("model = 'a' AND log_number = 2")
    assert "a, log entry 2" in check(filled.root(), filled.table()).difference
    rebuild(filled.root(), filled.table())
    rows = DeltaTable(uri).to_pyarrow_table().select(SCHEMA.names)
    for strange, said in (
        (rows.slice(0, 1), "as it was published"),
        (rows.slice(0, 1).set_column(4, "log_number", [[77]]).cast(SCHEMA), "not in the log"),
        (rows.slice(0, 1).set_column(2, "month", [["1999-01"]]), "as it was published"),
    ):
        write_deltalake(uri, strange.cast(SCHEMA), mode="append")
        assert said in check(filled.root(), filled.table()).difference
        rebuild(filled.root(), filled.table())
    assert check(filled.root(), filled.table()).difference is None


def test_a_count_that_is_wrong_is_found(filled):
    table = DeltaTable(filled.table()._uri)
    rows = table.to_pyarrow_table().slice(0, 0)
    said = CommitProperties(app_transactions=[Transaction("a", 50)])
    write_deltalake(table, rows, mode="append", commit_properties=said)
    assert "holds entries up to 50" in check(filled.root(), filled.table()).difference
    rebuild(filled.root(), filled.table())
    assert check(filled.root(), filled.table()).difference is None


def test_what_the_table_has_not_yet_is_named(filled, finding):
    filled.publish("a", "2026-02-02", [finding()])
    assert "a, log entry 3" in check(filled.root(), filled.table()).difference
    sync_all(filled.root(), filled.table())
    assert check(filled.root(), filled.table()).difference is None


def test_a_rebuild_on_a_broken_record_leaves_the_table_as_it_is(filled):
    held = filled.held()
    next(Path("/", filled.prefix, "b").rglob("findings.json")).write_bytes(b"[]")
    with pytest.raises(RecordError, match="not what was published"):
        rebuild(filled.root(), filled.table())
    assert filled.held() == held


def test_a_model_without_a_config_is_rebuilt_from_its_log_alone(filled):
    assert filled.root().models() == ["a", "b"]
    Path("/", filled.prefix, "fleet", "digests").mkdir(parents=True)
    assert filled.root().models() == ["a", "b"]


def test_the_fingerprint_does_not_hang_on_the_order_of_rows_or_files(filled):
    table = filled.table()
    table.refresh()
    rows = table.rows()
    shuffled = rows.take(random.Random(3).sample(range(rows.num_rows), rows.num_rows))
    assert digests(rows) == digests(shuffled)
    lines = [f"{model}\t{number}\t{told}\n" for (model, number), told in sorted(digests(rows).items())]
    assert fingerprint(digests(rows)) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_digest_tells_zeros_nulls_and_texts_apart(filled):
    table = filled.table()
    table.refresh()
    row = table.rows().sort_by("model").slice(0, 1)
    told = set()
    for name, values in (("value", [0.0, -0.0, None, 5e-324]), ("column", [None, "", "a"]), ("reason", ["a", "ab"])):
        place = SCHEMA.get_field_index(name)
        for value in values:
            told |= set(
                digests(
                    row.set_column(place, SCHEMA.field(name), [pa.array([value], SCHEMA.field(name).type)])
                ).values()
            )
    assert len(told) == 9


def test_memory_is_bounded_by_the_rows_of_a_merge(filled, monkeypatch):
    monkeypatch.setattr("nightproof.table.compact.groups", lambda files: groups(files, most_rows=4))
    compact(filled.table())
    assert len(filled.table_files()) == 3
    assert filled.held() == filled.expected()


def test_findings_that_retention_has_deleted_leave_a_row_that_says_so(filled):
    root = filled.root()
    results = root.results("a")
    gone = results.log.entries()[1]
    results.store.delete(f"{results.folder}{gone.night}/{gone.evaluation_id}/findings.json")
    made = rebuild(filled.root(), filled.table())
    assert (made.evaluations, made.rows) == (6, 11)
    rows = DeltaTable(filled.table()._uri).to_pyarrow_table().to_pylist()
    [row] = [row for row in rows if row["model"] == "a" and row["log_number"] == 1]
    assert row["ordinal"] == -1
    assert "no longer in the record" in row["reason"]
