"""The table is the union of what was published, whatever happened on the way."""

from __future__ import annotations

import contextlib
import math
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.errors import RecordError, StoreUnavailable, TableError
from nightproof.storage import MemoryStore
from nightproof.table import table_at
from nightproof.table.compact import compact
from nightproof.table.delta import MetricsTable
from nightproof.table.rebuild import rebuild
from nightproof.table.schema import SCHEMA, VERSION_KEY
from nightproof.table.sync import sync, sync_all

NIGHTS = ["2026-01-30", "2026-01-31", "2026-02-01"]
NUMBERS = (
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 5e-324, 1e308, 0.1 + 0.2])
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PAIRS = st.none() | st.tuples(st.floats(-9, 9), st.floats(-9, 9)).map(list)


def findings_of(finding):
    return st.lists(
        st.builds(
            finding,
            metric=TEXTS,
            column=st.none() | TEXTS,
            segment=st.dictionaries(TEXTS, TEXTS, max_size=3),
            window=st.integers(1, 400),
            value=NUMBERS,
            interval=PAIRS,
            delta_interval=PAIRS,
            n=st.integers(0, 2**62),
            p_value=NUMBERS,
            reason=TEXTS,
        ),
        max_size=4,
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "publish",
                "publish",
                "publish",
                "sync",
                "die",
                "die written",
                "die before",
                "die after",
                "rebuild",
                "compact",
            ]
        ),
        st.sampled_from(["a", "b-2"]),
    ),
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, data=st.data())
def test_rows_are_the_union_of_what_was_published_whatever_dies(steps, data, places, failing, finding):
    with tempfile.TemporaryDirectory() as folder:
        place = places(Path(folder))
        for what, model in [*steps, ("publish", "a")]:
            if what == "publish":
                place.publish(model, data.draw(st.sampled_from(NIGHTS)), data.draw(findings_of(finding)))
            else:
                act(place, what, model, failing)
        sync_all(place.root(), place.table())
        assert exactly(place.held()) == exactly(place.expected())


def act(place, what, model, failing):
    table, results = place.table(), place.root().results(model)
    if what == "rebuild":
        rebuild(place.root(), table)
    elif what == "compact":
        compact(table)
    elif what == "sync":
        sync(results, table)
    elif what in ("die", "die written"):
        table.store = failing(place.store, fails=0, written=what.endswith("written"))
        dies(results, table)
    else:
        commit = table._commit

        def dying(*args, **said):
            if what == "die after":
                commit(*args, **said)
            raise KeyboardInterrupt

        table._commit = dying
        dies(results, table)


def dies(results, table):
    with contextlib.suppress(KeyboardInterrupt, StoreUnavailable):
        sync(results, table)


def exactly(rows):
    """With floats by their bits: -0.0 is not 0.0, and an int is as good as the float that it is."""

    def told(value):
        if isinstance(value, float):
            return value.hex()
        return [told(each) for each in value] if isinstance(value, list) else value

    return {key: {name: told(value) for name, value in row.items()} for key, row in rows.items()}


def test_every_field_of_a_finding_has_its_columns():
    columns = set(SCHEMA.names) | {"interval", "delta_interval"}
    assert set(Finding.model_fields) <= columns


def test_a_row_says_when_it_was_measured_and_what_was_known(place, finding):
    place.publish("a", "2026-01-31", [finding()], labels="provisional")
    place.publish("a", "2026-01-31", [finding(value=0.5)])
    sync(place.root().results("a"), place.table())
    first, second = rows_of(place)
    assert (str(first["night"]), first["month"]) == ("2026-01-31", "2026-01")
    assert first["known_at"].isoformat() == "2026-02-01T04:00:00+00:00"
    assert first["evaluated_at"].isoformat() == "2026-02-01T05:00:00+00:00"
    assert (first["labels"], first["supersedes"], first["model_version"]) == ("provisional", None, "v2")
    assert (second["labels"], second["supersedes"]) == ("final", first["evaluation_id"])
    assert first["reference"] == "baseline"


def rows_of(place):
    frame = pl.read_delta(place.table()._uri)
    return frame.sort("model", "log_number", "ordinal").to_dicts()


def test_a_quarantined_night_has_one_row_that_says_so(place):
    place.publish("a", "2026-01-31", [], status="quarantined")
    sync(place.root().results("a"), place.table())
    [row] = rows_of(place)
    assert (row["ordinal"], row["status"], row["status_of_night"]) == (-1, "quarantined", "quarantined")
    assert "quarantined" in row["reason"]
    assert row["metric"] is None and row["value"] is None


def test_syncing_again_changes_nothing(place, finding):
    place.publish("a", "2026-01-31", [finding()])
    assert sync(place.root().results("a"), place.table()) == 1
    table = place.table()
    assert sync(place.root().results("a"), table) == 0
    assert table.version == 1


def test_an_empty_log_makes_an_empty_table(place):
    table = place.table()
    assert sync(place.root().results("nobody"), table) == 0
    assert (table.version, table.last("nobody"), rows_of(place)) == (0, -1, [])


def test_many_evaluations_are_one_commit(place, finding):
    for number in range(5):
        place.publish("a", NIGHTS[number % 3], [finding(value=float(number))])
    table = place.table()
    assert sync(place.root().results("a"), table) == 5
    table.refresh()
    assert (table.version, table.last("a")) == (1, 4)


def test_memory_has_no_table():
    assert table_at("memory://x/results/", lambda root: MemoryStore("x")) is None


def test_a_file_that_is_not_what_was_published_stays_out(place, finding):
    place.publish("a", "2026-01-31", [finding()])
    path = next(Path("/", place.prefix).rglob("findings.json"))
    path.write_bytes(path.read_bytes().replace(b"0.8125", b"0.9999"))
    with pytest.raises(RecordError, match=r"findings\.json is not what was published"):
        sync(place.root().results("a"), place.table())


def test_one_models_broken_chain_keeps_no_other_from_the_table(place, finding):
    for model in ("a", "b", "c"):
        place.publish(model, "2026-01-31", [finding()])
    next(Path("/", place.prefix, "b").rglob("manifest.json")).write_text("{}")
    with pytest.raises(RecordError, match="/b/"):
        sync_all(place.root(), place.table())
    assert {row["model"] for row in rows_of(place)} == {"a", "c"}


def test_a_field_of_a_later_version_is_refused_not_dropped(place, finding):
    place.publish("a", "2026-01-31", [finding(luck=1.0)])
    with pytest.raises(RecordError, match="luck, which this version does not know"):
        sync(place.root().results("a"), place.table())


def test_a_table_of_a_newer_version_is_left_alone(place, finding):
    place.publish("a", "2026-01-31", [finding()])
    sync(place.root().results("a"), place.table())
    [first] = Path("/", place.prefix).rglob("_delta_log/00000000000000000000.json")
    first.write_text(first.read_text().replace(f'"{VERSION_KEY}":"1"', f'"{VERSION_KEY}":"2"'))
    place.publish("a", "2026-02-01", [finding()])
    for act in (lambda: sync(place.root().results("a"), place.table()), lambda: rebuild(place.root(), place.table())):
        with pytest.raises(TableError, match="newer Nightproof"):
            act()
    first.write_text(first.read_text().replace('"minReaderVersion":1', '"minReaderVersion":99'))
    with pytest.raises(TableError, match="cannot be read"):
        sync(place.root().results("a"), place.table())


def test_somebody_elses_table_is_left_alone(place, finding):
    from deltalake import write_deltalake

    place.publish("a", "2026-01-31", [finding()])
    write_deltalake(place.table()._uri, pl.DataFrame({"x": [1]}))
    with pytest.raises(TableError, match="not Nightproof's"):
        sync(place.root().results("a"), place.table())


def test_an_unreadable_log_of_the_table_is_told_with_what_to_do(place, finding):
    place.publish("a", "2026-01-31", [finding()])
    sync(place.root().results("a"), place.table())
    for path in Path("/", place.prefix).rglob("_delta_log/*.json"):
        path.write_text("garbage")
    with pytest.raises(TableError, match=r"cannot be read.*move that folder away.*table rebuild") as told:
        sync(place.root().results("a"), place.table())
    assert "\n" not in str(told.value)


def test_keys_stay_out_of_error_texts():
    from nightproof.table.delta import _explanation

    options = {"aws_secret_access_key": "hush-hush", "aws_session_token": "", "aws_region": "us-east-1"}
    told = _explanation(OSError("odd: hush-hush was sent\n   0: <unknown>"), "The table cannot be read", options)
    assert "hush" not in str(told) and "odd: ***" in str(told) and "unknown" not in str(told)


def test_a_night_is_published_though_its_table_is_broken(folder, caplog):
    folder.night("2026-01-30")
    folder.night("2026-01-31")
    folder.evaluate("2026-01-30")
    table = folder.resources().table(folder.config())
    assert isinstance(table, MetricsTable)
    for path in Path(table._uri).glob("_delta_log/*.json"):
        path.write_text("garbage")
    folder.evaluate("2026-01-31")
    assert len(folder.model_results().log.entries()) == 2
    assert "not yet in the metrics table" in caplog.text


def test_a_night_goes_into_the_table_with_its_publication(folder):
    folder.night("2026-01-30")
    evaluation = folder.evaluate("2026-01-30")
    frame = pl.read_delta(folder.resources().table(folder.config())._uri)
    assert frame.height == len(evaluation.findings)
    assert math.fsum(frame["n"]) == math.fsum(found.n for found in evaluation.findings)
