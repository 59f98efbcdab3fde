"""What validating a night costs: CPU seconds and peak memory, whole process, imports included.

    python benchmarks/validation.py --rows 10000000 --columns 44

A night of Parquet is made in a temporary folder, a piece at a time, and validated in a process of
its own. Half the memory that a night takes would otherwise be what making it left behind.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

FILES = 4
PIECE = 250_000
"""Rows that are made at once; each is a row group."""
SHARE_OF_NUMBERS = 0.75
"""Of the features; the others are categories."""
NIGHT = "2026-11-22"
WORDS = [f"c{number:02d}" for number in range(30)]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--columns", type=int, default=44, help="id, score, label and model version among them")
    asked.add_argument("--ids", choices=("short", "uuid"), default="short")
    asked.add_argument("--broken", action="store_true", help="break every rule about a range, a set or a pattern")
    asked.add_argument("--labels", action="store_true", help="labels in files of their own, to be joined on the id")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.folder:
        print(json.dumps(measured(given.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), given)
        command = [sys.executable, __file__, "--folder", folder]
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = {"rows": given.rows, "columns": given.columns, **json.loads(ran.stdout)}
    print(json.dumps(found) if given.json else "\n".join(f"{name:>16}  {value}" for name, value in found.items()))


def measured(folder: Path) -> dict[str, Any]:
    """Validate the night in a folder, and say what this process has taken for it."""
    from nightproof.config import ModelConfig
    from nightproof.night import Night
    from nightproof.night_files import NightFiles
    from nightproof.validate import validate

    config = ModelConfig.model_validate_json((folder / "config.json").read_text("utf-8"))
    predictions, labels = (tuple(sorted(folder.glob(f"{role}-*.parquet"))) for role in ("predictions", "labels"))
    start = time.process_time()
    found = validate(config, Night.parse(NIGHT), NightFiles(predictions, labels), suites=folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "expectations": len(found.expectations),
        "kinds": len({each.type for each in found.expectations}),
        "outcome": found.outcome,
        "failed": dict(Counter(each.type for each in found.failed())),
        "cpu_s": round(time.process_time() - start, 2),
        "cpu_s_process": round(used.ru_utime + used.ru_stime, 2),
        # Kibibytes on Linux, bytes on macOS.
        "peak_rss_mib": round(used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)),
    }


def make(folder: Path, given: argparse.Namespace) -> None:
    """A night's files, its config and its suite."""
    numeric, categorical = _features(given.columns)
    config = {
        "model": "benchmark",
        "task": "binary",
        "data": {"predictions": "file:///p/", "reference": "file:///r/", "id": "id"},
        "columns": {
            "score": "score",
            "label": "label",
            "features": {"numeric": numeric, "categorical": categorical},
            "model_version": "model_version",
        },
        "validate": {"suite": "suite"},
    }
    if given.labels:
        config["data"]["labels"] = "file:///l/"
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    suite = {"name": "suite", "expectations": list(_suite(numeric, categorical, broken=given.broken))}
    (folder / "suite.json").write_text(json.dumps(suite), "utf-8")
    for file in range(FILES):
        first, last = (given.rows * edge // FILES for edge in (file, file + 1))
        _write(folder, file, range(first, last), given)


def _features(columns: int) -> tuple[list[str], list[str]]:
    features = max(2, columns - 4)
    numbers = round(features * SHARE_OF_NUMBERS)
    return [f"n{place:02d}" for place in range(numbers)], [f"k{place:02d}" for place in range(features - numbers)]


def _write(folder: Path, file: int, rows: range, given: argparse.Namespace) -> None:
    """One file a role, by pyarrow: it writes row group after row group."""
    import pyarrow.parquet as pq

    writers: dict[str, pq.ParquetWriter] = {}
    for start in range(rows.start, rows.stop, PIECE):
        piece = _piece(range(start, min(rows.stop, start + PIECE)), given)
        labels = piece.select("id", "label")
        roles = {"predictions": piece.drop("label"), "labels": labels} if given.labels else {"predictions": piece}
        for role, frame in roles.items():
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if role not in writers:
                writers[role] = pq.ParquetWriter(folder / f"{role}-{file}.parquet", table.schema)
            writers[role].write_table(table)
    for writer in writers.values():
        writer.close()


def _piece(rows: range, given: argparse.Namespace) -> pl.DataFrame:
    draw = np.random.default_rng(rows.start)
    numeric, categorical = _features(given.columns)
    numbers: dict[str, npt.NDArray[Any]] = {name: draw.normal(50, 10, len(rows)).round(3) for name in numeric}
    codes = {name: draw.integers(0, len(WORDS), len(rows)) for name in categorical}
    frame = pl.DataFrame({**numbers, "score": draw.random(len(rows)), "label": draw.integers(0, 2, len(rows))})
    words = pl.Series(WORDS)
    digits = pl.Series(np.arange(rows.start, rows.stop)).cast(pl.String).str.zfill(12)
    text = pl.format("0f8fad5b-d9cb-469f-a165-{}", digits)
    return frame.with_columns(
        *(words.gather(code).alias(name) for name, code in codes.items()),
        id=text if given.ids == "uuid" else digits,
        model_version=pl.lit("1"),
    ).select("id", *numeric, *categorical, "score", "label", "model_version")


def _suite(numeric: list[str], categorical: list[str], *, broken: bool) -> Any:
    """Some hundred expectations beside the contract's, of the kinds that suites are made of."""

    def rule(name: str, **kwargs: Any) -> dict[str, Any]:
        return {"type": f"expect_{name}", "kwargs": kwargs, "severity": "warning"}

    yield rule("table_row_count_to_be_between", min_value=1)
    yield rule("table_columns_to_match_set", column_set=["id", "score"], exact_match=False)
    yield rule("column_pair_values_a_to_be_greater_than_b", column_A=numeric[0], column_B=numeric[-1], mostly=0.01)
    yield rule("column_values_to_match_regex", column="id", regex=r"^[0-9a-z-]+$" if not broken else "^x")
    for place, name in enumerate(numeric):
        yield rule("column_values_to_be_between", column=name, min_value=-50 if not broken else 1000)
        yield rule("column_mean_to_be_between", column=name, min_value=40, max_value=60)
        if place % 3 == 0:
            yield rule("column_values_to_not_be_null", column=name, mostly=0.9)
        elif place % 3 == 1:
            ranges = {"quantiles": [0.1, 0.5, 0.9], "value_ranges": [[0, 100]] * 3}
            yield rule("column_quantile_values_to_be_between", column=name, quantile_ranges=ranges)
    for name in categorical:
        yield rule("column_values_to_be_in_set", column=name, value_set=WORDS if not broken else ["x"])
        yield rule("column_unique_value_count_to_be_between", column=name, max_value=len(WORDS))
        yield rule("column_values_to_match_regex", column=name, regex="^c[0-9]{2}$" if not broken else "^x")


if __name__ == "__main__":
    main()
