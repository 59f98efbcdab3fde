"""Run a program and end it, with all that it started, when whoever started us is gone.

``python -m nightproof.demo.guard PID_FILE GRACE_S PROGRAM [ARGUMENT ...]`` reads standard input until it
closes, which happens however the parent ends. Only :mod:`nightproof.demo.processes` calls this.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from nightproof.demo.processes import end_session, note


def main(pid_file: Path, grace_s: float, command: list[str]) -> int:
    """Guard one program; the result is its exit code."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    note(pid_file, [os.getpid(), program.pid])
    for wait in (lambda: os.read(0, 1), program.wait):
        threading.Thread(target=_then, args=(wait, over), daemon=True).start()
    over.wait()
    end_session(os.getsid(0), grace_s=grace_s)
    pid_file.unlink(missing_ok=True)
    code = program.wait()
    return code if code >= 0 else 128 - code


def _then(wait: object, over: threading.Event) -> None:
    assert callable(wait)
    wait()
    over.set()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
