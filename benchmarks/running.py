"""Running one row: said while it lasts, and ending nothing when it fails."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.measure import Failed
from benchmarks.row import Row


def run(name: str, measure: Callable[[Bench], Row], bench: Bench) -> Row:
    """A row, or one that says why it could not be measured."""
    began = time.monotonic()
    print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
    try:
        row = measure(bench)
    except Failed as error:
        row = Row(what=name, target="", found=f"failed: {error}", met=None)
    except Exception as error:  # noqa: BLE001  a fault in one row must not lose what others took minutes for
        traceback.print_exc()
        row = Row(what=name, target="", found=f"failed: {type(error).__name__}: {error}", met=None)
    print(f"{time.monotonic() - began:.0f} s: {row.found}", flush=True, file=sys.stderr)
    return row
