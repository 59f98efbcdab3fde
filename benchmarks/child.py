"""The child process that is measured: `python -m benchmarks.child MODULE:FUNCTION ARGUMENTS`.

ARGUMENTS is a JSON object. The function is given :class:`~benchmarks.stages.Stages` and the arguments, and
what it returns is printed with the stages as one line of JSON, the last. Standard library only, so that it
runs in a peer's environment as well.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.stages import Stages


def main() -> None:
    """Run one function and print what it said."""
    module, _, name = sys.argv[1].partition(":")
    stages = Stages()
    said = getattr(importlib.import_module(module), name)(stages, **json.loads(sys.argv[2]))
    print(json.dumps({"said": said, "cpu_s": stages.cpu_s, "wall_s": stages.wall_s}), flush=True)


if __name__ == "__main__":
    main()
