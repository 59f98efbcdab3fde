"""Inside a real Airflow: its login, the tabs, from the fleet to the report, and what a message leads to."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
from nightproof.message import Dashboard, compose
from playwright.sync_api import FrameLocator, Page, expect

from .conftest import RUN_ID, Opens
from .fleet import HIDDEN, HIDDEN_GROUP, HIDDEN_OWNER, HIDDEN_TAG, WORST, MadeFleet
from .login import ADMIN, PASSWORDS, VIEWER, AirflowWithLogin
from .pages import OF_MODEL, PAGES, Look, address

pytestmark = pytest.mark.integration


@pytest.fixture
def enter(opens: Opens, airflow: AirflowWithLogin):
    """Opens an address, logs in through the form that is there instead, and waits for what was asked for."""

    def go(user: str, path: str) -> Page:
        page = opens().page
        page.goto(airflow.url + path)
        log_in(page, user)
        page.wait_for_url(lambda url: urlsplit(url).path.rstrip("/") == urlsplit(path).path.rstrip("/"))
        return page

    return go


def log_in(page: Page, user: str) -> None:
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(PASSWORDS[user])
    page.get_by_role("button", name="Sign in").click()


def inside(page: Page) -> FrameLocator:
    """What the tab shows."""
    return page.frame_locator("iframe[src*='/nightproof/']")


def links_to(frame: FrameLocator, path: str):
    """The first link that is shown and leads below Airflow's root to a path."""
    return frame.locator(f"a[href^='/nightproof{path}']:visible").first


def test_from_the_page_of_a_dag_to_the_fleet_a_night_and_its_report(enter, fleet: MadeFleet) -> None:
    last = fleet.last(WORST)
    page = enter(ADMIN, f"/dags/{WORST}")
    page.get_by_role("link", name="Model health").click()
    frame = inside(page)
    expect(frame.locator("h1")).to_contain_text(WORST)
    links_to(frame, "/").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Fleet")
    frame.locator(f"main a[href^='/nightproof/models/{WORST}']:visible").first.click()
    expect(frame.locator("h1")).to_contain_text(WORST)
    links_to(frame, f"/models/{WORST}/nights/{last.night}").click()
    expect(frame.locator("h1")).to_contain_text(str(last.night))
    frame.get_by_text("Show it here").first.click()
    report = frame.frame_locator(f"iframe[src$='/{last.night}/{last.id}/report']")
    expect(report.get_by_text(re.compile("ROC AUC")).first).to_be_visible(timeout=20_000)


def test_a_report_opens_in_a_window_of_its_own(enter, fleet: MadeFleet) -> None:
    page = enter(ADMIN, f"/nightproof/models/{WORST}/nights/{fleet.last(WORST).night}")
    with page.expect_popup() as opened:
        page.locator("a[href$='/report']").first.click()
    expect(opened.value.get_by_text(re.compile("ROC AUC")).first).to_be_visible(timeout=20_000)


def test_back_by_keyboard_alone(enter, fleet: MadeFleet) -> None:
    page = enter(ADMIN, f"/nightproof/models/{WORST}/nights/{fleet.last(WORST).night}")
    _tab_to(page, f"/nightproof/models/{WORST}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(WORST)
    page.wait_for_url(re.compile(f"/models/{WORST}$"))
    _tab_to(page, "/nightproof/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fleet")


def test_the_navigation_has_an_entry_and_the_run_its_verdict(enter, fleet: MadeFleet) -> None:
    night = str(fleet.last(WORST).night)
    page = enter(ADMIN, "/")
    page.get_by_role("link", name="Nightproof").click()
    expect(inside(page).get_by_role("heading", level=1)).to_have_text("Fleet")
    page.goto(f"{_origin(page)}/dags/{WORST}/runs/{RUN_ID.format(night=night)}")
    page.get_by_role("link", name="Verdict").click()
    expect(inside(page).locator("h1")).to_contain_text(night)


def test_no_link_in_airflows_frame_is_dead(enter, fleet: MadeFleet) -> None:
    """That frame lets a page open no window, and not leave it."""
    page = enter(ADMIN, f"/dags/{WORST}/plugin/nightproof-model")
    for look in PAGES:
        if look.model == WORST and look.status == 200:
            path = "/nightproof" + address(look, fleet)
            page.locator("iframe").evaluate("(e, path) => new Promise((d) => { e.onload = d; e.src = path; })", path)
            frame = inside(page)
            expect(frame.locator("html.embedded")).to_have_count(1)
            found = frame.locator("a[target]:not([target='_self']):visible").all_inner_texts()
            assert found == [], look.name


def test_a_link_in_a_message_leads_through_the_login_to_its_page(
    enter, airflow: AirflowWithLogin, fleet: MadeFleet
) -> None:
    last = fleet.last(WORST)
    incident = last.verdict.incidents[0].model_copy(update={"event": "opened"})  # news has the most links
    links = Dashboard(f"{airflow.url}/nightproof").links(
        WORST, str(last.night), last.id, location="file:///results/", report=True
    )
    message = compose(incident, last, links)
    urls = sorted(set(re.findall(rf"{re.escape(airflow.url)}/nightproof[^\s\"|>\\]+", json.dumps(message.blocks))))
    assert any(url.endswith("/report") for url in urls)
    assert any(f"/models/{WORST}" in url and not url.endswith("/report") for url in urls)
    for url in urls:
        page = enter(ADMIN, url.removeprefix(airflow.url))
        expect(page.locator("h1, h2").first).to_be_visible(timeout=20_000)
        assert page.url == url


# --- Who may not read a model ---------------------------------------------------------------------------------


@pytest.fixture
def viewers(enter) -> dict[str, Page]:
    """The fleet's page as each has it."""
    return {user: enter(user, "/nightproof/") for user in (ADMIN, VIEWER)}


SECRETS = (HIDDEN, HIDDEN_OWNER, HIDDEN_TAG, HIDDEN_GROUP)


def test_whoever_may_not_read_a_model_sees_nothing_of_it_on_pages_of_all(
    viewers: dict[str, Page], airflow: AirflowWithLogin
) -> None:
    for path in ("/", "/?q=" + HIDDEN, f"/?owner={HIDDEN_OWNER}", "/incidents", "/table", "/api"):
        contents = {}
        for user, page in viewers.items():
            answer = page.goto(f"{airflow.url}/nightproof{path}", wait_until="networkidle")
            assert answer is not None and answer.ok, path
            contents[user] = page.content().replace(path.partition("?")[2].partition("=")[2] or "\0", "")
        assert [word for word in SECRETS if word in contents[VIEWER]] == [], path
        if path in ("/", "/incidents"):
            assert HIDDEN in contents[ADMIN], f"{path} shows it to nobody: this test would see nothing"


def test_it_is_in_no_count_and_in_no_answer_of_the_api(viewers: dict[str, Page], airflow: AirflowWithLogin) -> None:
    asked = {user: page.request.get(f"{airflow.url}/nightproof/api/v1/models").json() for user, page in viewers.items()}
    assert asked[VIEWER]["total"] == asked[ADMIN]["total"] - 1
    assert sum(asked[VIEWER]["counts"].values()) == asked[VIEWER]["total"]
    assert [word for word in SECRETS if word in str(asked[VIEWER])] == []
    spec = viewers[VIEWER].request.get(f"{airflow.url}/nightproof/api/v1/openapi.json")
    paths = [path for path, told in spec.json()["paths"].items() if "get" in told]
    assert len(paths) > 3
    for path in paths:
        answer = viewers[VIEWER].request.get(f"{airflow.url}/nightproof{_below_api(path)}")
        assert [word for word in SECRETS[1:] if word in answer.text()] == [], path
        if "{model}" in path:
            assert answer.status in (404, 422), path


def _below_api(path: str) -> str:
    said = {"model": HIDDEN, "night": "2024-03-02", "column": "income", "incident_id": "performance-2024-03-02"}
    path = path.removeprefix("/nightproof")
    path = path if path.startswith("/api/v1") else f"/api/v1{path}"
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: said.get(found[1], "0123456789abcdef"), path)


@pytest.mark.parametrize("look", OF_MODEL, ids=lambda look: look.name)
def test_its_own_addresses_answer_as_if_it_were_not(
    viewers: dict[str, Page], airflow: AirflowWithLogin, fleet: MadeFleet, look: Look
) -> None:
    hidden = address(Look(look.name, look.path, HIDDEN), fleet)
    nobody = hidden.replace(HIDDEN, "nobody")
    said = []
    for path in (hidden, nobody):
        answer = viewers[VIEWER].request.get(f"{airflow.url}/nightproof{path}")
        assert answer.status == 404
        said.append(re.sub(r"<time.*?</time>", "", answer.text()).replace(HIDDEN, "nobody"))
    assert said[0] == said[1]
    assert viewers[ADMIN].request.get(f"{airflow.url}/nightproof{hidden}").status == 200


def test_its_report_is_not_theirs_either(viewers: dict[str, Page], airflow: AirflowWithLogin, fleet: MadeFleet) -> None:
    last = fleet.last(HIDDEN)
    for name in ("report", "data-docs"):
        url = f"{airflow.url}/nightproof/models/{HIDDEN}/nights/{last.night}/{last.id}/{name}"
        assert viewers[VIEWER].request.get(url).status == 404


def test_whoever_has_not_logged_in_is_told_nothing(opens: Opens, airflow: AirflowWithLogin) -> None:
    page = opens().page
    for path in ("/", "/api/v1/models", f"/models/{WORST}", "/incidents"):
        answer = page.request.get(f"{airflow.url}/nightproof{path}", max_redirects=0)
        assert answer.status in (302, 303, 307, 401, 403), path
        assert WORST not in answer.text().replace(f"models%2F{WORST}", "").replace(f"models/{WORST}", ""), path


def _tab_to(page: Page, href: str) -> None:
    """Press Tab until a link is reached."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == href:
            return
    raise AssertionError(f"Tab does not reach {href}")


def _origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"
