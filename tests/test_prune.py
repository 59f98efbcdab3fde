"""Pruning: what the rule no longer keeps is noted, then deleted; everything else stays, and the chain is whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightproof.config import load_config
from nightproof.errors import AccessRefused, ConfigError, RecordError, StoreUnavailable
from nightproof.history import History
from nightproof.manifest import PRUNABLE
from nightproof.night import Night
from nightproof.policy import judge_again
from nightproof.prune import KINDS, prune, read_notes, when_pruned
from nightproof.record_sections import LEAST_DAYS
from nightproof.results import ModelResults
from nightproof.series import LOOKED_BACK
from nightproof.storing import stored
from nightproof.verify import verify

KEEP = {"record": {"keep": {"reports": "30d", "findings": "130d", "profiles": "400d"}}}
SOON, LATER = timedelta(days=31), timedelta(days=131)
NIGHTS = ("2024-03-01", "2024-03-02")


@pytest.fixture
def published(bench: Any) -> Any:
    """Two nights, with something in place of their reports; the config keeps as ``KEEP`` says."""
    config = bench.config(**KEEP)
    for night in NIGHTS:
        bench.night(night)
        evaluation = bench.evaluate(night, config, left_out=("validate",))
        assert evaluation.id
    return config


@pytest.fixture(autouse=True)
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report takes seconds to draw, and here only its name counts."""
    from nightproof.report import RenderedReport

    monkeypatch.setattr("nightproof.pipeline.render", lambda _: RenderedReport(json=b"{}\n", html=b"<p>"))


def now(after: timedelta = timedelta()) -> datetime:
    return datetime.now(UTC) + after


def names(bench: Any) -> set[str]:
    return {name.rsplit("/", 1)[-1] for name in bench.objects() if name.startswith("2024")}


def test_the_kinds_are_all_that_may_be_deleted_and_nothing_else() -> None:
    assert {name for names in KINDS.values() for name in names} == PRUNABLE
    assert timedelta(days=LEAST_DAYS) >= timedelta(days=LOOKED_BACK)


def test_nothing_is_deleted_before_its_time_or_by_default(bench: Any, published: Any) -> None:
    before = bench.objects()
    results = bench.model_results(published)
    assert prune(published, results, now=now()).files == ()
    assert prune(bench.config(), results, now=now(timedelta(days=9000))).rule == ""
    assert bench.objects() == before


def test_what_is_due_is_noted_and_deleted_and_the_rest_stays(bench: Any, published: Any) -> None:
    before = bench.objects()
    found = prune(published, bench.model_results(published), now=now(SOON))
    after = bench.objects()
    gone = set(before) - set(after)
    assert {name.rsplit("/", 1)[-1] for name in gone} == {"report.json", "report.html.gz"}
    assert set(after) - set(before) == {"pruned/000000000.json"}
    assert {f"{f.night}/{f.evaluation_id}/{f.name}" for f in found.files} == gone
    assert found.freed_bytes == sum(len(before[name]) for name in gone) and found.note == 0
    note = json.loads(after["pruned/000000000.json"])
    for file in note["files"]:
        manifest = json.loads(after[f"{file['night']}/{file['evaluation_id']}/manifest.json"])
        assert manifest["files"][file["name"]]["sha256"] == file["sha256"]
    assert verify(bench.model_results(published), deep=True).is_whole


def test_notes_are_a_chain_and_a_second_run_finds_nothing(bench: Any, published: Any) -> None:
    results = bench.model_results(published)
    prune(published, results, now=now(SOON))
    assert prune(published, results, now=now(SOON)).files == ()
    later = prune(published, results, now=now(LATER))
    assert {file.name for file in later.files} == {"findings.json", "readings.json"} and later.note == 1
    assert [note.number for note in read_notes(results)] == [0, 1]
    kept = {"snapshot.json", "validation.json", "history.json", "profile.parquet", "verdict.json", "manifest.json"}
    assert names(bench) == kept
    assert verify(bench.model_results(published), deep=True).is_whole


def test_a_dry_run_says_the_same_and_does_nothing(bench: Any, published: Any) -> None:
    before, results = bench.objects(), bench.model_results(published)
    said = prune(published, results, now=now(SOON), dry_run=True)
    assert bench.objects() == before and said.note is None
    told = stored(published, results, now=now(SOON))
    assert told.pruned == said and told.total == sum(map(len, before.values()))
    done = prune(published, results, now=now(SOON))
    assert (done.files, done.freed) == (said.files, said.freed)


def test_a_crash_after_the_note_is_completed_by_the_next_run(
    bench: Any, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = bench.model_results(published)

    def fails(key: str) -> None:
        raise StoreUnavailable("The power went.")

    with monkeypatch.context() as patch:
        patch.setattr(results.store, "delete", fails)
        with pytest.raises(StoreUnavailable):
            prune(published, results, now=now(SOON))
    assert "report.json" in names(bench) and len(read_notes(results)) == 1
    assert verify(bench.model_results(published), deep=True).is_whole
    prune(published, bench.model_results(published), now=now(SOON))
    assert "report.json" not in names(bench) and len(read_notes(results)) == 1


def test_two_runs_at_once_leave_one_chain_of_notes(bench: Any, published: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results, other = bench.model_results(published), bench.model_results(published)
    create, raced = results.store.create, []

    def slowly(key: str, content: bytes, **more: Any) -> None:
        if "pruned/" in key and not raced:
            raced.append(key)
            prune(published, other, now=now(SOON))
        create(key, content, **more)

    monkeypatch.setattr(results.store, "create", slowly)
    assert prune(published, results, now=now(LATER)).note == 1
    noted = [(f.evaluation_id, f.name) for note in read_notes(results) for f in note.files]
    assert len(noted) == len(set(noted)) == 8
    assert verify(bench.model_results(published), deep=True).is_whole


def test_what_the_store_refuses_to_let_go_is_told(bench: Any, published: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results = bench.model_results(published)

    def refuses(key: str) -> None:
        raise AccessRefused("locked")

    monkeypatch.setattr(results.store, "delete", refuses)
    assert len(prune(published, results, now=now(SOON)).locked) == 4


def test_what_object_lock_holds_is_not_touched(bench: Any, published: Any) -> None:
    locked = bench.config(record={**KEEP["record"], "lock": {"retain": "200d"}})
    bench.night("2024-03-03")
    # Stores in memory lock nothing: what counts is the config that the manifest holds.
    bench.evaluate("2024-03-03", locked, left_out=("validate",))
    found = prune(locked, bench.model_results(published), now=now(SOON))
    assert {file.night for file in found.files} == set(NIGHTS)
    assert {name.split("/")[0] for name in found.locked} == {"2024-03-03"}


def test_a_manifest_that_is_not_the_logs_ends_it_before_anything_is_deleted(bench: Any, published: Any) -> None:
    [name] = [name for name in bench.objects() if name.startswith("2024-03-01") and name.endswith("manifest.json")]
    results = bench.model_results(published)
    results.store.put(results.folder + name, bench.objects()[name].replace(b'"ok"', b'"watch"') + b" ")
    before = bench.objects()
    with pytest.raises(RecordError, match="nightproof verify"):
        prune(published, bench.model_results(published), now=now(SOON))
    assert bench.objects() == before


def test_leftovers_of_a_week_are_deleted_and_younger_ones_and_sealed_ones_stay(bench: Any, published: Any) -> None:
    results = bench.model_results(published)
    for name in (
        "scratch/abc/drift.json",
        "2024-03-09/abc/snapshot.json",
        "alerts/performance-2024-03-01/opened.sent.json",
    ):
        results.store.create(results.folder + name, b"{}\n", content_type="application/json")
    plain = bench.config()
    assert prune(plain, results, now=now(timedelta(days=6))).leftovers == ()
    found = prune(plain, results, now=now(timedelta(days=8)))
    assert set(found.leftovers) == {"scratch/abc/drift.json", "2024-03-09/abc/snapshot.json"}
    assert set(found.freed) == {"scratch", "unsealed"}
    assert not set(found.leftovers) & set(bench.objects()) and "pruned/000000000.json" not in bench.objects()


def test_who_reads_what_was_pruned_copes(bench: Any, published: Any) -> None:
    prune(published, bench.model_results(published), now=now(LATER))
    results = bench.model_results(published)
    entry = results.log.latest()[NIGHTS[0]]
    note = when_pruned(results, entry, "report.html.gz")
    assert note is not None and "reports are kept for 30d" in note.rule
    assert when_pruned(results, entry, "verdict.json") is None
    assert [judged.night for judged in judge_again(published, results)] == list(NIGHTS)
    assert History.before(Night.parse("2024-03-03"), results).readings() == []
    bench.night("2024-03-03")
    assert bench.evaluate("2024-03-03", published).verdict.status


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ({"findings": "30d"}, "118 nights"),
        ({"profiles": "124d"}, "at least 125d"),
        ({"reports": "0d"}, "at least 1d"),
        ({"reports": "3 weeks"}, "12h or 1d"),
    ],
)
def test_a_retention_that_is_shorter_than_decisions_need_is_refused(
    bench: Any, keep: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        bench.config(record={"keep": keep})


def test_a_long_window_or_late_labels_need_a_longer_retention(bench: Any) -> None:
    keep = {"keep": {"findings": "200d"}}
    bench.config(record=keep)
    with pytest.raises(ConfigError, match="longest window is 300 nights"):
        bench.config(record=keep, windows=[1, 300])
    data = {"predictions": bench.logs + "predictions/dt=%Y-%m-%d/", "reference": bench.logs + "reference/"}
    with pytest.raises(ConfigError, match="labels may come for 90d"):
        bench.config(record=keep, data={**data, "label_maturity": "90d"})


def test_the_fleets_retention_lies_beneath_every_models(bench: Any) -> None:
    bench.config()
    path = bench.models / "quiet.yaml"
    (bench.models.parent / "fleet.yaml").write_text(
        "record:\n  keep: {reports: 30d, findings: 365d}\n  lock: {retain: 30d}\n", "utf-8"
    )
    keep = load_config(path).record.keep
    assert (keep.reports, keep.findings, keep.profiles) == (timedelta(days=30), timedelta(days=365), None)
    own = bench.config(record={"keep": {"reports": "60d"}, "lock": None}).record
    assert (own.keep.reports, own.keep.findings, own.lock) == (timedelta(days=60), timedelta(days=365), None)


def test_on_a_folder_files_are_gone_for_good(folder: Any) -> None:
    config = folder.config(**KEEP)
    folder.night("2024-03-01")
    folder.evaluate("2024-03-01", config, left_out=("validate",))
    results: ModelResults = folder.model_results(config)
    assert len(prune(config, results, now=now(SOON)).files) == 2
    assert not [name for name in folder.objects() if "report" in name]
    assert verify(folder.model_results(config), deep=True).is_whole
