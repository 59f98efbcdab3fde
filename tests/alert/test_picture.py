"""The picture of an incident: its own metric, as the nights before told it."""

from __future__ import annotations

from typing import Any

import pytest
from nightproof.alert.picture import PastNight, trend_of
from nightproof.alert.recent import MOST_ENTRIES, recent
from nightproof.chart import draw

BAD = {"noise": 1.0}


@pytest.fixture
def nights(bench: Any) -> Any:
    config = bench.config(windows=[1])
    for number, knobs in enumerate(({}, {}, BAD), start=1):
        bench.night(f"2024-03-0{number}", **knobs)
        bench.evaluate(f"2024-03-0{number}", config)
    return bench


def past(bench: Any) -> list[PastNight]:
    results = bench.model_results()
    return [PastNight(entry, results.readings(entry)) for entry in recent(results, bench.resources().cache)]


def test_it_shows_the_nights_before_the_limit_and_tonight(nights: Any) -> None:
    evaluation = nights.evaluate("2024-03-03", nights.config(windows=[1]))
    (incident,) = [found for found in evaluation.verdict.incidents if found.metric == "roc_auc"]
    trend = trend_of(incident, evaluation, past(nights))
    assert trend is not None
    assert [point.night for point in trend.points] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    (main,) = [found for found in evaluation.findings if found.metric == "roc_auc" and not found.segment][:1]
    assert trend.points[-1].value == main.value
    assert trend.worse == "lower" and trend.baseline == main.baseline
    assert main.baseline is not None and trend.limit == pytest.approx(main.baseline - main.tolerance)
    assert trend.is_harm(trend.points[-1].value)
    assert draw(trend).startswith(b"\x89PNG")


def test_nights_after_the_told_one_are_not_shown(nights: Any) -> None:
    evaluation = nights.evaluate("2024-03-03", nights.config(windows=[1]))
    (incident,) = [found for found in evaluation.verdict.incidents if found.metric == "roc_auc"]
    second = nights.evaluate("2024-03-02", nights.config(windows=[1]))
    trend = trend_of(incident, second, past(nights))
    assert trend is not None and [point.night for point in trend.points] == ["2024-03-01", "2024-03-02"]


def test_what_has_no_number_has_no_picture(nights: Any) -> None:
    evaluation = nights.evaluate("2024-03-03", nights.config(windows=[1]))
    incident = evaluation.verdict.incidents[0].model_copy(update={"metric": "validation"})
    assert trend_of(incident, evaluation, past(nights)) is None


def test_only_the_end_of_a_long_log_is_read(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightproof.manifest import LogEntry
    from nightproof.night import Night

    results, reads = bench.model_results(), []
    first = Night.parse("2024-01-01")
    for number in range(MOST_ENTRIES + 40):
        said = {
            "number": number,
            "night": str(first.before(-number)),
            "evaluation_id": f"{number:016x}",
            "status": "ok",
        }
        entry = LogEntry.model_validate(said | {"baseline_id": None, "manifest_sha256": "0", "parent_sha256": None})
        key = f"{results.folder}log/{number:09d}.json"
        results.store.create(key, entry.to_bytes(), content_type="application/json")
    fetch = results.store.fetch
    monkeypatch.setattr(results.store, "fetch", lambda found, path: (reads.append(found.key), fetch(found, path)))
    cache = bench.resources().cache
    found = recent(results, cache)
    assert [entry.number for entry in found] == list(range(40, MOST_ENTRIES + 40))
    assert len(reads) == MOST_ENTRIES
    assert recent(results, cache) == found
    assert len(reads) == MOST_ENTRIES, "what never changes is fetched once"
