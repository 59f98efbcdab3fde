"""Readings: which findings they are of, through which window, and that they survive storage."""

from __future__ import annotations

from typing import Any

import pytest
from nightproof.checks.finding import Finding
from nightproof.errors import RecordError
from nightproof.readings import Readings, family, key, readings


def changed(finding: Finding, **about: Any) -> Finding:
    return finding.model_copy(update=about)


@pytest.fixture
def group(told: Any) -> Any:
    """A group's gap in true-positive rate through a window."""

    def made(window: int = 1, **about: Any) -> Finding:
        known = {"check": "bias", "baseline": 0.01, "segment": {"carrier": "UA"}, "window": window}
        found: Finding = told("tpr_gap", 0.03, **known | about)
        return found

    return made


def test_they_survive_storage(told: Any, group: Any) -> None:
    known = {"night": "2026-03-01", "version": "14", "rows": 9, "labelled": 4, "troubled": ("bias",)}
    found = Readings(**known, all=readings([told(), group(), told("brier", 0.15, baseline=None, tolerance=0.01)]))
    assert Readings.from_bytes(found.to_bytes(), name="readings.json") == found
    with pytest.raises(RecordError, match=r"readings\.json is not a Readings"):
        Readings.from_bytes(b"{}", name="readings.json")


def test_a_reading_says_what_its_finding_does(told: Any) -> None:
    finding = told("roc_auc", 0.83)
    [reading] = readings([finding])
    for name in ("check", "metric", "column", "segment", "window", "value", "interval", "baseline", "n"):
        assert getattr(reading, name) == getattr(finding, name)
    assert reading.delta_interval == finding.delta_interval
    assert reading.key == key(finding)


def test_what_could_be_held_is_read_and_the_rest_is_not(told: Any, group: Any) -> None:
    drifted = changed(told(), check="drift", column="x")
    read = [
        told("roc_auc"),
        told("recall"),  # no tolerance tonight; another policy may have one
        changed(told(), metric="estimated_roc_auc"),
        group(),
        *(changed(drifted, metric=metric) for metric in ("psi", "missing_rate", "unseen_rate", "vanished_share")),
        *(changed(drifted, metric=metric) for metric in ("outside_rate", "output_shift")),
    ]
    left = [
        changed(told(), segment={"origin": "JFK"}),  # a slice says where, and not whether
        changed(told(), metric="mix_effect"),
        changed(group(), metric="selection_rate"),  # has no limit
        changed(drifted, metric="wasserstein"),
        changed(told("brier", 0.15, tolerance=0.01), value=None, interval=None),  # not told
        changed(told("f1"), interval=None),
    ]
    found = readings([*left, *read])
    assert {reading.key for reading in found} == {key(finding) for finding in read}


@pytest.mark.parametrize(
    ("windows", "kept"), [([1, 7, 28], 1), ([28, 1, 7], 1), ([7, 28], 28), ([28, 7], 28), ([7], 7)]
)
def test_a_small_group_is_read_through_the_longest_window_that_tells_it(
    windows: list[int], kept: int, group: Any
) -> None:
    untold = [changed(group(window), value=None, interval=None) for window in {1, 7, 28} - set(windows)]
    [reading] = readings([*untold, *(group(window) for window in windows)])
    assert reading.window == kept
    known = Readings(night="2026-03-01", rows=1, labelled=1, all=(reading,))
    assert list(known.nightly) == ([reading.key] if kept == 1 else [])


def test_two_ends_of_a_limit_are_one_reading(group: Any) -> None:
    ends = [group(limit=("max", 0.1)), group(limit=("min", -0.1))]
    assert len({finding.tolerance for finding in ends}) == 2
    assert len(readings(ends)) == 1


def test_columns_and_groups_are_apart(told: Any, group: Any) -> None:
    drifted = changed(told(), check="drift", metric="missing_rate")
    many = [changed(drifted, column=name) for name in "xyz"] + [group(segment={"carrier": name}) for name in "abc"]
    assert len(readings(many)) == 6


@pytest.mark.parametrize(
    ("check", "metric", "trouble"),
    [
        ("performance", "roc_auc", "performance"),
        ("performance", "estimated_roc_auc", "performance"),
        ("bias", "tpr_gap", "bias"),
        ("drift", "missing_rate", "data"),
        ("drift", "output_shift", "data"),
        ("drift", "psi", "drift"),
        ("drift", "wasserstein", "drift"),
    ],
)
def test_the_trouble_that_a_finding_would_be(check: Any, metric: str, trouble: str) -> None:
    assert family(check, metric) == trouble
