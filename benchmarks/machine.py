"""The machine and the versions that a table was made with. Standard library only."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("polars", "pyarrow", "numpy", "scipy", "evidently", "great-expectations")


def machine() -> str:
    """Processor, cores, memory, system and Python, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def versions() -> str:
    """Versions of Nightproof, with a hash of its source, and of the libraries that its numbers hang on."""
    from nightproof.evaluation import code_version

    return f"nightproof {code_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
