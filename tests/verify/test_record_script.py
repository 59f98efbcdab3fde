"""The script in `docs/record.md`: standard tools alone find what verifying finds."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from nightproof.manifest import PrunedFile, PruneNote
from nightproof.signatures import make_pair

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "record.md"
TOOLS = ("bash", "jq", "sha256sum", "openssl")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, published: Any) -> Run:
    """Run the document's script on a copy of the record in a folder."""
    [script] = re.findall(r"<!-- verify.sh.*?-->\n```bash\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (tmp_path / "verify.sh").write_text(script)
    public = tmp_path / "team.pub"
    public.write_bytes(_pem(published))

    def run(change: Mapping[str, bytes | None] | None = None, *arguments: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "quiet"
        shutil.rmtree(folder, ignore_errors=True)
        for name, raw in (dict(published.objects) | dict(change or {})).items():
            if raw is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(raw)
        command = ["bash", "verify.sh", "quiet", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def _pem(published: Any) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(published.key.key.keyval["public"]))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_what_was_published_is_whole(run: Run, published: Any) -> None:
    for arguments in ([], [str(published.head)], [str(published.head), "team.pub"], ["", "team.pub"]):
        ran = run(None, *arguments)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == f"whole: 6 entries, head {published.head}\n"


@pytest.mark.parametrize(
    "name", ["findings.json", "profile.parquet", "snapshot.json", "verdict.json", "manifest.json", "validation.json"]
)
def test_a_changed_or_missing_file_is_named(run: Run, published: Any, name: str) -> None:
    place = published.folder(2) + name
    for raw in (published.objects[place] + b" ", None):
        ran = run({place: raw})
        assert ran.returncode == 1
        assert f"BROKEN {place}: " in ran.stdout


def test_baselines_signatures_and_the_log_are_looked_at(run: Run, published: Any) -> None:
    baseline = next(name for name in published.objects if name.startswith("baselines/"))
    for place in (baseline, published.place(3), published.place(5), "signatures/000000002.json"):
        ran = run({place: published.objects[place].replace(b"1", b"2")}, "", "team.pub")
        assert ran.returncode == 1
        assert place in ran.stdout or published.place(4) in ran.stdout


def test_entries_in_another_order_are_found(run: Run, published: Any) -> None:
    one, other = published.place(1), published.place(2)
    ran = run({one: published.objects[other], other: published.objects[one]})
    assert ran.returncode == 1
    assert f"BROKEN {one}: re-ordered" in ran.stdout


def test_what_is_added_is_found(run: Run, published: Any) -> None:
    for place in (published.folder(0) + "x.json", "readme.txt", "2024-03-01/x.json", "signatures/x.json", "log/x.json"):
        ran = run({place: b"{}"})
        assert ran.returncode == 1
        assert "BROKEN" in ran.stdout and place in ran.stdout


def test_a_pinned_head_shows_an_end_that_was_cut_off(run: Run, published: Any) -> None:
    last = {name: None for name in published.objects if name.startswith(published.folder(5))}
    last |= {published.place(5): None, "signatures/000000005.json": None}
    assert run(last).returncode == 0
    ran = run(last, str(published.head))
    assert ran.returncode == 1
    assert f"does not contain the pinned head {published.head}" in ran.stdout


def test_another_key_did_not_sign(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.pub").write_bytes(make_pair()[1])
    ran = run(None, "", "other.pub")
    assert ran.returncode == 1
    assert "BROKEN signatures/000000000.json: forged" in ran.stdout
    assert run(None, "", "other.pub", "team.pub").returncode == 0


def test_an_entry_without_a_signature_is_found(run: Run) -> None:
    ran = run({"signatures/000000003.json": None})
    assert ran.returncode == 1
    assert "BROKEN signatures/000000003.json: unsigned" in ran.stdout


def test_a_note_of_retention_accounts_for_a_file(run: Run, published: Any) -> None:
    place, entry = published.folder(1) + "findings.json", published.entries[1]
    sha256 = hashlib.sha256(published.objects[place]).hexdigest()
    gone = PrunedFile(night=entry.night, evaluation_id=entry.evaluation_id, name="findings.json", sha256=sha256)
    note = PruneNote(
        number=0,
        parent_sha256=None,
        head_number=published.head.number,
        head_sha256=published.head.sha256,
        at="2026-01-01T00:00:00+00:00",
        rule="findings older than 400d",
        files=(gone,),
    )
    assert run({place: None, "pruned/000000000.json": note.to_bytes()}).returncode == 0
    other = note.model_copy(update={"head_sha256": 64 * "0"}).to_bytes()
    assert run({place: None, "pruned/000000000.json": other}).returncode == 1
