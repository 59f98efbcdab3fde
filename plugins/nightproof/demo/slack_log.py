"""What was said in Slack, as the recorder remembers it: one JSON line a message, or a new version of one."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
_SHARED = (
    "text",
    "blocks",
    "attachments",
    "metadata",
    "thread_ts",
    "reply_broadcast",
    "username",
    "icon_emoji",
)
APP = {"user": "U0NIGHTPROO", "bot_id": "B0NIGHTPROO", "app_id": "A0NIGHTPROO"}


class MessageLog:
    """Messages and files in a folder; safe to use from many threads, read again after a restart.

    Parameters
    ----------
    folder
        Made if missing.
    channels
        Names of channels that exist before anybody posts to them.
    """

    def __init__(self, folder: Path, *, channels: Iterable[str] = ()) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._messages: dict[tuple[str, str], Message] = {}
        self._channels: dict[str, str] = {}
        self._last_us = 0
        (folder / "files").mkdir(parents=True, exist_ok=True)
        for name in channels:
            self.channel_id(name)
        self._read_back()

    @property
    def messages(self) -> list[Message]:
        """All messages in the order they were posted, each in its latest version."""
        with self._lock:
            return sorted(self._messages.values(), key=lambda message: message["ts"])

    @property
    def channels(self) -> dict[str, str]:
        """Names by channel id."""
        return dict(self._channels)

    def channel_id(self, channel: str) -> str:
        """Find the id of a channel given by id or name; a new name becomes a channel."""
        if channel in self._channels:
            return channel
        name = channel.removeprefix("#")
        made = "C" + hashlib.sha256(name.encode()).hexdigest()[:10].upper()
        self._channels[made] = name
        return made

    def post(self, channel: str, content: Message) -> Message:
        """Add a message; its ``ts`` is later than any before."""
        where = self.channel_id(channel)
        with self._lock:
            shared = {key: content[key] for key in _SHARED if content.get(key)}
            head = {"type": "message", "ts": self._next_ts(), "channel": where}
            return self._keep({**head, "channel_name": self._channels[where], **APP, **shared})

    def update(self, channel: str, ts: str, content: Message) -> Message | None:
        """Replace what a message says; ``None`` if there is no such message."""
        with self._lock:
            message = self._messages.get((self.channel_id(channel), ts))
            if message is None:
                return None
            said = {key: value for key, value in content.items() if key in _SHARED}
            return self._keep({**message, **said, "edited": {"user": APP["user"], "ts": self._next_ts()}})

    def new_file(self) -> str:
        """Name a file that is going to be uploaded; nobody can guess the name."""
        return "F" + secrets.token_hex(8).upper()

    def file_path(self, file_id: str) -> Path:
        """Where an uploaded file lies."""
        return self.folder / "files" / file_id

    def complete_file(self, file_id: str) -> None:
        """Say that a file's upload is complete: from now on messages may show it."""
        (self.folder / "files" / f"{file_id}.complete").touch()

    def has_file(self, file_id: str) -> bool:
        """Whether messages may show a file."""
        return re.fullmatch(r"F[0-9A-F]{16}", file_id) is not None and self.file_path(f"{file_id}.complete").is_file()

    def _keep(self, message: Message) -> Message:
        self._messages[message["channel"], message["ts"]] = message
        with (self.folder / "messages.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(message) + "\n")
        return message

    def _next_ts(self) -> str:
        self._last_us = max(self._last_us + 1, time.time_ns() // 1000)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def _read_back(self) -> None:
        path = self.folder / "messages.jsonl"
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            try:
                message = json.loads(line)
            except json.JSONDecodeError:  # the last line of a recorder that was killed
                continue
            self._messages[message["channel"], message["ts"]] = message
            self._channels[message["channel"]] = message["channel_name"]
            self._last_us = max(self._last_us, int(message["ts"].replace(".", "")))
