"""A night's files, once they are on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class NightFiles:
    """Local Parquet files of one night; their names are content hashes.

    Parameters
    ----------
    predictions, labels
        Local copies. Without ``labels``, the label column is one of the predictions'.
    names
        Where each came from, such as ``s3://bucket/key``: what messages call it.
    lease
        What keeps the files in the cache; they stay as long as this is kept.
    """

    predictions: tuple[Path, ...]
    labels: tuple[Path, ...] = ()
    names: Mapping[Path, str] = field(default_factory=dict)
    lease: object = field(default=None, compare=False, repr=False)

    def name(self, path: Path) -> str:
        """What a message calls a file."""
        return self.names.get(path, path.name)
