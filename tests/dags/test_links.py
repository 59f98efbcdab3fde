"""Where messages lead to from within Airflow: to its own dashboard, unless it runs elsewhere."""

from __future__ import annotations

import pytest
from nightproof.message.links import VARIABLE
from nightproof.operators.alert import dashboard


def test_messages_lead_to_the_dashboard_below_airflows_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    assert dashboard().model("quiet") == "https://airflow.example/team/nightproof/models/quiet"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    monkeypatch.setenv(VARIABLE, "https://nightproof.example/")
    assert dashboard().model("quiet") == "https://nightproof.example/models/quiet"


def test_an_address_that_is_none_is_not_linked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    monkeypatch.setenv(VARIABLE, "nightproof.example")
    assert dashboard().url == "https://airflow.example/nightproof"
