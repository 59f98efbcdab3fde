"""The audit pack and the model card: from the record alone, verifiable by standard tools, and text stays text."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import polars as pl
import pytest
from markdown_it import MarkdownIt
from nightproof.alert.claims import Receipt
from nightproof.alert.withhold import Withheld
from nightproof.audit import Pack, make_pack
from nightproof.audit.bundle import bundle
from nightproof.audit.card import make_card
from nightproof.audit.changes import config_changes
from nightproof.audit.page import card_html, card_markdown, documents
from nightproof.audit.tables import csv_bytes, harmless
from nightproof.errors import NightError, RecordError
from nightproof.prune import prune
from nightproof.verify import verify

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 5)
HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil")'


def packed(bench: Any, config: Any, *, last: date = LAST) -> Pack:
    return make_pack(config, bench.model_results(config), first=FIRST, last=last)


def files(pack: Pack) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(pack.content)) as opened:
        return {name.removeprefix(f"{pack.name}/"): opened.read(name) for name in opened.namelist()}


@pytest.fixture
def published(bench: Any) -> Any:
    """Nights 1, 2, 3 and 5: the third is a regression, the fourth was not evaluated; the config changed on the way."""
    config = bench.config(description=f"What {HOSTILE} is?", owner="=cmd|' /C calc'!A0")
    for day in (1, 2, 3, 5):
        night = f"2024-03-{day:02d}"
        bench.night(night, **({"noise": 1.0} if day == 3 else {}))
        if day == 5:
            config = bench.config(description=f"What {HOSTILE} is?", alerts={"false_alarms": "1 per 30 nights"})
        bench.evaluate(night, config)
    return config


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


def assert_safe(page: bytes) -> None:
    tags = Tags(page).all
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "img", "link", "form", "base"}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on") or name == "src"]
    links = [attrs["href"] or "" for tag, attrs in tags if tag == "a" and "href" in attrs]
    assert not [link for link in links if link.lower().startswith(("javascript:", "data:"))]
    [policy] = [attrs["content"] for tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert (policy or "").startswith("default-src 'none'")
    assert b"@import" not in page and b"url(" not in page


def test_the_same_record_and_range_are_the_same_bytes(bench: Any, published: Any) -> None:
    one, other = packed(bench, published), packed(bench, published)
    assert one.content == other.content
    assert {info.date_time for info in ZipFile(io.BytesIO(one.content)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_standard_tools_check_the_pack_and_the_record_in_it(bench: Any, published: Any, tmp_path: Path) -> None:
    pack = packed(bench, published)
    ZipFile(io.BytesIO(pack.content)).extractall(tmp_path)
    folder = tmp_path / pack.name
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    (folder / "nights.csv").write_text("other")
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True).returncode
    objects, kept = bench.objects(), files(pack)
    for name in (name for name in kept if name.startswith("record/")):
        assert kept[name] == objects[name.removeprefix("record/")]
    for number in range(4):
        entry = json.loads(kept[f"record/log/{number:09d}.json"])
        manifest = kept[f"record/{entry['night']}/{entry['evaluation_id']}/manifest.json"]
        assert hashlib.sha256(manifest).hexdigest() == entry["manifest_sha256"]


def test_the_loop_that_the_page_states_walks_the_chain(bench: Any, published: Any, tmp_path: Path) -> None:
    pack = packed(bench, published)
    ZipFile(io.BytesIO(pack.content)).extractall(tmp_path)
    import html

    [loop] = re.findall(r"<pre>(previous=null.*?)</pre>", files(pack)["index.html"].decode(), re.DOTALL)
    run = {"cwd": tmp_path / pack.name, "capture_output": True, "text": True}
    said = subprocess.run(["bash", "-c", html.unescape(loop)], **run).stdout  # type: ignore[call-overload]
    head = pack.period.head
    assert head is not None and said == f"head {head[1]}\n"
    entry = tmp_path / pack.name / "record" / "log" / "000000001.json"
    entry.write_bytes(entry.read_bytes().replace(b"2024-03-02", b"2024-03-09"))
    broken = subprocess.run(["bash", "-c", html.unescape(loop)], **run).stdout  # type: ignore[call-overload]
    assert "broken at record/log/000000002.json" in broken


def test_the_page_tells_the_period_and_nothing_in_it_runs(bench: Any, published: Any) -> None:
    kept = files(packed(bench, published))
    page = kept["index.html"].decode()
    assert_safe(kept["index.html"])
    assert_safe(kept["model_card.html"])
    assert "&lt;script&gt;" in page and HOSTILE not in page
    assert "✔ The record is whole." in page
    assert "1 of 5 nights were not evaluated" in page and "2024-03-04" in page
    assert "✖" in page and 'aria-label="2024-03-03: Regression"' in page
    assert "performance-2024-03-03" in page and "nobody was told of it" in page
    assert "alerts.false_alarms" in page and "1 per 30 nights" in page
    assert "Impact ratio" in page and 'class="trend"' in page and "Wilson" in page
    for _, attrs in Tags(kept["index.html"]).all:
        if (link := attrs.get("href") or "").startswith("#"):
            assert f'id="{link[1:]}"' in page


def test_tables_hold_every_night_and_every_finding(bench: Any, published: Any) -> None:
    pack = packed(bench, published)
    kept = files(pack)
    nights = list(csv.DictReader(io.StringIO(kept["nights.csv"].decode())))
    assert [row["status"] for row in nights][2:4] == ["regression", "not evaluated"]
    findings = pl.read_parquet(io.BytesIO(kept["findings.parquet"]))
    told = sum(len(e.findings or ()) for e in pack.period.evaluated)
    assert findings.height == told == len(list(csv.reader(io.StringIO(kept["findings.csv"].decode())))) - 1
    [incident] = [i for i in json.loads(kept["incidents.json"]) if i["check"] == "performance"]
    assert (incident["opened"], incident["events"][0]["event"]) == ("2024-03-03", "opened")


def test_what_was_sent_and_what_was_muted_is_told(bench: Any, published: Any) -> None:
    results = bench.model_results(published)
    folder = f"{results.folder}alerts/performance-2024-03-03/"
    at = "2024-03-04T06:00:00+00:00"
    receipt = Receipt(key="k", channel="C123", ts="1.5", text=f"It fell {HOSTILE}", night="2024-03-03", sent_at=at)
    note = Withheld(until=date(2024, 4, 1), reason="the vendor knows", night="2024-03-05")
    for name, raw in (("opened.sent.json", receipt.to_bytes()), ("worsened-2024-03-05.muted.json", note.to_bytes())):
        results.store.create(folder + name, raw, content_type="application/json")
    results.store.create(f"{folder}odd.sent.json", b"no json", content_type="application/json")
    kept = files(packed(bench, published))
    page = kept["index.html"].decode()
    assert "C123" in page and "2024-03-04 06:00:00 UTC" in page and HOSTILE not in page
    assert "until 2024-04-01" in page and "the vendor knows" in page and "unreadable" in page


def test_a_pack_needs_no_data_and_says_what_was_pruned(bench: Any, published: Any) -> None:
    logs = bench.open_store("s3://ml-logs")
    for found in list(logs.list("")):
        logs.delete(found.key)
    assert packed(bench, published).to_json()["whole"]
    keeping = bench.config(record={"keep": {"findings": "130d"}})
    later = datetime.now(UTC) + timedelta(days=131)
    assert prune(keeping, bench.model_results(keeping), now=later).files
    pack = packed(bench, published)
    kept = files(pack)
    assert pack.to_json()["whole"], pack.period.problems
    assert "pruned on" in kept["index.html"].decode()
    assert "Unknown: no night of the period has findings" in kept["index.html"].decode()
    assert "record/pruned/000000000.json" in kept


@pytest.mark.parametrize("piece", ["manifest.json", "verdict.json", "findings.json", "log/000000001.json"])
def test_a_record_that_was_touched_is_told_on_the_first_page(bench: Any, published: Any, piece: str) -> None:
    results = bench.model_results(published)
    [name] = [n for n in bench.objects() if n.endswith(piece) and (n.startswith(("2024-03-02", "log/")))]
    raw = bench.objects()[name]
    results.store.put(results.folder + name, raw.replace(b"2024-03-02", b"2024-03-01", 1) + b" ")
    pack = packed(bench, published)
    page = files(pack)["index.html"].decode()
    assert not pack.to_json()["whole"]
    assert page.index("The record is not whole") < page.index("The model</h2>")
    results.store.delete(results.folder + name)
    assert not packed(bench, published).to_json()["whole"]


def test_names_from_data_are_text_everywhere(bench: Any) -> None:
    bench.reference()
    names = [HOSTILE, FORMULA, "../../etc/passwd", "[x](javascript:alert(1))", "|"]
    group = {"group": pl.Series(names * 400)}
    reference = pl.read_parquet(io.BytesIO(bench.open_store("s3://ml-logs").read("reference/part-0.parquet")))
    buffer = io.BytesIO()
    reference.with_columns(**group).write_parquet(buffer)
    bench.put("reference/part-0.parquet", buffer.getvalue())
    config = bench.config()
    table = bench.night("2024-03-01", 2000).with_columns(**group)
    bench.write("2024-03-01", table.drop("label"), table.select("id", "label"))
    bench.evaluate("2024-03-01", config)
    kept = files(packed(bench, config, last=FIRST))
    for name in ("index.html", "model_card.html"):
        assert_safe(kept[name])
        assert "passwd" in kept[name].decode()
    # An independent renderer that lets tags and links through.
    card = MarkdownIt("commonmark").enable("table").render(kept["model_card.md"].decode())
    tags = Tags(card.encode()).all
    assert "script" not in {tag for tag, _ in tags} and "passwd" in card
    assert {attrs["href"] for tag, attrs in tags if tag == "a"} == {"https://doi.org/10.1145/3287560.3287596"}
    cells = [cell for row in csv.reader(io.StringIO(kept["findings.csv"].decode())) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert not [n for n in kept if ".." in n.split("/") or n.startswith("/")]


def test_a_cell_is_never_a_formula() -> None:
    assert [harmless(v) for v in ("=1+1", "+1", "-1", "@a", "\tx", "plain", -1.5, None, True)] == [
        "'=1+1", "'+1", "'-1", "'@a", "'\tx", "plain", -1.5, "", True,
    ]  # fmt: skip
    assert csv_bytes(["a"], [['say "hi", =x']]) == b'a\r\n"say ""hi"", =x"\r\n'


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/./b", "a\\b", "C:x", "a\nb", ""])
def test_a_name_that_leads_out_of_the_pack_is_refused(name: str) -> None:
    with pytest.raises(RecordError, match="lead out"):
        bundle({name: b""}, folder="pack")


def test_a_period_without_a_night_is_said(bench: Any, published: Any) -> None:
    with pytest.raises(NightError, match="it has 2024-03-01 to 2024-03-05"):
        make_pack(published, bench.model_results(published), first=date(2023, 1, 1), last=date(2023, 2, 1))


def test_a_change_is_told_once_with_both_sides(bench: Any, published: Any) -> None:
    changed = config_changes(packed(bench, published).period.evaluated)
    [change] = [c for c in changed if c.key == "alerts.false_alarms"]
    assert (change.night, change.after) == ("2024-03-05", "1 per 30 nights")


def test_the_card_says_what_it_knows_and_what_it_does_not(bench: Any, published: Any) -> None:
    pack = packed(bench, published)
    card = make_card(pack.period, pack.lives)
    text = card_markdown(card)
    for said in ("doi:10.1145/3287560.3287596", "ROC AUC", "may drop by 0.02", "group", "ask the owner"):
        assert said in text
    assert card.record[1][1] == pack.period.latest["2024-03-05"].entry.evaluation_id
    assert json.loads(json.dumps(card.to_json()))["model"] == "quiet"
    assert_safe(card_html(card))


def test_the_documents_of_a_pack_are_those_of_this_version() -> None:
    found = documents()
    assert found["methodology.md"].startswith(b"# Methodology")
    assert found["verify/verify.sh"].startswith(b"#!")


def test_making_a_pack_changes_nothing(bench: Any, published: Any) -> None:
    before = bench.objects()
    packed(bench, published)
    assert bench.objects() == before and verify(bench.model_results(published), deep=True).is_whole
