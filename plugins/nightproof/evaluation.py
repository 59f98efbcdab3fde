"""An evaluation: everything that one night's run came to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from nightproof import __version__
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.night import Night
from nightproof.profiles import Profile, ProfileSpec
from nightproof.snapshot import PinnedObject, Snapshot
from nightproof.validation import Validation
from nightproof.verdict import Verdict

BESIDE = {
    "alert",
    "audit",
    "board",
    "chart",
    "chart_layout",
    "cli",
    "cli_alerts",
    "cli_audit",
    "cli_board",
    "cli_chain",
    "cli_holdout",
    "cli_policy",
    "cli_reproduce",
    "cli_revise",
    "cli_roots",
    "cli_table",
    "cli_ui",
    "clock",
    "dashboard",
    "demo",
    "holdout",
    "holdout_section",
    "message",
    "mute",
    "operators",
    "policy",
    "projections",
    "prune",
    "record_sections",
    "reproduce",
    "results_root",
    "revise",
    "signatures",
    "storing",
    "table",
    "tell",
    "trend",
    "verify",
}
"""Parts of the package that no result depends on."""


@dataclass(frozen=True)
class Baseline:
    """What a night is compared with: a stored profile, and where it came from."""

    id: str
    """Hash of the reference's content and of what the config makes of it."""
    spec: ProfileSpec
    profile: Profile
    origin: tuple[PinnedObject, ...]


@dataclass(frozen=True)
class Evaluation:
    """All of a night's results.

    Parameters
    ----------
    id
        Names the evaluation; see :func:`evaluation_id`.
    profile, baseline
        ``None`` on a quarantined night: nothing was computed on its rows.
    findings
        Worst first; empty on a quarantined night.
    """

    config: ModelConfig
    night: Night
    id: str
    snapshot: Snapshot
    validation: Validation
    profile: Profile | None
    baseline: Baseline | None
    findings: tuple[Finding, ...]
    verdict: Verdict


@cache
def code_version() -> str:
    """The package's version and a hash of its source, such as ``0.1.0+3f2a9c01d2ee``.

    Two checkouts with the same source agree, whatever their paths. What only tells of results, or
    only calls the steps, is left out: it cannot change one.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0].removesuffix(".py") not in BESIDE:
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"


def evaluation_id(
    snapshot: Snapshot, config: ModelConfig, *, suite: str, left_out: Sequence[str] = (), after: str = ""
) -> str:
    """Name of the evaluation of these inputs: the same inputs, the same name.

    Parameters
    ----------
    snapshot
        The pinned data, reference included.
    config
        By its fingerprint.
    suite
        Text of the Great Expectations suite, or empty.
    left_out
        Steps that the caller left out: such a record is another record.
    after
        The evaluation that it takes the place of, where the same data was evaluated before that one: labels
        that were corrected and put back.

    Returns
    -------
    str
        16 hexadecimal digits of a SHA-256.
    """
    parts = [" ".join(found) for found in snapshot.content]
    parts += [
        snapshot.model,
        snapshot.night,
        snapshot.labels,
        config.fingerprint,
        suite,
        code_version(),
        *sorted(left_out),
    ]
    parts += [f"after {after}"] if after else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def environment() -> dict[str, str]:
    """Versions of the libraries that can change a number."""
    names = ("evidently", "great-expectations", "numpy", "polars", "pyarrow", "scipy")
    return {"nightproof": code_version(), **{name: version(name) for name in names}}
