"""A finding: one number of a night, with all that is needed to believe it or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from nightproof.errors import RecordError
from nightproof.record import Record, canonical
from nightproof.words import subject

Check = Literal["performance", "drift", "bias", "business"]
Status = Literal["ok", "watch", "regression", "insufficient_data"]
Interval = tuple[float, float]


class Finding(Record):
    """One metric of one segment through one window. What does not apply is null."""

    check: Check
    """The family that found it."""
    metric: str
    """Its name, such as `roc_auc`, `psi` or `impact_ratio`; in the business family as the config names it."""
    column: str | None
    """The feature that it is about, in the drift family; the score's column for score drift; the protected
    column, or pair (`sex and race`), of a parity in the bias family."""
    segment: dict[str, str]
    """The rows that it is about: values by column; empty for all rows."""
    window: int
    """Nights merged, the evaluated one last."""
    value: float | None
    interval: Interval | None
    """95 % confidence interval of the value."""
    baseline: float | None
    """The same metric on the baseline."""
    delta: float | None
    """Value less baseline."""
    delta_interval: Interval | None
    """95 % confidence interval of the delta."""
    tolerance: float | None
    """What it is held against: the largest harmful delta that is tolerated, or the limit of the value."""
    n: int
    """Rows that the value stands on."""
    detectable: float | None
    """The smallest harmful change that this much data would have shown with 80 % power."""
    p_value: float | None
    """Probability of evidence at least this strong of harm beyond the tolerance, were there none: of a series as the
    nights go by, through all windows and with how much nights differ; until it is decided, by this window's rows."""
    status: Status
    reason: str
    """One sentence."""
    reference: str = "baseline"
    """What it is compared with: `baseline`, `trailing 28 nights`, `previous version`."""

    @property
    def subject(self) -> str:
        """What it is about, in words: ``ROC AUC``, ``True-positive-rate gap where carrier is UA``."""
        return subject(self.metric, self.column, self.segment)


@dataclass(frozen=True)
class Findings:
    """A list of findings as one JSON file."""

    all: tuple[Finding, ...]

    def to_bytes(self) -> bytes:
        """A JSON list; equal findings give equal bytes."""
        return canonical([finding.model_dump(mode="json", exclude_defaults=True) for finding in self.all])

    @classmethod
    def from_bytes(cls, raw: bytes, *, name: str) -> Findings:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        RecordError
            If the bytes are not such a list; ``name`` says where they came from.
        """
        try:
            return cls(tuple(TypeAdapter(list[Finding]).validate_json(raw)))
        except ValidationError as error:
            raise RecordError(f"{name} is not a list of findings: {error.errors()[0]['msg']}.") from error
