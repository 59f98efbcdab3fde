"""Every page: accessible in light and dark, whole on a phone, reached by keyboard, and quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from .conftest import DESK, Opens, Seen
from .fleet import MadeFleet
from .pages import PAGES, Look, address

pytestmark = pytest.mark.integration
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def violations(page: Page) -> list[str]:
    """What axe finds, a line an element."""
    found = Axe().run(page, options=WCAG | {"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary'][:300]}" for rule in found for node in rule["nodes"]
    ]


def show(seen: Seen, alone: str, fleet: MadeFleet, look: Look) -> Page:
    """Open a page and scroll through it, so that all of its charts are drawn."""
    answer = seen.page.goto(alone + address(look, fleet))
    assert answer is not None and answer.status == look.status, f"{answer and answer.status}: {seen.page.url}"
    if look.scripts:
        for plot in seen.page.locator("figure.chart .plot:visible").all():
            plot.scroll_into_view_if_needed()
            expect(plot).to_have_attribute("data-drawn", "yes")
        seen.page.evaluate("scrollTo(0, 0)")
    return seen.page


@pytest.fixture(scope="module")
def shown(browser: Browser, alone: str, fleet: MadeFleet, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """One page in one window, for all that is asked of it on a desk."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    seen = Seen(context.new_page())
    seen.watch()
    show(seen, alone, fleet, request.param)
    yield seen
    context.close()


on_every_page = pytest.mark.parametrize("shown", PAGES, ids=lambda look: look.name, indirect=True)


@on_every_page
def test_axe_finds_nothing_in_light_and_in_dark(shown: Seen) -> None:
    light = violations(shown.page)
    shown.page.emulate_media(color_scheme="dark")
    shown.page.wait_for_timeout(100)  # charts are drawn anew
    dark = [line for line in violations(shown.page) if line not in light]
    shown.page.emulate_media(color_scheme="light")
    assert not light and not dark, "\n".join(["light:", *light, "dark:", *dark])


@on_every_page
def test_it_is_quiet_and_stays_within_its_origin(shown: Seen, alone: str) -> None:
    not_found = "the server responded with a status of 404"
    said = [text for text in shown.said if not (not_found in text and "Not found" in shown.page.title())]
    assert (said, shown.dialogs, shown.outside(alone)) == ([], [], [])


@on_every_page
def test_what_explains_itself_does_so_to_the_keyboard_too(shown: Seen) -> None:
    unreached = shown.page.evaluate(_UNREACHED)
    assert unreached == [], "\n".join(unreached)
    found = shown.page.locator("main [title]:is(a, button, [tabindex='0']):visible")
    if found.count():
        explained = found.first.element_handle()
        assert explained is not None
        told = explained.get_attribute("title")
        explained.focus()
        tip = shown.page.locator("#tip")
        assert tip.is_visible() and tip.text_content() == told
        shown.page.keyboard.press("Escape")
        assert tip.is_hidden()


_UNREACHED = """() => {
  const reached = "a[href], button, input, select, summary, iframe, [tabindex='0']";
  return [...document.querySelectorAll("[title], [data-tip]")]
    .filter((e) => e.checkVisibility() && !e.matches(reached) && !e.querySelector(reached) && !e.closest("a, button")
      && !e.closest("svg"))
    .map((e) => e.outerHTML.slice(0, 160)).slice(0, 5);
}"""


@on_every_page
def test_tab_reaches_everything_in_order_and_shows_where_it_is(shown: Seen) -> None:
    page = shown.page
    page.evaluate(_FROM_THE_START)
    expected = page.evaluate(_MARK)
    for _ in range(expected + 25):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body && window.reached.length > 0"):
            break
    missed, reached, unseen = page.evaluate(_MISSED), page.evaluate("window.reached"), page.evaluate("window.unseen")
    assert missed == [], "not reached:\n" + "\n".join(missed)
    assert reached == sorted(reached), "the order of Tab is not the order of the page"
    assert unseen == [], "without a mark on focus:\n" + "\n".join(unseen[:5])


_FROM_THE_START = """() => {
  // Tab goes on from where the focus was last, even after a blur: here, from before everything.
  const first = document.createElement("a");
  first.tabIndex = -1; document.body.prepend(first); first.focus(); first.remove();
  getSelection().removeAllRanges(); scrollTo(0, 0);
}"""
_MARK = """() => {
  window.wanted = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, iframe, [tabindex='0'], audio[controls], video[controls]")]
    .filter((e) => !e.disabled && e.type !== "hidden" && e.tabIndex >= 0
      && e.checkVisibility({visibilityProperty: true}) && !(e.type === "radio" && !e.checked));
  window.reached = []; window.unseen = [];
  const marked = (e) => { const s = getComputedStyle(e);
    return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"; };
  document.addEventListener("focusin", (event) => {
    const e = event.target, place = window.wanted.indexOf(e);
    if (place < 0 || window.reached.at(-1) === place) return;
    window.reached.push(place);
    if (e.tagName !== "IFRAME" && !marked(e)) window.unseen.push(e.outerHTML.slice(0, 200));
  });
  return window.wanted.length;
}"""
_MISSED = """() => window.wanted.filter((e, place) => !window.reached.includes(place))
  .map((e) => e.outerHTML.slice(0, 200)).slice(0, 5)"""


@pytest.mark.parametrize("look", PAGES, ids=lambda look: look.name)
def test_nothing_is_wider_than_a_phone(opens: Opens, alone: str, fleet: MadeFleet, look: Look) -> None:
    page = show(opens(phone=True, has_touch=True, is_mobile=True), alone, fleet, look)
    wide = page.evaluate(_TOO_WIDE)
    assert wide == [], "\n".join(wide)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]


_TOO_WIDE = """() => {
  const cut = (e) => { for (let up = e.parentElement; up; up = up.parentElement)
    if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) return true; return false; };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > 391 && getComputedStyle(e).position !== "fixed" && !cut(e))
    .map((e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`).slice(0, 8);
}"""


@pytest.mark.parametrize("name", ["fleet", "model", "night", "incidents", "drift", "bias", "slices", "table"])
def test_pages_say_what_they_show_without_javascript(opens: Opens, alone: str, fleet: MadeFleet, name: str) -> None:
    look = replace(next(page for page in PAGES if page.name == name), scripts=False)
    page = show(opens(java_script_enabled=False), alone, fleet, look)
    assert page.locator("h1").count() == 1
    shown = page.locator("main").inner_text()
    assert len(shown) > 300
    if name != "table":
        assert "churn" in shown
