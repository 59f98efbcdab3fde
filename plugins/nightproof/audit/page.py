"""Pages: the pack's one page for people, and the model card, both without scripts and without a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightproof.audit.card import Card, group_tables
from nightproof.audit.changes import config_changes, version_changes
from nightproof.audit.drawing import trend_svg
from nightproof.audit.incidents import Life
from nightproof.audit.period import Evaluated, Period
from nightproof.audit.tables import night_rows
from nightproof.checks.finding import Finding
from nightproof.metric_names import HARM
from nightproof.trend import Point, Trend
from nightproof.words import METRICS, STATUS, markdown, number, percent, plain, size, subject

if TYPE_CHECKING:
    from jinja2 import Environment

SIGNS = {**{status: text.split(" ")[0] for status, text in STATUS.items()}, "not evaluated": "·"}
WORDS = {**{status: text.split(" ", 1)[1] for status, text in STATUS.items()}, "not evaluated": "Not evaluated"}
DOCUMENTS = {"methodology.md": "methodology.md", "verify/record.md": "record.md"}
"""Documents that go with a pack, by their names in it; those that this version ships."""
SCRIPT = re.compile(r"^```(?:bash|sh)\n(#!.*?\bverify\.sh\b.*?)^```$", re.MULTILINE | re.DOTALL)
"""The script that verifies a record with standard tools, as the description of the format has it."""
NAMED = 20


def index_html(period: Period, told: Sequence[Life], card: Card | None) -> bytes:
    """The page that an auditor reads first."""
    latest = [e for e in period.latest.values() if e.findings is not None]
    page = _environment().get_template("index.html.j2").render(
        period=period,
        model=period.config.model,
        card=card,
        head=period.head,
        months=_months(period),
        totals=_totals(period),
        signs=SIGNS,
        words=WORDS,
        rows=night_rows(period),
        revisions=[e for e in period.evaluated if e.entry.supersedes],
        failed=_failed(period),
        metrics=[_metric(name, latest, period) for name in _held(latest)],
        groups=group_tables(latest[-1].findings or ()) if latest else [],
        groups_night=latest[-1].night if latest else "",
        least=period.config_then.checks.bias.min_group,
        drift=_drift(latest),
        lives=told,
        config_changes=config_changes(period.evaluated),
        version_changes=version_changes(period.evaluated),
        versions=period.evaluated[-1].manifest.environment if period.evaluated else {},
        gone=[(e, name, why) for e in period.evaluated for name, why in e.gone.items()],
        methodology=_methodology(),
        has_script="verify/verify.sh" in documents(),
        has_format="verify/record.md" in documents(),
    )  # fmt: skip
    return page.encode()


def card_html(card: Card) -> bytes:
    """A model card as a page."""
    return _environment().get_template("card.html.j2").render(card=card, title=f"Model card: {card.model}").encode()


def card_markdown(card: Card) -> str:
    """A model card as Markdown; text from data can be nothing but text in it."""
    return _environment().get_template("card.md.j2").render(card=card)


def documents() -> dict[str, bytes]:
    """Documents that go with a pack, as this version ships them."""
    found = {name: _document(file) for name, file in DOCUMENTS.items()}
    told = {name: raw for name, raw in found.items() if raw is not None}
    script = SCRIPT.search(told.get("verify/record.md", b"").decode())
    return told | ({"verify/verify.sh": script[1].encode()} if script else {})


@cache
def _document(name: str) -> bytes | None:
    """From the installed package, or from the checkout that it runs in."""
    packaged = resources.files("nightproof").joinpath("docs", name)
    if packaged.is_file():
        return packaged.read_bytes()
    beside = Path(__file__).resolve().parents[3] / "docs" / name
    return beside.read_bytes() if beside.is_file() else None


@cache
def _methodology() -> str:
    from markdown_it import MarkdownIt

    raw = _document("methodology.md")
    if raw is None:
        return ""
    # Without `html`, what looks like a tag in the text stays text.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(raw.decode())
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content))
        for child in token.children or ():
            # Documents that are not in the pack are named, and lead nowhere.
            if child.type == "link_open" and not str(child.attrGet("href")).startswith(("#", "https://")):
                child.attrs = {}
    return str(parser.renderer.render(tokens, parser.options, {}))


def _anchor(heading: str) -> str:
    """As the pages of code hosts name a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("nightproof.audit", "."),
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2"), default_for_string=True),
        undefined=StrictUndefined,
    )
    made.filters |= {
        "md": lambda text: markdown(" ".join(str(text).split()), 400),
        "plain": _plain,
        "number": number,
        "percent": percent,
        "size": size,
        "short": lambda text: str(text)[:16],
        "when": lambda text: str(text).replace("T", " ").replace("+00:00", " UTC"),
        "name": lambda metric: METRICS.get(metric, metric),
    }
    return made


def _plain(text: object, limit: int = 300) -> str:
    return plain(text, limit)


def _months(period: Period) -> list[tuple[str, list[tuple[str, str, str] | None]]]:
    """Each month with its 31 places: night, status and headline, or nothing."""
    months: dict[str, list[tuple[str, str, str] | None]] = {}
    for night in period.nights:
        found = period.latest.get(str(night))
        status = found.manifest.status if found else "not evaluated"
        headline = found.verdict.headline if found and found.verdict else ""
        months.setdefault(f"{night:%B %Y}", [None] * 31)[night.day - 1] = (str(night), status, headline)
    return list(months.items())


def _totals(period: Period) -> list[tuple[str, str, int]]:
    counted = dict.fromkeys([*STATUS, "not evaluated"], 0)
    for night in period.nights:
        found = period.latest.get(str(night))
        counted[found.manifest.status if found else "not evaluated"] += 1
    return [(status, WORDS[status], count) for status, count in counted.items()]


def _failed(period: Period) -> list[tuple[str, str, Any]]:
    """Expectations that did not hold, by night."""
    return [
        (e.night, e.validation.outcome, expectation)
        for e in period.latest.values()
        if e.validation
        for expectation in e.validation.failed()
    ]


def _held(latest: Sequence[Evaluated]) -> list[str]:
    """Metrics that a tolerance held on some night, in the order of their names' table."""
    found = {f.metric for e in latest for f in e.findings or () if _is_held(f)}
    return [name for name in HARM if name in found] + sorted(found - set(HARM))


def _is_held(f: Finding) -> bool:
    return (
        f.check not in ("drift", "bias")
        and not f.segment
        and f.column is None
        and f.window == 1
        and f.tolerance is not None
    )


def _metric(name: str, latest: Sequence[Evaluated], period: Period) -> dict[str, Any]:
    found = [(e.night, f) for e in latest for f in e.findings or () if f.metric == name and _is_held(f)]
    last = found[-1][1]
    rise = HARM.get(name) == "max_rise"  # type: ignore[call-overload]
    limit = None
    if last.baseline is not None and last.tolerance is not None:
        limit = last.baseline + last.tolerance if rise else last.baseline - last.tolerance
    ends = [f.interval or (None, None) for _, f in found]
    points = [Point(night, f.value, low, high, f.n) for (night, f), (low, high) in zip(found, ends, strict=True)]
    title = f"{subject(name, None, {})} of {period.config.model}"
    trend = Trend(title, tuple(points), "higher" if rise else "lower", baseline=last.baseline, limit=limit)
    return {
        "name": METRICS.get(name, name),
        "key": name,
        "found": found,
        "baseline": last.baseline,
        "tolerance": last.tolerance,
        "way": "rise" if rise else "drop",
        "svg": trend_svg(trend, first=period.first, last=period.last),
        "harmed": sum(f.status == "regression" for _, f in found),
    }


def _drift(latest: Sequence[Evaluated]) -> list[tuple[str, str, int, str, str]]:
    """What drifted on most nights: subject, metric, nights, the last of them and its value."""
    seen: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for e in latest:
        for f in e.findings or ():
            if f.check == "drift" and f.window == 1 and f.status in ("watch", "regression"):
                seen.setdefault((f.column or "all features", f.metric), []).append((e.night, f))
    ordered = sorted(seen.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:NAMED]
    return [
        (column, METRICS.get(metric, metric), len(found), found[-1][0], number(found[-1][1].value))
        for (column, metric), found in ordered
    ]
