"""Versions: what makes one, what does not, and what a revised, added or vanished night changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nightproof.errors import ConfigError, RecordError
from nightproof.holdout import Update, Versions, read, read_rows, update
from nightproof.holdout.materialise import NIGHT, ROW
from nightproof.results import ModelResults


def versions(bench: Any) -> Versions:
    return Versions(ModelResults.of(bench.config(), bench.open_store))


def parts(bench: Any, done: Update) -> dict[str, list[int]]:
    """Ranks by night."""
    assert done.version is not None
    table = versions(bench).hashes(done.version)
    return {str(key[0]): part["row"].to_list() for key, part in table.partition_by("night", as_dict=True).items()}


def test_the_same_nights_are_the_same_version(bench: Any, published: Any) -> None:
    config = published()
    first = update(config, bench.resources())
    before = bench.objects("holdout/")
    again = update(config, bench.resources(cache="another-worker"))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version == first.version
    assert bench.objects("holdout/") == before
    assert first.version is not None and first.version.rows == 120
    assert set(before) == {"holdout/000000000.json", f"holdout/{first.version.hashes_name}"}


def test_adding_a_night_changes_nothing_of_the_others(bench: Any, published: Any) -> None:
    config = published()
    first = parts(bench, update(config, bench.resources()))
    published(["2024-03-04"])
    done = update(config, bench.resources())
    second = parts(bench, done)
    assert set(second) - set(first) == {"2024-03-04"}
    assert {night: second[night] for night in first} == first
    assert [v.number for v in versions(bench).chain()] == [0, 1]


def test_a_version_names_its_parent_and_the_log_that_it_stood_on(bench: Any, published: Any) -> None:
    import hashlib

    config = published()
    update(config, bench.resources())
    published(["2024-03-04"])
    done = update(config, bench.resources())
    assert done.version is not None and done.version.log_head is not None
    objects = bench.objects()
    assert done.version.parent_sha256 == hashlib.sha256(objects["holdout/000000000.json"]).hexdigest()
    assert done.version.log_head.number == 3
    assert done.version.log_head.sha256 == hashlib.sha256(objects["log/000000003.json"]).hexdigest()


def test_the_oldest_nights_leave_first_and_as_a_whole(bench: Any, published: Any) -> None:
    config = published(rows=100)
    done = update(config, bench.resources())
    assert done.version is not None
    assert [night.night for night in done.version.nights] == ["2024-03-02", "2024-03-03"]
    assert done.version.rows == 80


def test_a_revised_night_gives_its_new_rows_and_the_others_stay(bench: Any, published: Any) -> None:
    config = published()
    first = parts(bench, update(config, bench.resources()))
    night = bench.night("2024-03-02", count=300)
    flipped = night.select("id", label=1 - pl.col("label"))
    bench.write("2024-03-02", night.drop("label"), flipped)
    bench.evaluate("2024-03-02", config)
    done = update(config, bench.resources())
    second = parts(bench, done)
    assert done.is_new and done.version is not None
    assert {n: second[n] for n in ("2024-03-01", "2024-03-03")} == {n: first[n] for n in ("2024-03-01", "2024-03-03")}
    rows = read_rows(config, bench.resources()).table.filter(pl.col(NIGHT) == "2024-03-02")
    assert rows.join(flipped, on=["id", "label"]).height == rows.height == 40


def test_only_final_nights_that_were_not_quarantined_count(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"])
    data = {**config.data.model_dump(mode="json", exclude_none=True), "label_maturity": "30000d"}
    immature = bench.config(holdout={"per_night": 40}, data=data)
    bench.night("2024-03-02")
    bench.evaluate("2024-03-02", immature)
    bench.night("2024-03-03", count=20)
    strict = bench.config(holdout={"per_night": 40}, validate={"min_rows": 100})
    bench.evaluate("2024-03-03", strict, left_out=["report"])
    done = update(config, bench.resources())
    assert done.version is not None
    assert [night.night for night in done.version.nights] == ["2024-03-01"]
    assert (done.provisional, done.quarantined) == (1, 1)


def test_before_any_night_is_final_there_is_no_version(bench: Any) -> None:
    config = bench.config(holdout={"per_night": 40})
    assert update(config, bench.resources()).version is None
    assert bench.objects("holdout/") == {}
    with pytest.raises(RecordError, match="nightproof holdout update quiet"):
        read(config, bench.resources())


@pytest.mark.parametrize("change", [{"salt": "another"}, {"stratify": ["label", "group"]}, {"stratify": []}])
def test_another_rule_is_another_lineage_and_says_what_changed(bench: Any, published: Any, change: Any) -> None:
    config = published(["2024-03-01"])
    first = update(config, bench.resources())
    other = update(bench.config(holdout={"per_night": 40, "rows": 1000, **change}), bench.resources())
    assert first.version is not None and other.version is not None and other.is_new
    assert other.version.lineage != first.version.lineage
    assert other.version.lineage_since == 1
    assert ("salt was ''" if "salt" in change else "strata was ('label',)") in other.new_lineage


def test_another_bound_is_the_same_sample_cut_elsewhere(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"], stratify=[])
    small = parts(bench, update(config, bench.resources()))
    done = update(bench.config(holdout={"per_night": 90, "rows": 1000, "stratify": []}), bench.resources())
    large = parts(bench, done)
    assert done.new_lineage == "" and done.version is not None and done.version.lineage_since == 0
    assert set(small["2024-03-01"]) < set(large["2024-03-01"])


def test_a_small_night_gives_all_its_rows(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"], count=25)
    done = update(config, bench.resources())
    assert done.version is not None and (done.version.rows, done.version.nights[0].candidates) == (25, 25)


def test_writers_at_once_leave_one_chain(bench: Any, published: Any) -> None:
    config = published()
    done: list[Update] = []
    workers = [
        threading.Thread(target=lambda w=w: done.append(update(config, bench.resources(cache=f"w{w}"))))
        for w in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(each.is_new for each in done) == 1
    assert [version.number for version in versions(bench).chain()] == [0]


def test_a_crash_before_the_number_is_claimed_leaves_no_version(bench: Any, published: Any, failing: Any) -> None:
    from nightproof.errors import StoreUnavailable

    config = published(["2024-03-01"])
    root = "s3://ml-results"
    breaking = failing(bench.open_store(root), fails=1)
    stores = {"s3://ml-logs": bench.open_store("s3://ml-logs"), root: breaking}
    stores["memory://ml-logs"] = stores["s3://ml-logs"]
    with pytest.raises(StoreUnavailable):
        update(config, bench.resources(stores.__getitem__))
    assert versions(bench).numbers() == []
    assert update(config, bench.resources()).is_new


def test_the_record_holds_no_value_of_a_row(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"], stratify=["label", "group"])
    update(config, bench.resources())
    rows = read_rows(config, bench.resources()).table
    written = b"".join(bench.objects("holdout/").values())
    assert not [found for found in rows["id"].to_list() if found.encode() in written]


def test_a_hash_file_that_was_changed_is_refused(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"])
    done = update(config, bench.resources())
    assert done.version is not None
    store = bench.model_results().store
    key = f"{bench.model_results().folder}holdout/{done.version.hashes_name}"
    store.put(key, store.read(key) + b" ")
    with pytest.raises(RecordError, match="has been changed"):
        read(config, bench.resources())


def test_a_model_without_a_holdout_says_how_to_have_one(bench: Any) -> None:
    with pytest.raises(ConfigError, match="add the section holdout"):
        update(bench.config(), bench.resources())


# --- Rows -------------------------------------------------------------------------------------------------


def test_rows_come_with_label_night_and_hash_as_they_were_logged(bench: Any, published: Any) -> None:
    config = published()
    done = update(config, bench.resources())
    table = read(config, bench.resources(cache="trainer"))
    rows = pl.DataFrame(table)
    assert rows.height == 120
    logged = pl.concat([bench.night(night, count=300) for night in ("2024-03-01", "2024-03-02", "2024-03-03")])
    assert rows.join(logged, on=logged.columns).height == 120
    assert rows.equals(rows.sort(NIGHT, ROW))
    assert {int(each, 16) for each in rows[ROW]} == {rank for part in parts(bench, done).values() for rank in part}
    assert rows["label"].dtype == pl.Int8


def test_strata_keep_the_mix_of_their_night(bench: Any, published: Any) -> None:
    config = published(["2024-03-01"], stratify=["label", "group"])
    update(config, bench.resources())
    night = bench.night("2024-03-01", count=300)
    held = read_rows(config, bench.resources()).table.group_by("label", "group").len("held")
    both = night.group_by("label", "group").len("all").join(held, on=["label", "group"])
    assert ((both["held"] - both["all"] * 40 / 300).abs() < 1).all()


def test_a_deleted_persons_rows_vanish_from_the_next_materialisation(bench: Any, published: Any) -> None:
    config = published()
    update(config, bench.resources())
    rows = read_rows(config, bench.resources()).table
    gone = rows.filter(pl.col(NIGHT) == "2024-03-02")["id"][0]
    night = bench.night("2024-03-02", count=300)
    kept = night.filter(pl.col("id") != gone)
    bench.write("2024-03-02", kept.drop("label"), kept.select("id", "label"))
    # Whether or not this machine still has the old bytes in its cache.
    warm = read_rows(config, bench.resources())
    assert gone not in warm.table["id"] and warm.erased == {"2024-03-02": 1}
    assert warm.table.height == 119
    cold = read_rows(config, bench.resources(cache="another-worker"))
    assert gone not in cold.table["id"]
    assert cold.gone == {"2024-03-02": 40}
    # Once the night is evaluated again, the next version stands on the data that is left.
    bench.evaluate("2024-03-02", config)
    done = update(config, bench.resources())
    again = read_rows(config, bench.resources(cache="another-worker"))
    assert done.is_new and gone not in again.table["id"] and again.table.height == 120


def test_a_night_whose_data_is_gone_is_counted_and_the_rest_is_read(folder: Any) -> None:
    config = folder.config(holdout={"per_night": 40})
    for night in ("2024-03-01", "2024-03-02"):
        folder.night(night)
        folder.evaluate(night, config)
    update(config, folder.resources())
    for path in Path(folder.logs.removeprefix("file://")).rglob("*dt=2024-03-01/*.parquet"):
        path.unlink()
    found = read_rows(config, folder.resources(cache="another-worker"))
    assert found.gone == {"2024-03-01": 40} and found.table.height == 40
    warm = read_rows(config, folder.resources())
    assert warm.table.height == 40 and warm.erased == {"2024-03-01": 40}
    # It stays in the next version by its reference, and is not read again for it.
    assert not update(config, folder.resources(cache="another-worker")).is_new


def test_a_night_that_cannot_be_read_any_more_is_left_out_and_said(folder: Any) -> None:
    config = folder.config(holdout={"per_night": 40})
    for night in ("2024-03-01", "2024-03-02"):
        folder.night(night)
        folder.evaluate(night, config)
    for path in Path(folder.logs.removeprefix("file://")).rglob("*dt=2024-03-01/*.parquet"):
        path.unlink()
    done = update(config, folder.resources(cache="another-worker"))
    assert set(done.unreadable) == {"2024-03-01"}
    assert done.version is not None and [n.night for n in done.version.nights] == ["2024-03-02"]


def test_types_that_differ_between_nights_come_together(bench: Any) -> None:
    config = bench.config(holdout={"per_night": 20})
    first, second = bench.night("2024-03-01"), bench.night("2024-03-02")
    extra = first.with_columns(extra=pl.lit(7), code=pl.lit(5))
    bench.write("2024-03-01", extra.drop("label"), first.select("id", "label"))
    other = second.with_columns(extra=pl.lit(7.5), code=pl.lit("x"))
    bench.write("2024-03-02", other.drop("label"), second.select("id", pl.col("label").cast(pl.Float64)))
    for night in ("2024-03-01", "2024-03-02"):
        bench.evaluate(night, config)
    update(config, bench.resources())
    rows = read_rows(config, bench.resources()).table
    assert rows.height == 40
    assert set(rows["code"]) == {"5", "x"} and set(rows["extra"]) == {7.0, 7.5}
