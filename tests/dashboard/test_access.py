"""Inside Airflow: its login, its rights per DAG, and a start that costs it nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from nightproof.dashboard.serving.access import Viewer

HTML = {"Accept": "text/html"}
HEAVY = ["airflow", "boto3", "botocore", "datasketches", "deltalake", "evidently", "great_expectations", "matplotlib"]
HEAVY += ["numpy", "pandas", "plotly", "polars", "pyarrow", "pyspark", "scipy", "sklearn", "slack_sdk"]


# --- What is loaded -----------------------------------------------------------------------------------------


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_dashboard_is_made_without_any_heavy_library() -> None:
    loaded = _python(
        "import sys\n"
        "from nightproof.dashboard.app import create_app\n"
        "from nightproof.dashboard.source import Source\n"
        "from nightproof.storage import open_store\n"
        "create_app(Source(open_store))\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert loaded.split() == []


def test_airflow_loads_the_plugin_without_the_dashboard() -> None:
    loaded = _python(
        "import sys\n"
        "import airflow.plugins_manager, airflow.configuration\n"
        "before = set(sys.modules)\n"
        "import nightproof_ui\n"
        "print(*sorted(set(sys.modules) - before - {'nightproof_ui'}))"
    )
    # Schedulers, workers and every task load it too.
    assert loaded.split() == []


# --- Airflow ------------------------------------------------------------------------------------------------


class Rights:
    """Who may read what; tests give and take it."""

    def __init__(self) -> None:
        self.dags: dict[str, set[str]] = {}
        self.without_runs: set[str] = set()
        self.asked_in: list[threading.Thread] = []


@pytest.fixture(scope="module")
def airflow(published: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, Rights]]:
    """Airflow's own server with the plugin, over `published`, with an auth manager that grants rights per DAG."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "for these tests alone " * 4)
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(tmp_path_factory.mktemp("auth") / "p"))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "alice:admin")
        patch.setenv("NIGHTPROOF_MODELS", str(published.models))
        yield _airflow_app(published, patch)
        from airflow.api_fastapi.app import purge_cached_app

        purge_cached_app()


def _airflow_app(published: Any, patch: pytest.MonkeyPatch) -> tuple[FastAPI, Rights]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Airflow's own imports
        import nightproof_ui
        from airflow.api_fastapi import app as api
        from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
        from airflow.utils.db import initdb
        from nightproof.operators import connections

        patch.setattr(connections, "store_opener", lambda connection: published.open_store)
        initdb()
        _dags(*published.evaluations, "unrelated")
        rights = Rights()

        class PerDag(SimpleAuthManager):
            def is_authorized_dag(
                self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None
            ) -> bool:
                rights.asked_in.append(threading.current_thread())
                readable = details is not None and details.id in rights.dags.get(user.username, ())
                return readable and not (access_entity and user.username in rights.without_runs)

        patch.setattr(api, "get_auth_manager_cls", lambda: PerDag)
        api.purge_cached_app()
        # Of the plugin Airflow has another copy by now, if another test made it load its plugins.
        patch.setattr(
            "airflow.plugins_manager.get_fastapi_plugins", lambda: (nightproof_ui.NightproofUi.fastapi_apps, [])
        )
        return api.create_app(apps="core"), rights


def _dags(*names: str) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name="tests"))
        session.flush()
        for name in names:
            session.merge(DagModel(dag_id=name, bundle_name="tests", fileloc="tests"))


Look = Callable[..., httpx.Response]


@pytest.fixture
def look(airflow: tuple[FastAPI, Rights], ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Look:
    """``look(path, user)``: an answer of Airflow below its plugin, freshly authorised."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from nightproof.operators import dashboard_access

    monkeypatch.setattr(dashboard_access, "_RIGHTS", dashboard_access._Rights())

    def asked(path: str, user: str | None = None, *, lasts: int = 60, **how: Any) -> httpx.Response:
        headers = dict(how.pop("headers", HTML))
        if user is not None:
            token = get_auth_manager().generate_jwt(
                SimpleAuthManagerUser(username=user, role="viewer"), expiration_time_in_seconds=lasts
            )
            headers["Cookie"] = f"_token={token}"
        return ask(airflow[0], f"/nightproof{path}", headers=headers, **how)

    return asked


def test_a_browser_that_is_not_logged_in_is_sent_to_the_login_and_back(
    look: Look, airflow: Any, ask: Callable[..., Any]
) -> None:
    asked_for = "/?q=a%26b&tag=%3Cb%3E"
    answer = look(asked_for)
    assert answer.status_code == 302
    there = urlsplit(answer.headers["location"])
    assert (there.netloc, there.path) == ("", "/api/v2/auth/login")
    assert parse_qs(there.query)["next"] == [f"/nightproof{asked_for}"]
    # Airflow takes it: it leads to this server.
    login = ask(airflow[0], answer.headers["location"])
    assert login.status_code == 307
    assert parse_qs(urlsplit(login.headers["location"]).query)["next"] == [f"/nightproof{asked_for}"]


@pytest.mark.parametrize("cookie", ["_token=nonsense", "_token=", "_token=a.b.c"])
def test_a_token_that_is_none_is_no_login(look: Look, cookie: str) -> None:
    assert look("/", headers={**HTML, "Cookie": cookie}).status_code == 302
    answer = look("/api/v1/models", headers={"Cookie": cookie})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"detail"}


def test_a_token_that_ran_out_is_no_login(look: Look, airflow: Any) -> None:
    airflow[1].dags["ann"] = {"quiet"}
    assert look("/", "ann", lasts=-60).status_code == 302
    assert look("/api/v1/models", "ann", lasts=-60).status_code == 401
    assert look("/api/v1/models", headers={"Authorization": "Bearer nonsense"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/models/quiet/latest/report", "/models/clandestine/latest/report", "/models/x/latest/report"]
)
def test_whoever_is_not_known_is_told_of_no_model(look: Look, path: str) -> None:
    assert look(path, headers={"Accept": "application/json"}).status_code == 401
    assert look(path).status_code == 302


def test_a_model_is_as_readable_as_the_runs_of_its_dag(look: Look, airflow: Any, secret: tuple[str, ...]) -> None:
    airflow[1].dags["ann"] = {"quiet", "unrelated"}
    page, answer = look("/", "ann"), look("/api/v1/models", "ann")
    assert "quiet" in page.text
    assert [model["model"] for model in answer.json()["models"]] == ["quiet"]
    assert answer.json()["total"] == 1
    for word in secret:
        assert word not in page.text + answer.text
    assert look(f"/models/{secret[0]}/latest/report", "ann").status_code == 404
    assert look("/models/quiet/latest/report", "ann").status_code == 200


def test_whoever_may_read_a_dag_and_not_its_runs_reads_nothing(look: Look, airflow: Any) -> None:
    airflow[1].dags["rob"] = {"quiet", "clandestine"}
    airflow[1].without_runs.add("rob")
    assert look("/api/v1/models", "rob").json()["total"] == 0
    assert look("/models/quiet/latest/report", "rob").status_code == 404


def test_rights_are_asked_once_in_a_while_and_never_on_the_event_loop(
    look: Look, airflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nightproof.operators import dashboard_access

    now = [1000.0]
    monkeypatch.setattr(dashboard_access, "monotonic", lambda: now[0])
    rights = airflow[1]
    rights.dags["eve"] = {"quiet"}
    rights.asked_in.clear()
    assert look("/api/v1/models", "eve").json()["total"] == 1
    asked = len(rights.asked_in)
    assert asked > 0
    # httpx runs the application in this very thread: what is asked in another one does not hold it up.
    assert threading.main_thread() not in rights.asked_in
    assert look("/api/v1/models", "eve").json()["total"] == 1
    assert len(rights.asked_in) == asked
    rights.dags["eve"] = set()
    now[0] += dashboard_access.FRESH_S + 0.1
    assert look("/api/v1/models", "eve").json()["total"] == 0
    # Of another user nothing was remembered.
    rights.dags["kim"] = {"quiet", "clandestine"}
    assert look("/api/v1/models", "kim").json()["total"] == 2


def test_pages_link_below_the_plugins_own_root(look: Look, airflow: Any) -> None:
    airflow[1].dags["ann"] = {"quiet"}
    page = look("/", "ann")
    assert 'href="/nightproof/static/style.css"' in page.text
    assert look("/static/style.css", "ann").status_code == 200


# --- Runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run_id", "conf", "logical", "night"),
    [
        ("scheduled", None, datetime(2024, 3, 1, 4, tzinfo=UTC), "2024-03-01"),
        ("asked", {"night": "2024-02-17"}, datetime(2024, 3, 1, 4, tzinfo=UTC), "2024-02-17"),
        ("by_hand", {}, None, "2024-03-04"),
        ("nonsense", {"night": "<script>"}, None, None),
    ],
)
def test_the_night_of_a_run_is_the_one_that_it_evaluates(
    airflow: Any, run_id: str, conf: Any, logical: datetime | None, night: str | None
) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from nightproof.operators.dashboard_access import night_of_run

    with create_session() as session:
        session.query(DagRun).filter(DagRun.dag_id == "quiet").delete()
        session.add(
            DagRun(
                dag_id="quiet",
                run_id=run_id,
                conf=conf,
                logical_date=logical,
                run_after=datetime(2024, 3, 5, 1, tzinfo=UTC),
                run_type=DagRunType.MANUAL,
            )
        )
    assert night_of_run("quiet", run_id) == night
    assert night_of_run("quiet", "no such run") is None
    assert night_of_run("clandestine", run_id) is None


def test_without_airflow_a_run_is_of_the_first_date_in_its_id() -> None:
    from nightproof.dashboard.serving.runs import night_named

    assert night_named("quiet", "scheduled__2024-03-01T04:00:00+00:00") == "2024-03-01"
    assert night_named("quiet", "manual__2024-13-45 then 2024-03-02") == "2024-03-02"
    assert night_named("quiet", "backfill") is None


# --- Behind a proxy -----------------------------------------------------------------------------------------


def test_the_views_stand_below_the_path_that_airflow_is_served_at(monkeypatch: pytest.MonkeyPatch) -> None:
    import nightproof_ui

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/team/airflow")
    assert nightproof_ui._href("/models/{DAG_ID}") == "/team/airflow/nightproof/models/{DAG_ID}"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org")
    assert nightproof_ui._href("/") == "/nightproof/"


def test_pages_and_login_stand_below_that_path_too(published: Any, ask: Callable[..., Any]) -> None:
    from fastapi import HTTPException
    from nightproof.operators.dashboard_access import airflow_login

    def nobody() -> Viewer:
        raise HTTPException(401)

    airflow = FastAPI(root_path="/team/airflow")
    airflow.mount("/nightproof", published.app())
    airflow.mount("/closed", _closed(published, nobody, airflow_login))
    page = ask(airflow, "/team/airflow/nightproof/")
    assert page.status_code == 200
    assert 'href="/team/airflow/nightproof/static/style.css"' in page.text
    login = urlsplit(ask(airflow, "/team/airflow/closed/?q=x").headers["location"])
    assert login.path == "/team/airflow/api/v2/auth/login"
    assert parse_qs(login.query)["next"] == ["/team/airflow/closed/?q=x"]


def _closed(published: Any, access: Any, login: Any) -> FastAPI:
    from nightproof.dashboard.app import create_app

    return create_app(published.source(), access, login=login)


def test_the_way_back_from_the_login_leads_to_this_server_alone() -> None:
    from fastapi import Request
    from nightproof.dashboard.serving.refusals import own_address

    for path in ("//evil.example/x", "/\\evil.example", "///evil.example", "/\t/evil.example", "/x\r\nSet-Cookie: a=b"):
        scope = {"type": "http", "path": path, "query_string": b"", "headers": [], "method": "GET", "root_path": ""}
        address = own_address(Request(scope))
        assert address.startswith("/") and address[1:2] not in ("/", "\\")
        assert address.isprintable() and "\\" not in address
        assert urlsplit(address).netloc == ""


def test_the_plugin_makes_one_dashboard_however_many_ask_at_once(
    monkeypatch: pytest.MonkeyPatch, published: Any
) -> None:
    import nightproof_ui
    from nightproof.dashboard import app

    made: list[Any] = []

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        made.append("asked")

    def create(*given: Any, **how: Any) -> Any:
        made.append("made")
        return answers

    monkeypatch.setattr(app, "create_app", create)
    dashboard = nightproof_ui.Dashboard()

    async def together() -> None:
        await asyncio.gather(*(dashboard({}, None, None) for _ in range(20)))

    asyncio.run(together())
    assert made.count("made") == 1
    assert made.count("asked") == 20
