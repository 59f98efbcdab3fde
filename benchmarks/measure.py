"""A measurement: one child process, its CPU and its peak memory, as the kernel counted them."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_S = 1800.0
"""A child that takes longer is ended, and its row says so."""
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONWARNINGS": "ignore"}
"""No telemetry from anybody, and no warnings to read."""


class Failed(Exception):
    """A measured process ended badly; the message has the end of what it said."""


@dataclass(frozen=True)
class Measured:
    """What one process took.

    Parameters
    ----------
    cpu_s
        User and system seconds of the process and of its children, imports included.
    peak_mib
        Peak resident set of the largest of them.
    stages
        CPU seconds of what is within, by name.
    stages_wall_s
        The same by the clock on the wall.
    said
        What the function returned.
    """

    cpu_s: float
    peak_mib: float
    stages: Mapping[str, float]
    stages_wall_s: Mapping[str, float]
    said: Any


def measure(function: str, *, python: Path | None = None, **arguments: Any) -> Measured:
    """Run ``module:function`` of the benchmarks in a process of its own.

    Parameters
    ----------
    function
        As :mod:`benchmarks.child` takes it.
    python
        The interpreter; this one's by default.
    arguments
        JSON, paths as text.

    Raises
    ------
    Failed
        If it ends with anything but 0, is ended by its time limit, or prints no result.
    """
    printed, used = run([str(python or sys.executable), "-m", "benchmarks.child", function, json.dumps(arguments)])
    last = result(printed)
    return Measured(
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mib=peak_mib(used),
        stages=last["cpu_s"],
        stages_wall_s=last["wall_s"],
        said=last["said"],
    )


def result(printed: str) -> dict[str, Any]:
    """The last line of what was printed, which is an object of JSON.

    Raises
    ------
    Failed
        If it is anything else.
    """
    last = printed.splitlines()[-1]
    try:
        found = json.loads(last)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failed(f"a result was expected, and not {last[:200]!r}")
    return found


def run(command: list[str]) -> tuple[str, resource.struct_rusage]:
    """Run a command; what it printed, and what it and its children used.

    Raises
    ------
    Failed
        If it ends with anything but 0, is ended by its time limit, or prints nothing.
    """
    # The kernel hands a parent's peak memory on to a child, so this process imports nothing large.
    with tempfile.TemporaryFile("w+") as complaints:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | QUIET,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
        printed, used = _finish(child)
        if child.returncode or not printed:
            complaints.seek(0)
            last_words = " / ".join(complaints.read().strip().splitlines()[-2:])
            raise Failed(f"{' '.join(command[2:4])} ended with {child.returncode}: {last_words or 'no word'}")
    return printed, used


def peak_mib(used: resource.struct_rusage) -> float:
    """Peak resident set of the largest process, in MiB."""
    return used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _finish(child: subprocess.Popen[str]) -> tuple[str, resource.struct_rusage]:
    late = threading.Timer(MOST_S, _end, [child.pid])
    late.start()
    try:
        assert child.stdout is not None
        with child.stdout:
            printed = child.stdout.read().strip()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        _end(child.pid)
        raise
    finally:
        late.cancel()
    return printed, used


@dataclass(frozen=True)
class Runs:
    """Several measurements of the same; every number is their median."""

    all: tuple[Measured, ...]

    def __len__(self) -> int:
        return len(self.all)

    def median(self, of: Callable[[Measured], float]) -> float:
        """The median of one number."""
        return statistics.median(of(run) for run in self.all)

    def stage_s(self, *names: str) -> float:
        """CPU seconds of some stages together."""
        return self.median(lambda run: sum(run.stages[name] for name in names))

    def stage_wall_s(self, *names: str) -> float:
        """Seconds of some stages together, by the clock on the wall."""
        return self.median(lambda run: sum(run.stages_wall_s[name] for name in names))

    @property
    def work_s(self) -> float:
        """CPU seconds of all stages but ``import``."""
        return self.stage_s(*self.stages)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the whole process."""
        return self.median(lambda run: run.cpu_s)

    @property
    def peak_mib(self) -> float:
        """Peak memory of the whole process."""
        return self.median(lambda run: run.peak_mib)

    @property
    def stages(self) -> list[str]:
        """Names of all stages but ``import``, in order."""
        return [name for name in self.all[0].stages if name != "import"]

    @property
    def said(self) -> Any:
        """What the first of them returned."""
        return self.all[0].said


def repeat(runs: int, function: str, *, python: Path | None = None, **arguments: Any) -> Runs:
    """Measure so many times, one after another."""
    return Runs(tuple(measure(function, python=python, **arguments) for _ in range(runs)))


def _end(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
