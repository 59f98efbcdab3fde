"""The weekly digest of a channel: what is open first, what is well in one line, and nothing left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from nightproof.message.blocks import (
    Block,
    Message,
    buttons,
    context,
    header,
    heading,
    link,
    listed,
    message,
    plain,
    section,
)
from nightproof.message.links import Dashboard
from nightproof.verdict import VerdictStatus
from nightproof.words import counted

T = TypeVar("T")
SHOWN = 10
"""Lines of a list."""
GREEN_SHOWN = 60
"""Models named in the line of those that are well."""
NIGHTS = 7


@dataclass(frozen=True)
class DigestIncident:
    """An incident in a few words.

    Parameters
    ----------
    subject
        What it is about, such as ``ROC AUC`` or ``Impact ratio where carrier is UA``.
    opened
        The night on which it opened.
    nights
        How long it is, or was, open.
    link
        Where to look.
    """

    subject: str
    opened: str
    nights: int
    link: str | None = None


@dataclass(frozen=True)
class DigestMute:
    """Something that is not told until a day.

    Parameters
    ----------
    what
        An incident's id, or a check, metric, column or segment in words.
    until
        The first day on which it is told again.
    reason
        Why.
    """

    what: str
    until: date
    reason: str


@dataclass(frozen=True)
class DigestLine:
    """One model's week.

    Parameters
    ----------
    model, owner
        Which, and who answers for it.
    status
        Of its last evaluated night; ``None`` if no night was evaluated.
    nights
        Nights evaluated, of seven.
    open
        Incidents that are open now.
    opened, recovered
        Those that opened, and those that were over, in the week; of the former some may be open still.
    withdrawn
        Those of the week's nights that later labels show to have been nothing.
    muted
        What is muted.
    pages
        Pages that were sent.
    budget
        False pages that are acceptable in a week: seven times the budget's share of a night.
    link
        The model's page.
    head
        The head of its chain, ``NUMBER:HASH`` with the hash cut short: who keeps the message can tell later
        whether history was rewritten.
    """

    model: str
    owner: str
    status: VerdictStatus | None
    nights: int
    open: tuple[DigestIncident, ...] = ()
    opened: tuple[DigestIncident, ...] = ()
    recovered: tuple[DigestIncident, ...] = ()
    withdrawn: tuple[DigestIncident, ...] = ()
    muted: tuple[DigestMute, ...] = ()
    pages: int = 0
    budget: float = 0.0
    link: str | None = None
    head: str | None = None

    @property
    def is_silent(self) -> bool:
        """Whether no night was evaluated: nothing is known of it."""
        return self.nights == 0

    @property
    def is_blind(self) -> bool:
        """Whether its last night could not tell anything."""
        return self.status == "insufficient_data" and not self.is_silent

    @property
    def is_green(self) -> bool:
        """Whether it was looked at, and has no incident."""
        return not self.is_silent and not self.open and not self.is_blind and self.status in ("ok", "watch")


def compose_digest(
    models: Sequence[DigestLine], *, channel: str, week: str, dashboard: Dashboard | None = None
) -> Message:
    """One week of a channel's models, in the order in which a reader must know.

    Parameters
    ----------
    models
        All models that are told of in the channel.
    channel
        As the configs name it.
    week
        The ISO week, such as ``2013-W50``, or its nights in words.
    dashboard
        Where the reader can look.
    """
    lines = sorted(models, key=lambda line: line.model)
    opened = sorted(((i, line) for line in lines for i in line.open), key=lambda pair: (-pair[0].nights, pair[1].model))
    shown = heading("🌙", f"Week {week}: {_verdict(lines)}")
    sections = [
        _section("🔴", "Open", [_open(incident, line) for incident, line in opened]),
        _section("▲", "Opened this week", _each(lines, lambda line: line.opened, _began)),
        _section("✅", "Recovered this week", _each(lines, lambda line: line.recovered, _ended)),
        _section("↩️", "Withdrawn: later labels show nothing", _each(lines, lambda line: line.withdrawn, _began)),
        _section("⚠️", "Silent: no night was evaluated", [_named(line) for line in lines if line.is_silent]),
        _section("⚪", "Too little data to tell", [_named(line) for line in lines if line.is_blind and not line.open]),
        _section("■", "Not well, and no incident is open", [_named(line) for line in lines if _is_odd(line)]),
        _section("🔕", "Muted", _each(lines, lambda line: line.muted, _mute)),
    ]
    green = [line for line in lines if line.is_green]
    blocks = [
        header(shown),
        *(block for block in sections if block),
        section(_well(green)),
        *_pages_of(lines, dashboard),
        context(_pages(lines, channel)),
        *([context(_heads(lines))] if any(line.head for line in lines) else []),
    ]
    first = [f"{plain(line.model)}: {plain(incident.subject)}" for incident, line in opened[:3]]
    summary = "; ".join(first) + "." if first else _well(green, names=False)
    return message(shown, summary, blocks)


def _pages_of(lines: Sequence[DigestLine], dashboard: Dashboard | None) -> list[Block]:
    """The open incidents and the fleet, of one owner where all models of the channel have the same."""
    if dashboard is None:
        return []
    owners = {line.owner for line in lines}
    owner = owners.pop() if len(owners) == 1 else ""
    opened = dashboard.incidents(state="open", owner=owner) if any(line.open for line in lines) else None
    return buttons([("See what is open", opened), ("Open the fleet", dashboard.fleet(owner=owner))])


def _verdict(lines: Sequence[DigestLine]) -> str:
    bad = sum(not line.is_green for line in lines)
    if not lines:
        return "no models"
    if not bad:
        return f"all {counted(len(lines), 'model')} well" if len(lines) > 1 else "1 model, well"
    return f"{bad} of {counted(len(lines), 'model')} need{'s' if bad == 1 else ''} a look"


def _is_odd(line: DigestLine) -> bool:
    return not (line.is_green or line.is_silent or line.is_blind or line.open)


def _section(sign: str, name: str, lines: Sequence[str]) -> Block | None:
    if not lines:
        return None
    return section(f"{sign} *{name}*\n{listed(lines, most=SHOWN, more='more')}")


def _each(
    lines: Iterable[DigestLine], of: Callable[[DigestLine], tuple[T, ...]], say: Callable[[T, DigestLine], str]
) -> list[str]:
    return [say(found, line) for line in lines for found in of(line)]


def _named(line: DigestLine) -> str:
    nights = "" if line.is_silent else f", {line.nights} of {NIGHTS} nights evaluated"
    return f"• {_model(line)}, owner {plain(line.owner, 60)}{nights}"


def _open(incident: DigestIncident, line: DigestLine) -> str:
    age = f"open for {counted(incident.nights, 'night')}, since {plain(incident.opened)}"
    where = f"   {link(incident.link, 'look')}" if incident.link else ""
    return f"• {_model(line)}: {plain(incident.subject)}, {age}, owner {plain(line.owner, 60)}{where}"


def _began(incident: DigestIncident, line: DigestLine) -> str:
    return f"• {_model(line)}: {plain(incident.subject)} on {plain(incident.opened)}"


def _ended(incident: DigestIncident, line: DigestLine) -> str:
    return f"• {_model(line)}: {plain(incident.subject)}, after {counted(incident.nights, 'night')}"


def _mute(mute: DigestMute, line: DigestLine) -> str:
    return f"• {_model(line)}: {plain(mute.what)} until {mute.until}: {plain(mute.reason, 200)}"


def _model(line: DigestLine) -> str:
    return link(line.link, plain(line.model)) if line.link else f"*{plain(line.model)}*"


def _well(green: Sequence[DigestLine], *, names: bool = True) -> str:
    if not green:
        return "✔ No model is without a regression"
    said = f"✔ {counted(len(green), 'model')} without a regression"
    if not names:
        return f"{said}."
    named = [link(line.link, plain(line.model, 60)) + _part(line) for line in green]
    return f"{said}: {_joined(named)}"


def _part(line: DigestLine) -> str:
    return "" if line.nights >= NIGHTS else f" ({line.nights} of {NIGHTS} nights)"


def _joined(named: Sequence[str], limit: int = 2800) -> str:
    kept: list[str] = []
    for name in named[:GREEN_SHOWN]:
        if kept and len(", ".join([*kept, name])) > limit:
            break
        kept.append(name)
    more = f" and {len(named) - len(kept)} more" if len(named) > len(kept) else ""
    return ", ".join(kept) + more


def _heads(lines: Sequence[DigestLine]) -> str:
    heads = [f"{plain(line.model, 60)} {plain(line.head)}" for line in lines if line.head]
    return f"Heads of the chains, for `nightproof verify MODEL --head`: {_joined(heads)}"


def _pages(lines: Sequence[DigestLine], channel: str) -> str:
    sent, budget = sum(line.pages for line in lines), sum(line.budget for line in lines)
    said = f"{counted(sent, 'page')} sent this week; by the budgets, {budget:.2g} of a week's may be false"
    return f"{said}   ·   {plain(channel)}"
