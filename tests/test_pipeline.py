"""A night end to end: what it leaves, that a repetition changes nothing, and that a crash costs nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import polars as pl
import pytest
from nightproof.errors import DataError, PartitionMissing, RecordError, StoreUnavailable
from nightproof.manifest import LogEntry, Manifest
from nightproof.night import Night
from nightproof.pipeline import evaluate, is_published, publish_night, pull_night, read_evaluation
from nightproof.storage import MemoryStore, Store

BAD = {"noise": 1.0}
"""A model that says nothing any more."""
TOLERANT = {"performance": {"roc_auc": {"max_drop": 0.05}}, "bias": {"tpr_gap": {}, "impact_ratio": {}}}
"""A tolerance that a few thousand rows can tell of, even while no history says how much nights differ."""
DOSSIER = [
    "findings.json",
    "history.json",
    "manifest.json",
    "profile.parquet",
    "readings.json",
    "snapshot.json",
    "validation.json",
    "verdict.json",
]


def loaded(raw: bytes) -> Any:
    return json.loads(raw)


def without_time(objects: dict[str, bytes]) -> dict[str, bytes]:
    """A record but for when it was made, and the hashes that follow from it."""
    found = dict(objects)
    for name, raw in objects.items():
        timed = name.endswith(("manifest.json", "snapshot.json", "history.json")) or name.startswith("log/")
        said = loaded(raw) if timed else {}
        if said:
            changing = {"evaluated_at", "known_at", "listed_at", "manifest_sha256", "parent_sha256", "head_sha256"}
            found[name] = json.dumps(
                {
                    key: {k: v for k, v in value.items() if k not in ("snapshot.json", "history.json")}
                    if key == "files"
                    else value
                    for key, value in said.items()
                    if key not in changing
                }
            ).encode()
    return found


@pytest.fixture(params=["bench", "folder"])
def place(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


# --- What a night leaves ----------------------------------------------------------------------------------


def test_a_night_leaves_exactly_the_documented_files(place: Any) -> None:
    place.night("2024-03-01")
    evaluation = place.evaluate("2024-03-01")
    baseline = f"baselines/{evaluation.baseline.id}"
    assert sorted(place.objects()) == sorted(
        [
            *(f"2024-03-01/{evaluation.id}/{name}" for name in DOSSIER),
            *(f"{baseline}/{name}" for name in ("origin.json", "profile.parquet", "spec.json")),
            "log/000000000.json",
        ]
    )


def test_a_manifest_signs_every_file_of_its_dossier_and_the_log_signs_the_manifest(place: Any) -> None:
    place.night("2024-03-01")
    evaluation = place.evaluate("2024-03-01")
    dossier = {name.rsplit("/", 1)[1]: raw for name, raw in place.objects("2024-03-01/").items()}
    manifest = Manifest.from_bytes(dossier["manifest.json"], name="manifest.json")
    signed = {name: (found.sha256, found.size) for name, found in manifest.files.items()}
    written = {name: raw for name, raw in dossier.items() if name != "manifest.json"}
    assert signed == {name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in written.items()}
    entry = LogEntry.from_bytes(place.objects("log/")["log/000000000.json"], name="log")
    assert entry.manifest_sha256 == hashlib.sha256(dossier["manifest.json"]).hexdigest()
    assert (entry.evaluation_id, entry.status, entry.parent_sha256) == (evaluation.id, evaluation.verdict.status, None)
    assert manifest.steps_left_out == ("report", "validate")
    assert manifest.config["model"] == "quiet" and "polars" in manifest.environment


def test_the_record_holds_no_path_of_the_machine_and_no_credential(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-environment")
    bench.night("2024-03-01", **BAD)
    bench.evaluate("2024-03-01")
    written = b"".join(bench.objects().values())
    assert b"a-secret-of-the-environment" not in written
    assert str(bench.folder).encode() not in written


def test_findings_say_all_and_nothing_that_is_not_json(bench: Any) -> None:
    bench.night("2024-03-01", count=40)
    evaluation = bench.evaluate("2024-03-01")
    findings = loaded(bench.objects()[f"2024-03-01/{evaluation.id}/findings.json"])
    documented = "check metric segment window value interval baseline delta delta_interval tolerance n "
    documented += "detectable p_value status reason"
    assert findings
    for finding in findings:
        assert set(documented.split()) <= set(finding)
        assert finding["status"] in {"ok", "watch", "regression", "insufficient_data"}
        assert finding["reason"].endswith(".")
    assert len(findings) == evaluation.verdict.findings


def test_a_good_night_opens_nothing_and_a_bad_one_opens_an_incident(bench: Any) -> None:
    bench.night("2024-03-01", count=3000)
    bench.night("2024-03-02", count=3000, **BAD)
    assert bench.evaluate("2024-03-01").verdict.incidents == ()
    verdict = bench.evaluate("2024-03-02").verdict
    assert verdict.status == "regression"
    assert [(i.id, i.event) for i in verdict.incidents if i.check == "performance"] == [
        ("performance-2024-03-02", "opened")
    ]


def test_an_unfair_night_opens_an_incident_of_bias(bench: Any) -> None:
    bench.night("2024-03-01", count=4000, unfair=0.6)
    config = bench.config(windows=[1], checks={"performance": {"roc_auc": {"max_drop": 0.5}}})
    [incident] = bench.evaluate("2024-03-01", config).verdict.incidents
    assert (incident.check, incident.families, incident.segment) == ("bias", ("bias",), {"group": "b"})


def test_what_regresses_on_one_night_is_one_incident(bench: Any) -> None:
    bench.night("2024-03-01", count=4000, unfair=0.6, noise=0.5)
    [incident] = bench.evaluate("2024-03-01", bench.config(windows=[1])).verdict.incidents
    assert (incident.check, incident.families) == ("performance", ("performance", "bias"))
    assert {"Brier score", "True-positive-rate gap where group is b"} <= set(incident.findings)


def test_drift_alone_is_evidence_and_no_incident(bench: Any) -> None:
    bench.night("2024-03-01", count=3000, drift=1.0)
    verdict = bench.evaluate("2024-03-01", bench.config(checks=TOLERANT)).verdict
    assert (verdict.status, verdict.incidents) == ("watch", ())


# --- The same inputs, the same evaluation -----------------------------------------------------------------


def test_a_repetition_changes_nothing(place: Any) -> None:
    place.night("2024-03-01")
    first = place.evaluate("2024-03-01")
    before = place.objects()
    again = place.evaluate("2024-03-01")
    assert place.objects() == before
    assert (again.id, again.verdict, again.findings) == (first.id, first.verdict, first.findings)


def test_the_same_inputs_have_the_same_name_on_another_machine(bench: Any, tmp_path: Path) -> None:
    bench.night("2024-03-01")
    first = bench.evaluate("2024-03-01")
    elsewhere = bench.evaluate("2024-03-01", resources=bench.resources(cache="elsewhere"))
    assert elsewhere.id == first.id
    assert len(first.id) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "Another word.", "owner": "another", "tags": ["t"], "schedule": "0 9 * * *"},
        {"alerts": {"slack": {"channel": "#another"}}},
    ],
)
def test_words_do_not_change_the_name(bench: Any, changes: dict[str, Any]) -> None:
    bench.night("2024-03-01")
    assert bench.evaluate("2024-03-01", bench.config(**changes)).id == bench.evaluate("2024-03-01").id


def test_a_late_label_makes_a_new_evaluation_and_the_old_one_stays(place: Any) -> None:
    night = place.night("2024-03-01")
    place.write("2024-03-01", night.drop("label"), night.select("id", "label").head(200))
    first = place.evaluate("2024-03-01")
    before = place.objects()
    place.write("2024-03-01", night.drop("label"), night.select("id", "label"))
    second = place.evaluate("2024-03-01")
    after = place.objects()
    assert second.id != first.id
    assert (first.profile.outcomes().labelled, second.profile.outcomes().labelled) == (200, 600)
    assert {name: after[name] for name in before} == before
    latest = place.model_results().log.latest()["2024-03-01"]
    assert (latest.evaluation_id, latest.number) == (second.id, 1)


def test_another_tolerance_makes_a_new_evaluation_of_the_same_data(bench: Any) -> None:
    bench.night("2024-03-01", **BAD)
    strict = bench.evaluate("2024-03-01")
    loose = bench.evaluate(
        "2024-03-01",
        bench.config(
            checks={"performance": {"roc_auc": {"max_drop": 0.9}}, "bias": {"tpr_gap": {}, "impact_ratio": {}}}
        ),
    )
    assert strict.id != loose.id
    assert (strict.verdict.status, loose.verdict.status) == ("regression", "watch")  # slices got worse
    assert strict.baseline.id == loose.baseline.id
    assert {entry.evaluation_id for entry in bench.model_results().log.entries()} == {strict.id, loose.id}


def test_another_reference_is_another_baseline(bench: Any) -> None:
    bench.night("2024-03-01")
    first = bench.evaluate("2024-03-01")
    bench.reference(count=2500)
    second = bench.evaluate("2024-03-01")
    assert (second.id, second.baseline.id) != (first.id, first.baseline.id)
    assert len({name.split("/")[1] for name in bench.objects("baselines/")}) == 2


def test_another_suite_is_another_evaluation_but_not_where_validation_is_left_out(bench: Any) -> None:
    bench.night("2024-03-01")
    config = bench.config(validate={"suite": "mine"})
    night = Night.parse("2024-03-01")

    def names() -> dict[tuple[str, ...], str]:
        return {
            left_out: pull_night(config, night, bench.resources(), left_out=left_out).evaluation_id
            for left_out in [(), ("validate",), ("report",)]
        }

    (bench.suites / "mine.json").write_text("{}")
    before = names()
    (bench.suites / "mine.json").write_text('{"expectations": []}')
    after = names()
    assert before[()] != after[()] and before[("report",)] != after[("report",)]
    assert before[("validate",)] == after[("validate",)]
    assert len(set(before.values())) == 3


# --- Several at once --------------------------------------------------------------------------------------


def test_runs_at_once_leave_one_record(place: Any) -> None:
    place.night("2024-03-01")
    config, barrier = place.config(), Barrier(4, timeout=60)

    def run(worker: int) -> str:
        barrier.wait()
        return str(place.evaluate("2024-03-01", config, resources=place.resources(cache=f"cache-{worker}")).id)

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(run, range(4)))
    assert len(names) == 1
    found = place.objects()
    assert [name for name in found if name.startswith("log/")] == ["log/000000000.json"]
    assert [name.rsplit("/", 1)[1] for name in found if name.startswith("2024")] == DOSSIER


def test_nights_at_once_leave_one_chain(bench: Any) -> None:
    nights = [f"2024-03-{day:02d}" for day in range(1, 7)]
    for night in nights:
        bench.night(night, count=200)
    config, barrier = bench.config(), Barrier(len(nights), timeout=60)

    def run(night: str) -> str:
        barrier.wait()
        return str(bench.evaluate(night, config).id)

    with ThreadPoolExecutor(len(nights)) as pool:
        names = list(pool.map(run, nights))
    latest = bench.model_results().log.latest()
    assert {night: entry.evaluation_id for night, entry in latest.items()} == dict(zip(nights, names, strict=True))
    assert len(bench.model_results().log.entries()) == len(nights)


# --- Crashes ----------------------------------------------------------------------------------------------


def written_in_order(bench: Any, failing: Any) -> list[str]:
    """Keys in the order in which an undisturbed run creates them; nothing is kept."""
    return _crashed(bench, failing, None).created


def _crashed(bench: Any, failing: Any, fails: int | None, *, written: bool = False) -> Any:
    stores: dict[str, Store] = {}

    def open_store(root: str) -> Store:
        if root not in stores:
            is_results = root.endswith("ml-results")
            stores[root] = (
                failing(bench.open_store(root), fails=fails, written=written) if is_results else bench.open_store(root)
            )
        return stores[root]

    try:
        bench.evaluate("2024-03-02", resources=bench.resources(open_store))
    except StoreUnavailable:
        assert fails is not None
    return stores["s3://ml-results"]


@pytest.fixture
def crash_bench(bench: Any) -> Any:
    for night, knobs in (("2024-03-01", {}), ("2024-03-02", BAD)):
        bench.night(night, count=300, **knobs)
    bench.evaluate("2024-03-01")
    return bench


STEPS = ["snapshot", "validation", "profile", "history", "findings", "readings", "verdict", "manifest", "log"]
FIRST_NIGHT = ["snapshot", "validation", "origin", "spec", "baseline", *STEPS[2:]]
"""In the order in which they are written; the first night of a reference makes its baseline too."""


def test_the_manifest_is_written_last_and_the_log_after_it(crash_bench: Any, failing: Any) -> None:
    order = written_in_order(crash_bench, failing)
    names = [key.rsplit("/", 1)[1].split(".")[0] for key in order]
    # What is made of the log comes after it: a month of the board, then the row that names it.
    assert names == [*STEPS[:-1], "000000001", "2024-03", "quiet"]


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, but not told"])
@pytest.mark.parametrize("fails", range(len(STEPS)), ids=STEPS)
def test_a_crash_at_any_write_costs_nothing(
    crash_bench: Any, failing: Any, tmp_path_factory: pytest.TempPathFactory, fails: int, written: bool
) -> None:
    crashed = _crashed(crash_bench, failing, fails, written=written)
    assert len(crashed.created) == fails + 1
    # Until its manifest is there, the night does not exist; until it is in the log, no other night sees it.
    sealed = [name for name in crash_bench.objects("2024-03-02/") if name.endswith("manifest.json")]
    assert bool(sealed) == (fails > STEPS.index("manifest") or (fails == STEPS.index("manifest") and written))
    again = crash_bench.evaluate("2024-03-02")
    record = without_time(crash_bench.objects())
    assert again.verdict.status == "regression"
    assert record == undisturbed(crash_bench)
    crash_bench.evaluate("2024-03-02")
    assert without_time(crash_bench.objects()) == record


def undisturbed(bench: Any) -> dict[str, bytes]:
    """What the same two nights leave in an empty store."""
    results = MemoryStore("ml-results")

    def open_store(root: str) -> Store:
        return results if root.endswith("ml-results") else bench.open_store(root)

    for night in ("2024-03-01", "2024-03-02"):
        bench.evaluate(night, resources=bench.resources(open_store))
    prefix = "nightproof/quiet/"
    return without_time({found.key.removeprefix(prefix): results.read(found.key) for found in results.list(prefix)})


def test_a_first_night_that_crashes_at_any_write_of_its_baseline_is_made_whole(bench: Any, failing: Any) -> None:
    bench.night("2024-03-02", count=300)
    baselines = [key for key in _crashed_fresh(bench, failing, None) if "/baselines/" in key]
    assert len(baselines) == 3
    for fails in range(len(FIRST_NIGHT)):
        assert len(_crashed_fresh(bench, failing, fails)) == fails + 1


def _crashed_fresh(bench: Any, failing: Any, fails: int | None) -> list[str]:
    results = MemoryStore("ml-results")
    breaking = failing(results, fails=fails)

    def opened(store: Store) -> Callable[[str], Store]:
        return lambda root: store if root.endswith("ml-results") else bench.open_store(root)

    try:
        bench.evaluate("2024-03-02", resources=bench.resources(opened(breaking)))
    except StoreUnavailable:
        evaluation = bench.evaluate("2024-03-02", resources=bench.resources(opened(results)))
        assert evaluation.baseline.profile.rows == 2000
        whole = [found.key for found in results.list("") if "/board/" not in found.key]
        assert len(whole) == len(FIRST_NIGHT)
    return list(breaking.created)


def test_what_a_crash_left_is_one_story_even_if_the_history_has_moved_on(bench: Any, failing: Any) -> None:
    bench.night("2024-03-02", count=200)
    _crashed(bench, failing, FIRST_NIGHT.index("verdict"))
    bench.night("2024-03-01", count=5000, **BAD)
    bench.evaluate("2024-03-01")
    evaluation = bench.evaluate("2024-03-02")
    verdict, findings = evaluation.verdict, evaluation.findings
    assert verdict.findings == len(findings)
    assert verdict.regressions == sum(found.status == "regression" for found in findings)
    assert verdict.insufficient == sum(found.status == "insufficient_data" for found in findings)


def test_a_step_that_was_not_done_is_no_evaluation(bench: Any) -> None:
    bench.night("2024-03-01")
    config, resources = bench.config(), bench.resources()
    ticket = pull_night(config, Night.parse("2024-03-01"), resources)
    assert not is_published(config, ticket, resources)
    with pytest.raises(Exception, match=r"no object .*validation\.json"):
        publish_night(config, ticket, resources)
    assert bench.objects("log/") == {}


# --- History ----------------------------------------------------------------------------------------------


def month(count: int) -> Iterator[str]:
    first = Night.parse("2024-03-01")
    return (str(first.before(-offset)) for offset in range(count))


def test_windows_merge_the_nights_before(bench: Any) -> None:
    config = bench.config(windows=[1, 3, 5])
    sizes: list[int] = []
    for number, night in enumerate(month(8)):
        sizes.append(bench.night(night, count=100 + number).height)
        evaluation = bench.evaluate(night, config)
        rows = {
            found.window: found.n for found in evaluation.findings if found.metric == "roc_auc" and not found.segment
        }
        expected = {1: sizes[-1], 3: sum(sizes[-3:]), 5: sum(sizes[-5:])}
        # A window that adds no night to a shorter one is left out.
        assert rows == {w: n for w, n in expected.items() if w == 1 or n > expected[w - 2]}


def test_a_window_leaves_out_quarantined_and_missing_nights_and_other_baselines(bench: Any) -> None:
    bench.night("2024-03-01", count=100)
    bench.evaluate("2024-03-01")
    bench.reference(count=2100)
    bench.night("2024-03-02", count=110)
    bench.evaluate("2024-03-02")
    bench.night("2024-03-04", count=120)
    rows = {f.window: f.n for f in bench.evaluate("2024-03-04").findings if f.metric == "roc_auc" and not f.segment}
    assert rows == {1: 120, 7: 230}


def test_a_window_takes_the_latest_evaluation_of_a_night(bench: Any) -> None:
    night = bench.night("2024-03-01", count=200)
    bench.write("2024-03-01", night.drop("label"), night.select("id", "label").head(50))
    bench.evaluate("2024-03-01")
    bench.write("2024-03-01", night.drop("label"), night.select("id", "label"))
    late = bench.evaluate("2024-03-01")
    bench.night("2024-03-02", count=100)
    evaluation = bench.evaluate("2024-03-02")
    assert {f.window: f.n for f in evaluation.findings if f.metric == "roc_auc" and not f.segment} == {1: 100, 7: 300}
    assert evaluation.verdict.history == (late.id,)


def test_an_incident_lasts_from_its_first_night_until_it_is_over(bench: Any) -> None:
    config = bench.config(windows=[1], checks=TOLERANT)
    told = {}
    for night, knobs in zip(month(7), [{}, BAD, BAD, {}, {}, {}, {}], strict=True):
        bench.night(night, count=3000, **knobs)
        verdict = bench.evaluate(night, config).verdict
        told[night] = [(i.id, i.event, i.opened, i.good_nights) for i in verdict.incidents]
    name, first = "performance-2024-03-02", "2024-03-02"
    assert list(told.values()) == [
        [],
        [(name, "opened", first, 0)],
        [(name, "ongoing", first, 0)],
        [(name, "ongoing", first, 1)],
        [(name, "ongoing", first, 2)],
        [(name, "recovered", first, 3)],
        [],
    ]


def test_a_night_in_the_past_is_judged_by_what_was_before_it(bench: Any) -> None:
    for night in ("2024-03-01", "2024-03-03"):
        bench.night(night, count=200)
        bench.evaluate(night)
    bench.night("2024-03-02", count=150)
    evaluation = bench.evaluate("2024-03-02")
    assert {f.window: f.n for f in evaluation.findings if f.metric == "roc_auc" and not f.segment} == {1: 150, 7: 350}


# --- What cannot be evaluated -----------------------------------------------------------------------------


def test_a_missing_partition_leaves_nothing(bench: Any) -> None:
    with pytest.raises(PartitionMissing):
        bench.evaluate("2024-03-01")
    assert bench.objects() == {}


def test_a_reference_without_a_column_of_the_config_says_which(bench: Any) -> None:
    bench.night("2024-03-01")
    columns = {"score": "score", "label": "label", "features": {"numeric": ["x", "height"]}}
    with pytest.raises(DataError, match=r"lacks height.*it has score, label, x, group"):
        bench.evaluate("2024-03-01", bench.config(columns=columns))
    assert bench.objects("log/") == {}


@pytest.mark.parametrize("broken", [b"", b"PAR1 but no more", b"\x00" * 100])
def test_a_reference_that_is_no_parquet_is_named(bench: Any, broken: bytes) -> None:
    bench.night("2024-03-01")
    bench.put("reference/part-0.parquet", broken)
    with pytest.raises(DataError, match=r"reference in s3://ml-logs/reference/ cannot be read"):
        bench.evaluate("2024-03-01")


@pytest.mark.parametrize("broken", ["no parquet", "no score column"])
def test_without_validation_a_broken_night_is_a_clear_failure(bench: Any, broken: str, make_rows: Any) -> None:
    night = make_rows(50, seed=1)
    spoiled = {"no parquet": b"PAR1 but no more", "no score column": night.drop("score", "label")}[broken]
    bench.write("2024-03-01", spoiled, night.select("id", "label"))
    with pytest.raises(DataError, match="rows cannot be counted"):
        bench.evaluate("2024-03-01")
    assert bench.objects("log/") == {}


def test_a_record_that_was_touched_is_an_error_and_never_an_answer(bench: Any) -> None:
    bench.night("2024-03-01")
    evaluation = bench.evaluate("2024-03-01")
    results = bench.model_results()
    key = f"{results.folder}2024-03-01/{evaluation.id}/verdict.json"
    results.store.put(key, results.store.read(key).replace(b'"findings"', b'"finding"'))
    with pytest.raises(RecordError, match=r"verdict\.json is not a Verdict"):
        bench.evaluate("2024-03-01")


# --- All steps --------------------------------------------------------------------------------------------


# Evidently warns of its own dependencies.
@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_with_all_steps_a_night_is_validated_reported_and_published(folder: Any) -> None:
    table = folder.night("2024-03-01", count=400, **BAD)
    evaluation = folder.evaluate("2024-03-01", left_out=())
    found = {name.rsplit("/", 1)[1]: raw for name, raw in folder.objects("2024-03-01/").items()}
    assert sorted(found) == sorted([*DOSSIER, "report.json", "report.html.gz"])
    assert evaluation.validation.outcome == "passed"
    assert (evaluation.validation.rows, evaluation.validation.labelled) == (400, 400)
    page = gzip.decompress(found["report.html.gz"]).decode()
    assert "quiet" in page and "2024-03-01" in page
    loaded(found["report.json"])
    before = folder.objects()
    folder.evaluate("2024-03-01", left_out=())
    assert folder.objects() == before

    # A night of scores that are no numbers is quarantined: it has its record, and claims nothing.
    spoiled = table.with_columns(score=pl.when(pl.col("x") > 0).then(float("nan")).otherwise(pl.col("score")))
    folder.write("2024-03-02", spoiled.drop("label"), table.select("id", "label"))
    quarantined = folder.evaluate("2024-03-02", left_out=())
    found = {name.rsplit("/", 1)[1]: raw for name, raw in folder.objects("2024-03-02/").items()}
    assert quarantined.verdict.status == "quarantined"
    assert (quarantined.profile, quarantined.baseline, quarantined.findings) == (None, None, ())
    assert "profile.parquet" not in found and "data_docs.html.gz" in found
    assert {"findings.json", "manifest.json", "validation.json", "verdict.json"} <= set(found)
    assert loaded(found["findings.json"]) == []
    incidents = {i.check: i.event for i in quarantined.verdict.incidents}
    assert incidents == {"data": "opened", "performance": "ongoing"}
    assert folder.model_results().log.latest()["2024-03-02"].status == "quarantined"

    # It is in no window of the night after, the first good one of those that close its incident.
    folder.night("2024-03-03", count=350)
    after = folder.evaluate("2024-03-03", left_out=("report",))
    assert {1: 350, 7: 750}.items() <= {
        f.window: f.n for f in after.findings if f.metric == "roc_auc" and f.status != "regression" and not f.segment
    }.items()
    assert {i.check: (i.event, i.good_nights) for i in after.verdict.incidents}["data"] == ("ongoing", 1)


def test_tasks_on_other_workers_read_the_same_evaluation(bench: Any) -> None:
    bench.night("2024-03-01")
    config, night = bench.config(), Night.parse("2024-03-01")
    whole = bench.evaluate("2024-03-01")
    ticket = pull_night(config, night, bench.resources(cache="another-worker"), left_out=("validate", "report"))
    assert ticket.evaluation_id == whole.id
    read = read_evaluation(config, ticket, bench.resources(cache="a-third-worker"))
    assert (read.findings, read.verdict, read.snapshot) == (whole.findings, whole.verdict, whole.snapshot)
    assert evaluate(config, night, bench.resources(), left_out=("report", "validate")).id == whole.id
