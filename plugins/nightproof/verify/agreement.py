"""Whether an evaluation's files say what its manifest says of them; only a deep look reads them."""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.errors import RecordError
from nightproof.manifest import Manifest
from nightproof.snapshot import Snapshot
from nightproof.verdict import Verdict
from nightproof.verify.dossiers import Dossiers
from nightproof.verify.links import Links
from nightproof.verify.reader import Reader
from nightproof.verify.verification import Breach


def walk_agreement(dossiers: Dossiers, links: Links, reader: Reader) -> list[Breach]:
    """Hold snapshots and verdicts against their manifests: hashes alone do not tell a consistent lie."""
    asked = [
        (number, f"{links.entries[number].night}/{links.entries[number].evaluation_id}/{name}")
        for number, manifest in dossiers.manifests.items()
        for name in ("snapshot.json", "verdict.json")
        if name in manifest.files
    ]
    breaches = []
    for (number, name), (_, raw) in zip(asked, reader.each(name for _, name in asked), strict=True):
        if raw is None:
            continue  # told as a missing file
        try:
            for part, expected, said in _parts(name, raw, dossiers.manifests[number]):
                if said != expected:
                    meaning = "The file is another's, or it was changed before it was published."
                    wanted = f"{part} {expected} as in the manifest"
                    breaches.append(Breach("replayed", name, number, wanted, f"{part} {said}", meaning))
        except RecordError as error:
            meaning = "The file was changed."
            breaches.append(Breach("changed", name, number, "a record", f"something else: {error}", meaning))
    return breaches


def _parts(name: str, raw: bytes, manifest: Manifest) -> Iterator[tuple[str, object, object]]:
    if name.endswith("snapshot.json"):
        snapshot = Snapshot.from_bytes(raw, name=name)
        yield "model", manifest.model, snapshot.model
        yield "night", manifest.night, snapshot.night
        yield "known_at", manifest.known_at, snapshot.listed_at
        yield "labels", manifest.labels, snapshot.labels
    else:
        verdict = Verdict.from_bytes(raw, name=name)
        yield "night", manifest.night, verdict.night
        yield "status", manifest.status, verdict.status
