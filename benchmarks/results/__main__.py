"""`make bench-results`: run the rows on a real S3 server, print the table, and write it into `docs/benchmarks.md`."""

from __future__ import annotations

import sys

from benchmarks.part import Part
from benchmarks.results import crashes, fleet, rebuilding, reproducing, storing, tampering, verifying

PART = Part(
    "results",
    {
        "publish": storing.row,
        "fleet": fleet.row,
        "crashes": crashes.row,
        "verify": verifying.row,
        "tamper": tampering.row,
        "rebuild": rebuilding.row,
        "reproduce": reproducing.row,
    },
)

if __name__ == "__main__":
    sys.exit(PART.main(about=__doc__))
