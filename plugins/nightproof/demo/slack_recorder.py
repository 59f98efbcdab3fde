"""A local server that speaks Slack's Web API and shows on a page what it was told.

In a test, in this process::

    with SlackRecorder(folder, script=[429, 500, "ok"]) as slack:
        slack.client().chat_postMessage(channel="#ml", text="…")
        slack.messages

In the demo, on its own: ``python -m nightproof.demo.slack_recorder --folder D --port P``, with the token
in ``SLACK_BOT_TOKEN``. Nothing is ever sent to Slack.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import re
import threading
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from slack_sdk import WebClient

from nightproof.demo.processes import LOOPBACK
from nightproof.demo.slack_api import answer, refuse
from nightproof.demo.slack_log import Message, MessageLog
from nightproof.demo.slack_page import render_page

TOKEN = "xoxb-local-recorder"
Reply = int | Literal["ok", "dropped", "posted_500", "posted_dropped"]
"""How to treat a call of chat.postMessage: refuse it with that HTTP status, take it, drop the connection;
or take the message and *then* answer 500 or drop the connection, so that the answer is lost."""

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ASSETS = {"/page.css": ("slack_page.css", "text/css"), "/page.js": ("slack_page.js", "text/javascript")}
_HOSTS = (LOOPBACK, "localhost")
_MOST_BYTES = 50_000_000
_PNG = b"\x89PNG\r\n\x1a\n"


class SlackRecorder:
    """The recorder in this process, on a thread of its own.

    Parameters
    ----------
    folder
        Where messages and files are kept; what is there already is shown.
    token
        The only bearer token that is let in.
    script
        How to treat the next calls of ``chat.postMessage``, in order; after them, all are taken.
    port
        0 for any free one.
    channels
        Names of channels that exist before anybody posts to them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        token: str = TOKEN,
        script: Iterable[Reply] = (),
        port: int = 0,
        channels: Iterable[str] = ("ml-network",),
    ) -> None:
        self.token = token
        self.script = deque(script)
        self.down = False
        """Whether every request is answered with 503, as in an outage."""
        self.failing: dict[str, int] = {}
        """The HTTP status that a method (or `upload`, the raw one) is refused with."""
        self.refuses_files = False
        """Whether messages that show an uploaded file are refused, as before Slack has looked at it."""
        self.calls: list[str] = []
        self.log = MessageLog(folder, channels=channels)
        self._wanted_port = port
        self._http: _Listener | None = None

    @property
    def page_url(self) -> str:
        """The page that shows all messages."""
        assert self._http is not None, "the recorder has not been started"
        return f"http://{LOOPBACK}:{self._http.server_port}"

    @property
    def base_url(self) -> str:
        """What ``slack_sdk.WebClient`` and an Airflow connection call ``base_url``."""
        return f"{self.page_url}/api/"

    @property
    def messages(self) -> list[Message]:
        """All messages, in the order they were posted."""
        return self.log.messages

    def client(self, **options: Any) -> WebClient:
        """Make a client with the right token."""
        return WebClient(token=self.token, base_url=self.base_url, **options)

    def start(self) -> Self:
        """Listen on loopback."""
        self._http = _Listener((LOOPBACK, self._wanted_port), self)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening; messages stay in the folder."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], recorder: SlackRecorder) -> None:
        self.recorder = recorder
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    server_version = "NightproofSlackRecorder"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page, its parts, files, and those API methods that clients read by GET."""
        path = urlsplit(self.path).path
        recorder = self.server.recorder
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in _HOSTS:
            self._send(421, b"ask for 127.0.0.1", "text/plain")
        elif path.startswith("/api/"):
            self._answer(path.removeprefix("/api/"), dict(parse_qsl(urlsplit(self.path).query)))
        elif path == "/":
            page = render_page(recorder.messages, recorder.log.channels)
            self._send(200, page.encode(), "text/html; charset=utf-8")
        elif path == "/messages.json":
            self._send(200, json.dumps(recorder.messages).encode(), "application/json")
        elif path in _ASSETS:
            name, kind = _ASSETS[path]
            self._send(200, resources.files(__package__).joinpath(name).read_bytes(), kind)
        elif (match := re.fullmatch(r"/files/(F[0-9A-F]{16})", path)) and recorder.log.file_path(match[1]).is_file():
            content = recorder.log.file_path(match[1]).read_bytes()
            # Anybody may have uploaded anything: only what is a picture is shown as one.
            self._send(200, content, "image/png" if content.startswith(_PNG) else "application/octet-stream")
        else:
            self._send(404, b"not here", "text/plain")

    def do_POST(self) -> None:
        """Take an API call, or the bytes of a file."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MOST_BYTES:
            self.close_connection = True
            self._send(413, b"too large", "text/plain")
            return
        body = self.rfile.read(length)
        path = urlsplit(self.path).path
        if path.startswith("/api/"):
            self._answer(path.removeprefix("/api/"), self._arguments(body))
        elif match := re.fullmatch(r"/upload/(F[0-9A-F]{16})", path):
            self._take_file(match[1], body)
        else:
            self._send(404, b"not here", "text/plain")

    def _take_file(self, file_id: str, body: bytes) -> None:
        recorder = self.server.recorder
        recorder.calls.append("upload")
        if recorder.down or "upload" in recorder.failing:
            self._send(recorder.failing.get("upload", 503), b"not now", "text/plain")
            return
        recorder.log.file_path(file_id).write_bytes(body)
        self._send(200, f"OK - {len(body)}".encode(), "text/plain")

    def log_message(self, *_: Any) -> None:
        """Say nothing: the page says it all."""

    def _arguments(self, body: bytes) -> dict[str, Any]:
        if "json" not in (self.headers.get("Content-Type") or ""):
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            read = json.loads(body or b"{}")
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def _answer(self, method: str, arguments: dict[str, Any]) -> None:
        recorder = self.server.recorder
        recorder.calls.append(method)
        if recorder.down or method in recorder.failing:
            self._send_json(recorder.failing.get(method, 503), refuse("service_unavailable"))
            return
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or str(arguments.get("token"))
        if not hmac.compare_digest(given.encode(), recorder.token.encode()):
            self._send_json(200, refuse("invalid_auth"))
            return
        scripted = recorder.script.popleft() if method == "chat.postMessage" and recorder.script else "ok"
        if isinstance(scripted, int):
            self._send_json(scripted, refuse("ratelimited" if scripted == 429 else "internal_error"))
            return
        if recorder.refuses_files and "slack_file" in str(arguments.get("blocks")):
            self._send_json(200, refuse("invalid_blocks"))
            return
        body = {} if scripted == "dropped" else answer(method, arguments, log=recorder.log, base_url=recorder.page_url)
        if scripted.endswith("dropped"):
            self.close_connection = True
        elif scripted == "posted_500":
            self._send_json(500, refuse("internal_error"))
        else:
            self._send_json(200, body)

    def _send_json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), "application/json; charset=utf-8")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **_PAGE_HEADERS}
        if status == 429:
            headers["Retry-After"] = "1"
        if kind == "application/octet-stream":
            headers["Content-Disposition"] = "attachment"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main() -> None:
    """Run until ended."""
    parser = argparse.ArgumentParser(description="Speak Slack's API on this machine and show what was said.")
    parser.add_argument("--folder", type=Path, required=True, help="where messages are kept")
    parser.add_argument("--port", type=int, required=True, help="where to listen on 127.0.0.1")
    given = parser.parse_args()
    token = os.environ.get("SLACK_BOT_TOKEN") or TOKEN
    with SlackRecorder(given.folder, token=token, port=given.port) as recorder:
        print(f"listening on {recorder.page_url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
