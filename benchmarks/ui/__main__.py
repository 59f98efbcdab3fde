"""`make bench-ui`: run the rows over a made-up fleet on a real S3 server, and write them into `docs/benchmarks.md`."""

from __future__ import annotations

import sys

from benchmarks.part import Part
from benchmarks.ui import fleet, fresh, memory, model, starting

PART = Part(
    "ui",
    {"fleet": fleet.row, "model": model.row, "start": starting.row, "memory": memory.row, "fresh": fresh.row},
)

if __name__ == "__main__":
    sys.exit(PART.main(about=__doc__))
