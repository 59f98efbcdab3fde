"""Where messages lead to: few pages, the right ones, and none that Slack would refuse the message for."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.alert.due import Due
from nightproof.message import Dashboard, DigestLine, Links, compose_digest, dashboard_at, dashboard_of_environment
from nightproof.message.links import VARIABLE

DASHBOARD = Dashboard("https://airflow.example/nightproof")
NIGHT = ("flight_delay", "2013-12-14", "0123456789abcdef")


def test_a_nights_links_are_the_dashboards_pages() -> None:
    links = DASHBOARD.links(
        *NIGHT, location="s3://there/", report=True, data_docs=True, run="https://airflow.example/run"
    )
    night = "https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef"
    assert links.night(*NIGHT[1:]) == night
    assert (links.report, links.data_docs) == (f"{night}/report", f"{night}/data-docs")
    assert (
        links.dashboard == DASHBOARD.model("flight_delay") == "https://airflow.example/nightproof/models/flight_delay"
    )
    assert links.incident("bias-2013-12-14") == DASHBOARD.incident("flight_delay", "bias-2013-12-14")


def test_pages_that_a_night_has_not_are_not_linked() -> None:
    links = DASHBOARD.links(*NIGHT, location="s3://there/")
    assert links.report is None and links.data_docs is None and links.run is None


def test_without_a_dashboard_there_is_no_page_of_it() -> None:
    links = Links("s3://there/")
    assert links.incident("performance-2013-12-14") is None and links.night(*NIGHT[1:]) is None


@given(st.text(max_size=60))
def test_no_id_leads_to_another_page(name: str) -> None:
    address = urlsplit(DASHBOARD.incident("flight_delay", name))
    before, _, last = address.path.rpartition("/")
    assert before == "/nightproof/models/flight_delay/incidents" and unquote(last) == name
    assert not address.query and not address.fragment and address.netloc == "airflow.example"


@pytest.mark.parametrize(
    "url",
    ["", "airflow.example", "ftp://airflow.example", "javascript:alert(1)", "https://", "https://a b", "https://a|b/",
     "https://[half", "https://airflow.example/?next=1", "https://airflow.example/#here", "https://<evil>/"],
)  # fmt: skip
def test_what_slack_would_refuse_is_no_dashboard(url: str) -> None:
    assert dashboard_at(url) is None


def test_the_environment_names_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dashboard_of_environment() is None
    monkeypatch.setenv(VARIABLE, " http://nightproof.internal:8501/ ")
    assert dashboard_of_environment() == Dashboard("http://nightproof.internal:8501")


def test_a_note_of_an_earlier_version_is_read() -> None:
    before = (
        b'{"night":"2013-12-14","evaluation_id":"0123456789abcdef","asked_at":"2013-12-16T04:00:00+00:00",'
        b'"location":"s3://there/","report":"https://airflow.example/report","data_docs":null,"run":null}'
    )
    links = Due.from_bytes(before, name="due").links
    assert links.report == "https://airflow.example/report" and links.incident("any") is None


def test_a_note_keeps_every_link() -> None:
    links = DASHBOARD.links(
        *NIGHT, location="s3://there/", report=True, data_docs=True, run="https://airflow.example/run"
    )
    kept = Due.from_bytes(Due.ask(*NIGHT[1:], links).to_bytes(), name="due")
    assert kept.links == links


def buttons(*owners: str) -> list[str]:
    week = [DigestLine(f"model_{place}", owner, "ok", 7) for place, owner in enumerate(owners)]
    blocks = compose_digest(week, channel="#ml", week="2013-W50", dashboard=DASHBOARD).blocks
    return [b["url"] for block in blocks if block["type"] == "actions" for b in block["elements"]]


def test_a_digest_leads_to_the_fleet_of_its_owner() -> None:
    assert buttons("A & B", "A & B") == ["https://airflow.example/nightproof/?owner=A+%26+B"]
    assert buttons("growth", "freight") == ["https://airflow.example/nightproof/"]
