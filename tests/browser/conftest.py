"""One browser, one fleet, one Airflow for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from nightproof.dashboard.app import create_app
from nightproof.dashboard.source import Source
from nightproof.storage import open_store
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .alone import Alone
from .fleet import WORST, MadeFleet, make_fleet
from .login import AirflowWithLogin

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
RUN_ID = "look-{night}"


@pytest.fixture(scope="package")
def chromium() -> str:
    """Debian's browser; CI may not go without it."""
    found = shutil.which("chromium")
    if found is None and not os.environ.get("CI"):
        pytest.skip("there is no chromium here: apt-get install chromium")
    assert found is not None, "CI must install chromium"
    return found


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    # Of this folder, not of the session: while Playwright runs, nothing else in this thread may use asyncio.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowWithLogin]:
    """An Airflow whose database is in the making, while the fleet is."""
    server = AirflowWithLogin(tmp_path_factory.mktemp("airflow") / "home")
    server.prepare()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> MadeFleet:
    with warnings.catch_warnings():
        # Those of Evidently and Great Expectations about their own insides, as they are first imported.
        warnings.simplefilter("ignore")
        return make_fleet(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="package")
def airflow(chromium: str, airflow_home: AirflowWithLogin, fleet: MadeFleet) -> AirflowWithLogin:
    """A running Airflow that knows the fleet, and one run of the worst model."""
    airflow_home.start(fleet.environment())
    night = str(fleet.last(WORST).night)
    airflow_home.add_run(WORST, RUN_ID.format(night=night), f"{night}T04:00:00Z")
    return airflow_home


@pytest.fixture(scope="package")
def alone(fleet: MadeFleet) -> Iterator[str]:
    """The address of the dashboard by itself."""
    with Alone(create_app(Source(open_store, models=fleet.models))) as server:
        yield server.url


@dataclass
class Seen:
    """What a page did beside being shown.

    Parameters
    ----------
    page
        The page.
    said
        Errors and warnings on its console, refused loads of any kind, and errors of its scripts.
    dialogs
        Texts of dialogs that it opened.
    requests
        Addresses that it asked for, or wanted to.
    answered
        Those that answered.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to take notes."""
        self.page.on("console", lambda told: self.said.append(told.text) if told.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(f"{error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("response", lambda answer: self.answered.append(answer.url))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def outside(self, origin: str) -> list[str]:
        """Requests that left the origin."""
        return [
            url for url in self.requests if urlsplit(url).scheme not in ("data", "blob") and not url.startswith(origin)
        ]

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


Opens = Callable[..., Seen]


@pytest.fixture
def opens(browser: Browser) -> Iterator[Opens]:
    """Opens a fresh window, without cookies of another; ``dark``, ``phone`` and Playwright's own options."""
    contexts: list[BrowserContext] = []

    def open_window(*, dark: bool = False, phone: bool = False, **options: Any) -> Seen:
        scheme: Any = "dark" if dark else "light"
        viewport: Any = PHONE if phone else DESK
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme, **options))
        seen = Seen(contexts[-1].new_page())
        seen.watch()
        return seen

    yield open_window
    for context in contexts:
        context.close()
