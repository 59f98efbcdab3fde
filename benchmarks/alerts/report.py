"""The tables, as Markdown for `docs/benchmarks.md`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.special import ndtri

from benchmarks.alerts.cells import BUDGETS, SIZES, USUAL, Cell, budgets_of
from benchmarks.alerts.drift import MIN_EFFECT, Shown
from benchmarks.alerts.outcomes import Delay, FalsePages
from benchmarks.alerts.peers import PEERS, SHIFTS, SIZE, Alarms, Peer, version
from benchmarks.alerts.rules import PRODUCT, RULES
from benchmarks.alerts.streams import HARMS, NULLS

NIGHTS = 90
FALSE = f"""**False pages**, in units of the budget: 1 is a budget that is spent to the full. Of a rule without a
budget: of 1 in {NIGHTS} nights. 95 % intervals in brackets; bold where false pages are surely too many."""
DELAYS = f"""**Nights until harm is told**, at a budget of {USUAL} nights; 1 is the night it begins. Median
(quartiles), and the share of runs in which it was told within 100 nights."""
ALARMS = f"""**Peers** with their defaults, {SIZE:,} rows a night: share of nights that alarm (95 % interval). Of nulls:
the incidents that {NIGHTS} such nights would open, and the nights run. Of harms: the median night of the first
alarm, if each night alarms by itself with that probability."""
Table = list[list[str]]


@dataclass(frozen=True)
class Results:
    """All that was found.

    Parameters
    ----------
    cells
        By stream and size.
    peers
        By peer: by rule, kind of nights and size; or why it failed.
    drift
        What the drift checks showed, by shift.
    """

    cells: Mapping[tuple[str, int], Cell]
    peers: Mapping[str, Mapping[tuple[str, str, int], Alarms] | str]
    drift: Mapping[float, Shown]


def render(found: Results, *, heading: str) -> str:
    """Targets first, then what they stand on."""
    rules = [named.name for named in RULES.values()]
    parts = [
        heading,
        _markdown(["what", "target", "measured", "met"], _targets(found)),
        FALSE,
        _markdown(["null", "rows a night", *_false_heads()], _false_rows(found.cells)),
        DELAYS,
        _markdown(["harm", "rows a night", *rules], _delay_rows(found.cells)),
        ALARMS,
        _markdown(["nights", *_peer_heads(found)], _peer_rows(found)),
    ]
    return "\n\n".join(parts)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _false_heads() -> list[str]:
    return [
        f"{named.name}, {budget}" if named.budgeted else f"{named.name} (no budget)"
        for rule, named in RULES.items()
        for budget in budgets_of(rule, "iid", SIZE)
    ]


def _false_rows(cells: Mapping[tuple[str, int], Cell]) -> Table:
    return [
        [
            stream.name,
            f"{n:,}",
            *(
                _times(cells[key, n].pages[rule, budget], BUDGETS[budget])
                for rule in RULES
                for budget in budgets_of(rule, key, n)
            ),
        ]
        for key, stream in NULLS.items()
        for n in SIZES
    ]


def _times(found: FalsePages, budget: float) -> str:
    """In units of the budget; bold where it is surely above."""
    value, low, high = (part / budget for part in (found.rate, found.low, found.high))
    text = f"{_short(value)} ({_short(low)}–{_short(high)})"
    return f"**{text}**" if low > 1.0 else text


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"


def _delay_rows(cells: Mapping[tuple[str, int], Cell]) -> Table:
    return [
        [stream.name, f"{n:,}", *(_delayed(cells[key, n].delays[rule, USUAL]) for rule in RULES)]
        for key, stream in HARMS.items()
        for n in SIZES
    ]


def _delayed(found: Delay) -> str:
    if math.isnan(found.median):
        return "no run was quiet before"
    return f"{_night(found.median)} ({_night(found.lower)}–{_night(found.upper)}), {found.found:.0%}"


def _night(value: float) -> str:
    return ">100" if math.isinf(value) else f"{value:g}"


def _peer_heads(found: Results) -> list[str]:
    return [f"{peer.name} {version(peer)}, {rule}" for peer in PEERS for rule in _peer_rules(found, peer)]


def _peer_rules(found: Results, peer: Peer) -> list[str]:
    alarms = found.peers[peer.name]
    return ["all"] if isinstance(alarms, str) else list(dict.fromkeys(rule for rule, _, _ in alarms))


def _peer_rows(found: Results) -> Table:
    kinds = [(NULLS[key].name, key, SIZE) for key in NULLS if key != "tolerated"]
    kinds += [(f"{NULLS['iid'].name}, {SIZE // 10} rows", "iid", SIZE // 10)]
    kinds += [(HARMS[key].name, key, SIZE) for key in HARMS]
    kinds += [(f"one feature shifted by {shift:g} sd", key, SIZE) for key, shift in SHIFTS.items()]
    return [
        [name, *(_alarmed(found, peer, rule, key, n) for peer in PEERS for rule in _peer_rules(found, peer))]
        for name, key, n in kinds
    ]


def _alarmed(found: Results, peer: Peer, rule: str, kind: str, n: int) -> str:
    alarms = found.peers[peer.name]
    if isinstance(alarms, str):
        return alarms
    told = alarms[rule, kind, n]
    low, high = wilson(told.alarms, told.nights)
    share = f"{told.alarms / told.nights:.0%} ({low:.0%}–{high:.0%})"
    if kind in NULLS:
        return f"{share}; {told.pages * NIGHTS / told.nights:.1f} of {told.nights} nights"
    return f"{share}; night {_night(geometric_median(told.alarms / told.nights))}"


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z = float(ndtri(0.975))
    share = hits / n
    centre, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def geometric_median(share: float) -> float:
    """The median night of the first alarm, where each night alarms with this probability by itself."""
    if share >= 0.5:
        return 1.0
    return math.ceil(math.log(0.5) / math.log1p(-share)) if share > 0.0 else math.inf


def _targets(found: Results) -> Table:
    """The issue's rows, for the product."""
    if PRODUCT not in RULES:
        return [["Nightproof's own rule", "", "not wired yet", "not measured"]]
    worst = max(
        (
            (cell.pages[PRODUCT, budget].rate / nightly, cell, budget)
            for (key, _), cell in found.cells.items()
            if key in NULLS
            for budget, nightly in BUDGETS.items()
        ),
        key=lambda entry: entry[0],
    )
    _, cell, budget = worst
    said = f"worst: {_times(cell.pages[PRODUCT, budget], BUDGETS[budget])} of {budget}, {NULLS[cell.stream].name}, "
    rows = [
        ["false pages on every kind of null", "<= 1 of the budget", f"{said}{cell.n:,} rows", _met(worst[0] <= 1.0)]
    ]
    for key, most in (("auc_05", 2), ("auc_02", 8), ("labels", 2), ("calibration", 2), ("tpr_45", 2), ("tpr_20", 2)):
        delay = found.cells[key, SIZE].delays[PRODUCT, USUAL]
        others = ", ".join(
            f"{budget}: {_night(found.cells[key, SIZE].delays[PRODUCT, budget].median)}"
            for budget in BUDGETS
            if budget != USUAL
        )
        what = f"{HARMS[key].name}, {SIZE:,} rows, {USUAL}"
        target = f"median <= {most} nights"
        rows.append([what, target, f"{_delayed(delay)}; {others}", _met(delay.median <= most)])
    return rows + _drift_targets(found.drift)


def _drift_targets(drift: Mapping[float, Shown]) -> Table:
    rows = []
    for shift, most in ((0.25, 1), (0.1, 3)):
        told, none = drift[shift], drift[0.0]
        hits = told.named if most == 1 else told.within
        said = f"named {'on its first night' if most == 1 else f'within {most} nights'} {hits} times of {told.nights} "
        said += f"(min_effect {MIN_EFFECT:g}); other inputs on {told.others:.0%} of nights, "
        said += f"any on {none.others:.0%} without a shift"
        target = "named the same night" if most == 1 else f"within {most} nights"
        rows.append([f"one feature shifted by {shift:g} sd, {SIZE:,} rows", target, said, _met(hits > told.nights / 2)])
    return rows


def _met(met: bool) -> str:
    return "yes" if met else "**no**"
