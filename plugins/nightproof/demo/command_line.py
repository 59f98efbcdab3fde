"""The ``nightproof`` command as the demo's user would run it, tied to the life of the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from nightproof.demo.processes import Server
from nightproof.errors import DemoError


class CommandLine:
    """Runs ``nightproof`` commands one at a time.

    Parameters
    ----------
    folder
        For the log and the pid file.
    environment
        Added to ours: where S3 is, and its keys.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._log = folder / "command-line.log"
        self._server = Server(folder / "command-line.pid", grace_s=1.0)
        self._environment = {**os.environ, **environment}

    def lines(self, *arguments: str, fine: Container[int] = (0,)) -> Iterator[dict[str, Any]]:
        """Run a command with ``--json``, giving each line as it is printed.

        Parameters
        ----------
        arguments
            Of the command.
        fine
            Exit codes that it may end with.

        Raises
        ------
        DemoError
            If the command ends with another; the message ends with what it said.
        """
        yield from (json.loads(line) for line in self._output(*arguments, "--json", fine=fine))

    def run(self, *arguments: str) -> None:
        """Run a command to its end."""
        for _ in self._output(*arguments):
            pass

    def stop(self) -> None:
        """End a command that is under way."""
        self._server.stop()

    def _output(self, *arguments: str, fine: Container[int] = (0,)) -> Iterator[bytes]:
        command = [sys.executable, "-c", "from nightproof.cli import main; main()", *arguments]
        guard = self._server.start(command, log=self._log, environment=self._environment, stdout=subprocess.PIPE)
        assert guard.stdout is not None
        try:
            yield from guard.stdout
            code = guard.wait()
        finally:
            self._server.stop()
        if code not in fine:
            said = self._log.read_text("utf-8", "replace").strip().splitlines()[-12:]
            raise DemoError("\n".join([f"nightproof {' '.join(arguments)} failed (exit {code}):", *said]))
