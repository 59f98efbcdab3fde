"""Names in braces that a config's texts may hold, and nothing else that braces can do in Python.

``str.format`` reads attributes and items of what it is given; a config is untrusted text, so only
bare names from a fixed list are taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

NAMES = ("title", "text", "model", "night", "incident", "event")
_JINJA = re.compile(r"\{(?=[{%#])")


def refuse_unknown(value: Any) -> None:
    """Raise ``ValueError`` unless all braces in a value's texts hold one of :data:`NAMES`."""
    for text in _texts(value):
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"braces must be closed, and doubled where they are meant as such ({error})") from error
        for _, name, spec, conversion in parts:
            if name is not None and (name not in NAMES or spec or conversion):
                allowed = ", ".join("{" + known + "}" for known in NAMES)
                raise ValueError(f"texts may hold {allowed}, and nothing else in braces")


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """The same value with its texts filled in.

    What Airflow would read as a Jinja template in the outcome is broken up by a space: some of it
    is data (a segment's name, say), and data must not be run.

    Parameters
    ----------
    value
        Plain data, as a config's YAML gives it; it has passed :func:`refuse_unknown`.
    values
        By each of :data:`NAMES`.

    Examples
    --------
    >>> told = dict.fromkeys(NAMES, "") | {"title": "Regression", "text": "{{ var.value.key }}"}
    >>> fill({"summary": "{title}: {text}", "urgent": True}, told)
    {'summary': 'Regression: { { var.value.key }}', 'urgent': True}
    """
    if isinstance(value, str):
        return _JINJA.sub("{ ", value.format_map({name: str(values[name]) for name in NAMES}))
    if isinstance(value, Mapping):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, values) for item in value]
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []
