"""Any Airflow notifier: taken by its class, told an event once, given nothing that it could run."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from airflow.sdk import BaseNotifier
from nightproof.alert.notify import NotifierTarget
from nightproof.alert_sections import Notifier
from nightproof.config import ModelConfig
from nightproof.errors import AlertError, ConfigError
from nightproof.operators.notifiers import notifier_class, notifier_faults, notifiers_of
from nightproof.tell import tell

from .conftest import NOON, Crash, PowerCut, Teller, incident

pytestmark = pytest.mark.filterwarnings("default")

TOLD: list[dict[str, Any]] = []


class Pager(BaseNotifier):
    """A notifier as a team would write one."""

    template_fields = ("summary",)

    def __init__(self, *, summary: str, key: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.summary, self.key, self.details = summary, key, details

    def notify(self, context: Any) -> None:
        if self.key == "down":
            raise ConnectionError("https://hooks.example/a-secret-token")
        TOLD.append({"summary": self.summary, "key": self.key, "details": self.details, "run": context["run_id"]})


class NotOne:
    def __init__(self, **_: Any) -> None: ...


@pytest.fixture(autouse=True)
def team_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("team_notifiers")
    module.Pager, module.NotOne, module.a_function = Pager, NotOne, print  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "team_notifiers", module)
    TOLD.clear()


def pager(**changes: Any) -> dict[str, Any]:
    arguments = {"summary": "{title}", "key": "{incident}/{event}", "details": {"text": "{text}", "of": ["{model}"]}}
    return {"class": "team_notifiers.Pager", "arguments": arguments} | changes


def run(teller: Teller, crash: Crash | None = None) -> Any:
    return tell([teller.outbox(crash)], now=NOON, notifiers_of=lambda c: notifiers_of(c, {"run_id": "r1"}))


def test_a_notifier_is_told_of_each_page_once_with_its_texts_filled_in(teller: Teller) -> None:
    paged = teller.with_alerts(notifiers=[pager()])
    for number, event in enumerate(("opened", "ongoing", "worsened", "recovered"), start=1):
        paged.night(f"2024-03-0{number}", incident("performance", event, "2024-03-01"))
        run(paged)
        run(paged)
    assert [told["key"] for told in TOLD] == ["performance-2024-03-01/opened", "performance-2024-03-01/worsened"]
    assert "2024-03-01" in TOLD[0]["summary"]
    assert TOLD[0]["details"]["of"] == ["quiet"]
    assert "ROC AUC fell" in TOLD[0]["details"]["text"]
    assert TOLD[0]["run"] == "r1"
    assert paged.open_nights == 0


def test_one_that_wants_notices_is_told_all_news(teller: Teller) -> None:
    paged = teller.with_alerts(notifiers=[pager(severity="notice")])
    for number, event in enumerate(("opened", "ongoing", "worsened", "recovered"), start=1):
        paged.night(f"2024-03-0{number}", incident("performance", event, "2024-03-01"))
        run(paged)
    assert [told["key"].partition("/")[2] for told in TOLD] == ["opened", "worsened", "recovered"]


def test_notifiers_are_told_where_there_is_no_slack(make_teller: Any) -> None:
    teller = make_teller("quiet", slack=None, notifiers=[pager()])
    teller.life("performance", "opened")
    run(teller)
    assert len(TOLD) == 1
    assert teller.slack.messages == []
    assert teller.open_nights == 0


def test_one_that_fails_stops_nobody_else_and_is_told_by_the_next_run(teller: Teller) -> None:
    down = pager(arguments={"summary": "{title}", "key": "down"})
    both = teller.with_alerts(notifiers=[down, pager()])
    both.life("performance", "opened")
    failed = run(both)
    assert len(TOLD) == 1 and len(both.slack.messages) == 1
    (failure,) = failed.failures
    assert isinstance(failure, AlertError)
    assert "team_notifiers.Pager did not take opened" in str(failure) and "secret" not in str(failure)
    assert both.open_nights == 1
    again = run(both)
    assert len(TOLD) == 1 and len(again.failures) == 1
    mended = teller.with_alerts(notifiers=[pager(arguments={"summary": "{title}", "key": "up"}), pager()])
    run(mended)
    assert [told["key"] for told in TOLD] == ["performance-2024-03-01/opened", "up"]
    assert mended.open_nights == 0


def test_data_is_no_template(teller: Teller) -> None:
    paged = teller.with_alerts(notifiers=[pager(arguments={"summary": "{text}"})])
    found = incident("performance", "opened", "2024-03-01", cause="where g is {{ 7 + 7 }}{% raw %}.")
    paged.night("2024-03-01", found)
    run(paged)
    assert "7 + 7" in TOLD[0]["summary"] and "14." not in TOLD[0]["summary"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_loses_no_page(make_teller: Any, after: bool) -> None:
    def play(teller: Teller, crash: Crash) -> None:
        teller.life("performance", "opened")
        while True:
            try:
                run(teller, crash)
            except PowerCut:
                continue
            break

    counted = Crash()
    play(make_teller(slack=None, notifiers=[pager()]), counted)
    for at in range(len(counted.calls)):
        TOLD.clear()
        play(make_teller(slack=None, notifiers=[pager()]), Crash(at, after=after))
        # Nobody can ask a notifier whether it was told: only between the call and its receipt may it come twice.
        twice = "opened.Pager" in counted.calls[at] and counted.calls[at].endswith("sent.json") and not after
        assert len(TOLD) in ((1, 2) if twice else (1,)), counted.calls[at]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("team_notifiers.NotOne", "no subclass of airflow.sdk.BaseNotifier"),
        ("team_notifiers.a_function", "no subclass"),
        ("team_notifiers.Missing", "has no Missing"),
        ("no_such_package.Notifier", "cannot be imported"),
        ("os.system", "no subclass"),
        ("airflow.sdk.BaseNotifier", "no subclass"),
        ("airflow.sdk.BaseOperator", "no subclass"),
    ],
)
def test_what_is_no_notifier_is_a_fault(teller: Teller, path: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        notifier_class(path)
    config: ModelConfig = teller.with_alerts(notifiers=[{"class": path}]).config
    (fault,) = notifier_faults(config)
    assert fault.key == "alerts.notifiers.0.class" and problem in fault.problem
    with pytest.raises(ConfigError):
        notifiers_of(config, {})  # type: ignore[typeddict-item]


def test_another_class_or_other_arguments_are_another_notifier() -> None:
    sections = [Notifier.model_validate(pager(arguments=given)) for given in ({}, {"summary": "a"}, {"summary": "b"})]
    marks = {NotifierTarget(section, print).target.mark for section in sections}
    assert len(marks) == 3 and all("." not in mark and "/" not in mark for mark in marks)
