"""Nights evaluated again: found from listings, beside what was known, and re-judged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from nightproof.errors import StoreUnavailable
from nightproof.night import Night
from nightproof.pipeline import evaluate
from nightproof.revise import Change, Revised, changes, revise, touched
from nightproof.verdict import Incident, Verdict

QUICK = ("report", "validate")
FIRST = Night.parse("2024-03-01")
TOLERANT = {
    "performance": {"roc_auc": {"max_drop": 0.05}},
    "drift": {"max_output_shift": 50.0},
    "bias": {"tpr_gap": {}, "impact_ratio": {}},
}
MATURE_DAYS = 3


def name(day: int) -> str:
    return str(FIRST.before(1 - day))


class Late:
    """A model whose labels are due at once and final after three days, and a clock."""

    def __init__(self, bench: Any, make_rows: Any, **changes: Any) -> None:
        self.bench, self.rows = bench, make_rows
        data = bench.config().data
        given: dict[str, Any] = {
            "data": {
                "predictions": data.predictions,
                "labels": data.labels,
                "reference": data.reference,
                "id": "id",
                "label_maturity": f"{MATURE_DAYS}d",
            },
            "checks": TOLERANT,
            "windows": [1],
        } | changes
        self.config = bench.config(**given)
        self.tables: dict[int, pl.DataFrame] = {}

    def write(self, day: int, count: int = 3000, *, labelled: float = 1.0, flip: bool = False, **knobs: Any) -> None:
        """A night's data, by default with all its labels; ``flip`` spoils them."""
        self.tables[day] = table = self.rows(count, seed=100 + day, name=name(day), **knobs)
        labels = table.select("id", "label")
        if flip:
            labels = labels.with_columns(label=1 - pl.col("label"))
        keep = round(labelled * count)
        self.bench.write(name(day), table.drop("label"), labels.head(keep) if keep else labels.clear())

    def labels(self, day: int, labels: pl.DataFrame, part: int = 0) -> None:
        content = pl.DataFrame(labels)
        buffer = __import__("io").BytesIO()
        content.write_parquet(buffer)
        self.bench.put(f"labels/dt={name(day)}/part-{part}.parquet", buffer.getvalue())

    def right(self, day: int) -> None:
        """The night's true labels, all of them."""
        self.labels(day, self.tables[day].select("id", "label"))

    def at(self, day: float) -> datetime:
        """The clock on the morning after a day."""
        return FIRST.start + timedelta(days=day, hours=1)

    def evaluate(self, day: int, *, on: float | None = None) -> Verdict:
        night = Night.parse(name(day), self.config.data.label_delay)
        now = self.at(day if on is None else on)
        return evaluate(self.config, night, self.bench.resources(), left_out=QUICK, now=now).verdict

    def touched(self, on: float, **ends: Any) -> list[Change]:
        resources = self.bench.resources()
        results = resources.results(self.config)
        return changes(self.config, results, open_store=resources.open_store, now=self.at(on), **ends)

    def revise(self, on: float, **ends: Any) -> list[Revised]:
        found = self.touched(on, **ends)
        return list(revise(self.config, self.bench.resources(), found, now=self.at(on), left_out=QUICK))

    def log(self) -> list[Any]:
        return self.bench.model_results(self.config).log.entries()

    def verdicts(self) -> dict[str, Verdict]:
        results = self.bench.model_results(self.config)
        return {night: results.verdict(entry) for night, entry in results.log.latest().items()}


@pytest.fixture
def late(bench: Any, make_rows: Any) -> Any:
    return lambda **changes: Late(bench, make_rows, **changes)


def events(verdict: Verdict) -> dict[str, str]:
    return {incident.id: incident.event for incident in verdict.incidents}


def only(verdict: Verdict) -> Incident:
    [found] = verdict.incidents
    return found


def open_families(verdict: Verdict) -> set[str]:
    return {family for incident in verdict.incidents if incident.is_open for family in incident.families}


def statuses(found: Iterable[Revised]) -> list[str]:
    return [str(r.change.night) for r in found if r.is_new]


# --- Which nights ---------------------------------------------------------------------------------------------


def test_a_night_that_nothing_came_to_is_not_touched(late: Any) -> None:
    model = late()
    model.write(1)
    model.evaluate(1)
    assert model.touched(1.5) == []
    assert model.touched(2.5) == []


def test_what_came_is_told_by_listings(late: Any) -> None:
    model = late()
    for day in (1, 2, 3):
        model.write(day, 200, labelled=0.5)
        model.evaluate(day)
    more = model.tables[1].select("id", "label")
    model.labels(1, more.tail(100), part=1)
    model.labels(2, model.tables[2].select("id", "label"))
    model.bench.put("labels/dt=2024-03-03/_SUCCESS", b"")
    found = model.touched(3.1)
    assert [(str(c.night), len(c.added), len(c.replaced), len(c.removed)) for c in found] == [
        ("2024-03-01", 1, 0, 0),
        ("2024-03-02", 0, 1, 0),
    ]
    assert found[0].added == ("memory://ml-logs/labels/dt=2024-03-01/part-1.parquet",)


def test_nothing_is_fetched_to_find_out(late: Any) -> None:
    model = late()
    for day in (1, 2):
        model.write(day, 200)
        model.evaluate(day)
    model.right(1)
    asked: list[str] = []
    logs = model.bench.open_store("s3://ml-logs")

    class Watched:
        def __getattr__(self, what: str) -> Any:
            asked.append(what)
            return getattr(logs, what)

    results = model.bench.model_results(model.config)

    def open_store(root: str) -> Any:
        return Watched() if "logs" in root else model.bench.open_store(root)

    touched(model.config, results, open_store=open_store, now=model.at(2.1))
    assert set(asked) <= {"list", "url"}
    assert asked.count("list") == 4, "one a prefix: predictions and labels of two nights"


def test_a_night_that_has_matured_is_looked_at_once_more(late: Any) -> None:
    model = late()
    model.write(1, 200)
    assert model.evaluate(1).supersedes is None
    [change] = model.touched(MATURE_DAYS + 1)
    assert change.matured and not (change.added or change.replaced or change.removed)
    [revised] = model.revise(MATURE_DAYS + 1)
    assert revised.is_new and revised.evaluation.snapshot.labels == "final"
    assert revised.evaluation.verdict.supersedes == revised.change.entry.evaluation_id
    assert "final" in revised.evaluation.verdict.headline
    assert model.touched(MATURE_DAYS + 2) == []


def test_corrections_after_maturity_are_found_where_they_are_looked_for(late: Any) -> None:
    model = late()
    model.write(1, 200, labelled=0.5)
    model.evaluate(1, on=10)
    model.right(1)
    assert model.touched(11) == []
    [revised] = model.revise(11, first=Night.parse(name(1)), last=Night.parse(name(5)))
    assert (revised.labelled_before, revised.labelled) == (100, 200)
    assert model.touched(11, first=Night.parse(name(1))) == []


def test_a_night_without_data_is_told_and_stops_no_other(late: Any, bench: Any) -> None:
    model = late()
    for day in (1, 2):
        model.write(day, 200, labelled=0.5)
        model.evaluate(day)
        model.right(day)
    del bench.open_store("s3://ml-logs")._objects["labels/dt=2024-03-01/part-0.parquet"]
    gone, fine = model.revise(2.1)
    assert gone.change.removed and "no object under" in str(gone.error)
    assert fine.is_new
    assert [entry.night for entry in model.log()] == ["2024-03-01", "2024-03-02", "2024-03-02"]


def test_storage_that_fails_is_an_error(late: Any, failing: Any) -> None:
    model = late()
    model.write(1, 200, labelled=0.5)
    model.evaluate(1)
    model.right(1)
    found = model.touched(1.1)

    def broken(root: str) -> Any:
        return failing(model.bench.open_store(root), fails=0)

    with pytest.raises(StoreUnavailable):
        list(revise(model.config, model.bench.resources(broken), found, now=model.at(1.1), left_out=QUICK))


# --- Laws -----------------------------------------------------------------------------------------------------


def test_revising_twice_changes_nothing(late: Any) -> None:
    model = late()
    for day in (1, 2):
        model.write(day, 300, labelled=0.5)
        model.evaluate(day)
        model.right(day)
    assert len(model.revise(2.1)) == 2
    before = model.bench.objects()
    assert model.revise(2.1) == []
    for revised in model.revise(2.1, first=Night.parse(name(1))):
        assert not revised.is_new
    assert model.bench.objects() == before


def test_the_same_bytes_are_the_same_evaluation(late: Any) -> None:
    model = late()
    model.write(1, 300)
    model.evaluate(1)
    before = model.bench.objects()
    found = [Change(Night.parse(name(1)), model.log()[-1], replaced=("as if",))]
    [revised] = revise(model.config, model.bench.resources(), found, now=model.at(1.2), left_out=QUICK)
    assert not revised.is_new
    assert model.bench.objects() == before


def test_a_revision_never_loses_what_was_known(late: Any) -> None:
    model = late()
    model.write(1, 300, labelled=0.5)
    model.evaluate(1)
    before = model.bench.objects()
    model.right(1)
    model.revise(1.1)
    after = model.bench.objects()
    assert {key: after[key] for key in before} == before
    first, second = model.log()
    assert second.supersedes == first.evaluation_id


@pytest.mark.parametrize("written", [False, True])
def test_a_crash_anywhere_is_mended_by_revising_again(late: Any, failing: Any, written: bool) -> None:
    model = late()
    model.write(1, 200, labelled=0.5)
    model.evaluate(1)
    old = dict(model.bench.objects())
    model.right(1)
    counted = failing(model.bench.open_store("s3://ml-results"), fails=None)
    finished = 0
    for fails in range(20):
        store = failing(model.bench.open_store("s3://ml-results"), fails=fails, written=written)
        resources = model.bench.resources(
            lambda root, s=store: s if "results" in root else model.bench.open_store(root)
        )
        found = model.touched(1.1)
        if not found:
            break
        try:
            list(revise(model.config, resources, found, now=model.at(1.1), left_out=QUICK))
            finished += 1
        except StoreUnavailable:
            pass
        log = model.log()
        assert [entry.number for entry in log] == list(range(len(log)))
        assert len(log) <= 2
    assert counted.created == []
    [revised] = [entry for entry in model.log() if entry.supersedes]
    assert revised.supersedes == model.log()[0].evaluation_id
    assert model.touched(1.2) == []
    now = model.bench.objects()
    assert {key: now[key] for key in old} == old


def test_the_order_of_revisions_does_not_matter_for_what_is_open_at_the_end(benches: Any, make_rows: Any) -> None:
    ends = []
    for order in ((1, 2, 3), (3, 2, 1), (2, 3, 1)):
        model = Late(benches(), make_rows)
        for day in (1, 2, 3, 4):
            model.write(day, 1500, flip=day == 2)
            model.evaluate(day)
        for day in (1, 2, 3):
            model.right(day)
        for day in order:
            model.revise(4.0, first=Night.parse(name(day)), last=Night.parse(name(day)))
        model.write(5, 1500)
        last = model.evaluate(5)
        ends.append(({n: v.status for n, v in model.verdicts().items()}, open_families(last)))
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][1] == set()


# --- Incidents ------------------------------------------------------------------------------------------------


def test_an_incident_that_was_nothing_is_withdrawn(late: Any) -> None:
    model = late()
    model.write(1)
    assert model.evaluate(1).incidents == ()
    model.write(2, flip=True)
    opened = only(model.evaluate(2))
    assert (opened.id, opened.event) == ("performance-2024-03-02", "opened")
    model.write(3)
    assert events(model.evaluate(3)) == {opened.id: "ongoing"}
    model.right(2)
    [revised] = model.revise(3.1)
    verdict = revised.evaluation.verdict
    assert events(verdict) == {opened.id: "withdrawn"}
    assert only(verdict).ended == "2024-03-02"
    assert only(verdict).cause.startswith(
        "Withdrawn: on the labels known by 2024-03-04 (3,000 of 3,000 rows; 3,000 before) "
    )
    assert "within its tolerance" in only(verdict).cause
    assert "Revised on the labels known by 2024-03-04" in verdict.headline and "provisional" in verdict.headline
    model.write(4)
    last = model.evaluate(4)
    assert last.incidents == () and last.ended == ()
    assert revised.evaluation.id in last.history and revised.change.entry.evaluation_id in last.history


def test_an_incident_that_both_have_keeps_its_name(late: Any) -> None:
    model = late()
    model.write(1)
    model.evaluate(1)
    model.write(2, labelled=0.6, noise=0.9)
    opened = only(model.evaluate(2))
    model.right(2)
    [revised] = model.revise(2.1)
    assert events(revised.evaluation.verdict) == {opened.id: "opened"}
    model.write(3, noise=0.9)
    assert events(model.evaluate(3)) == {opened.id: "ongoing"}


def test_an_incident_that_goes_on_by_itself_stays_open(late: Any) -> None:
    model = late()
    model.write(1)
    model.evaluate(1)
    model.write(2, flip=True)
    opened = only(model.evaluate(2))
    model.write(3, noise=0.9)
    assert opened.id in events(model.evaluate(3))
    model.right(2)
    [revised] = model.revise(3.1)
    assert events(revised.evaluation.verdict) == {opened.id: "opened"}
    assert "nights after it do" in only(revised.evaluation.verdict).cause
    model.write(4, noise=0.9)
    assert events(model.evaluate(4))[opened.id] in ("ongoing", "worsened")


def test_corrected_labels_open_an_incident_and_the_next_night_knows(late: Any) -> None:
    model = late()
    for day in (1, 2, 3):
        model.write(day)
        assert model.evaluate(day).incidents == ()
    table = model.tables[2].select("id", "label").with_columns(label=1 - pl.col("label"))
    model.labels(2, table)
    [revised] = model.revise(3.1)
    opened = only(revised.evaluation.verdict)
    assert (opened.id, opened.event) == ("performance-2024-03-02", "opened")
    assert "It is seen on the labels known by 2024-03-04" in opened.cause
    for day, event in zip((4, 5, 6), ("ongoing", "ongoing", "recovered"), strict=True):
        model.write(day)
        verdict = model.evaluate(day)
        assert events(verdict) == {opened.id: event}, day


def test_a_night_told_earlier_than_its_incident_joins_it(late: Any) -> None:
    model = late()
    model.write(1)
    model.evaluate(1)
    model.write(2)
    model.evaluate(2)
    model.write(3, flip=True)
    opened = only(model.evaluate(3))
    assert opened.id == "performance-2024-03-03"
    model.labels(2, model.tables[2].select("id", "label").with_columns(label=1 - pl.col("label")))
    [revised] = model.revise(3.1)
    assert events(revised.evaluation.verdict) == {opened.id: "ongoing"}
    model.write(4)
    assert events(model.evaluate(4)) == {opened.id: "ongoing"}


def test_what_was_withdrawn_and_comes_again_is_the_same_incident(late: Any) -> None:
    model = late()
    model.write(1)
    model.evaluate(1)
    model.write(2, flip=True)
    opened = only(model.evaluate(2))
    model.right(2)
    model.revise(2.1)
    model.labels(2, model.tables[2].select("id", "label").with_columns(label=1 - pl.col("label")).head(2900))
    [revised] = model.revise(2.2)
    assert events(revised.evaluation.verdict) == {opened.id: "reopened"}


def _validated(model: Any, day: int, on: float) -> Verdict:
    night = Night.parse(name(day))
    return evaluate(model.config, night, model.bench.resources(), left_out=("report",), now=model.at(on)).verdict


@pytest.mark.integration
def test_a_quarantined_night_that_is_mended_is_withdrawn_and_one_that_is_spoilt_is_quarantined(late: Any) -> None:
    model = late()
    model.write(1)
    good = model.tables[1]
    model.bench.write(name(1), good.drop("label").with_columns(score=pl.col("score") + 5), good.select("id", "label"))
    quarantined = _validated(model, 1, 1)
    assert quarantined.status == "quarantined"
    incident = only(quarantined)
    model.write(1)
    mended = _validated(model, 1, 1.1)
    assert events(mended) == {incident.id: "withdrawn"}
    assert "the night's data passes validation" in only(mended).cause
    model.bench.write(name(1), good.drop("label").with_columns(score=pl.col("score") + 6), good.select("id", "label"))
    spoilt = _validated(model, 1, 1.2)
    assert spoilt.status == "quarantined"
    assert events(spoilt) == {incident.id: "reopened"}
    assert spoilt.supersedes is not None and "Revised on the data known by" in spoilt.headline


# --- Reproduction ---------------------------------------------------------------------------------------------


def test_what_a_verdict_stood_on_can_be_put_together_from_its_ids(late: Any) -> None:
    """Whatever was evaluated since: previous verdict, readings and what was looked at later are the same."""
    from nightproof.history import History

    model = late()
    known: dict[str, tuple[Any, ...]] = {}

    def stood_on(night: str, entries: Any, verdict: Verdict) -> tuple[Any, ...]:
        results = model.bench.model_results(model.config)
        wanted = {*verdict.history, verdict.supersedes}
        pinned = History.of(
            Night.parse(night), results, [e for e in results.log.entries() if e.evaluation_id in wanted]
        )
        return pinned.previous, pinned.readings("provisional"), set(pinned.used([1], "provisional")), pinned.later

    for day in range(1, 11):
        for revised in model.revise(day - 0.5) if day > 1 else []:
            verdict = revised.evaluation.verdict
            known[revised.evaluation.id] = stood_on(verdict.night, None, verdict)
        model.write(day, 1000, labelled=0.6, flip=day in (3, 9))
        verdict = model.evaluate(day)
        known[model.log()[-1].evaluation_id] = stood_on(verdict.night, None, verdict)
        model.right(day)
    results = model.bench.model_results(model.config)
    assert any(entry.supersedes for entry in model.log())
    for entry in model.log():
        verdict = results.verdict(entry)
        now = stood_on(entry.night, None, verdict)
        assert now == known[entry.evaluation_id]
        assert now[2] <= set(verdict.history)


def test_revisions_are_reproduced_bit_for_bit(late: Any) -> None:
    from nightproof.reproduce import reproduce

    model = late()
    for day in range(1, 10):
        for _ in model.revise(day - 0.5) if day > 1 else []:
            pass
        model.write(day, 1000, labelled=0.6, flip=day == 4)
        model.evaluate(day)
        model.labels(day, model.tables[day].select("id", "label"), part=1)
    found = [
        reproduce(model.config, Night.parse(entry.night), model.bench.resources(), evaluation_id=entry.evaluation_id)
        for entry in model.log()[-6:]
    ]
    assert any(entry.supersedes for entry in model.log()[-6:])
    assert [told.outcome for told in found] == ["same"] * 6, found


def test_labels_that_are_put_back_are_the_last_word_again(bench: Any) -> None:
    """Corrected and put back: the night's last evaluation is of what lies there, and looking again changes nothing."""
    first = bench.night("2024-03-01", seed=1)
    config = bench.config()
    made = [bench.evaluate("2024-03-01", config)]
    for seed in (2, 1, 1, 2, 1):
        rows = bench.night("2024-03-01", seed=seed)
        assert rows.equals(first) == (seed == 1)
        made.append(bench.evaluate("2024-03-01", config))
        assert bench.evaluate("2024-03-01", config).id == made[-1].id
    entries = bench.model_results(config).log.entries()
    assert [entry.evaluation_id for entry in entries] == list(dict.fromkeys(found.id for found in made))
    assert made[2].id == made[3].id != made[0].id
    assert len({found.id for found in made}) == 5
    assert entries[-1].evaluation_id == made[-1].id


def test_a_night_judged_again_by_another_config_does_not_blame_its_labels(bench: Any) -> None:
    bench.night("2024-03-01")
    bench.evaluate("2024-03-01")
    stricter = bench.config(checks={"performance": {"roc_auc": {"max_drop": 0.001}}})
    verdict = bench.evaluate("2024-03-01", stricter).verdict
    assert verdict.supersedes is not None
    assert "Revised on the same data, by another config or version: final." in verdict.headline
