"""Values as text, the same whether their writer kept whole numbers as integers or as floats."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

import polars as pl


def segment_text(segment: Mapping[str, str]) -> str:
    """A segment as the text that facts are keyed by."""
    return json.dumps(dict(segment), ensure_ascii=False, separators=(",", ":"))


def value_text(name: str, schema: pl.Schema) -> pl.Expr:
    """A column as text."""
    kind = schema.get(name)
    return number_text(pl.col(name)) if kind is not None and kind.is_float() else pl.col(name).cast(pl.String)


def number_text(value: pl.Expr) -> pl.Expr:
    """Numbers as text, whole ones without a decimal point; not-a-number is null."""
    whole = value.cast(pl.Int64, strict=False)
    return pl.when(whole == value).then(whole.cast(pl.String)).otherwise(value.fill_nan(None).cast(pl.String))


def range_texts(edges: Sequence[float]) -> list[str]:
    """Names of the ranges that rising inner edges cut numbers into, one more than there are edges."""
    shown = _digits(edges)
    between = [f"over {low} to {high}" for low, high in pairwise(shown)]
    return [f"up to {shown[0]}", *between, f"over {shown[-1]}"]


def _digits(edges: Sequence[float]) -> list[str]:
    texts = [f"{edge:g}" for edge in edges]
    for digits in range(7, 18):  # as few as keep the ranges apart
        if len(set(texts)) == len(edges):
            break
        texts = [f"{edge:.{digits}g}" for edge in edges]
    return texts
