"""Chosen nights: what stands on one side of a comparison, from the text of a link or of a form to nights.

::

    2013-10-23                   a night, by its latest evaluation
    2013-10-01..2013-10-07       a window, both ends included
    trailing 28 nights           the nights before the other side; on the first side the last nights
    version:2013-04-01           the nights on which most predictions came from that version of the model
    baseline                     what the nights were compared with
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nightproof.board import NightLine
from nightproof.dashboard.night_shown import without
from nightproof.dashboard.past_nights import PastNights
from nightproof.errors import NightError
from nightproof.night import Night
from nightproof.words import counted, plain

MOST = 60
"""Nights on one side of a comparison."""
ALLOWED = (
    "Write a night such as 2013-10-23, a window such as 2013-10-01..2013-10-07, "
    f"'trailing 28 nights' (at most {MOST}), a model version such as 'version:2013-04-01', or 'baseline'"
)
_TRAILING = re.compile(r"trailing[ +](\d{1,4})[ +]nights?", re.IGNORECASE)
_VERSION = "version:"


@dataclass(frozen=True)
class Window:
    """Nights from one to another, both included; a night by itself is one."""

    first: str
    last: str

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True)
class Trailing:
    """So many nights before the other side."""

    nights: int

    def __str__(self) -> str:
        return f"trailing {counted(self.nights, 'night')}"


@dataclass(frozen=True)
class Version:
    """Nights of one version of the model."""

    name: str

    def __str__(self) -> str:
        return f"{_VERSION}{self.name}"


@dataclass(frozen=True)
class WholeBaseline:
    """The baseline."""

    def __str__(self) -> str:
        return "baseline"


Choice = Window | Trailing | Version | WholeBaseline


@dataclass(frozen=True)
class Chosen:
    """One side of a comparison.

    Parameters
    ----------
    choice
        What was asked for.
    lines
        Its nights that can be compared, rising; none for the baseline.
    left_out
        Nights of it that cannot, each with the reason in a sentence.
    """

    choice: Choice
    lines: tuple[NightLine, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether it is the baseline."""
        return isinstance(self.choice, WholeBaseline)


def parsed(text: str) -> Choice:
    """What a text chooses.

    Raises
    ------
    NightError
        If it is none of what is allowed, or too many nights: the sentence lists what may be written.

    Examples
    --------
    >>> parsed("2013-10-01..2013-10-07")
    Window(first='2013-10-01', last='2013-10-07')
    >>> str(parsed("trailing 28 nights"))
    'trailing 28 nights'
    """
    asked = text.strip()
    if asked.lower() == "baseline":
        return WholeBaseline()
    if asked.lower().startswith(_VERSION) and asked[len(_VERSION) :].strip():
        return Version(asked[len(_VERSION) :].strip())
    if trailing := _TRAILING.fullmatch(asked):
        return _trailing(int(trailing[1]))
    ends = [part.strip() for part in asked.split("..")]
    if len(ends) > 2 or not re.fullmatch(r"\d{4}-\d\d-\d\d", ends[0]):
        raise NightError(f"{plain(asked, 40)!r} cannot be compared. {ALLOWED}.")
    return _window(ends[0], ends[-1])


def _trailing(nights: int) -> Trailing:
    if not 1 <= nights <= MOST:
        raise NightError(f"Trailing {nights} nights cannot be compared: ask for 1 to {MOST}.")
    return Trailing(nights)


def _window(first: str, last: str) -> Window:
    begin, end = Night.parse(first), Night.parse(last)
    if end.date < begin.date:
        raise NightError(f"The window {first}..{last} ends before it begins: write the earlier night first.")
    if (days := (end.date - begin.date).days + 1) > MOST:
        raise NightError(f"The window {first}..{last} has {days:,} nights: at most {MOST} can be compared.")
    return Window(str(begin), str(end))


def resolved(a: Choice, b: Choice, past: PastNights) -> tuple[Chosen, Chosen]:
    """The nights of both sides.

    Raises
    ------
    NightError
        If a side has no night that can be compared: the sentence says why, and which there are.
    """
    one, other = _nights(a, past, before=_after(past.row.night)), None
    before = one.lines[0].night if one.lines else _after(past.row.night)
    other = _nights(b, past, before=before)
    return one, other


def _nights(choice: Choice, past: PastNights, *, before: str) -> Chosen:
    match choice:
        case WholeBaseline():
            return Chosen(choice, ())
        case Window():
            return _within(choice, past, choice.first, choice.last)
        case Trailing():
            return _within(choice, past, _moved(before, -choice.nights), _moved(before, -1))
        case Version():
            return _of_version(choice, past)


def _within(choice: Choice, past: PastNights, first: str, last: str) -> Chosen:
    lines = past.lines(first, last)
    absent = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1 - len(lines)
    left_out = [(line.night, without(line)) for line in lines if without(line)]
    if absent:
        left_out.append(
            ("", f"{counted(absent, 'night')} from {first} to {last} {'was' if absent == 1 else 'were'} not evaluated.")
        )
    return _made(choice, [line for line in lines if not without(line)], left_out, past)


def _of_version(choice: Version, past: PastNights) -> Chosen:
    lines = past.lines()
    found = [line for line in lines if line.version == choice.name and not without(line)]
    if not found:
        known = list(dict.fromkeys(line.version for line in reversed(lines) if line.version))
        named = ", ".join(plain(name, 40) for name in known[:10])
        allowed = f"Versions that are known: {named}." if known else "The config names no column of versions."
        raise NightError(f"No night has most of its predictions from version {plain(choice.name, 40)!r}. {allowed}")
    left_out = [] if len(found) <= MOST else [("", f"Its last {MOST} nights are compared, of {len(found):,}.")]
    return _made(choice, found[-MOST:], left_out, past)


def _made(choice: Choice, lines: Sequence[NightLine], left_out: Sequence[tuple[str, str]], past: PastNights) -> Chosen:
    if not lines:
        why = " ".join(reason for _, reason in left_out[:3])
        raise NightError(
            f"{str(choice)[:1].upper()}{plain(str(choice)[1:], 60)} has no night that can be compared. {why} "
            f"Nights from {past.row.first_night} to {past.row.night} are there."
        )
    return Chosen(choice, tuple(lines), tuple(left_out))


def _after(night: str) -> str:
    return _moved(night, 1)


def _moved(night: str, by: int) -> str:
    try:
        return (date.fromisoformat(night) + timedelta(days=by)).isoformat()
    except OverflowError as error:
        raise NightError(f"There is no night {by} days from {night}.") from error
