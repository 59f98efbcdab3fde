"""Decoding alone: the floor that profiling is measured against."""

from __future__ import annotations

from benchmarks.stages import Stages


def by_pyarrow(stages: Stages, *, files: list[str], columns: list[str]) -> int:
    """Decode batch by batch, and let each batch go."""
    with stages("import"):
        import pyarrow.parquet as pq
    rows = 0
    with stages("decode"):
        for file in files:
            with pq.ParquetFile(file) as opened:
                # One thread: with more, the same work takes more CPU, and the floor would be higher.
                batches = opened.iter_batches(columns=columns, use_threads=False)
                rows += sum(batch.num_rows for batch in batches)
    return rows


def by_polars(stages: Stages, *, files: list[str], columns: list[str]) -> int:
    """Decode with polars' streaming engine: the sum of each column, of its lengths where it is text."""
    with stages("import"):
        import polars as pl
    with stages("decode"):
        rows = pl.scan_parquet(files).select(columns)
        # A count, or the last value, need not decode the values; a sum must.
        sums = [
            (pl.col(name).str.len_bytes() if kind == pl.String else pl.col(name)).sum()
            for name, kind in rows.collect_schema().items()
        ]
        return int(rows.select(*sums, pl.len().alias("rows")).collect(engine="streaming")["rows"][0])
