"""The report: what it says, in which order, and that nothing in it can run or be fetched."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.checks.bias import check_bias
from nightproof.checks.drift import check_drift
from nightproof.checks.performance import check_performance
from nightproof.config import ModelConfig
from nightproof.decide import decide
from nightproof.evaluation import Baseline, Evaluation
from nightproof.night import Night
from nightproof.past import Past
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec
from nightproof.quarantine import quarantine
from nightproof.report import RenderedReport, render
from nightproof.snapshot import PinnedObject, Snapshot
from nightproof.validation import Expectation, Validation
from nightproof.words import edges, label, markdown, nights, number, plain, signed, size

# Evidently's own imports and polars' `cut` warn; neither is this module's to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

GOLDEN = Path(__file__).parent / "golden"
SCRIPT = "<script>alert(1)</script>"
IMAGE = '<img src=x onerror="alert(2)">'
TRACKER = "![t](http://evil.example/t.png)"
HOSTILE = ("AA", SCRIPT, IMAGE, TRACKER, "[x](javascript:alert(3))", "</ScRiPt><b>x", "\u202eevil\u0000")
NIGHT = Night(date(2013, 12, 14))


def config(**changes: Any) -> ModelConfig:
    columns: dict[str, Any] = {
        "score": "score",
        "label": "label",
        "features": {"numeric": ["amount", "empty"], "categorical": ["carrier"]},
        "protected": ["carrier"],
        "slices": ["region"],
        "model_version": "version",
    }
    return ModelConfig.model_validate(
        {
            "model": "flight_delay",
            "description": "Will it be late?",
            "task": "binary",
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
            "columns": columns | changes.pop("columns", {}),
            "windows": [1],
        }
        | changes
    )


def rows(n: int, *, seed: int, harm: float = 0.0, carriers: tuple[str, ...] = ("AA", "UA", "B6")) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    truth = draw.random(n)
    late = draw.random(n) < truth
    flipped = draw.random(n) < harm
    return pl.DataFrame(
        {
            "score": truth,
            "label": np.where(flipped, ~late, late).astype(np.int64),
            "amount": draw.normal(100 + 80 * harm, 30, n),
            "empty": pl.Series([None] * n, dtype=pl.Float64),
            "carrier": [carriers[i] for i in draw.integers(0, len(carriers), n)],
            "region": ["north" if i % 3 else "south" for i in range(n)],
            "version": ["v1"] * n,
        }
    )


def profiled(
    night: pl.DataFrame, reference: pl.DataFrame, settings: ModelConfig, folder: Path
) -> tuple[Profile, Baseline]:
    night.write_parquet(folder / "night.parquet")
    reference.write_parquet(folder / "reference.parquet")
    spec = infer_spec(settings, [folder / "reference.parquet"])
    known = collect([folder / "reference.parquet"], [], spec)
    origin = (pinned("reference"),)
    return collect([folder / "night.parquet"], [], spec), Baseline("b" * 16, spec, known, origin)


def pinned(role: Any) -> PinnedObject:
    digest = hashlib.sha256(role.encode()).hexdigest()
    url = f"file:///data/{role}/part-0.parquet"
    return PinnedObject(role=role, url=url, version_id=None, etag="e", size=12_345, sha256=digest)


def expectation(success: bool = True, **changes: Any) -> Expectation:
    known: dict[str, Any] = {
        "source": "contract",
        "type": "expect_column_values_to_be_between",
        "column": "score",
        "kwargs": {"min_value": 0, "max_value": 1},
        "severity": "critical",
        "success": success,
        "observed": None,
        "unexpected_count": 0 if success else 3,
        "unexpected_percent": 0.0 if success else 0.5,
        "example_keys": () if success else ("id-1", "id-2"),
    }
    return Expectation.model_validate(known | changes)


def validation(profile: Profile | None, *expectations: Expectation) -> Validation:
    found = expectations or (expectation(),)
    failed = [e for e in found if not e.success]
    outcome = "quarantined" if profile is None else "warned" if failed else "passed"
    n, labelled = (profile.rows, profile.outcomes().labelled) if profile else (600, 0)
    return Validation.model_validate(
        {"outcome": outcome, "rows": n, "labelled": labelled, "expectations": found, "engine": "GX 1"}
    )


def evaluated(night: pl.DataFrame, reference: pl.DataFrame, settings: ModelConfig, folder: Path) -> Evaluation:
    profile, baseline = profiled(night, reference, settings, folder)
    found = [
        finding
        for check in (check_performance, check_drift, check_bias)
        for finding in check(profile, baseline.profile, settings, window=1)
    ]
    findings, verdict = decide(found, config=settings, night=NIGHT, past=Past(history=("c" * 16,)))
    snapshot = Snapshot(model=settings.model, night=str(NIGHT), objects=(pinned("predictions"),))
    checked = validation(profile)
    return Evaluation(settings, NIGHT, "0123456789abcdef", snapshot, checked, profile, baseline, findings, verdict)


@pytest.fixture(scope="module")
def regressed(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("regressed")
    return evaluated(rows(900, seed=2, harm=0.4), rows(4000, seed=1), config(), folder)


@pytest.fixture(scope="module")
def report(regressed: Evaluation) -> RenderedReport:
    return render(regressed)


def drawn(found: RenderedReport) -> list[dict[str, Any]]:
    """The widgets that the page draws, as its script holds them."""
    match = re.search(rb"<script>var report = (.*);</script>", found.html)
    assert match is not None
    widgets: list[dict[str, Any]] = json.loads(match[1])["widgets"]
    return widgets


def outline(found: RenderedReport) -> str:
    """The page as indented text: what a reader reads, in order."""
    return "\n".join(line for widget in drawn(found) for line in lines(widget, 0)) + "\n"


def lines(widget: dict[str, Any], depth: int) -> Iterator[str]:
    indent, params = "  " * depth, widget["params"] or {}
    yield f"{indent}[{widget['type']}] {widget['title']}".rstrip()
    told = [params.get("text", ""), *(f"{c['value']} {c['label']}" for c in params.get("counters", []))]
    told += [f"! {i['severity']}: {i['title']}: {i['text']}" for i in widget["insights"]]
    if widget["type"] == "table":
        told += [" | ".join(cells) for cells in [params["header"], *params["data"]]]
    if widget["type"] == "big_graph":
        told += [str(trace.get("name", trace["type"])) for trace in params["data"]]
    told += [f"{t['state']}: {t['title']}: {t['description']}" for t in params.get("tests", [])]
    yield from (f"{indent}  {line}" for text in told for line in text.replace("\n", " ⏎ ").splitlines() if line)
    for inner in [*widget["widgets"], *(tab["widget"] for tab in widget["tabs"])]:
        yield from lines(inner, depth + 1)


def without_provenance(text: str) -> str:
    """Versions and hashes of the code change with every commit, and are not the report's shape."""
    return re.sub(r"\[group\] Provenance\n(?:  .*\n)*", "[group] Provenance\n", text)


def test_outline_is_the_golden_one(report: RenderedReport) -> None:
    path, text = GOLDEN / "report_regression.txt", without_provenance(outline(report))
    if os.environ.get("RENEW_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_verdict_comes_first(report: RenderedReport, regressed: Evaluation) -> None:
    text = outline(report)
    assert regressed.verdict.status == "regression"
    order = [
        "Regression: flight\\_delay",
        "What regressed",
        "What to watch",
        "] Performance",
        "] Drift",
        "] Bias",
    ]
    order += ["] Slices", "] Data validation", "] Provenance"]
    places = [text.index(name) for name in order]
    assert places == sorted(places)
    assert regressed.id in text
    assert regressed.verdict.incidents[0].opened in text


def test_every_finding_is_told(report: RenderedReport, regressed: Evaluation) -> None:
    text = outline(report)
    bad = [f for f in regressed.findings if f.status == "regression"]
    assert bad
    for finding in bad:
        row = f"{finding.subject} | {nights(finding.window)} | {number(finding.value)}"
        assert row in text
        assert plain(finding.reason, 300) in text
    for finding in regressed.findings:
        assert number(finding.value) in text
    results = json.loads(report.json)["metric_results"].values()
    values = {value["value"] for result in results for value in result["values"].values()}
    assert {f.value for f in regressed.findings if f.value is not None} <= values


def test_tests_carry_the_findings_status(report: RenderedReport, regressed: Evaluation) -> None:
    results = json.loads(report.json)["metric_results"].values()
    statuses = [test["status"] for result in results for test in result["tests"]]
    assert statuses.count("FAIL") == regressed.verdict.regressions
    assert statuses.count("WARNING") == regressed.verdict.watches
    assert statuses.count("SKIPPED") == regressed.verdict.insufficient


def test_same_evaluation_gives_same_bytes(report: RenderedReport, regressed: Evaluation) -> None:
    assert render(regressed) == report
    assert render(replace(regressed, id="f" * 16)) != report


def test_metric_ids_are_the_same_every_night(report: RenderedReport, tmp_path: Path) -> None:
    other = evaluated(rows(800, seed=3), rows(4000, seed=1), config(), tmp_path)
    ids = set(json.loads(report.json)["metric_results"])
    assert set(json.loads(render(other).json)["metric_results"]) == ids


def test_timestamp_is_the_nights_end(report: RenderedReport) -> None:
    assert json.loads(report.json)["timestamp"].startswith("2013-12-15")


@pytest.mark.integration
def test_evidently_reads_it_without_our_classes(report: RenderedReport, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report.json)
    code = (
        "import sys; from evidently.core.report import Snapshot; s = Snapshot.load(sys.argv[1]);"
        "s.save_html(sys.argv[2]); s.dict(); assert not any('nightproof' in m for m in sys.modules);"
        "print(s.get_name(), len(s.metric_results), len(s.tests_results))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(path), str(tmp_path / "report.html")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"DO_NOT_TRACK": "1"})
    assert ran.returncode == 0, ran.stderr
    name, night, metrics, tests = ran.stdout.split()
    assert (name, night) == ("flight_delay", "2013-12-14")
    assert int(metrics) > 10
    assert int(tests) > 10


class Page(HTMLParser):
    """Tags and attributes of a page, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def parsed(found: RenderedReport) -> list[tuple[str, dict[str, str | None]]]:
    page = Page()
    page.feed(found.html.decode())
    return page.tags


def test_page_fetches_nothing(report: RenderedReport) -> None:
    for tag, attributes in parsed(report):
        assert tag not in ("link", "iframe", "img", "object", "embed", "base")
        assert not {"src", "href", "action", "data", "srcset"} & set(attributes)
    style = report.html.split(b"<style>")[1].split(b"</style>")[0]
    assert b"url(" not in style
    assert b"@import" not in style


def test_policy_lets_only_the_pages_own_scripts_run(report: RenderedReport) -> None:
    policy = next(a["content"] for tag, a in parsed(report) if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == sum(tag == "script" for tag, _ in parsed(report))
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "unsafe-eval" not in policy


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RenderedReport:
    settings = config(
        description=SCRIPT + IMAGE + TRACKER,
        owner=SCRIPT,
        cost_center=IMAGE,
        columns={"score": SCRIPT, "features": {"numeric": [IMAGE], "categorical": ["carrier", TRACKER]}},
    )
    table = {
        seed: rows(n, seed=seed, harm=harm, carriers=HOSTILE)
        .rename({"score": SCRIPT, "amount": IMAGE})
        .with_columns(pl.col("carrier").alias(TRACKER), pl.lit(SCRIPT).alias("version"))
        for seed, n, harm in ((1, 4000, 0.0), (2, 900, 0.4))
    }
    new = table[2].with_columns(
        pl.when(pl.col("carrier") == "AA").then(pl.lit(IMAGE * 9)).otherwise(TRACKER).alias(TRACKER)
    )
    found = evaluated(new, table[1], settings, tmp_path_factory.mktemp("hostile"))
    bad = expectation(False, severity="warning", column=IMAGE, observed=TRACKER, example_keys=(SCRIPT,))
    checked = validation(found.profile, bad)
    left_out = found.verdict.model_copy(update={"headline": SCRIPT + TRACKER, "steps_left_out": (SCRIPT,)})
    return render(replace(found, validation=checked, verdict=left_out))


def test_hostile_text_makes_no_tags(hostile: RenderedReport, report: RenderedReport) -> None:
    def shape(found: RenderedReport) -> list[str]:
        return [tag for tag, _ in parsed(found)]

    assert shape(hostile) == shape(report)
    data = re.search(rb"<script>var report = .*", hostile.html)
    assert data is not None
    assert b"<" not in data[0].removeprefix(b"<script>").removesuffix(b"</script>")


def test_hostile_text_is_text_wherever_markup_is_read(hostile: RenderedReport) -> None:
    for widget in walked(drawn(hostile)):
        params = widget["params"] or {}
        if widget["type"] == "text":
            assert not re.search(r"(?<!\\)[<\[]|(?<!\\)!\[", params["text"])
        for test in params.get("tests", []):
            assert not re.search(r"(?<!\\)[<\[]|(?<!\\)!\[", test["description"])
        if widget["type"] == "big_graph":
            ours = re.compile(r"</?b>|<br>")
            for text in strings([params["data"], params["layout"]]):
                assert "<" not in ours.sub("", text)


def walked(widgets: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for widget in widgets:
        yield widget
        yield from walked([*widget["widgets"], *(tab["widget"] for tab in widget["tabs"])])


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in strings(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in strings(inner))


def test_quarantined_night(regressed: Evaluation) -> None:
    checked = validation(None, expectation(False, observed="3 rows above 1"), expectation())
    verdict = quarantine(checked, config=regressed.config, night=NIGHT)
    found = replace(regressed, profile=None, baseline=None, findings=(), validation=checked, verdict=verdict)
    text = outline(render(found))
    assert text.index("■ Quarantined") < text.index("Why the night is quarantined")
    assert "✖ expect_column_values_to_be_between on column score" in text
    assert "3 rows failed" in text
    assert "id-1, id-2" in text
    assert "] Performance" not in text
    path = GOLDEN / "report_quarantined.txt"
    if os.environ.get("RENEW_GOLDEN"):
        path.write_text(without_provenance(text))
    assert without_provenance(text) == path.read_text()


def test_too_little_data_is_said_plainly(tmp_path: Path) -> None:
    found = evaluated(rows(12, seed=5), rows(4000, seed=1), config(), tmp_path)
    assert found.verdict.status == "insufficient_data"
    text = outline(render(found))
    assert "○ Too little data" in text
    assert "fewer than 30 rows" in text
    assert "neither judged nor shown" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_quiet_night_says_that_nothing_regressed(tmp_path: Path) -> None:
    text = outline(render(evaluated(rows(3000, seed=8), rows(4000, seed=1), config(), tmp_path)))
    assert "✔ Nothing regressed" in text


@pytest.mark.parametrize("label", [0, 1])
def test_single_class(tmp_path: Path, label: int) -> None:
    night = rows(500, seed=4).with_columns(label=pl.lit(label, dtype=pl.Int64))
    text = outline(render(evaluated(night, rows(4000, seed=1), config(), tmp_path)))
    assert "so there is no ROC curve" in text
    assert "[big_graph] ROC curve" not in text


def test_no_labels_yet(tmp_path: Path) -> None:
    night = rows(500, seed=4).with_columns(label=pl.lit(None, dtype=pl.Int64))
    text = outline(render(evaluated(night, rows(4000, seed=1), config(), tmp_path)))
    assert "No row has a label yet, so there is nothing to draw." in text


def test_all_null_feature(tmp_path: Path) -> None:
    night = rows(500, seed=4).with_columns(amount=pl.lit(None, dtype=pl.Float64))
    text = outline(render(evaluated(night, rows(4000, seed=1), config(), tmp_path)))
    assert "No row of this night has a value of amount." in text
    assert "[big_graph] amount" not in text


def test_no_protected_columns_and_no_slices(tmp_path: Path) -> None:
    settings = config(columns={"protected": [], "slices": []})
    text = outline(render(evaluated(rows(900, seed=2, harm=0.4), rows(4000, seed=1), settings, tmp_path)))
    assert "No protected column is configured" in text
    assert "Named in the config" not in text


def test_windows_and_tabs(regressed: Evaluation) -> None:
    longer = tuple(f.model_copy(update={"window": 7}) for f in regressed.findings if f.check != "drift")
    text = outline(render(replace(regressed, findings=(*regressed.findings, *longer))))
    assert "Through each window | Baseline | this night | 7 nights | Tolerated" in text
    assert "[tabs]" in text
    assert "So too through 7 nights" in text


def test_numbers_read_well(report: RenderedReport) -> None:
    assert not re.search(r"\d\.\d{6,}", outline(report))
    assert [number(x) for x in (None, 0.0, 0.8125, -0.02, 0.0001, 12.3456, 123.456, 12345.6)] == [
        "–",
        "0.000",
        "0.812",
        "−0.020",
        "<0.001",
        "12.346",
        "123.5",
        "12,346",
    ]
    assert (signed(0.02), signed(-0.02), signed(0.0)) == ("+0.020", "−0.020", "0.000")
    assert (size(999), size(12_345), size(5_000_000_000_000)) == ("999 B", "12.3 kB", "5.0 TB")


def test_edges_stay_apart() -> None:
    assert edges([0.05, 0.1, 3.0]) == ["0.05", "0.1", "3"]
    assert edges([1.00001, 1.00002]) == ["1.00001", "1.00002"]
    assert edges([-9, 1023.0]) == ["−9", "1,023"]
    assert edges([]) == []


def test_text_from_data_is_made_harmless() -> None:
    assert plain("a\x00b\u202ec\nd") == "a\ufffdb\ufffdc d"
    assert plain("क\u094dर\u200dत") == "क\u094dर\u200dत"
    assert len(plain("x" * 500)) == 80
    assert markdown(TRACKER) == r"\!\[t\](http://evil.example/t.png)"
    assert label("<a href='x'>&") == "&lt;a href='x'&gt;&amp;"
