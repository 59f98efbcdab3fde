"""Every error that Nightproof raises on purpose.

::

    NightproofError
    ├── ConfigError            a model's YAML is wrong; carries every fault found in it
    ├── NightError             a night that cannot be: not a date, or not over yet
    ├── DataError              the night's data cannot be evaluated
    │   └── PartitionMissing   no object where the config says there should be some
    ├── StoreError             object storage did not do what was asked
    │   ├── ObjectMissing      no object of that key (or version)
    │   ├── ObjectExists       a conditional create found the key taken
    │   ├── ObjectChanged      the object is no longer the one that was pinned
    │   │   └── StillWritten   the night's objects went on changing while they were brought
    │   ├── BucketMissing      no such bucket, or no such folder
    │   ├── AccessRefused      the credentials are wrong, missing or too weak
    │   ├── TableError         the metrics table cannot be read or written
    │   └── StoreUnavailable   no answer, or 5xx, after all retries
    ├── CacheError             this machine's cache cannot hold or keep what it is given
    ├── EngineError            a cluster could not be reached, or ended the work
    ├── RecordError            a published record contradicts itself
    ├── SigningError           a key is missing or is none, or an envelope cannot be read
    ├── AlertError             Slack did not take the message
    │   └── SlackUnavailable   no answer, or 5xx, after all tries: no channel can be told anything
    └── DemoError              the demo cannot go on on this machine

Each message says what is wrong, where, and what to do about it; none carries a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class NightproofError(Exception):
    """Base of all errors raised on purpose."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a config file.

    Parameters
    ----------
    line
        1-based line in the file; ``None`` when the file as a whole is meant.
    key
        Dotted path of the key, for example ``checks.bias.tpr_gap``; empty for the whole file.
    value
        The offending value as text, or ``None`` where a key is missing.
    problem
        What is wrong and what is allowed, one sentence.
    hint
        The nearest allowed name, where one is near.
    """

    line: int | None
    key: str
    value: str | None
    problem: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        key = f"{self.key}: " if self.key else ""
        value = f" (found {self.value})" if self.value is not None else ""
        hint = f" Did you mean {self.hint!r}?" if self.hint else ""
        return f"{where}{key}{self.problem}{value}.{hint}"


class ConfigError(NightproofError):
    """A config file is wrong.

    Parameters
    ----------
    path
        The file, as the user named it.
    faults
        Every fault found, in the order of the file's lines.
    """

    def __init__(self, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = sorted(faults, key=lambda fault: (fault.line or 0, fault.key))
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n".join(f"  {path}: {fault}" for fault in self.faults)
        super().__init__(f"{path} has {count}:\n{lines}")


class NightError(NightproofError):
    """A night that cannot be: not a date, or not over yet."""


class DataError(NightproofError):
    """The night's data cannot be evaluated."""


class PartitionMissing(DataError):
    """No object where the config says that there should be some."""


class StoreError(NightproofError):
    """Object storage did not do what was asked."""


class ObjectMissing(StoreError):
    """No object of that key, or no such version of it."""


class ObjectExists(StoreError):
    """A conditional create found the key taken."""


class ObjectChanged(StoreError):
    """The object is no longer the one that was pinned."""


class StillWritten(ObjectChanged):
    """The night's objects went on changing while they were brought."""


class BucketMissing(StoreError):
    """No such bucket, or no such folder."""


class AccessRefused(StoreError):
    """The credentials are wrong, missing or too weak."""


class TableError(StoreError):
    """The metrics table cannot be read or written."""


class StoreUnavailable(StoreError):
    """No answer, or a server error, after all retries."""


class CacheError(NightproofError):
    """The cache of this machine cannot hold or keep what it is given."""


class EngineError(NightproofError):
    """A cluster could not be reached, or ended the work."""


class RecordError(NightproofError):
    """A published record contradicts itself."""


class SigningError(NightproofError):
    """A key is missing or is none, or a signature's envelope cannot be read."""


class AlertError(NightproofError):
    """Slack, or a notifier, did not take the message."""


class SlackUnavailable(AlertError):
    """No answer from Slack, or a server error, after all tries."""


class DemoError(NightproofError):
    """The demo cannot go on on this machine."""
