"""The tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.faults.catalogue import WITHIN
from benchmarks.faults.explain import Explanation
from benchmarks.faults.peer import PeerTold
from benchmarks.faults.score import Outcome

FOUND, NAMED = 18, 15
"""The targets."""
_ALARMS = 3
"""How many of the peer's alarms a row names."""


def summary(nights: int, pages: Sequence[Explanation], outcomes: Sequence[Outcome], peer: PeerTold | str) -> str:
    """What it all comes to, beside the peer."""
    true, told = sum(page.is_true is True for page in pages), sum(page.is_true is not None for page in pages)
    found, named = sum(o.in_time for o in outcomes), sum(o.in_time and o.is_right for o in outcomes)
    head = f"| what | target | Nightproof | {peer if isinstance(peer, str) else peer.name} |"
    silent = "not measured"
    if isinstance(peer, str):
        nights_said = found_said = silent
    else:
        nights_said = f"alarms on {peer.alarming} of {peer.nights} nights"
        found_said = (
            f"{peer.new_series} if anything new alarms, {peer.new_nights} if a silent night becomes one with an alarm"
            f" ({peer.quiet_beginnings} begin where a night is silent)"
        )
    pages_said = f"{len(pages)} pages, {true} of the {told} that are about a metric of the rows are true"
    rows = [
        [f"nothing injected, {nights} nights", "every page is a true change", pages_said, nights_said],
        [f"faults found within {WITHIN} nights", f">= {FOUND} of {len(outcomes)}", str(found), found_said],
        ["the right cause named too", f">= {NAMED} of {len(outcomes)}", str(named), "names no cause"],
    ]
    return "\n".join([head, "|---|---|---|---|", *map(_row, rows)])


def pages_table(pages: Iterable[Explanation]) -> str:
    """Every page of the clean season."""
    head = [
        "| night | event | what | nights seen through | on the reference | by scikit-learn | limit | a true change |"
    ]
    return "\n".join([*head, "|---|---|---|---|---|---|---|---|", *(_page(page) for page in pages)])


def faults_table(outcomes: Iterable[Outcome], peer: PeerTold | str) -> str:
    """Every fault."""
    name = "the peer" if isinstance(peer, str) else peer.name
    head = [
        "fault",
        "from",
        "ROC AUC",
        "Brier score",
        "found on its night",
        "by",
        "causes told first",
        "right",
        "drift shown on its night",
        f"new alarms of {name} in time",
    ]
    return "\n".join([_row(head), "|---" * len(head) + "|", *(_fault(outcome, peer) for outcome in outcomes)])


def _page(page: Explanation) -> str:
    answer = {True: "yes" if page.is_sure else "yes, not surely", False: "**no**", None: "not a metric of the rows"}
    cells = [page.night, page.event, page.subject, str(page.window), _number(page.reference), _measured(page)]
    return _row([*cells, _number(page.limit), answer[page.is_true]])


def _measured(page: Explanation) -> str:
    if page.value is None or page.interval is None:
        return ""
    low, high = page.interval
    return f"{page.value:.3f} ({low:.3f} to {high:.3f}, n = {page.rows:,})"


def _fault(outcome: Outcome, peer: PeerTold | str) -> str:
    answer = {True: "yes", False: "**no**"}[outcome.is_right]
    night = "**never**" if outcome.night is None else str(outcome.night) if outcome.in_time else f"**{outcome.night}**"
    drift = "" if outcome.drift_night is None else str(outcome.drift_night)
    harm = [f"{a:.3f} → {b:.3f}" for a, b in (outcome.harm.roc_auc, outcome.harm.brier)] if outcome.harm else ["", ""]
    alarms = [] if isinstance(peer, str) else peer.new.get(outcome.fault.name, ())
    told = f"{', '.join(alarms[:_ALARMS])}{' …' if len(alarms) > _ALARMS else ''}"
    return _row([outcome.fault.name, outcome.begins, *harm, night, outcome.by, outcome.cause, answer, drift, told])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
