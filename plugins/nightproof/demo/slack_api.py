"""The part of Slack's Web API that the recorder speaks, one function a method.

Answers have the shape of Slack's own; errors are ``{"ok": False, "error": "…"}`` with its names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nightproof.demo.slack_log import APP, Message, MessageLog

Arguments = dict[str, Any]
Answer = dict[str, Any]
TEAM = {"team": "Nightproof demo", "team_id": "T0NIGHTPROO"}
_JSON_ARGUMENTS = ("blocks", "attachments", "metadata", "files")
_MOST_BLOCKS = 50
_PAGE = 100


def answer(method: str, arguments: Mapping[str, Any], *, log: MessageLog, base_url: str) -> Answer:
    """Answer one call.

    Parameters
    ----------
    method
        Such as ``chat.postMessage``.
    arguments
        From a form, a query or a JSON body; values that Slack lets be JSON text are read.
    log
        What was said so far.
    base_url
        Where the recorder listens, for upload addresses.
    """
    try:
        read = {key: _read(key, value) for key, value in arguments.items()}
    except json.JSONDecodeError:
        return refuse("invalid_arguments")
    if method == "files.getUploadURLExternal":
        return _get_upload_url(log, base_url)
    if method not in METHODS:
        return refuse("unknown_method")
    return METHODS[method](log, read)


def refuse(error: str) -> Answer:
    """Make the body of an error."""
    return {"ok": False, "error": error}


def _test(_log: MessageLog, _arguments: Arguments) -> Answer:
    return {"ok": True, "url": "https://nightproof-demo.invalid/", "user": "nightproof", **TEAM, **_ids()}


def _ids() -> dict[str, str]:
    return {"user_id": APP["user"], "bot_id": APP["bot_id"]}


def _post_message(log: MessageLog, arguments: Arguments) -> Answer:
    if not arguments.get("channel"):
        return refuse("channel_not_found")
    if problem := _fault(arguments) or _unknown_file(log, arguments):
        return refuse(problem)
    posted = log.post(str(arguments["channel"]), {**arguments, "reply_broadcast": _flag(arguments, "reply_broadcast")})
    return {
        "ok": True,
        "channel": posted["channel"],
        "ts": posted["ts"],
        "message": _without_metadata(posted),
    }


def _fault(arguments: Arguments) -> str | None:
    blocks = arguments.get("blocks") or []
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS or not all(isinstance(b, dict) for b in blocks):
        return "invalid_blocks"
    if not (arguments.get("text") or blocks or arguments.get("attachments")):
        return "no_text"
    return None


def _unknown_file(log: MessageLog, arguments: Arguments) -> str | None:
    """Slack refuses a block that shows a file which it has not got."""
    files = [block.get("slack_file") for block in arguments.get("blocks") or [] if block.get("slack_file")]
    known = all(isinstance(file, dict) and log.has_file(str(file.get("id"))) for file in files)
    return None if known else "invalid_blocks"


def _update(log: MessageLog, arguments: Arguments) -> Answer:
    if problem := _fault(arguments):
        return refuse(problem)
    changed = log.update(str(arguments.get("channel")), str(arguments.get("ts")), arguments)
    if changed is None:
        return refuse("message_not_found")
    return {"ok": True, "channel": changed["channel"], "ts": changed["ts"], "text": changed.get("text", "")}


def _list_channels(log: MessageLog, _arguments: Arguments) -> Answer:
    flags = {"is_channel": True, "is_member": True, "is_archived": False, "is_private": False}
    channels = [{"id": channel, "name": name, **flags} for channel, name in log.channels.items()]
    return {"ok": True, "channels": channels, "response_metadata": {"next_cursor": ""}}


def _history(log: MessageLog, arguments: Arguments) -> Answer:
    """Newest first; replies only where they were also sent to the channel."""
    if str(arguments.get("channel")) not in log.channels:
        return refuse("channel_not_found")
    return _page([m for m in reversed(_in_channel(log, arguments)) if is_in_channel(m)], arguments)


def _replies(log: MessageLog, arguments: Arguments) -> Answer:
    """Read a thread, oldest first, its parent included."""
    root = arguments.get("ts")
    found = [m for m in _in_channel(log, arguments) if root in (m["ts"], m.get("thread_ts"))]
    return _page(found, arguments) if found else refuse("thread_not_found")


def is_in_channel(message: Message) -> bool:
    """Whether a message is seen in its channel, not only in a thread."""
    return message.get("thread_ts") in (None, message["ts"]) or bool(message.get("reply_broadcast"))


def _in_channel(log: MessageLog, arguments: Arguments) -> list[Message]:
    return [message for message in log.messages if message["channel"] == arguments.get("channel")]


def _page(messages: list[Message], arguments: Arguments) -> Answer:
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    inclusive = _flag(arguments, "inclusive")
    within = [m for m in messages if _is_between(float(m["ts"]), oldest, latest, inclusive=inclusive)]
    start = int(arguments.get("cursor") or 0)
    stop = start + max(1, min(int(arguments.get("limit") or _PAGE), 999))
    shown = [m if _flag(arguments, "include_all_metadata") else _without_metadata(m) for m in within[start:stop]]
    more = stop < len(within)
    cursor = {"next_cursor": str(stop) if more else ""}
    return {"ok": True, "messages": shown, "has_more": more, "response_metadata": cursor}


def _is_between(ts: float, oldest: float, latest: float, *, inclusive: bool) -> bool:
    return oldest < ts < latest or (inclusive and ts in (oldest, latest))


def _get_upload_url(log: MessageLog, base_url: str) -> Answer:
    file_id = log.new_file()
    return {"ok": True, "file_id": file_id, "upload_url": f"{base_url}/upload/{file_id}"}


def _complete_upload(log: MessageLog, arguments: Arguments) -> Answer:
    files = arguments.get("files") or []
    if not files or not all(log.file_path(str(file["id"])).is_file() for file in files):
        return refuse("file_not_found")
    for file in files:
        log.complete_file(str(file["id"]))
    told = [{"id": file["id"], "title": file.get("title") or file["id"]} for file in files]
    if channel := arguments.get("channel_id") or arguments.get("channels"):
        attached = [{"fallback": file["title"], "file": file} for file in told]
        text = arguments.get("initial_comment")
        log.post(str(channel), {"text": text, "attachments": attached, "thread_ts": arguments.get("thread_ts")})
    return {"ok": True, "files": told}


def _read(key: str, value: Any) -> Any:
    return json.loads(value) if key in _JSON_ARGUMENTS and isinstance(value, str) else value


def _flag(arguments: Arguments, key: str) -> bool:
    return str(arguments.get(key, "")).lower() in ("true", "1")


def _without_metadata(message: Message) -> Message:
    return {key: value for key, value in message.items() if key not in ("metadata", "channel_name")}


METHODS: Mapping[str, Callable[[MessageLog, Arguments], Answer]] = {
    "auth.test": _test,
    "chat.postMessage": _post_message,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.list": _list_channels,
    "conversations.replies": _replies,
    "files.completeUploadExternal": _complete_upload,
}
