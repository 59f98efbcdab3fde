"""The dashboard in a process of its own, and whoever asks it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Failed
from benchmarks.ui.laying import Laid

LOOPBACK = "127.0.0.1"
START_S = 60.0


@dataclass(frozen=True)
class Answer:
    """One answer.

    Parameters
    ----------
    seconds
        From the request's first byte to the answer's last, by the clock.
    status
        HTTP's.
    body
        Unpacked.
    sent
        Bytes that went over the wire.
    """

    seconds: float
    status: int
    body: bytes
    sent: int


class Served:
    """A running dashboard.

    Parameters
    ----------
    process
        Its process.
    port
        Where it listens.
    began
        When the process was started.
    """

    def __init__(self, process: subprocess.Popen[str], port: int, began: float) -> None:
        self.process = process
        self.port = port
        self.began = began
        self.import_s = 0.0

    def get(self, path: str) -> Answer:
        """Ask for a path, as a browser does; raises ``Failed`` unless it is there."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=120)
        began = time.perf_counter()
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept": "text/html"})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        seconds = time.perf_counter() - began
        body = gzip.decompress(raw) if answer.headers.get("Content-Encoding") == "gzip" else raw
        if answer.status != 200:
            raise Failed(f"{path} answered {answer.status}: {body[:200]!r}")
        return Answer(seconds, answer.status, body, len(raw))

    def json(self, path: str) -> Any:
        """Ask the API."""
        return json.loads(self.get(f"/api/v1{path}").body)

    @property
    def rss_mib(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    @property
    def cpu_s(self) -> float:
        """CPU that the process has used."""
        import psutil

        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)


@contextmanager
def served(fleet: Laid) -> Iterator[Served]:
    """The dashboard alone over a fleet, as soon as it listens."""
    from nightproof.demo.processes import free_ports

    [port] = free_ports(1)
    command = [sys.executable, "-m", "benchmarks.ui.serving", str(fleet.configs), str(port), fleet.now.isoformat()]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = Served(process, port, began)
        if not (line := process.stdout.readline()):
            raise Failed("the dashboard did not start")
        found.import_s = json.loads(line)["import_s"]
        _wait(port, process)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection(LOOPBACK, port, timeout=1)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.01)
        else:
            return
        finally:
            connection.close()
    raise Failed("the dashboard did not listen")


def main() -> None:
    """Serve as `nightproof ui` does, with a clock that stands on the fleet's last morning."""
    configs, port, now = Path(sys.argv[1]), int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    began = time.perf_counter()
    import uvicorn
    from nightproof.dashboard.arenas import use_few_arenas
    from nightproof.dashboard.source import Source
    from nightproof.dashboard.standalone import create_standalone
    from nightproof.storage import open_store

    use_few_arenas()
    app = create_standalone(Source(open_store, models=configs), host=LOOPBACK, token=None)
    app.state.clock = lambda: now
    print(json.dumps({"import_s": time.perf_counter() - began}), flush=True)
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="warning")


if __name__ == "__main__":
    main()
