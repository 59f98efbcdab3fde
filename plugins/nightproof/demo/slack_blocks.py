"""Block Kit as HTML: each kind of block one function, every text escaped.

Unknown kinds are shown as what they are, JSON, so that nothing a message says is hidden.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Block = dict[str, Any]

_TOKEN = re.compile(r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]+)>", re.DOTALL)
_MARKS = [
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), r"<em>\1</em>"),
    (re.compile(r"(?<!\w)~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)"), r"<s>\1</s>"),
]
_QUOTE = re.compile(r"^&gt; ?(.*)$\n?", re.MULTILINE)
_EMOJI = {  # the short names that operators' tools like
    "red_circle": "🔴",
    "large_yellow_circle": "🟡",
    "large_green_circle": "🟢",
    "white_check_mark": "✅",
    "warning": "⚠️",
    "no_entry": "⛔",
    "rotating_light": "🚨",
    "chart_with_downwards_trend": "📉",
    "mag": "🔍",
    "crescent_moon": "🌙",
}

_SIGNS = {  # drawn, so that they are seen where no emoji font is installed
    "🔴": ("bad", "red circle", '<circle cx="8" cy="8" r="7"/>'),
    "🟡": ("warn", "yellow circle", '<circle cx="8" cy="8" r="7"/>'),
    "🟢": ("good", "green circle", '<circle cx="8" cy="8" r="7"/>'),
    "⚪": ("blank", "white circle", '<circle cx="8" cy="8" r="6.5"/>'),
    "⛔": ("bad", "no entry", '<circle cx="8" cy="8" r="7"/><path d="M4.5 8h7"/>'),
    "✅": (
        "good",
        "check mark",
        '<rect x="1" y="1" width="14" height="14" rx="3"/><path d="M4.5 8.3l2.5 2.4 4.6-5"/>',
    ),
    "🌙": ("moon", "crescent moon", '<circle cx="8" cy="8" r="7"/><circle class="shade" cx="11" cy="6" r="5.6"/>'),
    "🔕": (
        "blank",
        "muted bell",
        '<path class="filled" d="M3 12V7a5 5 0 0 1 10 0v5z"/><path d="M6.6 14h2.8M2 2l12 12"/>',
    ),
    "⚠️": ("warn", "warning", '<path class="filled" d="M8 1.6L15.4 14.4H.6z"/><path d="M8 6.4v3.4M8 12v.2"/>'),
}


def render_blocks(blocks: list[Block]) -> str:
    """All blocks of a message as HTML."""
    return "".join(_render(block) for block in blocks)


def render_mrkdwn(text: str) -> str:
    """Slack's own markup as HTML, safe whatever the text holds."""
    parts, end = [], 0
    for match in _TOKEN.finditer(text):
        parts += [_styled(text[end : match.start()]), _token(match)]
        end = match.end()
    return "".join([*parts, _styled(text[end:])])


def safe_url(url: object) -> str | None:
    """Give the address, escaped for an attribute, if a browser may follow it; else ``None``."""
    is_web = isinstance(url, str) and re.match(r"https?://[^\s/]", url, re.IGNORECASE)
    return html.escape(str(url)) if is_web else None


def escape(text: object) -> str:
    """Plain text as HTML; Slack's three entities are read first, as its clients do."""
    plain = str(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return html.escape(plain)


def _render(block: Block) -> str:
    try:
        return _KINDS.get(str(block.get("type")), _unknown)(block)
    except (AttributeError, KeyError, TypeError):  # not the shape that its type promises
        return _unknown(block)


def _token(match: re.Match[str]) -> str:
    if match["pre"] is not None:
        return f"<pre>{escape(match['pre'].strip(chr(10)))}</pre>"
    if match["code"] is not None:
        return f"<code>{escape(match['code'])}</code>"
    target, _, label = match["link"].partition("|")
    if target.startswith(("@", "#", "!")):
        sign = "#" if target.startswith("#") else "@"
        return (
            f'<span class="mention">{sign}{escape((label or target[1:].removeprefix("subteam^")).lstrip("@#"))}</span>'
        )
    return _anchor(html.unescape(target), escape(label or target))


def _anchor(url: object, label: str, classes: str = "") -> str:
    address = safe_url(url)
    if address is None:
        return f'<span class="nowhere {classes}" title="not a web address">{label}</span>'
    return f'<a class="{classes}" href="{address}" rel="noreferrer noopener">{label}</a>'


def _styled(text: str) -> str:
    styled = escape(text)
    for pattern, replacement in _MARKS:
        styled = pattern.sub(replacement, styled)
    return _QUOTE.sub(r"<q>\1</q>", _with_signs(styled))


def _with_signs(escaped: str) -> str:
    shown = re.sub(r":([a-z0-9_+-]+):", lambda match: _EMOJI.get(match[1], match[0]), escaped)
    for sign, (kind, name, shape) in _SIGNS.items():
        drawn = f'<svg class="sign {kind}" viewBox="0 0 16 16" role="img" aria-label="{name}">{shape}</svg>'
        shown = shown.replace(sign, drawn)
    return shown


def _text(given: Any) -> str:
    if given["type"] == "mrkdwn":
        return render_mrkdwn(str(given["text"]))
    return _with_signs(escape(given["text"]))


def _header(block: Block) -> str:
    return f"<h3>{_text(block['text'])}</h3>"


def _section(block: Block) -> str:
    text = f"<p>{_text(block['text'])}</p>" if block.get("text") else ""
    fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields") or [])
    grid = f'<div class="fields">{fields}</div>' if fields else ""
    beside = _element(block["accessory"]) if block.get("accessory") else ""
    return f'<div class="section"><div class="said">{text}{grid}</div>{beside}</div>'


def _context(block: Block) -> str:
    elements = "".join(
        f"<span>{_image(element) if element['type'] == 'image' else _text(element)}</span>"
        for element in block["elements"]
    )
    return f'<div class="context">{elements}</div>'


def _actions(block: Block) -> str:
    return f'<div class="actions">{"".join(_element(element) for element in block["elements"])}</div>'


def _element(element: Block) -> str:
    if element["type"] == "image":
        return _image(element)
    if element["type"] != "button":
        return _unknown(element)
    style = element.get("style")
    classes = f"button {style}" if style in ("primary", "danger") else "button"
    return _anchor(element.get("url"), _text(element["text"]), classes)


def _image(block: Block) -> str:
    described = html.escape(str(block.get("alt_text", "")))
    title = f"<figcaption>{_text(block['title'])}</figcaption>" if block.get("title") else ""
    address = safe_url(block.get("image_url")) or _own_file(block.get("slack_file"))
    if address is None:
        return f'<figure>{title}<span class="nowhere">{described}</span></figure>'
    return f'<figure>{title}<img src="{address}" alt="{described}" loading="lazy"></figure>'


def _own_file(given: object) -> str | None:
    """Address of a file that was uploaded here, as a block names it."""
    file_id = given.get("id") if isinstance(given, dict) else None
    return f"/files/{file_id}" if re.fullmatch(r"F[0-9A-F]{16}", str(file_id)) else None


def _uploaded(file: Any) -> str | None:
    """Where the recorder serves a file that was uploaded to it."""
    file_id = file.get("id") if isinstance(file, dict) else None
    return f"/files/{file_id}" if re.fullmatch(r"F[0-9A-F]{16}", str(file_id)) else None


def _divider(_block: Block) -> str:
    return "<hr>"


def _unknown(block: Block) -> str:
    return f"<pre>{html.escape(json.dumps(block, indent=1, ensure_ascii=False))}</pre>"


_KINDS: Mapping[str, Callable[[Block], str]] = {
    "actions": _actions,
    "context": _context,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "section": _section,
}
