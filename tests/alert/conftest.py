"""Nights whose verdicts are written by hand, and a Slack to tell them to."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from nightproof.alert import Due, Outbox, claims, post, retry_handlers
from nightproof.alert.shared import SharedFaults
from nightproof.alert.targets import Delivery
from nightproof.config import ModelConfig
from nightproof.demo.slack_recorder import SlackRecorder
from nightproof.evaluation import Evaluation
from nightproof.message import Links
from nightproof.night import Night
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot
from nightproof.storage import MemoryStore, Store
from nightproof.tell import tell
from nightproof.validation import Validation
from nightproof.verdict import Cause, Incident, Verdict
from slack_sdk import WebClient

NOON = datetime(2024, 3, 20, 12, tzinfo=UTC)
TITLES = {"performance": "ROC AUC fell", "bias": "group b is served worse", "data": "x is broken", "drift": "x moved"}


class PowerCut(BaseException):
    """The end of a process at this very call; nothing catches it."""


class Crash:
    """Counts calls, and cuts the power at one of them.

    Parameters
    ----------
    at
        0-based number of the call; ``None`` for none.
    after
        Whether the call has its effect first.
    """

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.calls: list[str] = []

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        fails = len(self.calls) == self.at
        self.calls.append(name)
        if fails and not self.after:
            raise PowerCut(name)
        yield
        if fails:
            raise PowerCut(name)


class CrashingStore:
    """A store on a machine whose power is cut."""

    def __init__(self, store: Store, crash: Crash) -> None:
        self._store, self._crash = store, crash

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name == "url":
            return found

        def call(*given: Any, **options: Any) -> Any:
            with self._crash.around(f"store.{name} {given[0]}"):
                answer = found(*given, **options)
                return list(answer) if name == "list" else answer

        return call


class CrashingClient(WebClient):
    """A Slack client on a machine whose power is cut: each request is a call, those of an upload too."""

    crash: Crash

    def api_call(self, api_method: str, **options: Any) -> Any:
        with self.crash.around(f"slack.{api_method}"):
            return super().api_call(api_method, **options)

    def _upload_file(self, **options: Any) -> Any:
        with self.crash.around("slack.upload"):
            return super()._upload_file(**options)


def incident(name: str, event: str, opened: str, **changes: Any) -> Incident:
    said: dict[str, Any] = {
        "id": f"{name}-{opened}",
        "event": event,
        "check": name,
        "metric": "roc_auc",
        "segment": {},
        "opened": opened,
        "findings": (TITLES[name],),
        "cause": f"{TITLES[name]}.",
    }
    return Incident.model_validate(said | changes)


def broken(*columns: str) -> tuple[Cause, ...]:
    """The causes of an incident that begins with broken columns."""
    return (Cause(kind="data_fault", text=f"{columns[0]} is missing", share=0.9, columns=columns),)


@dataclass
class Teller:
    """One model, what its nights came to, and whom it tells."""

    store: Store
    slack: SlackRecorder
    config: ModelConfig
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    shared: SharedFaults | None = None
    picture: bytes | None = None

    @property
    def results(self) -> ModelResults:
        return ModelResults(self.store, f"nightproof/{self.config.model}/")

    def with_alerts(self, **changes: Any) -> Teller:
        """The same record under another config of who is told."""
        alerts = self.config.alerts.model_dump(by_alias=True) | changes
        data = self.config.model_dump(by_alias=True) | {"alerts": alerts}
        return Teller(self.store, self.slack, ModelConfig.model_validate(data), self.evaluations, self.shared)

    def night(self, night: str, *incidents: Incident, ask: bool = True, version: int = 0) -> Due:
        """Publish a night's verdict, and make it due."""
        verdict = Verdict(
            model=self.config.model,
            night=night,
            status="regression" if incidents else "ok",
            headline="As the test says.",
            regressions=len(incidents),
            watches=0,
            insufficient=0,
            findings=10,
            false_alarm_level=0.01,
            incidents=incidents,
            history=(),
        )
        name = hashlib.sha256(f"{self.config.model} {night} {version}".encode()).hexdigest()[:16]
        dossier = self.results.dossier(night, name)
        dossier.write("verdict.json", verdict.to_bytes())
        validation = Validation(outcome="passed", rows=100, labelled=100, expectations=(), engine="none")
        self.evaluations[name] = Evaluation(
            config=self.config,
            night=Night.parse(night),
            id=name,
            snapshot=Snapshot(model=self.config.model, night=night, objects=()),
            validation=validation,
            profile=None,
            baseline=None,
            findings=(),
            verdict=verdict,
        )
        due = Due.ask(night, name, Links(location=dossier.url("")))
        if ask:
            self.outbox().ask(due, verdict)
        return due

    def life(self, name: str, events: str, opened: str = "2024-03-01", **changes: Any) -> None:
        """An incident's events on the nights from ``opened`` on; ``-`` is a night without it."""
        first = Night.parse(opened)
        for place, event in enumerate(events.split()):
            found = () if event == "-" else (incident(name, event, opened, **changes),)
            self.night(str(first.before(-place)), *found)

    def outbox(self, crash: Crash | None = None) -> Outbox:
        store, client = self.store, self.slack.client(retry_handlers=retry_handlers())
        if crash is not None:
            store = CrashingStore(store, crash)  # type: ignore[assignment]
            client = CrashingClient(self.slack.token, base_url=self.slack.base_url)
            client.crash = crash
        return Outbox(
            self.config,
            ModelResults(store, f"nightproof/{self.config.model}/"),
            read=lambda due: self.evaluations[due.evaluation_id],
            sender=client,
            shared=self.shared,
            draw=(lambda *_: self.picture) if self.picture else None,
        )

    def tell(self, now: datetime = NOON, *, crash: Crash | None = None) -> Delivery:
        """Deliver what is due, as a fresh process would."""
        return tell([self.outbox(crash)], now=now)

    @property
    def said(self) -> list[str]:
        """What Slack heard, in short: the heading of each message."""
        return [message["text"].partition(". ")[0] for message in self.slack.messages]

    @property
    def events(self) -> list[str]:
        """Which events Slack heard of, by the names in their keys."""
        keys = [message["metadata"]["event_payload"]["key"] for message in self.slack.messages]
        return [key.rpartition("/")[2] for key in keys]

    @property
    def open_nights(self) -> int:
        names = [found.key for found in self.store.list(f"{self.results.folder}alerts/due/")]
        return sum(not name.endswith(".done.json") for name in names) - sum(n.endswith(".done.json") for n in names)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim without a receipt is given up at once, and nobody sleeps."""
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 0)
    monkeypatch.setattr(post.time, "sleep", lambda seconds: None)


@pytest.fixture
def slack(tmp_path: Any) -> Iterator[SlackRecorder]:
    with SlackRecorder(tmp_path / "slack", channels=("ml", "fairness", "feeds")) as recorder:
        yield recorder


@pytest.fixture
def make_teller(slack: SlackRecorder) -> Any:
    """Makes models on one store, told in one Slack."""
    store, numbers = MemoryStore(), itertools.count()

    def make(model: str = "", **alerts: Any) -> Teller:
        config = {
            "model": model or f"m{next(numbers)}",
            "task": "binary",
            "data": {"predictions": "s3://logs/p/", "reference": "s3://logs/r/"},
            "columns": {"score": "p", "label": "y", "features": {"numeric": ["x", "z"]}, "protected": ["g"]},
            "alerts": {"slack": {"channel": "#ml", "channels": {"bias": "#fairness"}}} | alerts,
        }
        return Teller(store, slack, ModelConfig.model_validate(config))

    return make


@pytest.fixture
def teller(make_teller: Any) -> Teller:
    return make_teller("quiet")
