"""The life of an incident: each arrow of the module's drawing, and laws over stories made at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.alert_sections import Alerts
from nightproof.incidents import REMEMBERED, SHOWN, Life, Regressed, Tonight
from nightproof.verdict import PAGES, Cause, Incident, Verdict

FIRST = date(2013, 12, 14)
SUBJECTS = {"performance": ("roc_auc", "brier"), "bias": ("tpr_gap", "impact_ratio"), "data": ("missing_rate",)}
UNKNOWN = (Cause(kind="unknown", text="nothing explains it"),)
Regression = tuple[str, float]
"""A metric, and its harm in tolerances."""


@dataclass
class Lived:
    """Nights of incidents, one after another."""

    told: Any
    alerts: Alerts = field(default_factory=Alerts)
    night: date = FIRST
    verdicts: list[Verdict] = field(default_factory=list)

    def subject(self, metric: str) -> str:
        """What the metric is called."""
        subject: str = self._finding(metric).subject
        return subject

    def _finding(self, metric: str) -> Any:
        return self.told().model_copy(update={"metric": metric})

    def after(
        self,
        *regressed: Regression,
        good: Mapping[str, bool] | None = None,
        told: Sequence[str] | None = None,
        causes: Mapping[str, Sequence[Cause]] | None = None,
    ) -> tuple[Incident, ...]:
        """A night on which some metrics regress, and some are told to be good or not; by default the others are."""
        loud = dict(regressed)
        every = {m: m not in loud for some in SUBJECTS.values() for m in some} if good is None else good
        families = {m: family for family, some in SUBJECTS.items() for m in some}
        found = [
            Regressed(self._finding(metric), families[metric], size, str(self.night))  # type: ignore[arg-type]
            for metric, size in regressed
        ]
        known = {self.subject(metric): is_good for metric, is_good in every.items()}
        tonight = Tonight(self.night, found, known, frozenset(SUBJECTS if told is None else told))  # type: ignore[arg-type]
        explained = causes or {}
        life = Life(tonight, self.alerts, lambda f: tuple(explained.get(f.metric, UNKNOWN)), lambda f, _: f.metric)
        incidents, ended = life.after(self.verdicts[-1] if self.verdicts else None)
        self.verdicts.append(self._verdict(incidents, ended))
        self.night += timedelta(days=1)
        return incidents

    def _verdict(self, incidents: tuple[Incident, ...], ended: tuple[Incident, ...]) -> Verdict:
        blank = dict.fromkeys(("regressions", "watches", "insufficient", "findings"), 0)
        known = {"model": "m", "night": str(self.night), "status": "ok", "headline": "", "history": ()}
        return Verdict(**known, **blank, false_alarm_level=0.01, incidents=incidents, ended=ended)  # type: ignore[arg-type]

    def skip(self, nights: int) -> None:
        """Nights that nobody evaluated."""
        self.night += timedelta(days=nights)

    @property
    def events(self) -> list[str]:
        """Of each night."""
        return [" ".join(incident.event for incident in verdict.incidents) for verdict in self.verdicts]


@pytest.fixture
def lived(told: Any) -> Any:
    return lambda **alerts: Lived(told, Alerts.model_validate(alerts))


BAD: Regression = ("roc_auc", 3.0)


def test_it_opens_goes_on_and_recovers_after_some_good_nights(lived: Any) -> None:
    life = lived()
    for regressed in ([], [BAD], [BAD], [], [], [], []):
        life.after(*regressed)
    assert life.events == ["", "opened", "ongoing", "ongoing", "ongoing", "recovered", ""]
    told = [verdict.incidents[0] for verdict in life.verdicts[1:6]]
    assert {incident.id for incident in told} == {"performance-2013-12-15"}
    assert {incident.opened for incident in told} == {"2013-12-15"}
    assert [incident.good_nights for incident in told] == [0, 0, 1, 2, 3]
    assert [incident.ended for incident in told] == [None] * 4 + ["2013-12-19"]
    assert (told[0].findings, told[0].cause, told[0].worst) == (("ROC AUC",), "roc_auc", 3.0)


@pytest.mark.parametrize("nights", [1, 2, 5])
def test_how_many_good_nights_is_the_configs(nights: int, lived: Any) -> None:
    life = lived(recover_after=nights)
    life.after(BAD)
    for _ in range(nights):
        life.after()
    assert life.events == ["opened", *["ongoing"] * (nights - 1), "recovered"]


def test_a_bad_night_among_good_ones_starts_them_again(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    for bad in (False, False, True, False, False, False):
        # Bad alone, by its own tolerance, though not within the budget.
        life.after(good={"roc_auc": not bad})
    assert [v.incidents[0].good_nights for v in life.verdicts] == [0, 1, 2, 0, 1, 2, 3]


def test_a_window_that_still_shows_it_does_not_keep_it_open(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    for _ in range(3):
        life.after(BAD, good={"roc_auc": True})
    assert life.events[-1] == "recovered"


def test_something_new_that_is_bad_tonight_does_keep_it_open(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    life.after()
    life.after()
    [incident] = life.after(("brier", 2.0))
    assert (incident.event, incident.good_nights) == ("ongoing", 0)
    assert incident.findings == ("ROC AUC", "Brier score")


def test_it_is_worse_at_twice_its_size_and_then_at_twice_that(lived: Any) -> None:
    life = lived()
    for size in (3.0, 5.9, 6.0, 6.0, 11.9, 12.0, 3.0, 6.0):
        life.after(("roc_auc", size))
    assert life.events == ["opened", "ongoing", "worsened", "ongoing", "ongoing", "worsened", "ongoing", "ongoing"]
    assert life.verdicts[-1].incidents[0].worst == 12.0


def test_the_same_trouble_soon_after_reopens_it_and_later_is_a_new_one(lived: Any) -> None:
    for pause, event in ((0, "reopened"), (13, "reopened"), (14, "opened"), (60, "opened")):
        life = lived(reopen_within=14)
        life.after(BAD)
        for _ in range(3):
            life.after()
        life.skip(pause)
        [incident] = life.after(("roc_auc", 4.0))
        assert incident.event == event, pause
        assert (incident.id == "performance-2013-12-14") == (event == "reopened")
        assert (incident.ended, incident.good_nights, incident.worst) == (None, 0, 4.0)


def test_other_trouble_soon_after_is_another_incident(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    for _ in range(3):
        life.after()
    [incident] = life.after(("tpr_gap", 2.0))
    assert (incident.event, incident.id) == ("opened", "bias-2013-12-18")
    # And the first is remembered as long as a window could reach back over its end.
    while life.verdicts[-1].ended:
        life.after()
    last = date.fromisoformat(life.verdicts[-2].night)
    assert (last - date(2013, 12, 17)).days >= REMEMBERED


def test_what_regresses_on_one_night_is_one_incident(lived: Any) -> None:
    life = lived()
    [incident] = life.after(("tpr_gap", 9.0), ("roc_auc", 2.0), ("missing_rate", 4.0))
    assert (incident.check, incident.families) == ("performance", ("performance", "bias", "data"))
    assert incident.metric == "roc_auc"
    assert len(incident.findings) == 3
    # All of it must be good again.
    for _ in range(4):
        life.after(good={"roc_auc": True, "tpr_gap": False, "missing_rate": True})
    assert life.events[-1] == "ongoing"
    for _ in range(3):
        life.after()
    assert life.events[-1] == "recovered"


def test_trouble_of_the_same_cause_joins_the_incident_that_is_open(lived: Any) -> None:
    broken = (Cause(kind="data_fault", text="x is missing", columns=("x",)),)
    other = (Cause(kind="data_fault", text="y is missing", columns=("y",)),)
    for second, incidents in ((broken, 1), (other, 2), (UNKNOWN, 2)):
        life = lived()
        life.after(("missing_rate", 2.0), causes={"missing_rate": broken})
        found = life.after(("missing_rate", 2.0), ("tpr_gap", 3.0), causes={"missing_rate": broken, "tpr_gap": second})
        assert len(found) == incidents
        if incidents == 1:
            assert (found[0].event, found[0].families) == ("ongoing", ("data", "bias"))
            assert len(found[0].findings) == 2
        else:
            assert [i.event for i in found] == ["opened", "ongoing"]


def test_unknown_causes_join_nothing(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    found = life.after(BAD, ("tpr_gap", 3.0))
    assert [(i.check, i.event) for i in found] == [("performance", "ongoing"), ("bias", "opened")]


def test_a_night_that_tells_nothing_neither_ends_nor_counts(lived: Any) -> None:
    life = lived()
    life.after(BAD)
    life.after()
    for _ in range(5):
        life.after(good={}, told=())
    assert [v.incidents[0].good_nights for v in life.verdicts] == [0, 1, 1, 1, 1, 1, 1]
    life.after()
    life.after()
    assert life.events[-1] == "recovered"


def test_a_group_that_single_nights_no_longer_tell_recovers_where_its_family_is_quiet(lived: Any) -> None:
    life = lived()
    life.after(("tpr_gap", 3.0))
    for _ in range(2):
        life.after(good={"roc_auc": True}, told=("performance", "bias"))
    life.after(good={"roc_auc": True}, told=("performance",))
    assert life.verdicts[-1].incidents[0].good_nights == 2
    life.after(("impact_ratio", 2.0), good={}, told=("bias",))
    assert life.verdicts[-1].incidents[0].good_nights == 0
    for _ in range(3):
        life.after(good={}, told=("bias",))
    assert life.events[-1] == "recovered"


def test_an_incident_keeps_so_many_subjects(lived: Any, told: Any) -> None:
    many = [
        Regressed(told().model_copy(update={"segment": {"g": str(i)}}), "performance", 1.0, str(FIRST))
        for i in range(SHOWN + 10)
    ]
    life = Life(Tonight(FIRST, many), Alerts(), lambda _: (), lambda *_: "")
    assert len(life.after(None)[0][0].findings) == SHOWN


# --- Stories made at random -------------------------------------------------------------------------------

METRICS = [metric for some in SUBJECTS.values() for metric in some]
NIGHT = st.one_of(
    st.just("untold"),
    st.just("good"),
    st.dictionaries(st.sampled_from(METRICS), st.floats(1.1, 40.0), min_size=1, max_size=4),
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    nights=st.lists(NIGHT, min_size=1, max_size=40),
    recover_after=st.integers(1, 4),
    reopen_within=st.integers(0, 20),
    cause=st.sampled_from([UNKNOWN, (Cause(kind="data_fault", text="x is missing", columns=("x",)),)]),
)
def test_laws_of_every_life(
    nights: list[Any], recover_after: int, reopen_within: int, cause: tuple[Cause, ...], told: Any
) -> None:
    life = Lived(told, Alerts(recover_after=recover_after, reopen_within=reopen_within))
    open_before: dict[str, Incident] = {}
    ever: set[str] = set()
    for night in nights:
        untold = night == "untold"
        regressed = tuple(night.items()) if isinstance(night, dict) else ()
        given_: dict[str, Any] = {"good": {}, "told": ()} if untold else {}
        found = life.after(*regressed, causes=dict.fromkeys(METRICS, cause), **given_)
        ids = [incident.id for incident in found]
        assert len(set(ids)) == len(ids)
        # Nothing that is open is forgotten, and no family has two.
        assert set(open_before) <= set(ids)
        families = [family for incident in found if incident.is_open for family in incident.families]
        assert len(set(families)) == len(families)
        for incident in found:
            before = open_before.get(incident.id)
            assert (incident.ended is None) == incident.is_open
            if before is None:
                assert incident.event in ("opened", "reopened")
                assert (incident.event == "reopened") == (incident.id in ever)
            else:
                assert incident.event in ("ongoing", "worsened", "recovered")
                # It pages again only when it is twice as bad as it was told of.
                assert (incident.event in PAGES) == (incident.worst != before.worst)
                assert incident.worst >= before.worst
                assert incident.worst == before.worst or incident.worst >= 2 * before.worst
                assert set(before.families) <= set(incident.families)
            if incident.event == "recovered":
                assert not untold and incident.good_nights >= recover_after
            assert incident.good_nights == 0 or incident.event in ("ongoing", "recovered")
        # All that regressed is somewhere.
        shown = {subject for incident in found for subject in incident.findings}
        assert {life.subject(metric) for metric, _ in regressed} <= shown
        if untold:
            assert {i.id: i.good_nights for i in found} == {i.id: i.good_nights for i in open_before.values()}
        open_before = {incident.id: incident for incident in found if incident.is_open}
        ever |= set(ids)
    again = Lived(told, life.alerts)
    for night in nights:
        given_ = {"good": {}, "told": ()} if night == "untold" else {}
        again.after(
            *(tuple(night.items()) if isinstance(night, dict) else ()), causes=dict.fromkeys(METRICS, cause), **given_
        )
    assert again.verdicts == life.verdicts
