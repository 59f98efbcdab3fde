"""The parts of a Slack message, within Slack's limits, and text from data made harmless.

Two rules keep a message whole. Text from data goes through :func:`plain` before it is put into a
sentence, and is cut there: what is cut later could lose the end of an escape or of a link. Lists
are cut between lines, by :func:`listed`, and say how much is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nightproof import words

Block = dict[str, Any]
SECTION, CONTEXT, HEADER, TEXT = 3000, 2000, 150, 3000
"""The most characters of each kind of text; Slack takes 40,000 of a message's own, and shows far fewer."""
_SHORT_NAMES = re.compile(r":(?=[\w+'-]+:)")
_UNENDED = re.compile(r"&\w{0,3}$|<[^<>]*$")
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


@dataclass(frozen=True)
class Message:
    """A message as Slack takes it.

    Parameters
    ----------
    text
        What a phone's notification shows, plain.
    blocks
        Block Kit.
    """

    text: str
    blocks: list[Block]


def plain(text: object, limit: int = 120) -> str:
    """Text from data or config on one line, which can neither mention, link nor format.

    Marks of Slack's own are replaced by signs that look alike.

    Parameters
    ----------
    text
        Anything.
    limit
        Characters that are kept, before ``&``, ``<`` and ``>`` are escaped.
    """
    return _escaped(_EMPHASIS.sub("ˍ", _unmarked(_bare(text, limit))))


def _bare(text: object, limit: int) -> str:
    # `:warning:` would become a sign, and this product's signs mean something.
    return _SHORT_NAMES.sub("∶", words.plain(text, limit))


def _unmarked(text: str) -> str:
    return text.replace("`", "'").replace("*", "∗").replace("~", "∼")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fenced(text: str, limit: int = 2400) -> str:
    """Text of several lines between fences, where nothing formats."""
    kept = _unmarked("\n".join(_indented(line, limit) for line in text.splitlines()))
    kept = kept if len(kept) <= limit else kept[: limit - 1] + "…"
    while len(shown := _escaped(kept)) > limit:
        kept = kept[: len(kept) - max(1, (len(shown) - limit) // 5)]
    return f"```{shown or ' '}```"


def _indented(line: str, limit: int) -> str:
    return " " * min(len(line) - len(line.lstrip(" ")), 40) + _bare(line, limit)


def heading(sign: str, text: str) -> str:
    """A message's first line, whole enough for a header and a notification."""
    return f"{sign} {_bare(text, HEADER - len(sign) - 1)}"


def header(shown: str) -> Block:
    """The line in large letters."""
    return {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}}


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": _mrkdwn(text, SECTION)}


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [_mrkdwn(text, CONTEXT) for text in texts]}


def image(file_id: str, described: str) -> Block:
    """An uploaded picture, and the same in words for those who do not see it."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": words.plain(described, 1000) or "chart"}


def buttons(pairs: Iterable[tuple[str, str | None]]) -> list[Block]:
    """One row of links by label, those that are there; no row where there are none."""
    made = [{"type": "button", "text": _plain_text(label), "url": url} for label, url in pairs if url]
    return [{"type": "actions", "elements": made}] if made else []


def link(url: str | None, label: str) -> str:
    """A label that leads somewhere, if there is somewhere; the label is to be harmless already."""
    if not url:
        return label
    # Signs that would end the link are written as the web writes them.
    address = quote(url, safe="%/:?#[]@!$&'()*+,;=~-._").replace("|", "%7C").replace("&", "&amp;")
    return f"<{address}|{label.replace('|', '¦')}>"


def listed(lines: Sequence[str], *, most: int, more: str, limit: int = SECTION - 100) -> str:
    """Lines below each other: as many as fit, at least one, and how many more there are.

    Parameters
    ----------
    lines
        Each harmless already.
    most
        How many are shown.
    more
        What is said of the others, such as ``more in the report``.
    """
    shown: list[str] = []
    for line in lines[:most]:
        if shown and len("\n".join([*shown, line])) > limit:
            break
        shown.append(line)
    left = len(lines) - len(shown)
    return "\n".join([*shown, *([f"… and {left:,} {more}"] if left else [])])


def mention(someone: str) -> str:
    """A user or a user group by id, as Slack has it.

    Raises
    ------
    ValueError
        If it is no such id: it would be text from a config that formats.
    """
    if not re.fullmatch(r"[USW][A-Z0-9]{6,20}", someone):
        raise ValueError(f"{someone!r} is not the id of a Slack user or user group")
    return f"<!subteam^{someone}>" if someone.startswith("S") else f"<@{someone}>"


def message(shown: str, summary: str, blocks: Iterable[Block]) -> Message:
    """A message of these blocks, whose notification says its heading and a sentence or two."""
    text = f"{plain(shown, HEADER)}. {summary}"
    return Message(text=_cut(text, TEXT), blocks=list(blocks)[:50])


def _mrkdwn(text: str, limit: int) -> Block:
    # Verbatim: what looks like an address, a channel or a name in the data becomes no link and no mention.
    return {"type": "mrkdwn", "text": _cut(text, limit) or " ", "verbatim": True}


def _cut(text: str, limit: int) -> str:
    """Text within a limit, never cut within an escape or a link."""
    return text if len(text) <= limit else _UNENDED.sub("", text[: limit - 1]) + "…"


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text}
