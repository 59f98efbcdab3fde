"""Names that attack: nothing of them runs, becomes an element, or breaks a page; and a report has no way out."""

from __future__ import annotations

import pytest

from .conftest import Opens
from .fleet import ATTACKS, CLOSING, HOSTILE, IMAGE, SCRIPT, MadeFleet
from .pages import HOSTILE_PAGES, Look, address

pytestmark = pytest.mark.integration
HOVER_ALL = """() => {
  let elements = 0;
  for (const e of document.querySelectorAll("main [title]")) {
    e.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    elements += document.getElementById("tip").childElementCount;
  }
  return elements;
}"""
PLANTED = """() => [
  ...document.querySelectorAll("img[src='x'], [onerror], [onclick], [onload], [onmouseover]"),
  ...[...document.scripts].filter((s) => !s.src && s.type !== "application/json"),
  ...[...document.querySelectorAll("[href], [src], [action], [formaction]")].filter((e) =>
    ["href", "src", "action", "formaction"].some((n) => /^\\s*javascript:/i.test(e.getAttribute(n) || ""))),
  ...[...document.querySelectorAll("main b")].filter((e) => e.textContent === "bold"),
].map((e) => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("look", HOSTILE_PAGES, ids=lambda look: look.name)
def test_names_from_data_do_nothing(opens: Opens, alone: str, fleet: MadeFleet, look: Look) -> None:
    seen = opens(phone=True)
    answer = seen.page.goto(alone + address(look, fleet), wait_until="networkidle")
    assert answer is not None and answer.status == 200
    assert seen.page.evaluate(HOVER_ALL) == 0
    assert seen.page.evaluate(PLANTED) == []
    assert (seen.dialogs, seen.said, seen.outside(alone)) == ([], [], [])
    assert "49" not in seen.page.locator("h1").inner_text()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_attacks_are_there_to_be_seen(opens: Opens, alone: str, fleet: MadeFleet) -> None:
    """Without this, the test above could pass on pages that show nothing."""
    page = opens().page
    shown = []
    for look in HOSTILE_PAGES:
        page.goto(alone + address(look, fleet))
        shown.append(page.locator("body").inner_text() + page.locator("html").inner_html())
    text = "\n".join(shown).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    for attack in (IMAGE, CLOSING, SCRIPT, *ATTACKS["numeric"]):
        assert attack in text, attack


def test_a_report_reaches_neither_the_viewer_nor_the_dashboard(opens: Opens, alone: str, fleet: MadeFleet) -> None:
    last = fleet.last(HOSTILE)
    seen = opens()
    seen.page.goto(alone)
    seen.page.context.add_cookies([{"name": "session", "value": "secret", "url": alone}])
    seen.page.goto(f"{alone}/models/{HOSTILE}/nights/{last.night}/{last.id}/report")
    said = seen.page.locator("#said").inner_text()
    for name in ("cookie", "storage", "request"):
        assert f"{name} failed" in said, said
    assert seen.dialogs == []
    assert [url for url in seen.answered if "/api/" in url] == []


def test_a_report_in_a_frame_reaches_no_more(opens: Opens, alone: str, fleet: MadeFleet) -> None:
    last = fleet.last(HOSTILE)
    seen = opens()
    # Airflow's frame is laxer than this: what holds the report is its own header.
    seen.page.goto(alone)
    seen.page.evaluate(
        "(url) => new Promise((done) => { const frame = document.createElement('iframe'); frame.onload = done;"
        " frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-downloads';"
        " frame.src = url; document.body.append(frame); })",
        f"{alone}/models/{HOSTILE}/nights/{last.night}/{last.id}/report",
    )
    said = seen.page.frame_locator("iframe").locator("#said").inner_text()
    for name in ("cookie", "storage", "parent", "alert", "request"):
        assert f"{name} failed" in said, said
    assert seen.dialogs == []
