"""Redaction: texts of errors may carry what a browser must not be told."""

from __future__ import annotations

import os
import re

_USER_OF_URL = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|SQL_ALCHEMY_CONN|FERNET|PRIVATE")
_SHORTEST = 6
"""Values of fewer characters are no secrets, and may stand in any text."""


def redacted(text: str) -> str:
    """A text without the users and passwords of its URLs, and without any secret of this process's environment.

    Examples
    --------
    >>> redacted("No answer from http://key:secret@minio:9000/bucket.")
    'No answer from http://…@minio:9000/bucket.'
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET.search(name) and value in text:
            text = text.replace(value, "…")
    return _USER_OF_URL.sub("…@", text)
