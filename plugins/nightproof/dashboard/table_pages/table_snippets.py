"""Snippets: the questions that people ask of the metrics table, as code that they can paste and run.

Each is complete: it opens the table by its own address and leaves what it found in ``answer``. Texts that come from
configs or storage are put in as literals of their language, never as they are. A test runs all of them but Spark's,
and Spark's SQL is DuckDB's but for the quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nightproof.dashboard.table_pages.table_questions import Question

Tool = Literal["duckdb", "polars", "pandas", "spark"]
_SLOT = re.compile(r"«(\w+)»")
TOOLS: dict[Tool, str] = {"duckdb": "DuckDB", "polars": "Polars", "pandas": "pandas", "spark": "Spark"}


@dataclass(frozen=True)
class Asked:
    """What is filled in.

    Parameters
    ----------
    table
        Where it lies.
    model, metric
        Of the questions that are about one.
    since
        First night of a year.
    lately
        First night of the last four weeks.
    """

    table: str
    model: str
    metric: str
    since: str
    lately: str


def snippet(question: Question, tool: Tool, asked: Asked) -> str:
    """The code of a question for a tool, filled in."""
    if tool in ("polars", "pandas"):
        text = _POLARS + question.polars if tool == "polars" else _PANDAS + question.pandas
        return _filled(text, asked)
    around, quote = (_DUCKDB, '"') if tool == "duckdb" else (_SPARK, "`")
    return _filled(around, asked, sql=_query(question.sql.replace('"', quote), asked))


def _query(text: str, asked: Asked) -> str:
    """SQL within a Python text of three quotes, where a backslash would begin an escape."""
    filled = _SLOT.sub(lambda slot: "'" + _value(slot[1], asked).replace("'", "''") + "'", text)
    safe = filled.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "\n".join(f"    {line}" for line in safe.strip().splitlines())


def _filled(text: str, asked: Asked, *, sql: str = "") -> str:
    """Python with its slots filled in, in one go: what is filled in is not looked at again."""

    def literal(slot: re.Match[str]) -> str:
        if slot[1] == "sql":
            return sql
        value = _value(slot[1], asked)
        if slot[1] in ("since", "lately"):
            year, month, day = value.split("-")
            return f"date({int(year)}, {int(month)}, {int(day)})"
        return repr(value)

    return _SLOT.sub(literal, text).strip() + "\n"


def _value(slot: str, asked: Asked) -> str:
    values = {"month": asked.since[:7], "lately_month": asked.lately[:7], "s3a": _hadoop(asked.table)}
    value = values[slot] if slot in values else str(getattr(asked, slot))
    # No name that a model, a metric or a bucket can have holds what a line of code cannot.
    return "".join(character for character in value if character.isprintable())


def _hadoop(url: str) -> str:
    """As Hadoop's file systems call it."""
    return f"s3a://{url.removeprefix('s3://')}" if url.startswith("s3://") else url


_DUCKDB = '''
import duckdb
from deltalake import DeltaTable

metrics = DeltaTable(«table»).to_pyarrow_dataset()
answer = duckdb.sql(
    """
«sql»
    """
)
print(answer)
'''
_SPARK = '''
# needs delta-spark and, for s3a://, hadoop-aws on the classpath
spark.read.format("delta").load(«s3a»).createOrReplaceTempView("metrics")
answer = spark.sql(
    """
«sql»
    """
)
answer.show(100, truncate=False)
'''
_POLARS = """
from datetime import date

import polars as pl

metrics = pl.scan_delta(«table»)
"""
_PANDAS = """
from datetime import date

from deltalake import DeltaTable

table = DeltaTable(«table»)
"""
