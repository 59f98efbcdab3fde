"""What failed validation, expectation by expectation."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.message.blocks import listed, plain
from nightproof.validation import Expectation

SHOWN = 6


def expectations(failed: Sequence[Expectation]) -> str:
    """The expectations that did not hold, with counts and keys to look rows up with."""
    return listed([_expectation(found) for found in failed], most=SHOWN, more="more in the Data Docs")


def _expectation(found: Expectation) -> str:
    where = f" of `{plain(found.column)}`" if found.column else ""
    text = f"• `{plain(found.type)}`{where}: {plain(_found(found), 300)}"
    if not found.example_keys:
        return text
    return f"{text}\n    for example {', '.join(f'`{plain(key, 40)}`' for key in found.example_keys)}"


def _found(found: Expectation) -> str:
    if not found.unexpected_count:
        return found.observed or "not met"
    share = f" ({found.unexpected_percent:.1f} %)" if found.unexpected_percent is not None else ""
    observed = f", {found.observed}" if found.observed else ""
    return f"{found.unexpected_count:,} rows{share}{observed}"
