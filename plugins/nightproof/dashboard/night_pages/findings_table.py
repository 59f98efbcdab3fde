"""The findings of a night as a table: filtered, the worst first, a hundred at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nightproof import words
from nightproof.checks.finding import Finding, Status
from nightproof.dashboard.drawing.explain import tip_of_finding
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.metric_names import HARM
from nightproof.readings import family

PAGE = 100
WORST: tuple[Status, ...] = ("regression", "watch", "insufficient_data", "ok")
FAMILIES = ("performance", "bias", "business", "data", "drift")
_RISES = ("missing_rate", "unseen_rate", "outside_rate")


def _whole(value: Any) -> Any:
    """A page's number as somebody wrote it into the address; the first for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 else 1


class FindingsQuery(View):
    """Which findings are asked for; what fits nothing shows nothing."""

    family: Annotated[str, Field(max_length=40)] = ""
    """`performance`, `bias`, `business`, `data` or `drift`; empty for all."""
    status: Annotated[str, Field(max_length=40)] = ""
    window: Annotated[str, Field(max_length=10)] = ""
    """Nights merged."""
    q: Annotated[str, Field(max_length=400)] = ""
    """Words that its subject has: a metric, a column, a group."""
    page: Annotated[int, BeforeValidator(_whole)] = 1

    @property
    def narrows(self) -> bool:
        """Whether it asks for less than all."""
        return bool(self.family or self.status or self.window or self.q)


class FindingLine(View):
    """One finding, with its place among them and what it says of itself."""

    ordinal: int
    """Place in `findings.json`."""
    family: str
    subject: str
    held: str
    """What it is held against, in words."""
    tip: str
    finding: Finding


class FindingsView(View):
    """Some findings of an evaluation."""

    without: str
    """Why there are none, in a sentence; empty where there are."""
    total: int
    """Of the evaluation."""
    found: int
    """Of those that were asked for."""
    page: int
    pages: int
    per_page: int
    statuses: dict[str, int]
    families: dict[str, int]
    windows: dict[int, int]
    """Counts of all findings of the evaluation."""
    lines: tuple[FindingLine, ...]


def findings_view(
    findings: Sequence[Finding] | None, query: FindingsQuery, *, without: str = "", harms: Mapping[str, str]
) -> FindingsView:
    """A page of an evaluation's findings.

    Parameters
    ----------
    findings
        All of them; ``None`` where there are none.
    query
        Which are asked for.
    without
        Why there are none.
    harms
        On which side the team's own metrics harm, as their config says.
    """
    every = list(enumerate(findings or ()))
    kept = sorted((pair for pair in every if _fits(pair[1], query)), key=lambda pair: (*_order(pair[1]), pair[0]))
    pages = max(1, -(-len(kept) // PAGE))
    page = min(max(query.page, 1), pages)
    statuses = Counter(f.status for _, f in every)
    families = Counter[str](family(f.check, f.metric) for _, f in every)
    return FindingsView(
        without=without,
        total=len(every),
        found=len(kept),
        page=page,
        pages=pages,
        per_page=PAGE,
        statuses={name: statuses[name] for name in WORST if name in statuses},
        families={name: families[name] for name in FAMILIES if name in families},
        windows=dict(sorted(Counter(f.window for _, f in every).items())),
        lines=tuple(line_of(f, place, harms) for place, f in kept[(page - 1) * PAGE : page * PAGE]),
    )


def line_of(finding: Finding, ordinal: int, harms: Mapping[str, str]) -> FindingLine:
    """A finding as it is shown."""
    return FindingLine(
        ordinal=ordinal,
        family=family(finding.check, finding.metric),
        subject=finding.subject,
        held=held(finding, harms),
        tip=tip_of_finding(finding),
        finding=finding,
    )


def held(finding: Finding, harms: Mapping[str, str]) -> str:
    """What a finding is held against, in words."""
    if finding.tolerance is None:
        return "not judged"
    amount = f"{finding.tolerance:g}"
    metric = finding.metric.removeprefix("estimated_")
    harm = HARM.get(metric) or harms.get(metric)  # type: ignore[call-overload]
    if finding.check in ("performance", "business") and harm:
        return f"{'drop' if harm == 'max_drop' else 'rise'} of {amount}"
    if finding.metric in _RISES:
        return f"rise of {amount}"
    return f"drop of {amount}" if finding.metric == "label_coverage" else f"limit {amount}"


def harms_of(config: Mapping[str, Any]) -> dict[str, str]:
    """On which side each of the team's own metrics harms, as a stored config has it."""
    metrics = config.get("metrics")
    every: Iterable[tuple[str, Any]] = metrics.items() if isinstance(metrics, Mapping) else ()
    found: dict[str, str] = {}
    for name, said in every:
        if isinstance(said, Mapping):
            ways = [way for way in ("max_drop", "max_rise") if said.get(way) is not None]
            if ways:
                found[name] = ways[0]
    return found


def _fits(finding: Finding, query: FindingsQuery) -> bool:
    if query.status not in ("", finding.status) or query.window not in ("", str(finding.window)):
        return False
    if query.family not in ("", family(finding.check, finding.metric)):
        return False
    sought = query.q.lower().split()
    if not sought:
        return True
    of = " ".join(f"{name} is {value}" for name, value in finding.segment.items())
    text = f"{finding.metric} {words.metric_title(finding.metric)} {finding.column or ''} {of}".lower()
    # A word of one or two letters, such as a carrier's, is in half of all words: only the whole of one will do.
    told = set(text.split())
    return all(word in text if len(word) > 2 else word in told for word in sought)


def _order(finding: Finding) -> tuple[int, bool, float, float]:
    """The worst first: by status, then what is judged, then the surest, then the furthest beyond its tolerance."""
    beyond = 0.0
    if finding.tolerance and finding.delta is not None:
        beyond = abs(finding.delta / finding.tolerance)
    sure = 2.0 if finding.p_value is None else finding.p_value
    return WORST.index(finding.status), finding.tolerance is None, sure, -beyond


__all__ = ["FAMILIES", "PAGE", "FindingLine", "FindingsQuery", "FindingsView", "findings_view", "held", "line_of"]
