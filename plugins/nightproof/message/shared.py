"""The message to the owner of an upstream source whose columns broke several models on one night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nightproof.message.blocks import (
    Message,
    context,
    header,
    heading,
    link,
    listed,
    message,
    plain,
    section,
)
from nightproof.words import counted

SHOWN = 12


def compose_shared(
    source: str,
    owner: str,
    night: str,
    columns: Sequence[str],
    models: Sequence[str],
    *,
    faults: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> Message:
    """One message for one cause, however many models it broke.

    Parameters
    ----------
    source, owner
        The source, and who answers for it.
    night
        On which it broke.
    columns
        Its columns that are broken.
    models
        Those that read them, and opened an incident because of it.
    faults
        What is wrong with a column, as a clause such as ``is missing in 31.0 % of rows``, by column.
    links
        Where to look, by model.
    """
    broken, broke = counted(len(columns), "column"), counted(len(models), "model")
    shown = heading("⛔", f"Broken source: {source}, {night}")
    claim = f"{broken} of {plain(source)} broke {broke} on the same night"
    told = [f"• `{plain(column)}` {plain((faults or {}).get(column, ''), 200)}".rstrip() for column in columns]
    hit = [f"• {link((links or {}).get(model), plain(model))}" for model in models]
    blocks = [
        header(shown),
        section(f"*{claim}*\nMend it there once, and all of them are well again."),
        section(f"*What is broken*\n{listed(told, most=SHOWN, more='more columns')}"),
        section(f"*Who is hit*\n{listed(hit, most=SHOWN, more='more models')}"),
        context(f"owner *{plain(owner)}*   ·   each model's own message is in its own channel"),
    ]
    named = ", ".join(plain(model, 40) for model in models[:3]) + (" …" if len(models) > 3 else "")
    return message(shown, f"{claim}: {named}.", blocks)
