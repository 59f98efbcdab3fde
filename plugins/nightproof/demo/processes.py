"""Servers that end with us: started in a session of their own, watched by a guard, found again later.

A :class:`Server` runs below ``nightproof.demo.guard``. The guard leads a new session, so Ctrl-C in the
terminal does not reach the server before we end it ourselves, and it holds the read end of a pipe: when
this process dies, however it dies, the pipe closes and the guard ends everything in its session. Should
the guard be killed too, its pid file lets the next start recognise the leftover (by pid *and* start time,
since pids are reused) and end it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from nightproof.errors import DemoError

LOOPBACK = "127.0.0.1"
_TICK_S = 0.05
_SAME_START_S = 2.0  # how far two readings of one process's start time may lie apart


@dataclass(frozen=True)
class Identity:
    """One process, told apart from a later one of the same pid by when it started."""

    pid: int
    started_s: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Identify a running process."""
        return cls(pid, float(psutil.Process(pid).create_time()))

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(float(process.create_time()) - self.started_s) < _SAME_START_S
            return same and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


class Server:
    """A program that runs below a guard for as long as we do.

    Parameters
    ----------
    pid_file
        Where the guard notes what runs; one server a file.
    grace_s
        Seconds between the polite signal and the one that cannot be ignored.
    """

    def __init__(self, pid_file: Path, *, grace_s: float) -> None:
        self.pid_file = pid_file
        self.grace_s = grace_s
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._guard is not None and self._guard.poll() is None

    def start(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        """End what an earlier start may have left, then run ``command``.

        Parameters
        ----------
        command
            Program and arguments.
        log
            File for what the program prints; written anew.
        environment
            All of the program's environment variables.
        stdout
            Such as :data:`subprocess.PIPE`, to read standard output instead of logging it.
        """
        end_leftover(self.pid_file, grace_s=self.grace_s)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        guard = [sys.executable, "-m", "nightproof.demo.guard", str(self.pid_file), str(self.grace_s)]
        with log.open("wb") as out:
            self._guard = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=out if stdout is None else stdout,
                stderr=out,
                env=dict(environment),
                start_new_session=True,
            )
        return self._guard

    def wait(self, timeout_s: float) -> int | None:
        """Wait until the program ends by itself; its exit code, or ``None`` if it takes longer."""
        assert self._guard is not None, "the server has not been started"
        try:
            return self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def begin_stop(self) -> None:
        """Ask the program to end, without waiting for it."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.close()  # the guard's sign to end its session

    def stop(self) -> None:
        """End the program and all that it started; a second call does nothing."""
        self.begin_stop()
        guard, self._guard = self._guard, None
        if guard is None:
            return
        try:
            guard.wait(self.grace_s + 10)
        except subprocess.TimeoutExpired:
            end_session(guard.pid, grace_s=0)
            guard.wait()
        if guard.stdout is not None:
            guard.stdout.close()


def note(pid_file: Path, pids: Iterable[int]) -> None:
    """Write down which processes of this session to recognise it by."""
    known = [vars(Identity.of(pid)) for pid in pids]
    pid_file.write_text(json.dumps({"session": os.getsid(0), "processes": known}))


def end_leftover(pid_file: Path, *, grace_s: float) -> bool:
    """End what a pid file names, if that is still what runs under those pids.

    Returns
    -------
    bool
        Whether something was ended.
    """
    try:
        noted = json.loads(pid_file.read_text())
        left = any(Identity(**known).is_alive() for known in noted["processes"])
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        left = False
    if left:
        end_session(noted["session"], grace_s=grace_s)
    pid_file.unlink(missing_ok=True)
    return left


def end_session(session: int, *, grace_s: float) -> None:
    """Ask every process of a session to end, then make it; the caller itself is spared."""
    _signal(members(session), signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while members(session) and time.monotonic() < deadline_s:
        time.sleep(_TICK_S)
    while left := members(session):
        _signal(left, signal.SIGKILL)
        time.sleep(_TICK_S)


def members(session: int) -> list[int]:
    """Pids of a session's live processes, ours left out."""
    return [pid for pid in psutil.pids() if pid != os.getpid() and _belongs(pid, session)]


def free_ports(count: int, *, offsets: Sequence[int] = (0,)) -> list[int]:
    """Find loopback ports nobody listens on.

    Parameters
    ----------
    count
        How many.
    offsets
        What to add to each port for all the ports that must be free with it.

    Raises
    ------
    DemoError
        If there are none to be found.
    """
    ports: list[int] = []
    for port in random.sample(range(20_000, 22_700), 2_700):  # below the range of outgoing connections
        if all(_is_free(port + offset) for offset in offsets):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise DemoError(f"No {count} free ports between 20000 and 22700 on {LOOPBACK}: end what listens there.")


def are_free(ports: Iterable[int]) -> bool:
    """Whether nobody listens on any of these loopback ports."""
    return all(_is_free(port) for port in ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _belongs(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
