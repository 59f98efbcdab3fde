"""Snippets: the questions that people ask of the metrics table, as code that they can paste and run.

Each is complete: it opens the table by its own address and leaves what it found in ``answer``. Texts that come from
configs or storage are put in as literals of their language, never as they are. A test runs all of them but Spark's,
and Spark's SQL is DuckDB's but for the quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class Question:
    """What somebody wants to know.

    Parameters
    ----------
    name
        As the page's address has it.
    title
        The question.
    about
        What the answer is, in a sentence.
    sql, polars, pandas
        The code, ``«name»`` where something is filled in and ``"name"`` around words that SQL keeps for itself.
    """

    name: str
    title: str
    about: str
    sql: str
    polars: str
    pandas: str


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

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="worst",
        title="Which models were worst on their last night?",
        about="A row a model, the one with most regressions on top; why is the first finding that regressed.",
        sql="""
SELECT model, night, status_of_night,
       count(*) FILTER (WHERE status = 'regression') AS regressions,
       count(*) FILTER (WHERE status = 'watch') AS watches,
       min_by(reason, ordinal) FILTER (WHERE status = 'regression') AS why
FROM (
    SELECT *, max(night) OVER (PARTITION BY model) AS last_night,
           max(log_number) OVER (PARTITION BY model, night) AS last_entry
    FROM metrics
    WHERE month >= «lately_month»
) AS lately
WHERE night = last_night AND log_number = last_entry
GROUP BY model, night, status_of_night
ORDER BY regressions DESC, watches DESC, model
""",
        polars="""
regressed = pl.col("status") == "regression"
answer = (
    metrics.filter(pl.col("month") >= «lately_month»)
    .filter(pl.col("night") == pl.col("night").max().over("model"))
    .filter(pl.col("log_number") == pl.col("log_number").max().over("model"))
    .sort("ordinal")
    .group_by("model", "night", "status_of_night")
    .agg(
        regressions=regressed.sum(),
        watches=(pl.col("status") == "watch").sum(),
        why=pl.col("reason").filter(regressed).first(),
    )
    .sort("regressions", "watches", "model", descending=[True, True, False])
    .collect()
)
print(answer)
""",
        pandas="""
lately = table.to_pandas(filters=[("month", ">=", «lately_month»)])
last = lately[lately["night"] == lately.groupby("model")["night"].transform("max")]
last = last[last["log_number"] == last.groupby("model")["log_number"].transform("max")].sort_values("ordinal")
last = last.assign(
    regressions=last["status"] == "regression",
    watches=last["status"] == "watch",
    why=last["reason"].where(last["status"] == "regression"),
)
answer = (
    last.groupby(["model", "night", "status_of_night"], as_index=False)
    .agg(regressions=("regressions", "sum"), watches=("watches", "sum"), why=("why", "first"))
    .sort_values(["regressions", "watches", "model"], ascending=[False, False, True])
)
print(answer)
""",
    ),
    Question(
        name="metric",
        title="How did one metric go over a year?",
        about="A row a night, as it is known now: each night's latest evaluation, with its interval.",
        sql="""
SELECT night, value, low, high, baseline, n, status
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «month» AND night >= DATE «since»
) AS nights
WHERE log_number = last_entry AND "check" = 'performance' AND metric = «metric»
      AND "column" IS NULL AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
ORDER BY night
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «month», pl.col("night") >= «since»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "performance",
        pl.col("metric") == «metric»,
        pl.col("column").is_null(),
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .sort("night")
    .select("night", "value", "low", "high", "baseline", "n", "status")
    .collect()
)
print(answer)
""",
        pandas="""
nights = table.to_pandas(filters=[("model", "=", «model»), ("month", ">=", «month»), ("night", ">=", «since»)])
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
whole = nights["column"].isna() & (nights["segment"] == "{}") & (nights["window"] == 1)
wanted = (nights["check"] == "performance") & (nights["metric"] == «metric»)
answer = nights[whole & wanted & (nights["reference"] == "baseline")].sort_values("night")
answer = answer[["night", "value", "low", "high", "baseline", "n", "status"]]
print(answer)
""",
    ),
    Question(
        name="drift",
        title="Which features drifted most over four weeks?",
        about="A row a feature by its distance from the baseline (PSI); moved counts nights worth a look.",
        sql="""
SELECT "column", avg(value) AS mean, max(value) AS most,
       count(*) FILTER (WHERE status IN ('watch', 'regression')) AS moved, count(*) AS nights
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «lately_month» AND night >= DATE «lately»
) AS nights
WHERE log_number = last_entry AND "check" = 'drift' AND metric = 'psi'
      AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
GROUP BY "column"
ORDER BY mean DESC, "column"
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «lately_month», pl.col("night") >= «lately»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "drift",
        pl.col("metric") == "psi",
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .group_by("column")
    .agg(
        mean=pl.col("value").mean(),
        most=pl.col("value").max(),
        moved=pl.col("status").is_in(["watch", "regression"]).sum(),
        nights=pl.len(),
    )
    .sort("mean", "column", descending=[True, False])
    .collect()
)
print(answer)
""",
        pandas="""
filters = [("model", "=", «model»), ("month", ">=", «lately_month»), ("night", ">=", «lately»)]
nights = table.to_pandas(filters=filters)
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
wanted = (nights["check"] == "drift") & (nights["metric"] == "psi") & (nights["segment"] == "{}")
drift = nights[wanted & (nights["window"] == 1) & (nights["reference"] == "baseline")]
drift = drift.assign(moved=drift["status"].isin(["watch", "regression"]))
answer = (
    drift.groupby("column", as_index=False)
    .agg(mean=("value", "mean"), most=("value", "max"), moved=("moved", "sum"), nights=("night", "size"))
    .sort_values(["mean", "column"], ascending=[False, True])
)
print(answer)
""",
    ),
    Question(
        name="groups",
        title="Which groups fared worst over four weeks?",
        about="A row a group by its least selection rate beside the reference group's; below 0.8 asks for a look.",
        sql="""
SELECT segment, min(value) AS least, avg(value) AS mean,
       count(*) FILTER (WHERE status = 'regression') AS regressions, count(*) AS nights
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «lately_month» AND night >= DATE «lately»
) AS nights
WHERE log_number = last_entry AND "check" = 'bias' AND metric = 'impact_ratio'
      AND "window" = 1 AND reference = 'baseline' AND value IS NOT NULL
GROUP BY segment
ORDER BY least, segment
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «lately_month», pl.col("night") >= «lately»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "bias",
        pl.col("metric") == "impact_ratio",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
        pl.col("value").is_not_null(),
    )
    .group_by("segment")
    .agg(
        least=pl.col("value").min(),
        mean=pl.col("value").mean(),
        regressions=(pl.col("status") == "regression").sum(),
        nights=pl.len(),
    )
    .sort("least", "segment")
    .collect()
)
print(answer)
""",
        pandas="""
filters = [("model", "=", «model»), ("month", ">=", «lately_month»), ("night", ">=", «lately»)]
nights = table.to_pandas(filters=filters)
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
wanted = (nights["check"] == "bias") & (nights["metric"] == "impact_ratio") & nights["value"].notna()
groups = nights[wanted & (nights["window"] == 1) & (nights["reference"] == "baseline")]
groups = groups.assign(regressed=groups["status"] == "regression")
answer = (
    groups.groupby("segment", as_index=False)
    .agg(least=("value", "min"), mean=("value", "mean"), regressions=("regressed", "sum"), nights=("night", "size"))
    .sort_values(["least", "segment"])
)
print(answer)
""",
    ),
    Question(
        name="revisions",
        title="What did late labels change?",
        about="The nights that were evaluated more than once: the metric by each evaluation, and by how much it moved.",
        sql="""
SELECT night, log_number, labels, n, value,
       value - lag(value) OVER (PARTITION BY night ORDER BY log_number) AS moved
FROM (
    SELECT *, count(*) OVER (PARTITION BY night) AS evaluations
    FROM metrics
    WHERE model = «model» AND month >= «month» AND night >= DATE «since»
          AND "check" = 'performance' AND metric = «metric» AND "column" IS NULL
          AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
) AS nights
WHERE evaluations > 1
ORDER BY night, log_number
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «month», pl.col("night") >= «since»)
    .filter(
        pl.col("check") == "performance",
        pl.col("metric") == «metric»,
        pl.col("column").is_null(),
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .filter(pl.len().over("night") > 1)
    .sort("night", "log_number")
    .with_columns(moved=pl.col("value") - pl.col("value").shift(1).over("night"))
    .select("night", "log_number", "labels", "n", "value", "moved")
    .collect()
)
print(answer)
""",
        pandas="""
nights = table.to_pandas(filters=[("model", "=", «model»), ("month", ">=", «month»), ("night", ">=", «since»)])
whole = nights["column"].isna() & (nights["segment"] == "{}") & (nights["window"] == 1)
wanted = (nights["check"] == "performance") & (nights["metric"] == «metric»)
known = nights[whole & wanted & (nights["reference"] == "baseline")]
known = known[known.groupby("night")["night"].transform("size") > 1].sort_values(["night", "log_number"])
answer = known.assign(moved=known.groupby("night")["value"].diff())
answer = answer[["night", "log_number", "labels", "n", "value", "moved"]]
print(answer)
""",
    ),
)
