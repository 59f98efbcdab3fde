"""Where a feature's page is: its name is text from data, and not every name can stand in a path."""

from __future__ import annotations

from urllib.parse import quote

_UNSAFE = frozenset("/\\%;")
"""Servers and proxies on the way read more into these than a name."""


def feature_path(model: str, column: str, night: str = "") -> str:
    """Path and query of a feature's page on a night, below the root; without a night it ends where one can follow.

    Examples
    --------
    >>> feature_path("flight_delay", "dep_delay", "2013-10-23")
    '/models/flight_delay/features/dep_delay?night=2013-10-23'
    >>> feature_path("flight_delay", "../x")
    '/models/flight_delay/features?column=..%2Fx&night='
    """
    page = f"/models/{quote(model, safe='')}/features"
    if not column or set(column) <= {"."} or _UNSAFE & set(column) or not column.isprintable():
        return f"{page}?column={quote(column, safe='')}&night={quote(night, safe='')}"
    return f"{page}/{quote(column, safe='')}?night={quote(night, safe='')}"
