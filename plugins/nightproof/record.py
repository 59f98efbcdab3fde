"""What every published JSON object shares: strict on reading, the same bytes on every writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from nightproof.errors import RecordError


class Record(BaseModel):
    """Base of the nouns that are stored as JSON.

    Numbers that JSON cannot hold (NaN, infinities) are refused: what does not apply is null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed; what was computed of the old ones (``cached_property``) is not copied."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def to_bytes(self) -> bytes:
        """UTF-8 JSON, keys in a fixed order, ending in a newline; equal records give equal bytes."""
        return canonical(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, raw: bytes, *, name: str) -> Self:
        """Read a record.

        Raises
        ------
        RecordError
            If the bytes are not such a record; ``name`` says where they came from.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"]) or "the whole"
            raise RecordError(f"{name} is not a {cls.__name__}: {where}: {first['msg']}.") from error


def canonical(value: object) -> bytes:
    """Deterministic, readable JSON of plain data."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"
