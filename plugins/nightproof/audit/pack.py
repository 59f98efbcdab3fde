"""The pack: what goes into the bundle, and what it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from nightproof.audit.bundle import bundle
from nightproof.audit.card import Card, make_card
from nightproof.audit.incidents import Life, lives
from nightproof.audit.page import card_html, card_markdown, documents, index_html
from nightproof.audit.period import Period, read_period
from nightproof.audit.tables import FINDING, NIGHT, csv_bytes, findings_table, night_rows, parquet_bytes
from nightproof.config import ModelConfig
from nightproof.results import ModelResults


@dataclass(frozen=True)
class Pack:
    """A bundle, and what is in it.

    Parameters
    ----------
    content
        The zip.
    name
        Of its one folder, and of the file without `.zip`.
    files
        Sizes by name.
    """

    content: bytes
    name: str
    period: Period
    lives: tuple[Life, ...]
    files: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For machines: what the pack says in short."""
        head = self.period.head
        return {
            "model": self.period.config.model,
            "from": str(self.period.first),
            "to": str(self.period.last),
            "nights": len(self.period.nights),
            "evaluated": len(self.period.latest),
            "missing": self.period.missing,
            "evaluations": len(self.period.evaluated),
            "incidents": len(self.lives),
            "whole": not self.period.problems,
            "problems": list(self.period.problems),
            "head": f"{head[0]}:{head[1]}" if head else None,
            "files": len(self.files),
            "bytes": len(self.content),
        }


def make_pack(config: ModelConfig, results: ModelResults, *, first: date, last: date) -> Pack:
    """Read a period of the record and pack it; nothing but the record is asked for.

    Parameters
    ----------
    first, last
        Nights, both included.

    Raises
    ------
    NightError
        If the record has no night of the period.
    StoreError
        If object storage fails.
    """
    period = read_period(config, results, first=first, last=last)
    told = tuple(lives(period, results))
    card = make_card(period, told) if period.latest else None
    files = {
        "index.html": index_html(period, told, card),
        **_card_files(card),
        **_tables(period, told),
        **documents(),
        **_record(period),
    }
    name = f"{config.model}-audit-{first}-to-{last}"
    content = bundle(files, folder=name)
    return Pack(content, name, period, told, {each: len(raw) for each, raw in sorted(files.items())})


def _card_files(card: Card | None) -> dict[str, bytes]:
    if card is None:
        return {}
    return {
        "model_card.md": card_markdown(card).encode(),
        "model_card.html": card_html(card),
        "model_card.json": json_bytes(card.to_json()),
    }


def _tables(period: Period, told: tuple[Life, ...]) -> dict[str, bytes]:
    nights = [[row[name] for name in NIGHT] for row in night_rows(period)]
    findings = findings_table(period.evaluated)
    return {
        "nights.csv": csv_bytes(NIGHT, nights),
        "findings.csv": csv_bytes(FINDING, findings.iter_rows()),
        "findings.parquet": parquet_bytes(findings),
        "incidents.json": json_bytes([life.to_json() for life in told]),
    }


def _record(period: Period) -> dict[str, bytes]:
    """Objects as they are stored, so that their hashes are those of the record."""
    found = {f"record/{name}": raw for name, raw in period.beside.items()}
    for evaluated in period.evaluated:
        found |= {f"record/{evaluated.folder}{name}": raw for name, raw in evaluated.stored.items()}
    return found


def json_bytes(value: object) -> bytes:
    """JSON in UTF-8, keys in order."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
