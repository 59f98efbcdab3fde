"""The recorder's page: every message as its readers would have seen it, and what this page is."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from nightproof.demo.slack_api import is_in_channel
from nightproof.demo.slack_blocks import render_blocks, render_mrkdwn
from nightproof.demo.slack_log import Message

NOTICE = "This is a local recorder that speaks Slack's API; nothing was sent to Slack."
_MARK = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" class="mark-ground"/>'
    '<path class="mark-moon" d="M20.5 19.8A8.2 8.2 0 0 1 12.2 8.4a8.6 8.6 0 1 0 11.4 9.7 8 8 0 0 1-3 1.7z"/>'
    '<path d="M17.5 11.5l2.6 2.6 5-5.2" class="mark-check"/></svg>'
)


def render_page(messages: list[Message], channels: Mapping[str, str]) -> str:
    """Render the whole page.

    Parameters
    ----------
    messages
        In the order they were posted.
    channels
        Names by channel id.
    """
    used = [channel for channel in channels if any(m["channel"] == channel for m in messages)]
    sections = "".join(_channel(channels[channel], channel, messages) for channel in used)
    count = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>What Slack was told · Nightproof</title>
<link rel="stylesheet" href="/page.css">
<link rel="icon" href="data:,">
<script src="/page.js" defer></script>
</head>
<body>
<p class="notice" role="note"><strong>Recorder</strong> <span>{html.escape(NOTICE)}</span></p>
<header class="top">
<span class="mark">{_MARK}</span>
<div><h1>What Slack was told</h1>
<p>Every message, as its channel would have seen it.</p></div>
<p class="count" role="status" id="count">{count}</p>
</header>
<main id="messages">{sections or _empty()}</main>
<footer><a href="/messages.json">Raw messages (JSON)</a></footer>
</body>
</html>
"""


def _empty() -> str:
    return (
        '<div class="empty"><h2>All quiet</h2><p>Nobody has posted yet. '
        "A message appears here as soon as a night needs one.</p></div>"
    )


def _channel(name: str, channel: str, messages: list[Message]) -> str:
    here = [message for message in messages if message["channel"] == channel]
    roots = [message for message in here if message.get("thread_ts") in (None, message["ts"])]
    threads = "".join(_thread(root, here) for root in reversed(roots))
    return (
        f'<section class="channel" aria-label="Channel {html.escape(name)}">'
        f'<h2><span aria-hidden="true">#</span> {html.escape(name)}</h2>{threads}</section>'
    )


def _thread(root: Message, here: list[Message]) -> str:
    replies = [m for m in here if m.get("thread_ts") == root["ts"] and m["ts"] != root["ts"]]
    count = f"{len(replies)} repl{'y' if len(replies) == 1 else 'ies'}"
    told = "".join(f"<li>{_message(reply)}</li>" for reply in replies)
    below = f'<p class="count-replies">{count}</p><ol class="replies">{told}</ol>' if replies else ""
    return f'<div class="thread">{_message(root)}{below}</div>'


def _message(message: Message) -> str:
    moment = datetime.fromtimestamp(float(message["ts"]), UTC)
    shown = moment.strftime("%-d %b %Y, %H:%M:%S UTC")
    edited = ' <span class="note">(edited)</span>' if message.get("edited") else ""
    is_broadcast = message.get("thread_ts") and is_in_channel(message)
    broadcast = ' <span class="note">also sent to the channel</span>' if is_broadcast else ""
    sender = html.escape(str(message.get("username") or "Nightproof"))
    return (
        f'<article id="m{html.escape(message["ts"])}"><span class="mark" aria-hidden="true">{_MARK}</span>'
        f'<div class="body"><p class="who"><strong>{sender}</strong> <span class="app">APP</span> '
        f'<time datetime="{moment.isoformat()}">{shown}</time>{edited}{broadcast}</p>'
        f"{_content(message)}{_metadata(message)}</div></article>"
    )


def _content(message: Message) -> str:
    blocks = message.get("blocks")
    said = render_blocks(blocks) if blocks else f"<p>{render_mrkdwn(str(message.get('text', '')))}</p>"
    return said + "".join(_attachment(attachment) for attachment in message.get("attachments") or [])


def _attachment(attachment: Message) -> str:
    if file := attachment.get("file"):
        title, file_id = html.escape(str(file["title"])), html.escape(str(file["id"]))
        return f'<p class="file">File: <a href="/files/{file_id}" download="{title}">{title}</a></p>'
    blocks = attachment.get("blocks") or []
    text = render_mrkdwn(str(attachment.get("text") or attachment.get("fallback") or ""))
    return f"<blockquote>{render_blocks(blocks) if blocks else f'<p>{text}</p>'}</blockquote>"


def _metadata(message: Message) -> str:
    if not (metadata := message.get("metadata")):
        return ""
    told = html.escape(json.dumps(metadata, indent=1, ensure_ascii=False))
    return f'<details class="metadata"><summary>Metadata for machines</summary><pre>{told}</pre></details>'
