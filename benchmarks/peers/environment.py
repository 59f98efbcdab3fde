"""A peer's environment: made from `peers/NAME.txt`, kept below the bench's folder.

The pins come from `NAME.in`: `uv pip compile NAME.in --universal --python-version 3.11 --no-emit-index-url
--no-header --no-annotate -o NAME.txt`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Failed

PINS = Path(__file__).parent


def pinned(peer: str, package: str) -> str:
    """The version that a peer's pins name for a package."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", (PINS / f"{peer}.txt").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else "?"


def python_of(peer: str, folder: Path) -> Path:
    """The interpreter of a peer's environment, which is made if these pins have none yet.

    Raises
    ------
    Failed
        If it cannot be made; the message has the end of what uv said.
    """
    pins = PINS / f"{peer}.txt"
    place = folder / "peers" / f"{peer}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    python = place / "bin" / "python"
    if not (place / ".complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        uv = str(Path(sys.executable).parent / "uv")
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(place)])
        _run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(pins)])
        (place / ".complete").touch()
    return python


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise Failed(f"the environment cannot be made: {' / '.join(done.stderr.strip().splitlines()[-3:])}")
