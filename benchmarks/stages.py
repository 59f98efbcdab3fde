"""The stages of a process, each with its CPU and wall seconds. Standard library only."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def cpu_s() -> float:
    """User and system seconds of this process, of all its threads, and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(found.ru_utime + found.ru_stime for found in used)


@dataclass
class Stages:
    """What each stage took, in the order in which they began.

    Parameters
    ----------
    cpu_s, wall_s
        Seconds by the stage's name; a stage that comes again is added to.
    """

    cpu_s: dict[str, float] = field(default_factory=dict)
    wall_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure what is done within."""
        began_cpu, began = cpu_s(), time.perf_counter()
        yield
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + cpu_s() - began_cpu
        self.wall_s[name] = self.wall_s.get(name, 0.0) + time.perf_counter() - began


def pause(stages: Stages, *, seconds: float) -> float:
    """Do nothing for a while: what a measurement costs by itself."""
    with stages("pause"):
        time.sleep(seconds)
    return seconds
