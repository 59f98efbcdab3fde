"""The dashboard by itself, on a loopback port, in a thread of this process."""

from __future__ import annotations

import threading
import time
from typing import Self

import uvicorn
from fastapi import FastAPI
from nightproof.demo.processes import LOOPBACK, free_ports

_PATIENCE_S = 20


class Alone:
    """A server of one application.

    Parameters
    ----------
    app
        The dashboard.
    """

    def __init__(self, app: FastAPI) -> None:
        self.port = free_ports(1)[0]
        self._server = uvicorn.Server(
            uvicorn.Config(app, host=LOOPBACK, port=self.port, log_level="warning", ws="none", lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        """Its root, without a slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        deadline_s = time.monotonic() + _PATIENCE_S
        while not self._server.started:
            assert time.monotonic() < deadline_s and self._thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_PATIENCE_S)
